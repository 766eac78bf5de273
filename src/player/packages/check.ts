import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import type { Finding } from '../types.ts';
import { openArchive, safePath, type Archive, type ArchiveFile, type ArchiveLimits } from './archive.ts';
import { readWhole, type CourseContent } from './content.ts';
import { finding, hasErrors } from './findings.ts';
import { readLom } from './lom.ts';
import { readManifest } from './manifest.ts';
import { plainContent } from './plain.ts';
import { scanForOwnWindow, scanPages } from './scan.ts';
import { decodeXml, parseXml } from './xml.ts';

/** A checked upload: what it is (null when it is refused), its files, and what is to be said of it. */
export interface Checked {
  content: CourseContent | null;
  files: ArchiveFile[];
  findings: Finding[];
}

const manifestLimit = 10 * 1024 * 1024;
const findingsLimit = 500;

/** Errors first, and never more than a report can bear. */
const ordered = (findings: Finding[]): Finding[] =>
  findings
    .toSorted((a, b) => Number(b.severity === 'error') - Number(a.severity === 'error'))
    .slice(0, findingsLimit);

const isManifest = (path: string): boolean => path.toLowerCase() === 'imsmanifest.xml';

/** The files with a single enclosing folder taken off, if all lie in one and the manifest (or nothing) lies at its top. */
function withoutFolder(files: ArchiveFile[]): { files: ArchiveFile[]; findings: Finding[] } {
  const top = files[0]?.path.split('/')[0] ?? '';
  const folder = `${top}/`;
  if (files.length === 0 || files.some(({ path }) => !path.startsWith(folder)))
    return { files, findings: [] };
  const inner = withoutFolder(files.map((file) => ({ ...file, path: file.path.slice(folder.length) })));
  const manifest = files.find(({ path }) => /(^|\/)imsmanifest\.xml$/i.test(path));
  return {
    files: inner.files,
    findings: manifest ? [finding('manifest.in-folder', { file: manifest.path }, { folder: top })] : [],
  };
}

/** Metadata that the manifest only points at (adlcp:location). A fault of it is worth a word, never a refusal. */
async function referredMetadata(location: string, files: readonly ArchiveFile[]) {
  const file = files.find(({ path }) => path === location);
  if (!file || file.size > manifestLimit)
    return { findings: [finding('metadata.missing-file', { file: 'imsmanifest.xml' }, { path: location })] };
  const parsed = parseXml(decodeXml(await readWhole(file)));
  if ('fault' in parsed)
    return {
      findings: [
        finding('metadata.malformed', { file: location, line: parsed.line }, { reason: parsed.reason }),
      ],
    };
  return { findings: [], metadata: readLom(parsed.root) };
}

/** Checks files that were taken out of an upload, or that are a version's already. */
export async function checkFiles(given: ArchiveFile[]): Promise<Checked> {
  const { files, findings } = withoutFolder(given);
  const manifestFile = files.find(({ path }) => isManifest(path));
  const refuse = (...more: Finding[]): Checked => ({
    content: null,
    files,
    findings: ordered([...findings, ...more]),
  });
  if (!manifestFile) {
    const plain = await plainContent(files);
    findings.push(...plain.findings);
    return hasErrors(findings) || !plain.content
      ? refuse()
      : { content: plain.content, files: [...files, ...plain.generated], findings: ordered(findings) };
  }
  if (manifestFile.size > manifestLimit)
    return refuse(finding('manifest.too-large', { file: manifestFile.path }, { limit: manifestLimit }));
  const { manifest, findings: ofManifest } = readManifest(
    await readWhole(manifestFile),
    new Set(files.map(({ path }) => path)),
  );
  findings.push(...ofManifest);
  if (!manifest || hasErrors(findings)) return refuse();
  const { metadata, metadataLocation, ...content } = manifest;
  const referred = metadataLocation === null ? null : await referredMetadata(metadataLocation, files);
  findings.push(...(referred?.findings ?? []), ...(await scanPages(files)));
  const breakingOut = await scanForOwnWindow(files, content.items);
  findings.push(...breakingOut);
  const said = metadata ?? (referred && 'metadata' in referred ? referred.metadata : undefined);
  return {
    content: {
      ...content,
      extra: {
        ...content.extra,
        ...(said === undefined ? {} : { metadata: said }),
        ...(breakingOut.length > 0 ? { ownWindow: true } : {}),
      },
    },
    files,
    findings: ordered(findings),
  };
}

/** A PDF or a film uploaded by itself, as a package of one file; null when it is neither. */
async function singleFile(file: string, fileName: string): Promise<ArchiveFile | null> {
  const handle = await open(file, 'r');
  const head = Buffer.alloc(1024);
  await handle.read(head, 0, head.length, 0).finally(() => handle.close());
  const kind = head.includes('%PDF-') ? 'pdf' : head.toString('latin1', 4, 8) === 'ftyp' ? 'mp4' : null;
  if (kind === null) return null;
  const base = safePath(fileName.replace(/^.*[/\\]/, '')) ?? kind;
  return {
    path: base.toLowerCase().endsWith(`.${kind}`) ? base : `${base}.${kind}`,
    size: (await stat(file)).size,
    bytes: () => createReadStream(file) as AsyncIterable<Buffer>,
  };
}

/**
 * Opens and checks an upload: a ZIP, an EPUB (which is one), a PDF or an MP4. `use` gets the result while the archive is
 * open; it is closed afterwards.
 */
export async function checkUpload<T>(
  file: string,
  fileName: string,
  limits: ArchiveLimits,
  use: (checked: Checked) => Promise<T>,
): Promise<T> {
  const single = await singleFile(file, fileName);
  if (single) return use(await checkFiles([single]));
  const archive: Archive = await openArchive(file, limits);
  try {
    if (hasErrors(archive.findings))
      return await use({ content: null, files: archive.files, findings: ordered(archive.findings) });
    let checked: Checked;
    try {
      checked = await checkFiles(archive.files);
    } catch (error) {
      // Reading is all that can fail here: what the archive says of an entry is not what it holds.
      checked = {
        content: null,
        files: archive.files,
        findings: [finding('zip.unreadable', {}, { reason: (error as Error).message })],
      };
    }
    return await use({ ...checked, findings: ordered([...archive.findings, ...checked.findings]) });
  } finally {
    archive.close();
  }
}
