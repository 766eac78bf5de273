import { Schema } from 'mongoose';
import type { AttachmentStore, FeedStore, LrsStores } from '../../lrs/store.ts';
import { createMongoCredentialStore } from './lrs-credentials.ts';
import { createMongoDocumentStore } from './lrs-documents.ts';
import { createMongoStatementStore } from './lrs-statements.ts';
import { type Connection, isDuplicateKey } from './open.ts';

/** Below the server's 16 MiB for one document. */
const chunkBytes = 8 * 1024 * 1024;

interface ChunkRow {
  /** `<sha2>` for the head, `<sha2>:<n>` for what follows. */
  _id: string;
  chunks: number;
  body: { buffer: Buffer } | Buffer;
}

const chunkSchema = new Schema(
  { _id: { type: String, required: true }, chunks: Number, body: Buffer },
  { versionKey: false, collection: 'lrs_attachments' },
);

async function createMongoAttachmentStore(connection: Connection): Promise<AttachmentStore> {
  const model = connection.model<ChunkRow>('LrsAttachment', chunkSchema as never);
  await model.createCollection();
  const bytesOf = (row: ChunkRow): Buffer =>
    Buffer.from(Buffer.isBuffer(row.body) ? row.body : row.body.buffer);
  const has = async (sha2: string): Promise<boolean> => (await model.exists({ _id: sha2 })) !== null;
  return {
    has,
    async put(sha2, body) {
      if (await has(sha2)) return;
      const chunks = Math.max(1, Math.ceil(body.length / chunkBytes));
      // The head last: it makes the rest count.
      for (let at = chunks - 1; at >= 0; at--) {
        const part = body.subarray(at * chunkBytes, (at + 1) * chunkBytes);
        try {
          await model.create({ _id: at === 0 ? sha2 : `${sha2}:${at}`, chunks, body: part });
        } catch (error) {
          if (!isDuplicateKey(error)) throw error; // the same bytes are there already
        }
      }
    },
    async get(sha2) {
      const head = await model.findOne({ _id: sha2 }).lean<ChunkRow | null>();
      if (!head) return null;
      const parts = [bytesOf(head)];
      for (let at = 1; at < head.chunks; at++) {
        const row = await model.findOne({ _id: `${sha2}:${at}` }).lean<ChunkRow | null>();
        if (!row) return null;
        parts.push(bytesOf(row));
      }
      return Buffer.concat(parts);
    },
  };
}

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

export const createMongoLrsStores = async (connection: Connection): Promise<LrsStores> => ({
  statements: await createMongoStatementStore(connection),
  documents: await createMongoDocumentStore(connection),
  attachments: await createMongoAttachmentStore(connection),
  feed: await createMongoFeedStore(connection),
  credentials: await createMongoCredentialStore(connection),
});
