import { Readable } from 'node:stream';
import type { PackageItem, PackageStandard } from '../types.ts';
import type { ArchiveFile } from './archive.ts';

/** What an upload turned out to be: a course that the player can run. */
export interface CourseContent {
  standard: PackageStandard;
  /** As the package says it: `1.2`, `2004 3rd Edition`; a plain file's kind otherwise. */
  edition: string;
  title: string;
  items: PackageItem[];
  extra: Record<string, unknown>;
}

/** A file that is not in the upload but made for it. */
export const generatedFile = (path: string, text: string): ArchiveFile => {
  const bytes = Buffer.from(text);
  return { path, size: bytes.length, bytes: () => Readable.from([bytes]) as AsyncIterable<Buffer> };
};

/** The whole file in memory; for manifests and the like, whose size was looked at before. */
export async function readWhole(file: ArchiveFile): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of file.bytes()) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** At least the first `length` bytes, where there are so many. */
export async function readHead(file: ArchiveFile, length: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let read = 0;
  for await (const chunk of file.bytes()) {
    chunks.push(chunk);
    read += chunk.length;
    if (read >= length) break;
  }
  return Buffer.concat(chunks);
}
