import { findAny, queriesOf } from '../joined.ts';
import type { PersonaStore, StatementRow, StatementStore } from '../store.ts';
import type { StatementFilter } from '../types.ts';
import type { Language } from '../../base/languages.ts';
import type { Actor, Statement } from '../../xapi/types.ts';
import { sentenceOf } from './sentence.ts';

const pageSize = 200;

/** Where Statements and the links between Agents are read. */
export interface StatementSource {
  statements: Pick<StatementStore, 'find'>;
  personas: Pick<PersonaStore, 'joined'>;
}

/**
 * Every matching Statement, page by page: constant memory whatever the number. Oldest first. An agent stands for every
 * Agent of the same person.
 * @param last nothing beyond this seq; up to now when left out
 */
export async function* allRows(
  { statements, personas }: StatementSource,
  filter: StatementFilter,
  last: number | null = null,
  options: { withVoided?: boolean } = {},
): AsyncIterable<StatementRow> {
  let queries = (await queriesOf(personas, { ...filter, ascending: true }, pageSize)).map((query) => ({
    ...query,
    ...options,
    through: last,
  }));
  for (;;) {
    const { rows, next, through } = await findAny(statements, queries);
    yield* rows;
    if (next === null) return;
    queries = queries.map((query) => ({ ...query, after: next, through }));
  }
}

/** Those whose sentence, as the browser shows it, has the word. */
export async function* withWord(
  rows: AsyncIterable<StatementRow>,
  word: string,
  language: Language,
): AsyncIterable<StatementRow> {
  const wanted = word.toLowerCase();
  for await (const row of rows)
    if (
      sentenceOf(JSON.parse(row.body) as Statement, language)
        .toLowerCase()
        .includes(wanted)
    )
      yield row;
}

/** One Statement a line, each in its exact text (line breaks inside it, which JSON allows between tokens, become spaces). */
export async function* toNdjson(rows: AsyncIterable<StatementRow>): AsyncIterable<string> {
  for await (const { body } of rows) yield `${body.replace(/[\r\n]+/g, ' ')}\n`;
}

const columns = [
  'id',
  'stored',
  'timestamp',
  'actor',
  'actorName',
  'verb',
  'objectType',
  'object',
  'objectName',
  'success',
  'completion',
  'scaled',
  'raw',
  'duration',
  'registration',
  'authority',
] as const;

const identifierOf = (actor: Actor | undefined): string => {
  if (!actor) return '';
  const { mbox, mbox_sha1sum, openid, account } = actor;
  return mbox ?? openid ?? mbox_sha1sum ?? (account ? `${account.homePage}|${account.name}` : '');
};

/** A cell that no spreadsheet takes for a formula (OWASP: CSV injection), quoted by RFC 4180. */
const cell = (value: unknown): string => {
  const text = value === undefined || value === null ? '' : String(value);
  const safe = /^[=+\-@\t\r]/.test(text) && !/^-?\d+(\.\d+)?$/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
};

/** RFC 4180 with a header line and a byte order mark, so that spreadsheets read it as UTF-8. */
export async function* toCsv(rows: AsyncIterable<StatementRow>): AsyncIterable<string> {
  yield `\ufeff${columns.join(',')}\r\n`;
  for await (const row of rows) {
    const statement = JSON.parse(row.body) as Statement;
    const object = statement.object as {
      objectType?: string;
      id?: string;
      definition?: { name?: Record<string, string> };
    };
    const { result, context } = statement;
    const values = [
      row.id,
      statement.stored,
      statement.timestamp,
      identifierOf(statement.actor),
      statement.actor.name,
      statement.verb.id,
      object.objectType ?? 'Activity',
      object.id ?? identifierOf(statement.object as Actor),
      object.definition?.name?.['zh-TW'] ?? Object.values(object.definition?.name ?? {})[0],
      result?.success,
      result?.completion,
      result?.score?.scaled,
      result?.score?.raw,
      result?.duration,
      context?.registration,
      identifierOf(statement.authority),
    ];
    yield `${values.map(cell).join(',')}\r\n`;
  }
}
