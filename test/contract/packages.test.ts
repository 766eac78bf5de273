import { expect } from 'chai';
import { newSortableId } from '../../src/base/ids.ts';
import type {
  ImportJob,
  Package,
  PackageFile,
  PackageVersion,
  Publication,
  VendorToken,
} from '../../src/player/packages/store.ts';
import { onEveryEngine } from '../support/engines.ts';

const at = (seconds: number): Date => new Date(Date.UTC(2026, 10, 23, 8, 0, seconds));
const aPackage = (overrides: Partial<Package> = {}): Package => ({
  id: newSortableId(),
  organisation: 'vendor-a',
  title: '個人資料保護',
  latestVersionId: '',
  publications: [],
  archivedAt: null,
  ...overrides,
});
const aVersion = (packageId: string, overrides: Partial<PackageVersion> = {}): PackageVersion => ({
  id: newSortableId(),
  packageId,
  version: 0,
  standard: 'scorm-1.2',
  edition: '1.2',
  title: '個人資料保護',
  items: [
    {
      identifier: 'I.1 $',
      title: '第一課',
      visible: true,
      href: 'index.html',
      kind: 'sco',
      children: [],
      sequencing: { 'a.b': { $set: 1 } },
    },
  ],
  extra: { 'http://x.y/$z': [1] },
  fileCount: 1,
  totalBytes: 3,
  findings: [],
  uploadedBy: 'p1',
  uploadedAt: at(0),
  ...overrides,
});
const aFile = (path: string): PackageFile => ({ path, size: 3, blobKey: `packages/x/0`, sha256: 'abc' });

