import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { BlobInfo, BlobStore } from '../base/blobs.ts';
import { DomainError } from '../base/errors.ts';
import { newToken } from '../base/ids.ts';

const absent = (error: unknown): boolean =>
  ['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '');

/** Files under a folder, each written beside its place, flushed, and moved there whole. */
export function createDiskBlobs(folder: string): BlobStore {
  const temporary = join(folder, '.incoming');
  const place = (key: string): string => {
    if (!/^[A-Za-z0-9_-][A-Za-z0-9._-]*(\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$/.test(key))
      throw new Error(`not a blob key: ${key}`);
    return join(folder, ...key.split('/'));
  };
  const sizeOf = async (key: string): Promise<number | null> => {
    try {
      const found = await stat(place(key));
      return found.isFile() ? found.size : null;
    } catch (error) {
      if (absent(error)) return null;
      throw error;
    }
  };
  async function* walk(at: string): AsyncIterable<BlobInfo> {
    let entries;
    try {
      entries = await readdir(at, { withFileTypes: true });
    } catch (error) {
      if (absent(error)) return;
      throw error;
    }
    for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = join(at, entry.name);
      if (path === temporary) continue;
      if (entry.isDirectory()) yield* walk(path);
      else yield { key: relative(folder, path).split(sep).join('/'), size: (await stat(path)).size };
    }
  }
  async function* list(prefix: string): AsyncIterable<BlobInfo> {
    // Only the folder that the prefix names is walked.
    const root = prefix.includes('/') ? place(prefix.slice(0, prefix.lastIndexOf('/'))) : folder;
    for await (const info of walk(root)) if (info.key.startsWith(prefix)) yield info;
  }

  return {
    async put(key, bytes) {
      const target = place(key);
      await mkdir(temporary, { recursive: true });
      await mkdir(dirname(target), { recursive: true });
      const incoming = join(temporary, newToken(12));
      try {
        await pipeline(
          bytes instanceof Uint8Array ? Readable.from([bytes]) : bytes,
          createWriteStream(incoming, { flags: 'wx', flush: true }),
        );
        const { size } = await stat(incoming);
        await rename(incoming, target);
        // The name itself must survive a power cut too.
        const parent = await open(dirname(target), 'r');
        await parent.sync().finally(() => parent.close());
        return { key, size };
      } catch (error) {
        await rm(incoming, { force: true });
        throw error;
      }
    },
    async stat(key) {
      const size = await sizeOf(key);
      return size === null ? null : { key, size };
    },
    async read(key, range = {}) {
      if ((await sizeOf(key)) === null) throw new DomainError('not-found', 'There is no such file.');
      return createReadStream(place(key), range);
    },
    async delete(key) {
      await rm(place(key), { force: true });
    },
    async deletePrefix(prefix) {
      let deleted = 0;
      for await (const { key } of list(prefix)) {
        await rm(place(key), { force: true });
        deleted++;
      }
      if (prefix.endsWith('/')) await rm(place(prefix.slice(0, -1)), { recursive: true, force: true });
      return deleted;
    },
    list,
    async cleanUp(before) {
      let removed = 0;
      for (const name of await readdir(temporary).catch(() => [] as string[])) {
        const file = join(temporary, name);
        const { mtime } = await stat(file).catch(() => ({ mtime: before }));
        if (mtime >= before) continue;
        await rm(file, { force: true });
        removed++;
      }
      return removed;
    },
  };
}
