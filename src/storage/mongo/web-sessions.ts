import { Schema } from 'mongoose';
import type { WebSession, WebSessionStore } from '../../http/store.ts';
import type { Connection } from './open.ts';

interface Row {
  _id: string;
  data: string;
  personId: string | null;
  seenAt: Date;
  expiresAt: Date;
  /** Absent in what an earlier version wrote. */
  endsAt?: Date | null;
}

const schema = new Schema<Row>(
  {
    _id: { type: String, required: true },
    data: { type: String, required: true },
    personId: { type: String, default: null },
    seenAt: { type: Date, default: new Date(0) },
    expiresAt: { type: Date, required: true },
    endsAt: { type: Date, default: null },
  },
  { versionKey: false, collection: 'web_sessions' },
);
schema.index({ personId: 1, expiresAt: -1 });
schema.index({ expiresAt: 1 });

const toSession = (row: Row): WebSession => ({
  id: row._id,
  data: row.data,
  personId: row.personId,
  seenAt: row.seenAt ?? new Date(0),
  expiresAt: row.expiresAt,
  endsAt: row.endsAt ?? null,
});
const living = (now: Date) => ({
  expiresAt: { $gt: now },
  $or: [{ endsAt: null }, { endsAt: { $gt: now } }],
});

export async function createMongoWebSessionStore(connection: Connection): Promise<WebSessionStore> {
  const model = connection.model<Row>('WebSession', schema);
  await model.createCollection();
  await model.createIndexes();
  return {
    async get(id, now) {
      const row = await model.findOne({ _id: id, ...living(now) }).lean<Row>();
      return row ? toSession(row) : null;
    },
    async put({ id, ...rest }) {
      await model.replaceOne({ _id: id }, { _id: id, ...rest }, { upsert: true });
    },
    async touch(id, { seenAt, expiresAt }) {
      // The end never moves, so what is read here still holds when it is written.
      const row = await model.findById(id, { endsAt: 1 }).lean<Pick<Row, 'endsAt'>>();
      const capped = row?.endsAt && row.endsAt < expiresAt ? row.endsAt : expiresAt;
      await model.updateOne({ _id: id }, { $set: { seenAt, expiresAt: capped } });
    },
    async delete(id) {
      await model.deleteOne({ _id: id });
    },
    async ofPerson(personId, now) {
      const rows = await model
        .find({ personId, ...living(now) })
        .sort({ seenAt: -1, _id: 1 })
        .lean<Row[]>();
      return rows.map(toSession);
    },
    async deleteExpired(now) {
      return (
        await model.deleteMany({ $or: [{ expiresAt: { $lte: now } }, { endsAt: { $lte: now, $ne: null } }] })
      ).deletedCount;
    },
  };
}
