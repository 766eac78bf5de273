import { Schema } from 'mongoose';
import type { Case, CaseStore } from '../../identity/privacy/store.ts';
import { type Connection, isDuplicateKey } from './open.ts';

interface Row {
  _id: string;
  kind: Case['kind'];
  personId: string;
  /** Absent, not null, once it is closed: the unique index is sparse. */
  openKey?: string;
  dueAt: Date | null;
  createdAt: Date;
  body: string;
  revision: number;
}

const schema = new Schema<Row>(
  {
    _id: { type: String, required: true },
    kind: { type: String, required: true },
    personId: { type: String, required: true },
    openKey: String,
    dueAt: { type: Date, default: null },
    createdAt: { type: Date, required: true },
    body: { type: String, required: true },
    revision: { type: Number, required: true },
  },
  { versionKey: false, collection: 'cases' },
);
schema.index({ openKey: 1 }, { unique: true, sparse: true });
schema.index({ personId: 1, kind: 1, createdAt: -1 });
schema.index({ kind: 1, createdAt: 1 });
schema.index({ dueAt: 1 });

const toCase = ({ _id, openKey, ...rest }: Row): Case => ({ id: _id, openKey: openKey ?? null, ...rest });
const toRow = ({ id, openKey, ...rest }: Case): Row => ({
  _id: id,
  ...rest,
  ...(openKey === null ? {} : { openKey }),
});

export async function createMongoCaseStore(connection: Connection): Promise<CaseStore> {
  const model = connection.model<Row>('Case', schema);
  await model.createCollection();
  await model.createIndexes();
  const one = (row: Row | null): Case | null => row && toCase(row);
  const byId = async (id: string): Promise<Case | null> => one(await model.findById(id).lean<Row>());
  const byKey = async (openKey: string): Promise<Case | null> =>
    one(await model.findOne({ openKey }).lean<Row>());
  return {
    async add(given) {
      for (;;) {
        try {
          await model.create(toRow(given));
        } catch (error) {
          if (!isDuplicateKey(error)) throw error;
        }
        const there = (given.openKey === null ? null : await byKey(given.openKey)) ?? (await byId(given.id));
        if (there) return there;
        // The open one that stood in the way was closed in between: there is room now.
      }
    },
    byId,
    byKey,
    async ofPerson(personId, kind) {
      const rows = await model.find({ personId, kind }).sort({ createdAt: -1, _id: -1 }).lean<Row[]>();
      return rows.map(toCase);
    },
    async open(kind, limit) {
      const rows = await model
        .find({ kind, openKey: { $exists: true } })
        .sort({ createdAt: 1, _id: 1 })
        .limit(limit)
        .lean<Row[]>();
      return rows.map(toCase);
    },
    async due(now, limit) {
      const rows = await model
        .find({ dueAt: { $ne: null, $lte: now } })
        .sort({ dueAt: 1, _id: 1 })
        .limit(limit)
        .lean<Row[]>();
      return rows.map(toCase);
    },
    async change(given) {
      const row = toRow({ ...given, revision: given.revision + 1 });
      const done = await model.replaceOne({ _id: given.id, revision: given.revision }, row);
      return done.matchedCount === 1;
    },
    async delete(id) {
      await model.deleteOne({ _id: id });
    },
  };
}
