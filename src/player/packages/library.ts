import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import type { BlobStore } from '../../base/blobs.ts';
import type { Clock } from '../../base/clock.ts';
import { DomainError } from '../../base/errors.ts';
import { newSortableId } from '../../base/ids.ts';
import type {
  Finding,
  ImportResult,
  Package,
  PackageLibrary,
  PackageVersion,
  Publication,
} from '../types.ts';
import { safePath, type ArchiveFile } from './archive.ts';
import { checkFiles, checkUpload, type Checked } from './check.ts';
import type { CourseContent } from './content.ts';
import { finding } from './findings.ts';
import type { PackageFile, PackageStore } from './store.ts';
import { createUploadFiles } from './upload-files.ts';

export interface LibraryLimits {
  /** Bytes of an upload, and after unpacking; files; unpacked over packed. */
  packageBytes: number;
  packageUnpackedBytes: number;
  packageFiles: number;
  packageRatio?: number;
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

/** Who acts, and for which vendor organisation; what belongs to another one is `not-found`. */
export interface PackageOwner {
  personId: string;
  organisation: string;
}

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
    by: PackageOwner,
    options?: { packageId?: string; fileName?: string; onProgress?: ImportProgress },
  ): Promise<ImportResult>;
  /**
   * A new version of the package that differs from another in one file, which may be a new one; checked like an upload.
   * `from`: that other version; by default the newest draft, or else the version in use.
   * DomainError `invalid` when the path cannot be one of a package, `not-found` for a version that is not the package's.
   */
  replaceFile(
    packageId: string,
    path: string,
    bytes: Readable,
    by: PackageOwner,
    from?: string,
  ): Promise<ImportResult>;
  /**
   * Makes a draft, or a former version again, the one that new courses take. Courses keep the version that they have;
   * `what` says what became of them where someone has seen to that (courses/publishing.ts).
   */
  useVersion(
    packageId: string,
    versionId: string,
    by: PackageOwner,
    what?: Pick<Publication, 'learners' | 'courses' | 'moved'>,
  ): Promise<Package>;
  /** Takes the package off the vendor's list, or puts it back; courses that use it go on. */
  archive(packageId: string, archived: boolean, by: PackageOwner): Promise<Package>;
  /** Checks a file without keeping anything. */
  checkFile(file: string, fileName?: string): Promise<{ findings: Finding[]; content: CourseContent | null }>;
  package(id: string): Promise<Package | null>;
  archivedPackagesOf(organisation: string): Promise<Package[]>;
  versionsOf(packageId: string): Promise<PackageVersion[]>;
  /** Paths of a version's files, in order. */
  paths(versionId: string): Promise<string[]>;
  file(versionId: string, path: string): Promise<ServedFile | null>;
  /** Deletes what a crash left half-stored; run at the start. */
  cleanUp(): Promise<number>;
}

