import type { Readable } from 'node:stream';

/** A stored run of bytes. */
export interface BlobInfo {
  key: string;
  size: number;
}

/**
 * Package files, attachments and issued documents: bytes under a key. Local disk by default, GridFS on MongoDB.
 * Keys are made by the caller from `[A-Za-z0-9._/-]` (e.g. `packages/<versionId>/<n>`), never from a client's file name.
 */
export interface BlobStore {
  /** Writes the stream whole or not at all; an existing key is replaced at once, never seen half-written. */
  put(key: string, bytes: Readable | Uint8Array): Promise<BlobInfo>;
  /** Null when there is no such key. */
  stat(key: string): Promise<BlobInfo | null>;
  /** Opens the bytes from `start` to `end` inclusive (both optional); DomainError `not-found` when there is no such key. */
  read(key: string, range?: { start?: number; end?: number }): Promise<Readable>;
  delete(key: string): Promise<void>;
  /** Deletes every key that begins with the prefix; says how many. */
  deletePrefix(prefix: string): Promise<number>;
  /** Every key with the prefix, in order; for migration and clean-up. */
  list(prefix: string): AsyncIterable<BlobInfo>;
  /** Removes what writes that began before the instant and died left behind; says how many of them. */
  cleanUp(before: Date): Promise<number>;
}
