import { Schema } from 'mongoose';
import type { WebSession, WebSessionStore } from '../../http/store.ts';
import type { Connection } from './open.ts';

interface Row {
  _id: string;
  data: string;
  personId: string | null;
  expiresAt: Date;
}

const schema = new Schema<Row>(
  {
    _id: { type: String, required: true },
    data: { type: String, required: true },
    personId: { type: String, default: null },
    expiresAt: { type: Date, required: true },
  },
  { versionKey: false, collection: 'web_sessions' },
);
schema.index({ personId: 1, expiresAt: -1 });
schema.index({ expiresAt: 1 });

const toSession = (row: Row): WebSession => ({
  id: row._id,
  data: row.data,
  personId: row.personId,
  expiresAt: row.expiresAt,
});

export async function createMongoWebSessionStore(connection: Connection): Promise<WebSessionStore> {
  const model = connection.model<Row>('WebSession', schema);
  await model.createCollection();
  await model.createIndexes();
  return {
    async get(id, now) {
      const row = await model.findOne({ _id: id, expiresAt: { $gt: now } }).lean<Row>();
      return row ? toSession(row) : null;
    },
    async put({ id, ...rest }) {
      await model.replaceOne({ _id: id }, { _id: id, ...rest }, { upsert: true });
    },
    async touch(id, expiresAt) {
      await model.updateOne({ _id: id }, { $set: { expiresAt } });
    },
    async delete(id) {
      await model.deleteOne({ _id: id });
    },
    async ofPerson(personId, now) {
      const rows = await model
        .find({ personId, expiresAt: { $gt: now } })
        .sort({ expiresAt: -1 })
        .lean<Row[]>();
      return rows.map(toSession);
    },
    async deleteExpired(now) {
      return (await model.deleteMany({ expiresAt: { $lte: now } })).deletedCount;
    },
  };
}