/** The archive says one thing of an entry and holds another. */
class UnreadableEntry extends Error {
  readonly path: string;
  constructor(path: string, cause: unknown) {
    super((cause as Error).message, { cause });
    this.path = path;
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

/** draft: uploaded and never in use; former: in use once. */
export const versionState = (
  pkg: Pick<Package, 'latestVersionId' | 'publications'>,
  version: Pick<PackageVersion, 'id' | 'version'>,
): 'current' | 'draft' | 'former' => {
  if (version.id === pkg.latestVersionId) return 'current';
  const wasInUse =
    version.version === 1 || pkg.publications.some(({ versionId }) => versionId === version.id);
  return wasInUse ? 'former' : 'draft';
};

const blobPrefix = (versionId: string): string => `packages/${versionId}/`;

export function createPackageLibrary(deps: LibraryDeps): PackageLibraryService {
  const { store, blobs, clock, limits } = deps;
  const uploads = createUploadFiles(deps.tempDir, limits.packageBytes);
  const archiveLimits = {
    files: limits.packageFiles,
    unpackedBytes: limits.packageUnpackedBytes,
    ratio: limits.packageRatio ?? 200,
  };

  const owned = async (packageId: string, organisation: string): Promise<Package> => {
    const pkg = await store.package(packageId);
    if (!pkg || pkg.organisation !== organisation)
      throw new DomainError('not-found', 'There is no such package in your organisation.', {
        code: 'no-package',
      });
    return pkg;
  };

  /** Stores the files of a new version; those that a former version holds already are taken over. */
  const storeFiles = async (
    versionId: string,
    files: ArchiveFile[],
    kept: ReadonlyMap<string, PackageFile>,
    onFile: (done: number) => void,
  ): Promise<PackageFile[]> => {
    const stored: PackageFile[] = [];
    for (const [at, file] of files.entries()) {
      const there = kept.get(file.path);
      if (there) {
        stored.push(there);
        continue;
      }
      const hash = createHash('sha256');
      const blobKey = `${blobPrefix(versionId)}${at}`;
      const { size } = await blobs.put(blobKey, Readable.from(hashed(file, hash), { objectMode: false }));
      stored.push({ path: file.path, size, blobKey, sha256: hash.digest('base64url') });
      onFile(at + 1);
    }
    return stored;
  };

  /** Keeps what was checked as the next version, or says why not; a refused one leaves nothing behind. */
  const keep = async (
    { content, files, findings }: Checked,
    by: PackageOwner,
    existing: Package | null,
    kept: ReadonlyMap<string, PackageFile> = new Map(),
    onProgress: ImportProgress = () => undefined,
  ): Promise<ImportResult> => {
    if (!content) return { accepted: false, findings };
    const versionId = newSortableId();
    let stored: PackageFile[];
    try {
      stored = await storeFiles(versionId, files, kept, (done) => onProgress('storing', done, files.length));
    } catch (error) {
      await blobs.deletePrefix(blobPrefix(versionId));
      // What cannot be read is the package's fault; what cannot be written is ours.
      if (!(error instanceof UnreadableEntry)) throw error;
      const unreadable = finding('zip.unreadable', { file: error.path }, { reason: error.message });
      return { accepted: false, findings: [unreadable] };
    }
    const pkg: Package = {
      id: existing?.id ?? newSortableId(),
      organisation: by.organisation,
      title: content.title,
      latestVersionId: versionId,
      publications: [],
      archivedAt: existing?.archivedAt ?? null,
    };
    // If this fails it may have been stored none the less: its files wait for `cleanUp`, which knows.
    const version = await store.addVersion(
      pkg,
      {
        ...content,
        id: versionId,
        packageId: pkg.id,
        version: 0,
        fileCount: stored.length,
        totalBytes: stored.reduce((sum, { size }) => sum + size, 0),
        findings,
        uploadedBy: by.personId,
        uploadedAt: clock.now(),
      },
      stored,
    );
    return { accepted: true, version };
  };

  /** The version that a single file is replaced in. */
  const baseOf = async (pkg: Package, from: string | undefined): Promise<string> => {
    const versions = await store.versionsOf(pkg.id);
    const [newest] = versions;
    if (from === undefined)
      return newest && versionState(pkg, newest) === 'draft' ? newest.id : pkg.latestVersionId;
    if (versions.some(({ id }) => id === from)) return from;
    throw new DomainError('not-found', 'The package has no such version.', { code: 'no-package' });
  };

  /** A file that is stored already, as if it came out of an archive. */
  const storedFile = (file: PackageFile): ArchiveFile => ({
    path: file.path,
    size: file.size,
    async *bytes() {
      for await (const chunk of await blobs.read(file.blobKey)) yield Buffer.from(chunk as Uint8Array);
    },
  });

  return {
    async importZip(zip, by, options = {}) {
      const onProgress = options.onProgress ?? (() => undefined);
      return uploads.receive(
        zip,
        (count) => onProgress('receiving', count, 0),
        async (file) => {
          const existing =
            options.packageId === undefined ? null : await owned(options.packageId, by.organisation);
          onProgress('checking', 0, 1);
          return checkUpload(file, options.fileName ?? 'package.zip', archiveLimits, (checked) =>
            keep(checked, by, existing, undefined, onProgress),
          );
        },
      );
    },
    async replaceFile(packageId, path, bytes, by, from) {
      const safe = safePath(path);
      if (safe === null)
        throw new DomainError('invalid', 'This path cannot be one of a package.', { code: 'unsafe-path' });
      const pkg = await owned(packageId, by.organisation);
      return uploads.receive(
        bytes,
        () => undefined,
        async (file) => {
          const former = await store.files(await baseOf(pkg, from));
          const kept = new Map(former.filter((one) => one.path !== safe).map((one) => [one.path, one]));
          const { size } = await stat(file);
          const replaced: ArchiveFile = {
            path: safe,
            size,
            bytes: () => createReadStream(file) as AsyncIterable<Buffer>,
          };
          const generated = /^zhixing-content-*\//;
          const checked = await checkFiles([
            ...[...kept.values()].filter((one) => !generated.test(one.path)).map(storedFile),
            replaced,
          ]);
          for (const one of checked.files) if (generated.test(one.path)) kept.delete(one.path);
          return keep(checked, by, pkg, kept);
        },
      );
    },
    async useVersion(packageId, versionId, by, what = { learners: 'stay' as const, courses: 0, moved: 0 }) {
      await owned(packageId, by.organisation);
      const version = await store.version(versionId);
      const publication = { ...what, versionId, at: clock.now(), personId: by.personId };
      const pkg = version && (await store.publish(packageId, publication, version.title));
      if (!pkg)
        throw new DomainError('not-found', 'The package has no such version.', { code: 'no-package' });
      return pkg;
    },
    async archive(packageId, archived, by) {
      const pkg = await owned(packageId, by.organisation);
      return (await store.setArchived(packageId, archived ? clock.now() : null)) ?? pkg;
    },
    async checkFile(file, fileName = file) {
      return checkUpload(file, fileName, archiveLimits, async ({ findings, content }) => ({
        findings,
        content,
      }));
    },
    version: (id) => store.version(id),
    package: (id) => store.package(id),
    packagesOf: async (organisation) =>
      (await store.packagesOf(organisation)).filter(({ archivedAt }) => archivedAt === null),
    archivedPackagesOf: async (organisation) =>
      (await store.packagesOf(organisation)).filter(({ archivedAt }) => archivedAt !== null),
    versionsOf: (packageId) => store.versionsOf(packageId),
    paths: async (versionId) => (await store.files(versionId)).map(({ path }) => path),
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
      await uploads.cleanUp();
      let deleted = 0;
      const known = new Map<string, boolean>();
      // A version's id holds its instant: what is younger than a day may still be on its way in another process.
      const dayAgo = clock.now().getTime() - 24 * 3600 * 1000;
      for await (const { key } of blobs.list('packages/')) {
        const id = key.split('/')[1] ?? '';
        const made = parseInt(id.replaceAll('-', '').slice(0, 12), 16);
        if (!(made < dayAgo)) continue;
        if (!known.has(id)) known.set(id, !(await store.discardVersion(id)));
        if (known.get(id)) continue;
        await blobs.delete(key);
        deleted++;
      }
      return deleted;
    },
  };
}
