import { DomainError } from '../../base/errors.ts';
import { type Connection, openMongo, transferCollection } from '../mongo/open.ts';
import { storageOnMongo } from '../mongo/storage.ts';
import type { Mark, TransferEnd } from './ends.ts';
import type { Codec, NeutralRow, TableKind } from './kinds.ts';

type Document = Record<string, unknown> & { _id: string | number };
type Database = NonNullable<Connection['db']>;

const camel = (column: string): string =>
  column.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());

function encode(codec: Codec, value: string | number | null): unknown {
  if (value === null) return null;
  if (codec === 'date') return new Date(Number(value));
  if (codec === 'boolean') return value === 1;
  return codec === 'json' ? JSON.parse(String(value)) : value;
}

function decode(codec: Codec, value: unknown): string | number | null {
  if (value === null || value === undefined) return null;
  if (codec === 'date') return (value as Date).getTime();
  if (codec === 'boolean') return value === true ? 1 : 0;
  if (codec === 'json') return JSON.stringify(value);
  return codec === 'number' ? Number(value) : String(value);
}

/** The column whose value is `_id` itself, if there is one. */
const identityColumn = (kind: TableKind): string | null =>
  kind.id || kind.key.length !== 1 ? null : (kind.key[0] ?? null);
const inFields = (kind: TableKind): [string, Codec][] =>
  Object.entries(kind.columns).filter(
    ([column]) => column !== identityColumn(kind) && !kind.elsewhere?.includes(column),
  );
const fieldOf = (kind: TableKind, column: string): string => kind.fields?.[column] ?? camel(column);

export function toDocument(kind: TableKind, row: NeutralRow): Document {
  const identity = identityColumn(kind);
  const fields = inFields(kind).map(([column, codec]) => [
    fieldOf(kind, column),
    encode(codec, row[column] ?? null),
  ]);
  return {
    ...(Object.fromEntries(fields) as Record<string, unknown>),
    ...kind.mongo?.(row),
    _id: identity === null ? (kind.id?.(row) ?? '') : String(row[identity]),
  };
}

export function toRow(kind: TableKind, document: Document): NeutralRow {
  const identity = identityColumn(kind);
  const kept = Object.fromEntries(
    inFields(kind).map(([column, codec]) => [column, decode(codec, document[fieldOf(kind, column)])]),
  );
  const row: NeutralRow = { ...kept, ...kind.from?.(document) };
  if (identity !== null) row[identity] = String(document._id);
  return row;
}

/** True when the database holds nothing; asks without making anything. */
export async function isEmptyDatabase(uri: string): Promise<boolean> {
  const connection = await openMongo(uri);
  try {
    return (await databaseOf(connection).listCollections({}, { nameOnly: true }).toArray()).length === 0;
  } finally {
    await connection.close();
  }
}

function databaseOf(connection: Connection): Database {
  if (!connection.db) throw new Error('the connection is not open');
  return connection.db;
}

export async function openMongoEnd(uri: string, use: 'read' | 'write'): Promise<TransferEnd> {
  if (use === 'read' && (await isEmptyDatabase(uri)))
    throw new DomainError(
      'not-found',
      'There is no store in the database. Name the database in the address.',
    );
  const connection = await openMongo(uri);
  const db = databaseOf(connection);
  const storage = await storageOnMongo(connection);
  const marks = db.collection<{ _id: string; cursor: string | null; done: boolean }>(transferCollection);
  const collection = (name: string) => db.collection<Document>(name);
  const agents = db.collection<{ _id: string; names: string[] }>('lrs_agents');
  const sequence = db.collection<{ _id: string; next: number }>('lrs_sequence');
  const { host, pathname } = new URL(uri);

  return {
    storage,
    name: `mongodb://${host}${pathname}`,
    count: (kind) => collection(kind.collection).countDocuments(),
    async *rows(kind, after) {
      const from = after === null ? {} : { _id: { $gt: JSON.parse(after) as string } };
      const cursor = collection(kind.collection).find(from).sort({ _id: 1 }).batchSize(500);
      for await (const document of cursor)
        yield { cursor: JSON.stringify(document._id), row: toRow(kind, document) };
    },
    async write(kind, rows) {
      const documents = rows.map((row) => toDocument(kind, row));
      await collection(kind.collection).bulkWrite(
        documents.map((replacement) => ({
          replaceOne: { filter: { _id: replacement._id }, replacement, upsert: true },
        })),
        { ordered: false },
      );
    },
    statementCount: () => collection('lrs_statements').countDocuments(),
    documentCount: () => collection('lrs_documents').countDocuments(),
    async *agentNames(after) {
      const from = after === null ? {} : { _id: { $gt: after } };
      for await (const { _id, names } of agents.find(from).sort({ _id: 1 }).batchSize(500))
        yield { identity: _id, names };
    },
    async writeAgentNames(identity, names) {
      await agents.updateOne({ _id: identity }, { $set: { names } }, { upsert: true });
    },
    agentCount: () => agents.countDocuments(),
    async position() {
      const state = await sequence.findOne({ _id: 'statements' });
      return { next: state?.next ?? 1, feed: await storage.lrs.feed.position() };
    },
    async writePosition({ next, feed }) {
      await sequence.updateOne({ _id: 'statements' }, { $set: { next }, $inc: { rev: 1 } });
      await db
        .collection<{ _id: string }>('lrs_feed')
        .updateOne({ _id: 'statements' }, { $set: { position: feed, holder: '', heldUntil: 0 } });
    },
    async marks() {
      const rows = await marks.find().toArray();
      if (rows.length === 0) return null;
      const all = rows.map(({ _id, cursor, done }): Mark => ({ kind: _id, cursor, done }));
      const source = all.find(({ kind }) => kind === '')?.cursor ?? '';
      return { source, marks: all.filter(({ kind }) => kind !== '') };
    },
    async begin(source) {
      await marks.updateOne({ _id: '' }, { $set: { cursor: source, done: false } }, { upsert: true });
    },
    async mark({ kind, cursor, done }) {
      await marks.updateOne({ _id: kind }, { $set: { cursor, done } }, { upsert: true });
    },
    async finish() {
      await marks.drop();
    },
    close: () => storage.close(),
  };
}
