import type {
  ImportJob,
  Package,
  PackageFile,
  PackageStore,
  PackageVersion,
  TokenScope,
  VendorToken,
} from '../../player/packages/store.ts';
import { publicationsFromJson } from '../publications-json.ts';
import type { Sqlite, SqliteSchema } from './open.ts';

export const packagesSchema: SqliteSchema = {
  module: 'packages',
  steps: [
    `CREATE TABLE packages (
      id TEXT PRIMARY KEY,
      organisation TEXT NOT NULL,
      title TEXT NOT NULL,
      latest_version_id TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX packages_organisation ON packages (organisation, id DESC);
    CREATE TABLE package_versions (
      id TEXT PRIMARY KEY,
      package_id TEXT NOT NULL REFERENCES packages (id),
      version INTEGER NOT NULL,
      body TEXT NOT NULL,
      UNIQUE (package_id, version)
    ) WITHOUT ROWID;
    CREATE TABLE package_files (
      version_id TEXT NOT NULL REFERENCES package_versions (id) ON DELETE CASCADE,
      path TEXT NOT NULL,
      size INTEGER NOT NULL,
      blob_key TEXT NOT NULL,
      sha256 TEXT NOT NULL,
      PRIMARY KEY (version_id, path)
    ) WITHOUT ROWID;
    CREATE TABLE package_jobs (id TEXT PRIMARY KEY, body TEXT NOT NULL, updated_at INTEGER NOT NULL) WITHOUT ROWID;
    CREATE INDEX package_jobs_updated ON package_jobs (updated_at);`,
    `ALTER TABLE packages ADD COLUMN archived_at INTEGER;`,
    `CREATE TABLE vendor_tokens (
      id TEXT PRIMARY KEY,
      hash TEXT NOT NULL UNIQUE,
      organisation TEXT NOT NULL,
      person_id TEXT NOT NULL,
      label TEXT NOT NULL,
      created_at INTEGER NOT NULL,
      expires_at INTEGER NOT NULL,
      revoked_at INTEGER,
      last_used_at INTEGER
    ) WITHOUT ROWID;
    CREATE INDEX vendor_tokens_organisation ON vendor_tokens (organisation, id DESC);`,
    `ALTER TABLE packages ADD COLUMN publications TEXT NOT NULL DEFAULT '[]';`,
    `ALTER TABLE vendor_tokens ADD COLUMN scope TEXT;`,
  ],
};

interface PackageRow {
  id: string;
  organisation: string;
  title: string;
  latest_version_id: string;
  publications: string;
  archived_at: number | null;
}
interface TokenRow {
  id: string;
  hash: string;
  organisation: string;
  person_id: string;
  label: string;
  created_at: number;
  expires_at: number;
  revoked_at: number | null;
  last_used_at: number | null;
  scope: TokenScope | null;
}
interface FileRow {
  path: string;
  size: number;
  blob_key: string;
  sha256: string;
}
interface BodyRow {
  body: string;
}

const toPackage = (row: PackageRow): Package => ({
  id: row.id,
  organisation: row.organisation,
  title: row.title,
  latestVersionId: row.latest_version_id,
  publications: publicationsFromJson(row.publications),
  archivedAt: row.archived_at === null ? null : new Date(row.archived_at),
});
const dateOrNull = (value: number | null): Date | null => (value === null ? null : new Date(value));
const toToken = (row: TokenRow): VendorToken => ({
  id: row.id,
  personId: row.person_id,
  organisation: row.organisation,
  label: row.label,
  hash: row.hash,
  createdAt: new Date(row.created_at),
  expiresAt: new Date(row.expires_at),
  revokedAt: dateOrNull(row.revoked_at),
  lastUsedAt: dateOrNull(row.last_used_at),
  ...(row.scope === null ? {} : { scope: row.scope }),
});
const toFile = (row: FileRow): PackageFile => ({
  path: row.path,
  size: row.size,
  blobKey: row.blob_key,
  sha256: row.sha256,
});
const toVersion = (row: BodyRow): PackageVersion => {
  const kept = JSON.parse(row.body) as Omit<PackageVersion, 'uploadedAt'> & { uploadedAt: string };
  return { ...kept, uploadedAt: new Date(kept.uploadedAt) };
};

