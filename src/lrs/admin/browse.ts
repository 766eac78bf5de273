import { DomainError } from '../../base/errors.ts';
import type { Language } from '../../base/languages.ts';
import { isUuidText } from '../../xapi/scalars.ts';
import type { Statement } from '../../xapi/types.ts';
import { findAny, queriesOf } from '../joined.ts';
import type { PersonaStore, StatementRow, StatementStore } from '../store.ts';
import type { Fields, Search } from './search.ts';
import { sentenceOf } from './sentence.ts';

const pageSize = 50;
/** Looked through for a word in one go at most; the page offers to go on. */
const mostSearched = 2000;
/** And so many pages of the store, which may be empty where nothing has all that is asked for. */
const mostPages = 40;

/** A Statement as a line of the browser. */
export const lineOf = (row: StatementRow, language: Language) => {
  const statement = JSON.parse(row.body) as Statement;
  const object = statement.object as { objectType?: string; id?: string };
  return {
    seq: row.seq,
    id: row.id,
    stored: new Date(row.stored),
    voided: row.voided,
    authorityId: row.authorityId,
    sentence: sentenceOf(statement, language),
    refersTo: object.objectType === 'StatementRef' ? (object.id ?? null) : null,
  };
};

/** What the page of one Statement says beside its JSON; links search for the same again. */
const factsOf = (statement: Statement) => {
  const { actor, object, verb, result, context, timestamp, attachments } = statement;
  const activity = 'id' in object && (object.objectType ?? 'Activity') === 'Activity' ? object.id : null;
  const { name: _, ...who } = actor;
  return {
    learner: 'member' in who ? null : JSON.stringify(who),
    verb: verb.id,
    activity,
    registration: context?.registration ?? null,
    timestamp: timestamp === undefined ? null : new Date(timestamp),
    duration: result?.duration ?? null,
    success: result?.success ?? null,
    completion: result?.completion ?? null,
    attachments: (attachments ?? []).map(({ contentType, length }) => ({ contentType, length })),
  };
};

export interface BrowserDeps {
  statements: StatementStore;
  personas: Pick<PersonaStore, 'joined'>;
  search: Search;
}

/** Statements as administrators look at them: voided ones too, marked. */
export function createStatementBrowser({ statements, personas, search }: BrowserDeps) {
  return {
    /** One page, newest first; with a word, only those whose sentence has it. */
    async page(fields: Fields, language: Language) {
      const word = fields['text']?.toLowerCase();
      let after = Number(fields['after']) || null;
      const queries = await queriesOf(personas, await search.filterOf(fields), pageSize);
      const found: ReturnType<typeof lineOf>[] = [];
      for (let searched = 0, pages = 1; ; pages++) {
        const page = { after, withVoided: true };
        const { rows, next } = await findAny(
          statements,
          queries.map((query) => ({ ...query, ...page })),
        );
        after = next;
        for (const row of rows) {
          const line = lineOf(row, language);
          if (word === undefined || line.sentence.toLowerCase().includes(word)) found.push(line);
          if (found.length < pageSize) continue;
          if (row !== rows.at(-1)) after = row.seq;
          break;
        }
        searched += rows.length;
        if (after === null || found.length === pageSize || searched >= mostSearched || pages === mostPages)
          return { rows: found, searched, next: after };
      }
    },

    /** DomainError `not-found`. */
    async one(id: string, language: Language) {
      const row = isUuidText(id) ? await statements.byId(id.toLowerCase()) : null;
      if (!row) throw new DomainError('not-found', 'There is no such Statement.', { code: 'not-found' });
      return { ...lineOf(row, language), body: row.body };
    },

    /** Everything that the page of one Statement shows, with what refers to it. */
    async whole(id: string, language: Language) {
      const found = await this.one(id, language);
      const referring = await Promise.all(
        (await statements.referring(found.id)).map(async (one) => this.one(one, language)),
      );
      return { ...found, facts: factsOf(JSON.parse(found.body) as Statement), referring };
    },
  };
}

export type StatementBrowser = ReturnType<typeof createStatementBrowser>;
