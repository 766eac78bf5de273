import { createWriteStream } from 'node:fs';
import { mkdir, readdir, readFile, rename } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import yazl from 'yazl';
import { fontsFor } from './content-fonts.ts';

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

/** What a style sheet of a sample course begins with to have the fonts for the course's characters put beside it. */
const fontsImport = "@import url('fonts/fonts.css');";

/** Zips each folder under content/ that has a manifest into `outdir`; gives folder name → zip. */
export async function buildContent(outdir = join(root, 'build/content')): Promise<Map<string, string>> {
  await mkdir(outdir, { recursive: true });
  const zips = new Map<string, string>();
  for (const entry of await readdir(contentDir, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue;
    const folder = join(contentDir, entry.name);
    const zip = new yazl.ZipFile();
    const options = { mtime, mode: 0o100644, forceDosTimestamp: true };
    const nameOf = (file: string): string => relative(folder, file).split(sep).join('/');
    const files = await filesBelow(folder);
    for (const file of files) zip.addFile(file, nameOf(file), options);
    const texts = await Promise.all(
      files.filter((file) => /\.(html|js|css|xml)$/.test(file)).map((file) => readFile(file, 'utf8')),
    );
    const styled = files.find((file) => file.endsWith('.css'));
    if (styled && (await readFile(styled, 'utf8')).startsWith(fontsImport)) {
      const fonts = fontsFor(texts);
      const beside = nameOf(join(dirname(styled), 'fonts'));
      zip.addBuffer(Buffer.from(fonts.css), `${beside}/fonts.css`, options);
      for (const [name, file] of fonts.files) zip.addFile(file, `${beside}/${name}`, options);
    }
    zip.end();
    const target = join(outdir, `${entry.name}.zip`);
    // Whoever reads the old one meanwhile reads it whole.
    const part = `${target}.${process.pid}.part`;
    await pipeline(zip.outputStream, createWriteStream(part));
    await rename(part, target);
    zips.set(entry.name, target);
  }
  return zips;
}
