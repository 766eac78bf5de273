import type { Language } from '../../base/languages.ts';
import { chooseLanguage } from '../../xapi/languages.ts';
import { verbs } from '../../xapi/verbs.ts';
import type { Activity, Actor, LanguageMap, Statement, SubStatement } from '../../xapi/types.ts';

const inMap = (map: LanguageMap | undefined, language: Language): string | undefined => {
  if (!map) return undefined;
  const tag = chooseLanguage(Object.keys(map), language === 'en' ? 'en' : 'zh-TW, zh-Hant;q=0.9, zh;q=0.8');
  return tag === undefined ? undefined : map[tag];
};

/** What the usual verbs are called, for Statements that do not say. */
const known = new Map(Object.values(verbs).map(({ id, display }) => [id, display]));

const nameOfActor = (actor: Actor): string =>
  actor.name ??
  actor.account?.name ??
  actor.mbox?.replace(/^mailto:/, '') ??
  actor.openid ??
  actor.mbox_sha1sum ??
  `(${(actor as { member?: unknown[] }).member?.length ?? 0})`;

const lastPart = (iri: string): string => iri.split(/[/#]/).filter(Boolean).at(-1) ?? iri;

const nameOfObject = (object: Statement['object'], language: Language): string => {
  switch (object.objectType) {
    case 'Agent':
    case 'Group':
      return nameOfActor(object);
    case 'StatementRef':
      return object.id;
    case 'SubStatement':
      return `「${sentenceOf(object, language)}」`;
    default:
      return inMap((object as Activity).definition?.name, language) ?? (object as Activity).id;
  }
};

/** A Statement as people read it: who did what to which, with the score where there is one. */
export function sentenceOf(statement: Statement | SubStatement, language: Language): string {
  const display = statement.verb.display ?? known.get(statement.verb.id);
  const verb = inMap(display, language) ?? lastPart(statement.verb.id);
  const { score } = statement.result ?? {};
  const points = score?.raw ?? (score?.scaled === undefined ? undefined : Math.round(score.scaled * 100));
  const parts = [nameOfActor(statement.actor), verb, nameOfObject(statement.object, language)];
  return `${parts.join(' ')}${points === undefined ? '' : language === 'en' ? ` (${points})` : `（${points}）`}`;
}
