import { Schema } from 'mongoose';
import type { OnceStore } from '../../identity/providers/store.ts';
import { type Connection, isDuplicateKey } from './open.ts';

interface Row {
  _id: string;
  value: string;
  expiresAt: Date;
}

const schema = new Schema<Row>(
  {
    _id: { type: String, required: true },
    value: { type: String },
    expiresAt: { type: Date, required: true },
  },
  { versionKey: false, collection: 'once' },
);
schema.index({ expiresAt: 1 });

export async function createMongoOnceStore(connection: Connection): Promise<OnceStore> {
  const model = connection.model<Row>('Once', schema);
  await model.createCollection();
  await model.createIndexes();
  const put = async (_id: string, value: string, expiresAt: Date): Promise<void> => {
    await model.updateOne({ _id }, { $set: { value, expiresAt } }, { upsert: true });
  };
  return {
    async remember(key, expiresAt) {
      try {
        await model.collection.insertOne({ _id: key as never, value: '', expiresAt });
        return true;
      } catch (error) {
        if (isDuplicateKey(error)) return false;
        throw error;
      }
    },
    async keep(key, value, expiresAt) {
      try {
        await put(key, value, expiresAt);
      } catch (error) {
        // Two first upserts met: the document is there now.
        if (!isDuplicateKey(error)) throw error;
        await put(key, value, expiresAt);
      }
    },
    async read(key, now) {
      return (await model.findOne({ _id: key, expiresAt: { $gt: now } }).lean<Row>())?.value ?? null;
    },
    async take(key, now) {
      return (await model.findOneAndDelete({ _id: key, expiresAt: { $gt: now } }).lean<Row>())?.value ?? null;
    },
    async deleteExpired(now) {
      return (await model.deleteMany({ expiresAt: { $lte: now } })).deletedCount;
    },
  };
}
