import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { expect } from 'chai';
import iconv from 'iconv-lite';
import { openArchive, safePath, type ArchiveLimits } from '../../src/player/packages/archive.ts';
import { packageOf, zipOf, type ZipEntry } from '../support/zips.ts';

const limits: ArchiveLimits = { files: 50, unpackedBytes: 20_000_000, ratio: 100 };

describe('reading an uploaded archive (issue 3: safe unpacking)', () => {
  let folder: string;
  before(() => (folder = mkdtempSync(join(tmpdir(), 'zhixing-archive-'))));
  after(() => rmSync(folder, { recursive: true, force: true }));

  const read = async (zip: Buffer, given: Partial<ArchiveLimits> = {}) => {
    const file = join(folder, 'a.zip');
    writeFileSync(file, zip);
    const archive = await openArchive(file, { ...limits, ...given });
    archive.close();
    return { paths: archive.files.map(({ path }) => path), rules: archive.findings.map(({ rule }) => rule) };
  };
  const readEntries = (...entries: ZipEntry[]) => read(zipOf(entries));

  it('finds nothing wrong with an ordinary package', async () => {
    expect(await read(packageOf())).to.deep.equal({ paths: ['imsmanifest.xml', 'index.html'], rules: [] });
  });

  for (const name of [
    '../evil.html',
    'a/../../evil.html',
    '/etc/passwd',
    'C:\\windows\\x.dll',
    'c:x',
    '\\\\server\\share',
    'a/./b',
    'a//b',
    'a\u0000b.html',
    'a\u202egnp.exe',
    ' leading/space.html',
    'trailing./x.html',
    'a\nb',
  ])
    it(`refuses the name ${JSON.stringify(name)}`, async () => {
      expect((await readEntries({ name, data: 'x' })).rules).to.include('name.unsafe');
      expect(safePath(name)).to.equal(null);
    });

  it('refuses names and paths that no file system takes', async () => {
    expect((await readEntries({ name: `${'長'.repeat(90)}.html` })).rules).to.deep.equal(['name.too-long']);
    expect((await readEntries({ name: `${'a/'.repeat(600)}x` })).rules).to.deep.equal(['name.too-long']);
  });

  it('refuses links', async () => {
    expect((await readEntries({ name: 'l', data: '/etc/passwd', mode: 0o120777 })).rules).to.include(
      'zip.link',
    );
  });

  it('refuses encrypted entries and unknown methods of compression', async () => {
    expect((await readEntries({ name: 'a', data: 'x', encrypted: true })).rules).to.deep.equal([
      'zip.encrypted',
    ]);
    expect((await readEntries({ name: 'a', data: 'x', method: 14 })).rules).to.deep.equal([
      'zip.unsupported',
    ]);
  });

  it('refuses duplicates and names that differ only in case', async () => {
    const rules = (await readEntries({ name: 'a/B.html' }, { name: 'a/b.html' }, { name: 'a/b.html' })).rules;
    expect(rules).to.deep.equal(['name.case-clash', 'name.duplicate']);
  });

  it('refuses too many files, too many bytes and an implausible ratio, before unpacking anything', async () => {
    const many = zipOf(Array.from({ length: 51 }, (_, n) => ({ name: `f${n}`, data: 'x' })));
    expect((await read(many)).rules).to.deep.equal(['zip.too-many-files']);
    const zeros = zipOf([{ name: 'zeros', data: Buffer.alloc(3_000_000) }]);
    expect((await read(zeros)).rules).to.deep.equal(['zip.bomb']);
    expect((await read(zeros, { ratio: 10_000, unpackedBytes: 1_000_000 })).rules).to.deep.equal([
      'zip.too-large',
    ]);
  });

  it('refuses entries that share their bytes', async () => {
    const one = zipOf([{ name: 'a', data: Buffer.alloc(500, 'ab'), stored: true }]);
    // The same directory entry thrice, all pointing at the same bytes.
    const start = one.indexOf(Buffer.from('PK\x01\x02', 'latin1'));
    const end = one.indexOf(Buffer.from('PK\x05\x06', 'latin1'));
    const entry = one.subarray(start, end);
    const renamed = ['b', 'c'].map((name) => {
      const copy = Buffer.from(entry);
      copy.write(name, 46, 'latin1');
      return copy;
    });
    const tail = Buffer.from(one.subarray(end));
    tail.writeUInt16LE(3, 8);
    tail.writeUInt16LE(3, 10);
    tail.writeUInt32LE(entry.length * 3, 12);
    expect((await read(Buffer.concat([one.subarray(0, start), entry, ...renamed, tail]))).rules).to.include(
      'zip.bomb',
    );
  });

  it('refuses what is cut off or no ZIP at all', async () => {
    const whole = packageOf();
    for (const broken of [
      whole.subarray(0, whole.length - 30),
      whole.subarray(0, 40),
      Buffer.from('%PDF-1.7'),
      Buffer.alloc(0),
    ])
      expect((await read(broken)).rules).to.deep.equal(['zip.unreadable']);
    expect((await read(zipOf([]))).rules).to.deep.equal(['zip.empty']);
  });

  it('reads names in UTF-8, Big5 and CP437, and says so', async () => {
    const utf8 = await readEntries({ name: Buffer.from('課程/首頁.html'), utf8: false });
    expect(utf8).to.deep.equal({ paths: ['課程/首頁.html'], rules: [] });
    const big5 = await readEntries({ name: iconv.encode('課程/首頁.html', 'big5') });
    expect(big5).to.deep.equal({ paths: ['課程/首頁.html'], rules: ['name.encoding'] });
    const cp437 = await readEntries({ name: iconv.encode('Übung.html', 'cp437') });
    expect(cp437).to.deep.equal({ paths: ['Übung.html'], rules: ['name.encoding'] });
  });

  it('takes the Unicode Path field of old zip tools where it belongs to the name', async () => {
    const raw = Buffer.from('?.html', 'latin1');
    const field = (checksum: number): Buffer => {
      const name = Buffer.from('頁.html');
      const head = Buffer.alloc(9);
      head.writeUInt16LE(0x7075, 0);
      head.writeUInt16LE(5 + name.length, 2);
      head.writeUInt8(1, 4);
      head.writeUInt32LE(checksum, 5);
      return Buffer.concat([head, name]);
    };
    expect((await readEntries({ name: raw, extra: field(crc32(raw)) })).paths).to.deep.equal(['頁.html']);
    expect((await readEntries({ name: raw, extra: field(7) })).paths).to.deep.equal(['?.html']);
  });

  it('turns decomposed names into composed ones and backslashes into slashes', async () => {
    const read = await readEntries({ name: 'e\u0301.html' }, { name: 'a\\b.html' });
    expect(read).to.deep.equal({ paths: ['\u00e9.html', 'a/b.html'], rules: ['name.backslash'] });
  });

  it('leaves out what operating systems add', async () => {
    const read = await readEntries({ name: '__MACOSX/._a' }, { name: 'x/.DS_Store' }, { name: 'x/a.html' });
    expect(read).to.deep.equal({ paths: ['x/a.html'], rules: [] });
  });
});
