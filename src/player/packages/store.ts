import type { Package, PackageVersion, Publication } from '../types.ts';

export type { Finding, Package, PackageItem, PackageVersion, Publication } from '../types.ts';

/** One file of a version; its bytes lie in the blob store under `blobKey`. */
export interface PackageFile {
  /** As the manifest names it: `/`-separated, NFC. */
  path: string;
  size: number;
  blobKey: string;
  /** SHA-256 of the bytes, base64url: the file's ETag. */
  sha256: string;
}

/** An upload on its way; every process may ask for it. */
export interface ImportJob {
  id: string;
  personId: string;
  organisation: string;
  fileName: string;
  phase: 'receiving' | 'checking' | 'storing' | 'accepted' | 'refused' | 'failed';
  /** Files stored and to store, while storing. */
  done: number;
  total: number;
  versionId: string | null;
  findings: PackageVersion['findings'];
  updatedAt: Date;
}

/** read: look; upload: also put in drafts and make preview links; publish: also change what courses use, and archive. */
export type TokenScope = 'read' | 'upload' | 'publish';

/** Speaks for a vendor organisation in requests of its own programs. */
export interface VendorToken {
  id: string;
  /** Who made it. */
  personId: string;
  organisation: string;
  label: string;
  /** SHA-256 of the token, base64url. */
  hash: string;
  /** Absent in tokens of before there were scopes: they may do everything. */
  scope?: TokenScope;
  createdAt: Date;
  expiresAt: Date;
  revokedAt: Date | null;
  lastUsedAt: Date | null;
}

/** Port: packages, their immutable versions with their files, and uploads on their way. */
export interface PackageStore {
  /**
   * Stores a version with its files, and its package where there is none yet; an existing one stays as it is: the next
   * version is a draft. Not visible before it is whole. The version's number is given by the store: one more than the highest.
   */
  addVersion(pkg: Package, version: PackageVersion, files: PackageFile[]): Promise<PackageVersion>;
  package(id: string): Promise<Package | null>;
  /** Newest first. */
  packagesOf(organisation: string): Promise<Package[]>;
  /** Every organisation that owns one. */
  organisations(): Promise<string[]>;
  /** Archives, or brings back with null; null when there is no such package. */
  setArchived(id: string, at: Date | null): Promise<Package | null>;
  /** Makes the publication's version, and its title, the package's; null when there is no such package or the version is not its own. */
  publish(id: string, publication: Publication, title: string): Promise<Package | null>;
  version(id: string): Promise<PackageVersion | null>;
  /** Removes what a crash left of a version that never became one of a package; false, and nothing removed, when it is one. */
  discardVersion(id: string): Promise<boolean>;
  /** Highest number first. */
  versionsOf(packageId: string): Promise<PackageVersion[]>;
  file(versionId: string, path: string): Promise<PackageFile | null>;
  /** In the order of their paths. */
  files(versionId: string): Promise<PackageFile[]>;

  putJob(job: ImportJob): Promise<void>;
  job(id: string): Promise<ImportJob | null>;
  deleteJobsBefore(at: Date): Promise<number>;

  putToken(token: VendorToken): Promise<void>;
  tokenByHash(hash: string): Promise<VendorToken | null>;
  /** Newest first. */
  tokensOf(organisation: string): Promise<VendorToken[]>;
  /** False when the organisation has no such token; the first revocation's time stays. */
  revokeToken(id: string, organisation: string, at: Date): Promise<boolean>;
  noteTokenUse(id: string, at: Date): Promise<void>;
}