export function createSqlitePackageStore(db: Sqlite): PackageStore {
  const putPackage = db.prepare(
    `INSERT INTO packages (id, organisation, title, latest_version_id) VALUES (?, ?, ?, ?)
     ON CONFLICT (id) DO NOTHING`,
  );
  const highest = db.prepare<[string], { n: number }>(
    'SELECT coalesce(max(version), 0) AS n FROM package_versions WHERE package_id = ?',
  );
  const putVersion = db.prepare(
    'INSERT INTO package_versions (id, package_id, version, body) VALUES (?, ?, ?, ?)',
  );
  const putFile = db.prepare(
    'INSERT INTO package_files (version_id, path, size, blob_key, sha256) VALUES (?, ?, ?, ?, ?)',
  );
  const getPackage = db.prepare<[string], PackageRow>('SELECT * FROM packages WHERE id = ?');
  const packagesOf = db.prepare<[string], PackageRow>(
    'SELECT * FROM packages WHERE organisation = ? ORDER BY id DESC',
  );
  const organisations = db.prepare<[], { organisation: string }>(
    'SELECT DISTINCT organisation FROM packages ORDER BY organisation',
  );
  const setArchived = db.prepare<[number | null, string], PackageRow>(
    'UPDATE packages SET archived_at = ? WHERE id = ? RETURNING *',
  );
  const publish = db.prepare<[string, string, string, string, string], PackageRow>(
    `UPDATE packages SET latest_version_id = ?, title = ?, publications = json_insert(publications, '$[#]', json(?))
     WHERE id = ? AND EXISTS (SELECT 1 FROM package_versions WHERE id = ? AND package_id = packages.id) RETURNING *`,
  );
  const version = db.prepare<[string], BodyRow>('SELECT body FROM package_versions WHERE id = ?');
  const versionsOf = db.prepare<[string], BodyRow>(
    'SELECT body FROM package_versions WHERE package_id = ? ORDER BY version DESC',
  );
  const file = db.prepare<[string, string], FileRow>(
    'SELECT * FROM package_files WHERE version_id = ? AND path = ?',
  );
  const deleteFiles = db.prepare('DELETE FROM package_files WHERE version_id = ?');
  const files = db.prepare<[string], FileRow>(
    'SELECT * FROM package_files WHERE version_id = ? ORDER BY path',
  );
  const putJob = db.prepare('INSERT OR REPLACE INTO package_jobs (id, body, updated_at) VALUES (?, ?, ?)');
  const job = db.prepare<[string], BodyRow>('SELECT body FROM package_jobs WHERE id = ?');
  const dropJobs = db.prepare('DELETE FROM package_jobs WHERE updated_at < ?');

  const putToken = db.prepare('INSERT INTO vendor_tokens VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)');
  const tokenByHash = db.prepare<[string], TokenRow>('SELECT * FROM vendor_tokens WHERE hash = ?');
  const tokensOf = db.prepare<[string], TokenRow>(
    'SELECT * FROM vendor_tokens WHERE organisation = ? ORDER BY id DESC',
  );
  const revokeToken = db.prepare(
    'UPDATE vendor_tokens SET revoked_at = coalesce(revoked_at, ?) WHERE id = ? AND organisation = ?',
  );
  const noteTokenUse = db.prepare('UPDATE vendor_tokens SET last_used_at = ? WHERE id = ?');

  const add = db.transaction((pkg: Package, given: PackageVersion, list: PackageFile[]): PackageVersion => {
    const numbered = { ...given, version: (highest.get(pkg.id)?.n ?? 0) + 1 };
    putPackage.run(pkg.id, pkg.organisation, pkg.title, pkg.latestVersionId);
    putVersion.run(numbered.id, pkg.id, numbered.version, JSON.stringify(numbered));
    for (const one of list) putFile.run(numbered.id, one.path, one.size, one.blobKey, one.sha256);
    return numbered;
  });

  return {
    async addVersion(pkg, given, list) {
      return add.immediate(pkg, given, list);
    },
    async package(id) {
      const row = getPackage.get(id);
      return row ? toPackage(row) : null;
    },
    async packagesOf(organisation) {
      return packagesOf.all(organisation).map(toPackage);
    },
    async organisations() {
      return organisations.all().map(({ organisation }) => organisation);
    },
    async setArchived(id, at) {
      const row = setArchived.get(at?.getTime() ?? null, id);
      return row ? toPackage(row) : null;
    },
    async publish(id, publication, title) {
      const { versionId } = publication;
      const row = publish.get(versionId, title, JSON.stringify(publication), id, versionId);
      return row ? toPackage(row) : null;
    },
    async version(id) {
      const row = version.get(id);
      return row ? toVersion(row) : null;
    },
    // Version, files and package are one transaction here: only what has none of its own can be a rest.
    async discardVersion(id) {
      if (version.get(id)) return false;
      deleteFiles.run(id);
      return true;
    },
    async versionsOf(packageId) {
      return versionsOf.all(packageId).map(toVersion);
    },
    async file(versionId, path) {
      const row = file.get(versionId, path);
      return row ? toFile(row) : null;
    },
    async files(versionId) {
      return files.all(versionId).map(toFile);
    },
    async putJob(given) {
      putJob.run(given.id, JSON.stringify(given), given.updatedAt.getTime());
    },
    async job(id) {
      const row = job.get(id);
      if (!row) return null;
      const kept = JSON.parse(row.body) as Omit<ImportJob, 'updatedAt'> & { updatedAt: string };
      return { ...kept, updatedAt: new Date(kept.updatedAt) };
    },
    async putToken(token) {
      putToken.run(
        token.id,
        token.hash,
        token.organisation,
        token.personId,
        token.label,
        token.createdAt.getTime(),
        token.expiresAt.getTime(),
        token.revokedAt?.getTime() ?? null,
        token.lastUsedAt?.getTime() ?? null,
        token.scope ?? null,
      );
    },
    async tokenByHash(hash) {
      const row = tokenByHash.get(hash);
      return row ? toToken(row) : null;
    },
    async tokensOf(organisation) {
      return tokensOf.all(organisation).map(toToken);
    },
    async revokeToken(id, organisation, at) {
      return revokeToken.run(at.getTime(), id, organisation).changes === 1;
    },
    async noteTokenUse(id, at) {
      noteTokenUse.run(at.getTime(), id);
    },
    async deleteJobsBefore(at) {
      return dropJobs.run(at.getTime()).changes;
    },
  };
}
