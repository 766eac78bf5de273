import { createWriteStream } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import yazl from 'yazl';

const root = join(import.meta.dirname, '..');
const contentDir = join(root, 'content');
/** The same bytes for the same sources: no clock in a zip. */
const mtime = new Date(Date.UTC(2026, 0, 1));

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted();
}

/** Zips each folder under content/ that has a manifest into `outdir`; gives folder name → zip. */
export async function buildContent(outdir = join(root, 'build/content')): Promise<Map<string, string>> {
  await mkdir(outdir, { recursive: true });
  const zips = new Map<string, string>();
  for (const entry of await readdir(contentDir, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue;
    const folder = join(contentDir, entry.name);
    const zip = new yazl.ZipFile();
    for (const file of await filesBelow(folder))
      zip.addFile(file, relative(folder, file).split(sep).join('/'), {
        mtime,
        mode: 0o100644,
        forceDosTimestamp: true,
      });
    zip.end();
    const target = join(outdir, `${entry.name}.zip`);
    await pipeline(zip.outputStream, createWriteStream(target));
    zips.set(entry.name, target);
  }
  return zips;
}
