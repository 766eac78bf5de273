import type { BlobStore } from '../base/blobs.ts';
import type { AttachmentStore } from '../lrs/store.ts';

const keyOf = (sha2: string): string => `attachments/${sha2.toLowerCase()}`;

/** Attachments' bytes in the blob store of the engine, under their hash: written once, shared by every Statement. */
export const createBlobAttachments = (blobs: BlobStore): AttachmentStore => ({
  async put(sha2, body) {
    if ((await blobs.stat(keyOf(sha2))) === null) await blobs.put(keyOf(sha2), body);
  },
  async get(sha2) {
    if ((await blobs.stat(keyOf(sha2))) === null) return null;
    const chunks: Buffer[] = [];
    for await (const chunk of await blobs.read(keyOf(sha2))) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks);
  },
  async has(sha2) {
    return (await blobs.stat(keyOf(sha2))) !== null;
  },
});
