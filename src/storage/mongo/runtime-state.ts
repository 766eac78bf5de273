import { Schema } from 'mongoose';
import type { RuntimeStateStore, StoredItemState } from '../../player/runtime/store.ts';
import { runtimeStateId } from '../runtime-state-id.ts';
import { type Connection, isDuplicateKey } from './open.ts';

interface Row extends StoredItemState {
  /** `<registration>|<hash of the item>`: item identifiers may be long. */
  _id: string;
  owing: boolean;
}

const schema = new Schema<Row>(
  {
    _id: { type: String, required: true },
    registration: { type: String, required: true },
    item: String,
    launchId: { type: String, required: true },
    packageVersionId: String,
    sequence: { type: Number, required: true },
    body: { type: String, required: true },
    outbox: { type: String, default: null },
    updatedAt: { type: Date, required: true },
    revision: { type: Number, required: true },
    owing: { type: Boolean, required: true },
  },
  { versionKey: false, collection: 'runtime_states' },
);
// Sharded by registration.
schema.index({ registration: 1, item: 1 });
schema.index({ owing: 1, updatedAt: 1 });
schema.index({ packageVersionId: 1, item: 1 }, { sparse: true });

const toState = ({ _id, owing: _owing, packageVersionId, ...rest }: Row): StoredItemState => ({
  ...rest,
  ...(packageVersionId ? { packageVersionId } : {}),
});

export async function createMongoRuntimeStateStore(connection: Connection): Promise<RuntimeStateStore> {
  const model = connection.model<Row>('RuntimeState', schema);
  await model.createCollection();
  await model.createIndexes();
  return {
    async get(registration, item) {
      const row = await model.findOne({ _id: runtimeStateId(registration, item), registration }).lean<Row>();
      return row ? toState(row) : null;
    },
    async ofRegistration(registration) {
      return (await model.find({ registration }).sort({ item: 1 }).lean<Row[]>()).map(toState);
    },
    async put(state) {
      const _id = runtimeStateId(state.registration, state.item);
      const row = { ...state, revision: state.revision + 1, owing: state.outbox !== null };
      if (state.revision === 0) {
        try {
          await model.create({ _id, ...row });
          return true;
        } catch (error) {
          if (isDuplicateKey(error)) return false;
          throw error;
        }
      }
      const done = await model.updateOne(
        { _id, registration: state.registration, revision: state.revision },
        { $set: row },
      );
      return done.matchedCount === 1;
    },
    async clearOutbox({ registration, item, revision }) {
      const done = await model.updateOne(
        { _id: runtimeStateId(registration, item), registration, revision },
        { $set: { outbox: null, owing: false, revision: revision + 1 } },
      );
      return done.matchedCount === 1;
    },
    async forget(registration) {
      return (await model.deleteMany({ registration })).deletedCount;
    },
    async withOutbox(before, limit) {
      const rows = await model
        .find({ owing: true, updatedAt: { $lt: before } })
        .sort({ updatedAt: 1 })
        .limit(limit)
        .lean<Row[]>();
      return rows.map(toState);
    },
    async countByItem(packageVersionId) {
      const counts = await model.aggregate<{ _id: string; n: number }>([
        { $match: { packageVersionId } },
        { $group: { _id: '$item', n: { $sum: 1 } } },
      ]);
      return new Map(counts.map(({ _id, n }) => [_id, n]));
    },
  };
}
