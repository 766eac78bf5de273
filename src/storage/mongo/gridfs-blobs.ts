import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import mongoose from 'mongoose';
import type { BlobInfo, BlobStore } from '../../base/blobs.ts';
import { DomainError } from '../../base/errors.ts';
import type { Connection } from './open.ts';

/** Chunks older than this that no file has were looked at many starts ago. */
const searchedDays = 30;
const idAt = (at: Date): mongoose.mongo.ObjectId =>
  mongoose.mongo.ObjectId.createFromTime(Math.max(0, Math.floor(at.getTime() / 1000)));

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** Files in GridFS, so that every process on every machine serves them. The newest file of a name is the blob. */
export function createGridFsBlobs(connection: Connection): BlobStore {
  if (!connection.db) throw new Error('GridFS needs an open connection');
  const bucket = new mongoose.mongo.GridFSBucket(connection.db, { bucketName: 'blobs' });
  const files = connection.db.collection('blobs.files');
  const chunks = connection.db.collection<{ files_id: mongoose.mongo.ObjectId; n: number }>('blobs.chunks');

  const newest = async (key: string) =>
    (await bucket.find({ filename: key }).sort({ uploadDate: -1, _id: -1 }).limit(1).toArray())[0];
  const remove = async (ids: mongoose.mongo.ObjectId[]): Promise<void> => {
    for (const id of ids)
      await bucket.delete(id).catch((error: unknown) => {
        // Someone else was faster.
        if (!(error instanceof Error && error.message.includes('not found'))) throw error;
      });
  };
  const withPrefix = (prefix: string) =>
    bucket.find({ filename: { $regex: `^${escaped(prefix)}` } }).sort({ filename: 1, uploadDate: -1 });

  return {
    async put(key, bytes) {
      const upload = bucket.openUploadStream(key);
      try {
        await pipeline(bytes instanceof Uint8Array ? Readable.from([bytes]) : bytes, upload);
      } catch (error) {
        await upload.abort().catch(() => undefined);
        throw error;
      }
      const all = await bucket.find({ filename: key }).sort({ uploadDate: -1, _id: -1 }).toArray();
      await remove(all.slice(1).map(({ _id }) => _id));
      return { key, size: upload.length };
    },
    async stat(key) {
      const file = await newest(key);
      return file ? { key, size: file.length } : null;
    },
    async read(key, range = {}) {
      const file = await newest(key);
      if (!file) throw new DomainError('not-found', 'There is no such file.');
      if (file.length === 0) return Readable.from([]);
      // The driver takes an absent end for 0 and wants it exclusive.
      const start = range.start ?? 0;
      const end = Math.min((range.end ?? file.length - 1) + 1, file.length);
      return start < end ? bucket.openDownloadStream(file._id, { start, end }) : Readable.from([]);
    },
    async delete(key) {
      await remove((await bucket.find({ filename: key }).toArray()).map(({ _id }) => _id));
    },
    async deletePrefix(prefix) {
      const files = await withPrefix(prefix).toArray();
      await remove(files.map(({ _id }) => _id));
      return new Set(files.map(({ filename }) => filename)).size;
    },
    async *list(prefix): AsyncIterable<BlobInfo> {
      let last: string | null = null;
      for await (const { filename, length } of withPrefix(prefix)) {
        if (filename !== last) yield { key: filename, size: length };
        last = filename;
      }
    },
    async cleanUp(before) {
      // A file's document is written behind its chunks: chunks without one are a write that died. Their ids tell its age.
      const from = new Date(before.getTime() - searchedDays * 24 * 3600_000);
      const begun = chunks.find(
        { files_id: { $gte: idAt(from), $lt: idAt(before) }, n: 0 },
        { projection: { files_id: 1 } },
      );
      let removed = 0;
      for await (const { files_id } of begun) {
        if (await files.findOne({ _id: files_id }, { projection: { _id: 1 } })) continue;
        await chunks.deleteMany({ files_id });
        removed++;
      }
      return removed;
    },
  };
}
