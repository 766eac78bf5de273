import { Schema } from 'mongoose';
import type { RateCounterStore } from '../../http/store.ts';
import { type Connection, isDuplicateKey } from './open.ts';

interface Row {
  /** `<window start in ms>|<key>` */
  _id: string;
  count: number;
  expiresAt: Date;
}

const schema = new Schema<Row>(
  {
    _id: { type: String, required: true },
    count: { type: Number, required: true },
    expiresAt: { type: Date, required: true },
  },
  { versionKey: false, collection: 'rate_counters' },
);
schema.index({ expiresAt: 1 });

export async function createMongoRateCounterStore(connection: Connection): Promise<RateCounterStore> {
  const model = connection.model<Row>('RateCounter', schema);
  await model.createCollection();
  await model.createIndexes();
  const add = async (_id: string, expiresAt: Date): Promise<number> => {
    const row = await model
      .findOneAndUpdate(
        { _id },
        { $inc: { count: 1 }, $setOnInsert: { expiresAt } },
        { upsert: true, returnDocument: 'after' },
      )
      .lean<Row>();
    return row?.count ?? 1;
  };
  return {
    async add(key, windowStart, expiresAt) {
      const id = `${windowStart.getTime()}|${key}`;
      try {
        return await add(id, expiresAt);
      } catch (error) {
        // Two first upserts met: the document is there now.
        if (isDuplicateKey(error)) return add(id, expiresAt);
        throw error;
      }
    },
    async deleteExpired(now) {
      return (await model.deleteMany({ expiresAt: { $lte: now } })).deletedCount;
    },
  };
}
