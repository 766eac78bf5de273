import { Schema } from 'mongoose';
import type {
  ImportJob,
  Package,
  PackageStore,
  PackageVersion,
  VendorToken,
} from '../../player/packages/store.ts';
import { publicationsFromJson } from '../publications-json.ts';
import { type Connection, isDuplicateKey } from './open.ts';

interface PackageRow {
  _id: string;
  organisation: string;
  title: string;
  latestVersionId: string;
  /** As its JSON has it: instants are text. */
  publications?: unknown[];
  archivedAt?: Date | null;
}
interface VersionRow {
  _id: string;
  packageId: string;
  version: number;
  body: string;
}
interface FileRow {
  /** `<version>/<path>` */
  _id: string;
  versionId: string;
  path: string;
  size: number;
  blobKey: string;
  sha256: string;
}
interface JobRow {
  _id: string;
  body: string;
  updatedAt: Date;
}

type TokenRow = Omit<VendorToken, 'id'> & { _id: string };

const text = { type: String, required: true } as const;
const number = { type: Number, required: true } as const;
const packages = new Schema<PackageRow>(
  {
    _id: text,
    organisation: text,
    title: text,
    latestVersionId: text,
    publications: { type: [Schema.Types.Mixed], default: [] },
    archivedAt: Date,
  },
  { versionKey: false, collection: 'packages' },
);
packages.index({ organisation: 1, _id: -1 });
const versions = new Schema<VersionRow>(
  { _id: text, packageId: text, version: number, body: text },
  { versionKey: false, collection: 'package_versions' },
);
versions.index({ packageId: 1, version: -1 }, { unique: true });
const files = new Schema<FileRow>(
  { _id: text, versionId: text, path: text, size: number, blobKey: text, sha256: text },
  { versionKey: false, collection: 'package_files' },
);
files.index({ versionId: 1, path: 1 });
const jobs = new Schema<JobRow>(
  { _id: text, body: text, updatedAt: { type: Date, required: true } },
  { versionKey: false, collection: 'package_jobs' },
);
jobs.index({ updatedAt: 1 });
const date = { type: Date, required: true } as const;
const tokens = new Schema<TokenRow>(
  {
    _id: text,
    hash: text,
    organisation: text,
    personId: text,
    label: text,
    createdAt: date,
    expiresAt: date,
    revokedAt: { type: Date, default: null },
    lastUsedAt: { type: Date, default: null },
    scope: String,
  },
  { versionKey: false, collection: 'vendor_tokens' },
);
tokens.index({ hash: 1 }, { unique: true });
tokens.index({ organisation: 1, _id: -1 });

const toVersion = (row: VersionRow): PackageVersion => {
  const kept = JSON.parse(row.body) as Omit<PackageVersion, 'uploadedAt'> & { uploadedAt: string };
  return { ...kept, uploadedAt: new Date(kept.uploadedAt) };
};
const toPackage = (row: PackageRow): Package => ({
  id: row._id,
  organisation: row.organisation,
  title: row.title,
  latestVersionId: row.latestVersionId,
  publications: publicationsFromJson(JSON.stringify(row.publications ?? [])),
  archivedAt: row.archivedAt ?? null,
});
const toToken = ({ _id, scope, ...token }: TokenRow): VendorToken => ({
  id: _id,
  ...token,
  ...(scope ? { scope } : {}),
});
const toFile = ({ path, size, blobKey, sha256 }: FileRow) => ({ path, size, blobKey, sha256 });

