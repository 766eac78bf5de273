import { createHash, type Hash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { BlobStore } from '../../base/blobs.ts';
import type { Clock } from '../../base/clock.ts';
import { DomainError } from '../../base/errors.ts';
import { newSortableId, newToken } from '../../base/ids.ts';
import type { Finding, ImportResult, Package, PackageLibrary, PackageVersion } from '../types.ts';
import { openArchive, type Archive, type ArchiveFile } from './archive.ts';
import { finding, hasErrors } from './findings.ts';
import { readManifest, type Manifest } from './manifest.ts';
import type { PackageFile, PackageStore } from './store.ts';

export interface LibraryLimits {
  /** Bytes of an upload, and after unpacking; files; unpacked over packed. */
  packageBytes: number;
  packageUnpackedBytes: number;
  packageFiles: number;
  ratio?: number;
}

export interface LibraryDeps {
  store: PackageStore;
  blobs: BlobStore;
  clock: Clock;
  limits: LibraryLimits;
  /** Uploads wait here while they are checked; `cleanUp` removes what a dead process left. */
  tempDir: string;
}

export type ImportProgress = (
  phase: 'receiving' | 'checking' | 'storing',
  done: number,
  total: number,
) => void;

/** A file of a version, ready to be served. */
export interface ServedFile {
  path: string;
  size: number;
  etag: string;
  open(range?: { start?: number; end?: number }): Promise<Readable>;
}

export interface PackageLibraryService extends PackageLibrary {
  importZip(
    zip: Readable,
    by: { personId: string; organisation: string },
    options?: { packageId?: string; fileName?: string; onProgress?: ImportProgress },
  ): Promise<ImportResult>;
  /** Checks a ZIP file without keeping anything. */
  checkFile(file: string): Promise<{ findings: Finding[]; manifest: Manifest | null }>;
  package(id: string): Promise<Package | null>;
  versionsOf(packageId: string): Promise<PackageVersion[]>;
  file(versionId: string, path: string): Promise<ServedFile | null>;
  /** Deletes what a crash left half-stored; run at the start. */
  cleanUp(): Promise<number>;
}

const manifestLimit = 10 * 1024 * 1024;
const findingsLimit = 500;

/** The archive says one thing of an entry and holds another. */
class UnreadableEntry extends Error {
  readonly path: string;
  constructor(path: string, cause: unknown) {
    super((cause as Error).message, { cause });
    this.path = path;
  }
}

/** Whether the process that made the upload still runs on this machine. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function* hashed(file: ArchiveFile, hash: Hash): AsyncIterable<Buffer> {
  try {
    for await (const chunk of file.bytes()) {
      hash.update(chunk);
      yield chunk;
    }
  } catch (error) {
    throw new UnreadableEntry(file.path, error);
  }
}

async function readWhole(file: ArchiveFile): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of file.bytes()) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** The archive's files with a single enclosing folder taken off, if that is where the manifest lies. */
function withoutFolder(archive: Archive): { files: ArchiveFile[]; findings: Finding[] } {
  const { files } = archive;
  if (files.some(({ path }) => path.toLowerCase() === 'imsmanifest.xml')) return { files, findings: [] };
  const manifests = files.filter(({ path }) => /(^|\/)imsmanifest\.xml$/i.test(path));
  const nearest = manifests.toSorted((a, b) => a.path.split('/').length - b.path.split('/').length)[0];
  const folder = nearest?.path.slice(0, -'imsmanifest.xml'.length);
  if (!folder || !files.every(({ path }) => path.startsWith(folder))) return { files, findings: [] };
  return {
    files: files.map((file) => ({ ...file, path: file.path.slice(folder.length) })),
    findings: [
      finding('manifest.in-folder', { file: nearest?.path ?? null }, { folder: folder.slice(0, -1) }),
    ],
  };
}

async function check(
  archive: Archive,
): Promise<{ files: ArchiveFile[]; findings: Finding[]; manifest: Manifest | null }> {
  const findings = [...archive.findings];
  if (hasErrors(findings)) return { files: archive.files, findings, manifest: null };
  const { files, findings: ofFolder } = withoutFolder(archive);
  findings.push(...ofFolder);
  const manifestFile = files.find(({ path }) => path.toLowerCase() === 'imsmanifest.xml');
  if (!manifestFile) {
    findings.push(finding('manifest.missing'));
    return { files, findings, manifest: null };
  }
  if (manifestFile.size > manifestLimit) {
    findings.push(finding('manifest.too-large', { file: manifestFile.path }, { limit: manifestLimit }));
    return { files, findings, manifest: null };
  }
  let bytes: Buffer;
  try {
    bytes = await readWhole(manifestFile);
  } catch (error) {
    findings.push(
      finding('zip.unreadable', { file: manifestFile.path }, { reason: (error as Error).message }),
    );
    return { files, findings, manifest: null };
  }
  const read = readManifest(bytes, new Set(files.map(({ path }) => path)));
  return { files, findings: [...findings, ...read.findings], manifest: read.manifest };
}

/** Errors first, and never more than a report can bear. */
const ordered = (findings: Finding[]): Finding[] =>
  findings
    .toSorted((a, b) => Number(b.severity === 'error') - Number(a.severity === 'error'))
    .slice(0, findingsLimit);

export function createPackageLibrary({
  store,
  blobs,
  clock,
  limits,
  tempDir,
}: LibraryDeps): PackageLibraryService {
  const archiveLimits = {
    files: limits.packageFiles,
    unpackedBytes: limits.packageUnpackedBytes,
    ratio: limits.ratio ?? 200,
  };
  // A process id comes back after a restart in a container: this tells whose a file is.
  const own = newSortableId().replaceAll('-', '');
  const blobPrefix = (versionId: string): string => `packages/${versionId}/`;

  const receive = async (zip: Readable, file: string, onBytes: (bytes: number) => void): Promise<void> => {
    let bytes = 0;
    const limit = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        bytes += chunk.length;
        onBytes(bytes);
        if (bytes > limits.packageBytes)
          done(
            new DomainError('too-large', `The package is larger than ${limits.packageBytes} bytes.`, {
              code: 'package-too-large',
              params: { limit: limits.packageBytes },
            }),
          );
        else done(null, chunk);
      },
    });
    await pipeline(zip, limit, createWriteStream(file, { flags: 'wx', mode: 0o600 }));
  };

  const storeFiles = async (
    versionId: string,
    files: ArchiveFile[],
    onFile: (done: number) => void,
  ): Promise<PackageFile[]> => {
    const stored: PackageFile[] = [];
    for (const [at, file] of files.entries()) {
      const hash = createHash('sha256');
      const blobKey = `${blobPrefix(versionId)}${at}`;
      const { size } = await blobs.put(blobKey, Readable.from(hashed(file, hash), { objectMode: false }));
      stored.push({ path: file.path, size, blobKey, sha256: hash.digest('base64url') });
      onFile(at + 1);
    }
    return stored;
  };

  const importFile = async (
    file: string,
    by: { personId: string; organisation: string },
    options: { packageId?: string; onProgress: ImportProgress },
  ): Promise<ImportResult> => {
    options.onProgress('checking', 0, 1);
    const archive = await openArchive(file, archiveLimits);
    try {
      const checked = await check(archive);
      const findings = ordered(checked.findings);
      if (!checked.manifest || hasErrors(findings)) return { accepted: false, findings };
      const { manifest, files } = checked;

      const existing = options.packageId === undefined ? null : await store.package(options.packageId);
      if (options.packageId !== undefined && (!existing || existing.organisation !== by.organisation))
        throw new DomainError('not-found', 'There is no such package in your organisation.', {
          code: 'no-package',
        });

      const versionId = newSortableId();
      let stored: PackageFile[];
      try {
        stored = await storeFiles(versionId, files, (done) =>
          options.onProgress('storing', done, files.length),
        );
      } catch (error) {
        await blobs.deletePrefix(blobPrefix(versionId));
        // What cannot be read is the package's fault; what cannot be written is ours.
        if (!(error instanceof UnreadableEntry)) throw error;
        return {
          accepted: false,
          findings: [finding('zip.unreadable', { file: error.path }, { reason: error.message })],
        };
      }
      const pkg: Package = {
        id: existing?.id ?? newSortableId(),
        organisation: by.organisation,
        title: manifest.title,
        latestVersionId: versionId,
        archivedAt: existing?.archivedAt ?? null,
      };
      try {
        const version = await store.addVersion(
          pkg,
          {
            id: versionId,
            packageId: pkg.id,
            version: 0,
            standard: manifest.standard,
            edition: manifest.edition,
            title: manifest.title,
            items: manifest.items,
            extra: manifest.extra,
            fileCount: stored.length,
            totalBytes: stored.reduce((sum, { size }) => sum + size, 0),
            findings,
            uploadedBy: by.personId,
            uploadedAt: clock.now(),
          },
          stored,
        );
        return { accepted: true, version };
      } catch (error) {
        await blobs.deletePrefix(blobPrefix(versionId));
        throw error;
      }
    } finally {
      archive.close();
    }
  };

  return {
    async importZip(zip, by, options = {}) {
      await mkdir(tempDir, { recursive: true });
      const file = join(tempDir, `upload-${process.pid}-${own}-${newToken(12)}.zip`);
      const onProgress = options.onProgress ?? (() => undefined);
      try {
        await receive(zip, file, (bytes) => onProgress('receiving', bytes, 0));
        return await importFile(file, by, {
          onProgress,
          ...(options.packageId === undefined ? {} : { packageId: options.packageId }),
        });
      } finally {
        await rm(file, { force: true });
      }
    },
    async checkFile(file) {
      const archive = await openArchive(file, archiveLimits);
      try {
        const { findings, manifest } = await check(archive);
        return { findings: ordered(findings), manifest };
      } finally {
        archive.close();
      }
    },
    version: (id) => store.version(id),
    package: (id) => store.package(id),
    packagesOf: (organisation) => store.packagesOf(organisation),
    versionsOf: (packageId) => store.versionsOf(packageId),
    async file(versionId, path) {
      const found = await store.file(versionId, path.normalize('NFC'));
      if (!found) return null;
      return {
        path: found.path,
        size: found.size,
        etag: `"${found.sha256}"`,
        open: (range) => blobs.read(found.blobKey, range),
      };
    },
    async cleanUp() {
      // Other processes may share the folder: only what no living one is writing goes.
      for (const name of await readdir(tempDir).catch(() => [] as string[])) {
        const [, digits = '0', owner = ''] = /^upload-(\d+)-(\w+)-/.exec(name) ?? [];
        const pid = Number(digits);
        const alive = owner === own || (pid !== 0 && pid !== process.pid && isRunning(pid));
        if (!alive) await rm(join(tempDir, name), { recursive: true, force: true });
      }
      let deleted = 0;
      const known = new Map<string, boolean>();
      // A version's id holds its instant: what is younger than a day may still be on its way in another process.
      const dayAgo = clock.now().getTime() - 24 * 3600 * 1000;
      for await (const { key } of blobs.list('packages/')) {
        const id = key.split('/')[1] ?? '';
        const made = parseInt(id.replaceAll('-', '').slice(0, 12), 16);
        if (!(made < dayAgo)) continue;
        if (!known.has(id)) known.set(id, (await store.version(id)) !== null);
        if (known.get(id)) continue;
        await blobs.delete(key);
        deleted++;
      }
      return deleted;
    },
  };
}
