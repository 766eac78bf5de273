import { Schema } from 'mongoose';
import type { BlobStore } from '../../base/blobs.ts';
import type { FeedStore, LrsStores } from '../../lrs/store.ts';
import { createBlobAttachments } from '../blob-attachments.ts';
import { createMongoLrsAdminStore } from './lrs-admin.ts';
import { createMongoCredentialStore } from './lrs-credentials.ts';
import { createMongoDocumentStore } from './lrs-documents.ts';
import { createMongoPersonaStore } from './lrs-personas.ts';
import { createMongoStatementStore } from './lrs-statements.ts';
import { type Connection, isDuplicateKey } from './open.ts';

interface FeedRow {
  _id: string;
  position: number;
  holder: string;
  heldUntil: number;
}

const feedSchema = new Schema(
  { _id: { type: String, required: true }, position: Number, holder: String, heldUntil: Number },
  { versionKey: false, collection: 'lrs_feed' },
);

async function createMongoFeedStore(connection: Connection): Promise<FeedStore> {
  const model = connection.model<FeedRow>('LrsFeed', feedSchema as never);
  await model.createCollection();
  const _id = 'statements';
  try {
    if (!(await model.exists({ _id }))) await model.create({ _id, position: 0, holder: '', heldUntil: 0 });
  } catch (error) {
    if (!isDuplicateKey(error)) throw error;
  }
  return {
    async take(holder, now, until) {
      const row = await model
        .findOneAndUpdate(
          { _id, $or: [{ holder }, { heldUntil: { $lte: now } }] },
          { $set: { holder, heldUntil: until } },
          { returnDocument: 'after' },
        )
        .lean<FeedRow | null>();
      return row?.position ?? null;
    },
    async acknowledge(holder, seq, until) {
      const { matchedCount } = await model.updateOne(
        { _id, holder },
        { $max: { position: seq }, $set: { heldUntil: until } },
      );
      return matchedCount === 1;
    },
    async release(holder) {
      await model.updateOne({ _id, holder }, { $set: { holder: '', heldUntil: 0 } });
    },
    async position() {
      return (await model.findOne({ _id }).lean<FeedRow | null>())?.position ?? 0;
    },
  };
}

export const createMongoLrsStores = async (connection: Connection, blobs: BlobStore): Promise<LrsStores> => ({
  statements: await createMongoStatementStore(connection),
  documents: await createMongoDocumentStore(connection),
  attachments: createBlobAttachments(blobs),
  feed: await createMongoFeedStore(connection),
  credentials: await createMongoCredentialStore(connection),
  personas: await createMongoPersonaStore(connection),
  admin: await createMongoLrsAdminStore(connection),
});