onEveryEngine('PackageStore', ({ storage, reopen }) => {
  const store = () => storage().packages;
  const add = async (
    pkg: Package,
    overrides: Partial<PackageVersion> = {},
    files = [aFile('index.html')],
  ) => {
    const version = aVersion(pkg.id, overrides);
    return store().addVersion({ ...pkg, latestVersionId: version.id }, version, files);
  };

  it('gives back a version, its package and its files as they were, over a restart', async () => {
    const pkg = aPackage();
    const version = await add(pkg, {}, [aFile('b/頁.html'), aFile('a.$x.html')]);
    expect(version.version).to.equal(1);
    await reopen();
    expect(await store().version(version.id)).to.deep.equal(version);
    expect(await store().package(pkg.id)).to.deep.equal({ ...pkg, latestVersionId: version.id });
    expect((await store().files(version.id)).map(({ path }) => path)).to.deep.equal([
      'a.$x.html',
      'b/頁.html',
    ]);
    expect(await store().file(version.id, 'b/頁.html')).to.deep.equal(aFile('b/頁.html'));
    expect(await store().file(version.id, 'B/頁.html')).to.equal(null);
    expect(await store().file('other', 'b/頁.html')).to.equal(null);
    expect(await store().version('none')).to.equal(null);
    expect(await store().package('none')).to.equal(null);
  });

  it('numbers versions from 1; a later one is a draft until it is published', async () => {
    const pkg = aPackage();
    const first = await add(pkg);
    const second = await add(pkg, { title: '新版' });
    expect([first.version, second.version]).to.deep.equal([1, 2]);
    expect((await store().versionsOf(pkg.id)).map(({ id }) => id)).to.deep.equal([second.id, first.id]);
    expect(await store().package(pkg.id)).to.deep.include({ latestVersionId: first.id, title: pkg.title });
    const publication: Publication = {
      versionId: second.id,
      at: at(7),
      personId: 'p1',
      learners: 'move',
      courses: 2,
      moved: 31,
    };
    const published = { ...pkg, latestVersionId: second.id, title: '新版', publications: [publication] };
    expect(await store().publish(pkg.id, publication, '新版')).to.deep.equal(published);
    expect(await store().package(pkg.id)).to.deep.equal(published);
    const back: Publication = { ...publication, versionId: first.id, at: at(8), learners: 'stay', moved: 0 };
    expect((await store().publish(pkg.id, back, pkg.title))?.publications).to.deep.equal([publication, back]);
    expect(await store().publish(pkg.id, { ...back, versionId: 'none' }, '')).to.equal(null);
    expect(await store().publish(aPackage().id, back, '')).to.equal(null);
    expect((await store().package(pkg.id))?.publications).to.have.length(2);
  });

  it('keeps both of two publications at the same time; one of them is in use', async () => {
    const pkg = aPackage();
    const versions = [await add(pkg), await add(pkg)];
    await Promise.all(
      versions.map(({ id }) =>
        store().publish(
          pkg.id,
          { versionId: id, at: at(1), personId: 'p1', learners: 'stay', courses: 0, moved: 0 },
          id,
        ),
      ),
    );
    const kept = await store().package(pkg.id);
    expect(kept?.publications).to.have.length(2);
    expect(kept?.latestVersionId).to.equal(kept?.publications.at(-1)?.versionId);
    expect(kept?.title).to.equal(kept?.latestVersionId);
  });

  it('gives two uploads of one package at the same time two numbers', async () => {
    const pkg = aPackage();
    const added = await Promise.all([1, 2, 3, 4].map(() => add(pkg)));
    expect(added.map(({ version }) => version).toSorted()).to.deep.equal([1, 2, 3, 4]);
    const inUse = (await store().package(pkg.id))?.latestVersionId;
    expect(added.map(({ id }) => id)).to.include(inUse);
  });

  it('lists an organisation’s packages only, newest first', async () => {
    const packages = [1, 2].map(() => aPackage({ organisation: 'vendor-list' }));
    for (const pkg of packages) await add(pkg);
    await add(aPackage({ organisation: 'vendor-other' }));
    expect(await store().organisations()).to.include('vendor-list');
    expect((await store().packagesOf('vendor-list')).map(({ id }) => id)).to.deep.equal(
      packages.map(({ id }) => id).toReversed(),
    );
  });

  it('stores more files than fit one write', async () => {
    const version = await add(
      aPackage(),
      {},
      Array.from({ length: 1201 }, (_, n) => aFile(`f/${String(n).padStart(4, '0')}.html`)),
    );
    expect((await store().files(version.id)).length).to.equal(1201);
  });

  it('archives and brings back a package', async () => {
    const pkg = aPackage();
    await add(pkg);
    expect((await store().package(pkg.id))?.archivedAt).to.equal(null);
    expect((await store().setArchived(pkg.id, at(9)))?.archivedAt).to.deep.equal(at(9));
    expect((await store().package(pkg.id))?.archivedAt).to.deep.equal(at(9));
    expect((await store().setArchived(pkg.id, null))?.archivedAt).to.equal(null);
  });

  it('keeps tokens by their hash, lists them by organisation and revokes them once', async () => {
    const token = (id: string, organisation = 'vendor-t'): VendorToken => ({
      id,
      personId: 'p1',
      organisation,
      label: '自動上傳',
      hash: `hash-${id}`,
      createdAt: at(0),
      expiresAt: at(50),
      revokedAt: null,
      lastUsedAt: null,
      ...(id === 't2' ? {} : { scope: 'upload' as const }),
    });
    for (const one of [token('t1'), token('t2'), token('t3', 'vendor-u')]) await store().putToken(one);
    expect(await store().tokenByHash('hash-t1')).to.deep.equal(token('t1'));
    expect(await store().tokenByHash('hash-none')).to.equal(null);
    expect((await store().tokensOf('vendor-t')).map(({ id }) => id)).to.deep.equal(['t2', 't1']);
    await store().noteTokenUse('t1', at(3));
    expect(await store().revokeToken('t1', 'vendor-t', at(4))).to.equal(true);
    expect(await store().revokeToken('t1', 'vendor-t', at(9))).to.equal(true);
    expect(await store().revokeToken('t3', 'vendor-t', at(4))).to.equal(false);
    expect(await store().tokenByHash('hash-t1')).to.deep.equal({
      ...token('t1'),
      revokedAt: at(4),
      lastUsedAt: at(3),
    });
    expect((await store().tokenByHash('hash-t3'))?.revokedAt).to.equal(null);
  });

  it('keeps jobs, replaces them whole and deletes the old ones', async () => {
    const job: ImportJob = {
      id: 'j1',
      personId: 'p1',
      organisation: 'vendor-a',
      fileName: '課程.zip',
      phase: 'receiving',
      done: 1,
      total: 2,
      versionId: null,
      findings: [],
      updatedAt: at(1),
    };
    await store().putJob(job);
    expect(await store().job('j1')).to.deep.equal(job);
    await store().putJob({ ...job, phase: 'refused', updatedAt: at(5) });
    expect(await store().job('j1')).to.deep.equal({ ...job, phase: 'refused', updatedAt: at(5) });
    await store().putJob({ ...job, id: 'j2', updatedAt: at(2) });
    expect(await store().deleteJobsBefore(at(5))).to.equal(1);
    expect(await store().job('j2')).to.equal(null);
    expect(await store().job('j1')).to.not.equal(null);
  });
});
