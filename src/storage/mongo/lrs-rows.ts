import { createHash } from 'node:crypto';
import { Schema } from 'mongoose';
import type { StatementRow } from '../../lrs/store.ts';
import type { Connection } from './open.ts';

export interface Row {
  /** The Statement's id. */
  _id: string;
  seq: number;
  stored: number;
  authorityId: string;
  body: string;
  /** Hashes of its terms and of those inherited from what it refers to. */
  terms: string[];
  /** Those of them that what refers to it inherits. */
  passed: string[];
  batch: string;
  /** The Activities that it defines for the LRS; absent: none. */
  defines?: string[];
  /** Its names of Agents become the LRS's own. */
  names?: boolean;
  refersTo: string | null;
  voiding: boolean;
  voided: boolean;
}

const schema = new Schema(
  {
    _id: { type: String, required: true },
    seq: Number,
    stored: Number,
    authorityId: String,
    body: String,
    terms: [String],
    passed: [String],
    batch: String,
    defines: { type: [String], default: undefined },
    names: Boolean,
    refersTo: { type: String, default: null },
    voiding: Boolean,
    voided: Boolean,
  },
  { versionKey: false, collection: 'lrs_statements' },
);
schema.index({ terms: 1, seq: -1 });
schema.index({ seq: 1 });
schema.index({ stored: -1, seq: -1 });

/** What refers to a Statement, under the target's id, so that it is found before and after the target is there. */
const referenceSchema = new Schema(
  { _id: { type: String, required: true }, sources: [String], voiders: [String] },
  { versionKey: false, collection: 'lrs_references' },
);
export interface Reference {
  _id: string;
  sources?: string[];
  voiders?: string[];
}

/** 96 bits of SHA-256: short in the index, and no client can make two terms meet. */
export const hashed = (term: string): string =>
  createHash('sha256').update(term).digest('base64url').slice(0, 16);

export const toRow = (row: Row): StatementRow => ({
  seq: row.seq,
  id: row._id,
  stored: row.stored,
  body: row.body,
  authorityId: row.authorityId,
  voided: row.voided,
  voiding: row.voiding,
});

/** The two collections, and how both the writer and the reader ask for their rows. */
export async function openStatementRows(connection: Connection) {
  const model = connection.model<Row>('LrsStatement', schema as never);
  const references = connection.model<Reference>('LrsReference', referenceSchema as never);
  await model.createCollection();
  await model.createIndexes();
  await references.createCollection();
  /** None are not asked for, and one by its id alone: the shortest way on every server. */
  const among = (ids: string[]): { _id: string | { $in: string[] } } => {
    const [only] = ids;
    return { _id: only !== undefined && ids.length === 1 ? only : { $in: ids } };
  };
  return {
    model,
    references,
    byIds: async (ids: string[]): Promise<Row[]> =>
      ids.length === 0 ? [] : model.find(among(ids)).lean<Row[]>(),
    referencesTo: async (ids: string[]): Promise<Reference[]> =>
      ids.length === 0 ? [] : references.find(among(ids)).lean<Reference[]>(),
  };
}
export type StatementRows = Awaited<ReturnType<typeof openStatementRows>>;

export const inRange = (first: number, count: number) => ({ seq: { $gte: first, $lt: first + count } });
