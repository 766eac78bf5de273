import { isGroup } from './actor.ts';
import type { JsonObject } from './check.ts';
import { chooseLanguage } from './languages.ts';
import { parseExact } from './json.ts';

/** How GET Statements gives them back (1.0.3 Communication 2.1.3): as they are, identifiers only, one language. */
export type Format = 'exact' | 'ids' | 'canonical';

const ifis = ['mbox', 'mbox_sha1sum', 'openid', 'account'] as const;
const each = (value: unknown): JsonObject[] =>
  Array.isArray(value) ? (value as JsonObject[]) : value === undefined ? [] : [value as JsonObject];

/** Where a part of the Statement stands and what takes its place: the rest keeps its exact text. */
type Replacements = Map<string, string>;

function idsOfActor(actor: JsonObject): JsonObject {
  const kept: JsonObject = {};
  if (actor['objectType'] !== undefined) kept['objectType'] = actor['objectType'];
  const ifi = ifis.find((key) => actor[key] !== undefined);
  if (ifi) kept[ifi] = actor[ifi];
  if (isGroup(actor) && !ifi && actor['member'] !== undefined)
    kept['member'] = each(actor['member']).map(idsOfActor);
  return kept;
}

const idsOfActivity = (activity: JsonObject): JsonObject => ({ id: activity['id'] });

const oneLanguage = (map: unknown, accept: string | undefined): JsonObject => {
  const tags = Object.keys(map as JsonObject);
  const tag = chooseLanguage(tags, accept);
  return tag === undefined ? {} : { [tag]: (map as JsonObject)[tag] };
};

/**
 * One Statement's text in the format. `definitionOf` gives the LRS's own definition of an Activity as JSON text
 * (canonical only); null: the Statement's own is used. Extensions, numbers and whatever the format does not speak of
 * keep their exact text.
 */
export function inFormat(
  text: string,
  format: Format,
  accept: string | undefined,
  definitionOf: (activityId: string) => string | null,
): string {
  if (format === 'exact') return text;
  const replacements: Replacements = new Map();
  const cut = (path: string, value: unknown): void => void replacements.set(path, JSON.stringify(value));

  const actor = (value: unknown, path: string): void => {
    if (typeof value === 'object' && value !== null && format === 'ids')
      cut(path, idsOfActor(value as JsonObject));
  };
  const activity = (value: JsonObject, path: string): void => {
    if (format === 'ids') return cut(path, idsOfActivity(value));
    const kept = definitionOf(value['id'] as string);
    const own = value['definition'] as JsonObject | undefined;
    if (kept !== null) {
      const definition = oneLanguageDefinition(kept, accept);
      const head =
        value['objectType'] === undefined ? '' : `"objectType":${JSON.stringify(value['objectType'])},`;
      replacements.set(path, `{${head}"id":${JSON.stringify(value['id'])},"definition":${definition}}`);
    } else if (own) languagesOfDefinition(own, `${path}/definition`, accept, cut);
  };
  const part = (value: JsonObject, path: string): void => {
    actor(value['actor'], `${path}actor`);
    const verb = value['verb'] as JsonObject;
    if (format === 'ids') cut(`${path}verb`, { id: verb['id'] });
    else if (verb['display'] !== undefined) cut(`${path}verb/display`, oneLanguage(verb['display'], accept));
    const object = value['object'] as JsonObject;
    const type = object['objectType'];
    if (type === undefined || type === 'Activity') activity(object, `${path}object`);
    else if (type === 'Agent' || type === 'Group') actor(object, `${path}object`);
    else if (type === 'SubStatement') part(object, `${path}object/`);
    const context = value['context'] as JsonObject | undefined;
    if (context) {
      actor(context['instructor'], `${path}context/instructor`);
      actor(context['team'], `${path}context/team`);
      for (const [list, key] of [
        ['contextAgents', 'agent'],
        ['contextGroups', 'group'],
      ] as const)
        each(context[list]).forEach((item, at) => actor(item[key], `${path}context/${list}/${at}/${key}`));
      for (const [kind, list] of Object.entries((context['contextActivities'] ?? {}) as JsonObject))
        each(list).forEach((item, at) => activity(item, `${path}context/contextActivities/${kind}/${at}`));
    }
    if (format === 'canonical')
      each(value['attachments']).forEach((attachment, at) => {
        for (const key of ['display', 'description'])
          if (attachment[key] !== undefined)
            cut(`${path}attachments/${at}/${key}`, oneLanguage(attachment[key], accept));
      });
  };
  const statement = JSON.parse(text) as JsonObject;
  part(statement, '');
  if (format === 'ids') actor(statement['authority'], 'authority');
  return replace(text, replacements);
}

function languagesOfDefinition(
  definition: JsonObject,
  path: string,
  accept: string | undefined,
  cut: (path: string, value: unknown) => void,
): void {
  for (const key of ['name', 'description'])
    if (definition[key] !== undefined) cut(`${path}/${key}`, oneLanguage(definition[key], accept));
  for (const list of ['choices', 'scale', 'source', 'target', 'steps'])
    each(definition[list]).forEach((component, at) => {
      if (component['description'] !== undefined)
        cut(`${path}/${list}/${at}/description`, oneLanguage(component['description'], accept));
    });
}

/** A definition's text with one language in each of its language maps. */
export function oneLanguageDefinition(definition: string, accept: string | undefined): string {
  const replacements: Replacements = new Map();
  languagesOfDefinition(JSON.parse(definition) as JsonObject, '', accept, (path, value) =>
    replacements.set(path.slice(1), JSON.stringify(value)),
  );
  return replace(definition, replacements);
}

function replace(text: string, replacements: Replacements): string {
  if (replacements.size === 0) return text;
  const edits: { start: number; end: number; by: string }[] = [];
  parseExact(text, (path, span) => {
    const by = replacements.get(path.join('/'));
    if (by !== undefined) edits.push({ ...span, by });
  });
  let result = '';
  let at = 0;
  for (const { start, end, by } of edits.sort((a, b) => a.start - b.start)) {
    result += text.slice(at, start) + by;
    at = end;
  }
  return result + text.slice(at);
}