export async function createMongoPackageStore(connection: Connection): Promise<PackageStore> {
  const pkg = connection.model<PackageRow>('Package', packages);
  const version = connection.model<VersionRow>('PackageVersion', versions);
  const file = connection.model<FileRow>('PackageFile', files);
  const job = connection.model<JobRow>('PackageJob', jobs);
  const token = connection.model<TokenRow>('VendorToken', tokens);
  for (const model of [pkg, version, file, job, token]) {
    await model.createCollection();
    await model.createIndexes();
  }
  return {
    // Files first, then the version that makes them visible, then the package that names the version: after a crash in
    // between, nothing refers to what is half there.
    async addVersion(given, body, list) {
      for (let at = 0; at < list.length; at += 500)
        await file.insertMany(
          list
            .slice(at, at + 500)
            .map((one) => ({ _id: `${body.id}/${one.path}`, versionId: body.id, ...one })),
        );
      for (;;) {
        const highest = await version
          .findOne({ packageId: given.id })
          .sort({ version: -1 })
          .lean<VersionRow>();
        const numbered = { ...body, version: (highest?.version ?? 0) + 1 };
        try {
          await version.create({
            _id: body.id,
            packageId: given.id,
            version: numbered.version,
            body: JSON.stringify(numbered),
          });
        } catch (error) {
          if (!isDuplicateKey(error)) throw error;
          continue; // another upload took the number
        }
        try {
          await pkg.create({
            _id: given.id,
            organisation: given.organisation,
            title: given.title,
            latestVersionId: body.id,
          });
        } catch (error) {
          if (!isDuplicateKey(error)) throw error; // it is there: the version is a draft of it
        }
        return numbered;
      }
    },
    async package(id) {
      const row = await pkg.findById(id).lean<PackageRow>();
      return row && toPackage(row);
    },
    async packagesOf(organisation) {
      return (await pkg.find({ organisation }).sort({ _id: -1 }).lean<PackageRow[]>()).map(toPackage);
    },
    async organisations() {
      return (await pkg.distinct('organisation')).toSorted();
    },
    async setArchived(id, at) {
      const row = await pkg
        .findOneAndUpdate({ _id: id }, { $set: { archivedAt: at } }, { returnDocument: 'after' })
        .lean<PackageRow>();
      return row && toPackage(row);
    },
    async publish(id, publication, title) {
      const { versionId } = publication;
      // A version never changes its package: asking first is safe.
      if (!(await version.findOne({ _id: versionId, packageId: id }).lean<VersionRow>())) return null;
      const row = await pkg
        .findOneAndUpdate(
          { _id: id },
          {
            $set: { latestVersionId: versionId, title },
            $push: { publications: JSON.parse(JSON.stringify(publication)) as unknown },
          },
          { returnDocument: 'after' },
        )
        .lean<PackageRow>();
      return row && toPackage(row);
    },
    async version(id) {
      const row = await version.findById(id).lean<VersionRow>();
      return row && toVersion(row);
    },
    async discardVersion(id) {
      const row = await version.findById(id).lean<VersionRow>();
      if (row && (await pkg.exists({ _id: row.packageId }))) return false;
      await version.deleteOne({ _id: id });
      await file.deleteMany({ versionId: id });
      return true;
    },
    async versionsOf(packageId) {
      return (await version.find({ packageId }).sort({ version: -1 }).lean<VersionRow[]>()).map(toVersion);
    },
    async file(versionId, path) {
      const row = await file.findById(`${versionId}/${path}`).lean<FileRow>();
      return row && toFile(row);
    },
    async files(versionId) {
      return (await file.find({ versionId }).sort({ path: 1 }).lean<FileRow[]>()).map(toFile);
    },
    async putJob(given) {
      await job.replaceOne(
        { _id: given.id },
        { body: JSON.stringify(given), updatedAt: given.updatedAt },
        { upsert: true },
      );
    },
    async job(id) {
      const row = await job.findById(id).lean<JobRow>();
      if (!row) return null;
      const kept = JSON.parse(row.body) as Omit<ImportJob, 'updatedAt'> & { updatedAt: string };
      return { ...kept, updatedAt: new Date(kept.updatedAt) };
    },
    async putToken({ id, ...given }) {
      await token.create({ _id: id, ...given });
    },
    async tokenByHash(hash) {
      const row = await token.findOne({ hash }).lean<TokenRow>();
      return row && toToken(row);
    },
    async tokensOf(organisation) {
      return (await token.find({ organisation }).sort({ _id: -1 }).lean<TokenRow[]>()).map(toToken);
    },
    async revokeToken(id, organisation, at) {
      await token.updateOne({ _id: id, organisation, revokedAt: null }, { $set: { revokedAt: at } });
      return (await token.findOne({ _id: id, organisation }).lean<TokenRow>()) !== null;
    },
    async noteTokenUse(id, at) {
      await token.updateOne({ _id: id }, { $set: { lastUsedAt: at } });
    },
    async deleteJobsBefore(at) {
      return (await job.deleteMany({ updatedAt: { $lt: at } })).deletedCount;
    },
  };
}
