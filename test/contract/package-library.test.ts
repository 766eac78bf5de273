import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { expect } from 'chai';
import { isDomainError } from '../../src/base/errors.ts';
import { createPackageLibrary, type LibraryLimits, versionState } from '../../src/player/packages/library.ts';
import type { ImportResult, PackageVersion } from '../../src/player/types.ts';
import { TestClock } from '../support/clock.ts';
import { onEveryEngine } from '../support/engines.ts';
import { manifestOf, packageOf, zipOf } from '../support/zips.ts';

const by = { personId: 'p1', organisation: 'vendor-a' };
const MiB = 1024 * 1024;

onEveryEngine('PackageLibrary', ({ storage, options }) => {
  const clock = new TestClock();
  const tempDir = () => join(options().dataDir, 'uploads');
  const library = (limits: Partial<LibraryLimits> = {}) =>
    createPackageLibrary({
      store: storage().packages,
      blobs: storage().blobs,
      clock,
      tempDir: tempDir(),
      limits: { packageBytes: 5 * MiB, packageUnpackedBytes: 20 * MiB, packageFiles: 100, ...limits },
    });
  const accepted = (result: ImportResult): PackageVersion => {
    if (!result.accepted) throw new Error(JSON.stringify(result.findings.map(({ rule }) => rule)));
    return result.version;
  };
  const put = async (zip: Buffer, given: { packageId?: string } = {}) =>
    library().importZip(Readable.from([zip]), by, given);
  const blobKeys = async (): Promise<string[]> => {
    const keys: string[] = [];
    for await (const { key } of storage().blobs.list('packages/')) keys.push(key);
    return keys;
  };
  const textOf = async (versionId: string, path: string): Promise<string | null> => {
    const file = await library().file(versionId, path);
    if (!file) return null;
    const chunks: Buffer[] = [];
    for await (const chunk of await file.open()) chunks.push(Buffer.from(chunk as Buffer));
    return Buffer.concat(chunks).toString();
  };
  const leavesNothing = async (attempt: () => Promise<unknown>): Promise<unknown> => {
    const before = await blobKeys();
    const result = await attempt().catch((error: unknown) => error);
    expect(await blobKeys()).to.deep.equal(before);
    expect(readdirSync(tempDir())).to.deep.equal([]);
    return result;
  };

  it('keeps an accepted package, its files under their names', async () => {
    const version = accepted(await put(packageOf({}, [{ name: '圖/一.svg', data: '<svg/>' }])));
    expect(version).to.deep.include({ standard: 'scorm-1.2', version: 1, fileCount: 3, uploadedBy: 'p1' });
    expect(await textOf(version.id, '圖/一.svg')).to.equal('<svg/>');
    expect(await textOf(version.id, '圖/二.svg')).to.equal(null);
    expect(await library().version(version.id)).to.deep.equal(version);
    expect((await library().packagesOf('vendor-a')).map(({ id }) => id)).to.include(version.packageId);
    expect(readdirSync(tempDir())).to.deep.equal([]);
  });

  it('takes the content of a single enclosing folder, and says so', async () => {
    const zip = zipOf([
      { name: '課程/imsmanifest.xml', data: manifestOf() },
      { name: '課程/index.html', data: 'x' },
    ]);
    const version = accepted(await put(zip));
    expect(version.findings.map(({ rule }) => rule)).to.deep.equal(['manifest.in-folder']);
    expect(await textOf(version.id, 'index.html')).to.equal('x');
  });

  it('a refused package leaves nothing behind', async () => {
    for (const zip of [
      packageOf({}, [{ name: '../evil', data: 'x' }]),
      zipOf([{ name: 'imsmanifest.xml', data: manifestOf() }]),
      Buffer.from('no zip'),
    ])
      expect(await leavesNothing(() => put(zip))).to.deep.include({ accepted: false });
  });

  it('an entry that holds more, less or other than it says is refused while storing, and leaves nothing', async () => {
    const data = 'x'.repeat(1000);
    const wrongSum = packageOf({}, [{ name: 'z.bin', data, stored: true }]);
    const at = wrongSum.indexOf(data);
    wrongSum[at] = 0x79;
    for (const zip of [
      packageOf({}, [{ name: 'z.bin', data, declaredSize: 10 }]),
      packageOf({}, [{ name: 'z.bin', data, declaredSize: 2000 }]),
      wrongSum,
    ]) {
      const result = (await leavesNothing(() => put(zip))) as ImportResult;
      expect(result.accepted).to.equal(false);
      if (!result.accepted)
        expect(result.findings[0]).to.deep.include({ rule: 'zip.unreadable', file: 'z.bin' });
    }
  });

  it('an upload over the limit, or cut off, leaves nothing', async () => {
    const large = await leavesNothing(() =>
      library({ packageBytes: 100 }).importZip(Readable.from([packageOf()]), by),
    );
    expect(isDomainError(large, 'too-large')).to.equal(true);
    const cut = await leavesNothing(() =>
      library().importZip(
        Readable.from(
          (async function* () {
            yield packageOf().subarray(0, 50);
            throw new Error('the connection is gone');
          })(),
        ),
        by,
      ),
    );
    expect((cut as Error).message).to.equal('the connection is gone');
  });

  it('a new version leaves the old one as it was; another organisation cannot add one', async () => {
    const first = accepted(await put(packageOf({}, [{ name: 'a.txt', data: 'one' }])));
    const second = accepted(
      await put(packageOf({}, [{ name: 'a.txt', data: 'two' }]), { packageId: first.packageId }),
    );
    expect(second).to.deep.include({ version: 2, packageId: first.packageId });
    expect(await textOf(first.id, 'a.txt')).to.equal('one');
    expect(await textOf(second.id, 'a.txt')).to.equal('two');
    const foreign = await leavesNothing(() =>
      library().importZip(
        Readable.from([packageOf()]),
        { personId: 'p2', organisation: 'vendor-b' },
        { packageId: first.packageId },
      ),
    );
    expect(isDomainError(foreign, 'not-found')).to.equal(true);
  });

  it('replaces a single file as a new version; what did not change is not stored again', async () => {
    const first = accepted(await put(packageOf({}, [{ name: 'a.txt', data: 'one' }])));
    const before = await blobKeys();
    const replace = (path: string, text: string, who = by) =>
      library().replaceFile(first.packageId, path, Readable.from([Buffer.from(text)]), who);
    const second = accepted(await replace('a.txt', 'two'));
    expect(second).to.deep.include({ version: 2, fileCount: 3, items: first.items });
    expect([await textOf(first.id, 'a.txt'), await textOf(second.id, 'a.txt')]).to.deep.equal(['one', 'two']);
    expect(await textOf(second.id, 'index.html')).to.equal(await textOf(first.id, 'index.html'));
    expect((await blobKeys()).length).to.equal(before.length + 1);
    const third = accepted(await replace('新/b.txt', 'new'));
    expect(third.fileCount).to.equal(4);
    // A draft goes on being worked at; what is in use stays as it is.
    expect(await textOf(third.id, 'a.txt')).to.equal('two');
    expect((await library().package(first.packageId))?.latestVersionId).to.equal(first.id);
    const fromFirst = await library().replaceFile(
      first.packageId,
      'b.txt',
      Readable.from([Buffer.from('b')]),
      by,
      first.id,
    );
    expect(await library().paths(accepted(fromFirst).id)).to.deep.equal([
      'a.txt',
      'b.txt',
      'imsmanifest.xml',
      'index.html',
    ]);
    expect(await textOf(accepted(fromFirst).id, 'a.txt')).to.equal('one');
    const foreignBase = () =>
      library().replaceFile(first.packageId, 'a.txt', Readable.from([Buffer.from('x')]), by, 'none');
    expect(isDomainError(await leavesNothing(foreignBase), 'not-found')).to.equal(true);
    const wrong = (await leavesNothing(() => replace('imsmanifest.xml', '<manifest>'))) as ImportResult;
    expect(wrong.accepted).to.equal(false);
    for (const path of ['../x', '/x', 'a//b'])
      expect(isDomainError(await leavesNothing(() => replace(path, 'x')), 'invalid')).to.equal(true);
    const stranger = { personId: 'p2', organisation: 'vendor-b' };
    expect(isDomainError(await leavesNothing(() => replace('a.txt', 'x', stranger)), 'not-found')).to.equal(
      true,
    );
  });

  it('replaces a file of a course without a manifest, whose pages are made anew', async () => {
    const first = accepted(await put(zipOf([{ name: 'index.html', data: '<title>舊</title>' }])));
    const replaced = await library().replaceFile(
      first.packageId,
      'index.html',
      Readable.from([Buffer.from('<title>新</title>')]),
      by,
    );
    expect(accepted(replaced)).to.deep.include({ title: '新', standard: 'html', fileCount: 2 });
    expect(await textOf(accepted(replaced).id, 'zhixing-content/1.html')).to.contain('<title>新</title>');
  });

  it('publishes a draft, rolls back, archives and brings back, within the organisation only', async () => {
    const first = accepted(await put(packageOf()));
    const second = accepted(await put(packageOf(), { packageId: first.packageId }));
    const states = async () => {
      const pkg = await library().package(first.packageId);
      return pkg && [first, second].map((version) => versionState(pkg, version));
    };
    expect(await states()).to.deep.equal(['current', 'draft']);
    await library().useVersion(first.packageId, second.id, by);
    expect(await states()).to.deep.equal(['former', 'current']);
    const listed = async () => (await library().packagesOf('vendor-a')).map(({ id }) => id);
    expect((await library().useVersion(first.packageId, first.id, by)).latestVersionId).to.equal(first.id);
    expect(await states()).to.deep.equal(['current', 'former']);
    expect((await library().useVersion(first.packageId, second.id, by)).latestVersionId).to.equal(second.id);
    await library().archive(first.packageId, true, by);
    expect(await listed()).to.not.include(first.packageId);
    expect((await library().archivedPackagesOf('vendor-a')).map(({ id }) => id)).to.deep.equal([
      first.packageId,
    ]);
    expect(await textOf(second.id, 'index.html')).to.not.equal(null);
    await library().archive(first.packageId, false, by);
    expect(await listed()).to.include(first.packageId);
    const stranger = { personId: 'p2', organisation: 'vendor-b' };
    for (const attempt of [
      library().useVersion(first.packageId, first.id, stranger),
      library().archive(first.packageId, true, stranger),
      library().useVersion(first.packageId, 'none', by),
    ])
      expect(isDomainError(await attempt.catch((error: unknown) => error), 'not-found')).to.equal(true);
  });

  it('says how far it is', async () => {
    const phases: string[] = [];
    await library().importZip(Readable.from([packageOf()]), by, {
      onProgress: (phase, done, total) => phases.push(`${phase} ${done}/${total}`),
    });
    expect(phases[0]).to.match(/^receiving \d+\/0$/);
    expect(phases.slice(1)).to.deep.equal(['checking 0/1', 'storing 1/2', 'storing 2/2']);
  });

  it('cleans up at the start what a crash left, and nothing that is in use', async () => {
    const version = accepted(await put(packageOf()));
    const dead = '018bcfe5-6800-7000-8000-000000000000'; // a sortable id of 2023
    await storage().blobs.put(`packages/${dead}/0`, Buffer.from('half'));
    mkdirSync(tempDir(), { recursive: true });
    const left = join(tempDir(), 'upload-999999999-abc-x');
    writeFileSync(left, 'half');
    expect(await library().cleanUp()).to.equal(1);
    expect(existsSync(left)).to.equal(false);
    expect(await storage().blobs.stat(`packages/${dead}/0`)).to.equal(null);
    expect(await storage().packages.discardVersion(version.id)).to.equal(false);
    expect(await textOf(version.id, 'index.html')).to.contain('第一課');
  });
});
