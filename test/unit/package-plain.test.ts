import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { checkUpload, type Checked } from '../../src/player/packages/check.ts';
import { readWhole } from '../../src/player/packages/content.ts';
import { runCommand } from '../../src/player/packages/commands.ts';
import { Seen } from '../../src/player/client/plain/seen.ts';
import { epubEntries, manifestOf, packageOf, zipOf, type ZipEntry } from '../support/zips.ts';

const box = (type: string, body = Buffer.alloc(8)): Buffer => {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(8 + body.length, 0);
  head.write(type, 4, 'latin1');
  return Buffer.concat([head, body]);
};
const film = (...order: string[]): Buffer => Buffer.concat(['ftyp', ...order].map((type) => box(type)));

describe('what an upload without a SCORM manifest becomes (issue 6 item 1)', () => {
  let folder: string;
  before(() => (folder = mkdtempSync(join(tmpdir(), 'zhixing-plain-'))));
  after(() => rmSync(folder, { recursive: true, force: true }));

  const check = async (bytes: Buffer, name = 'a.zip') => {
    const file = join(folder, name);
    writeFileSync(file, bytes);
    return checkUpload(
      file,
      name,
      { files: 100, unpackedBytes: 10_000_000, ratio: 100 },
      async (checked: Checked) => {
        const pages = checked.files.filter(({ path }) => path.startsWith('zhixing-content'));
        const sources = await Promise.all(
          pages.map(async (page) => {
            const json = /id="source">(.*)<\/script>/.exec((await readWhole(page)).toString())?.[1];
            return JSON.parse(json ?? 'null') as unknown;
          }),
        );
        return {
          content: checked.content,
          rules: checked.findings.map(({ rule }) => rule),
          findings: checked.findings,
          sources,
          titles: checked.content?.items.map(({ title, href, kind }) => [title, href, kind]),
        };
      },
    );
  };
  const checkEntries = (...entries: ZipEntry[]) => check(zipOf(entries));

  it('a web site begins at its index page', async () => {
    const { content, sources, titles, rules } = await checkEntries(
      { name: '網站/index.html', data: '<title> 資安 <b></title>' },
      { name: '網站/b.html', data: '' },
    );
    expect(content?.standard).to.equal('html');
    expect(rules).to.deep.equal([]);
    expect(sources).to.deep.equal([{ kind: 'html', src: 'index.html' }]);
    expect(titles?.[0]?.slice(1)).to.deep.equal(['zhixing-content/1.html', 'sco']);
  });

  it('films are items of their own, with the captions of their names', async () => {
    const { content, sources, rules, titles } = await checkEntries(
      { name: '第 10 課.mp4', data: film('moov', 'mdat') },
      { name: '第 2 課.mp4', data: film('mdat', 'moov') },
      { name: '第 10 課.vtt', data: 'WEBVTT' },
      { name: '第 10 課.en.vtt', data: 'WEBVTT' },
    );
    expect(content?.standard).to.equal('video');
    expect(titles?.map(([title]) => title)).to.deep.equal(['第 2 課', '第 10 課']);
    expect(sources[1]).to.deep.equal({
      kind: 'video',
      src: '%E7%AC%AC%2010%20%E8%AA%B2.mp4',
      captions: [
        { src: '%E7%AC%AC%2010%20%E8%AA%B2.vtt', language: 'zh-TW' },
        { src: '%E7%AC%AC%2010%20%E8%AA%B2.en.vtt', language: 'en' },
      ],
    });
    expect(rules.toSorted()).to.deep.equal(['video.index-at-end', 'video.no-captions']);
  });

  it('a film or a PDF may be uploaded by itself', async () => {
    const single = await check(film('moov', 'mdat'), '課程.mp4');
    expect(single.content).to.deep.include({ standard: 'video', title: '課程' });
    const pdf = await check(Buffer.from('%PDF-1.7\n…'), '手冊.pdf');
    expect(pdf.content).to.deep.include({ standard: 'pdf', title: '手冊' });
    expect(pdf.sources).to.deep.equal([{ kind: 'pdf', src: '%E6%89%8B%E5%86%8A.pdf' }]);
  });

  it('an EPUB is its spine, with the titles of its table of contents (EPUB 3 and 2)', async () => {
    for (const edition of [3, 2] as const) {
      const { content, sources, rules } = await checkEntries(...epubEntries(edition));
      expect(rules).to.deep.equal([]);
      expect(content).to.deep.include({ standard: 'epub', title: '電子書' });
      expect(sources).to.deep.equal([
        {
          kind: 'epub',
          pages: [
            { src: 'OEBPS/c1.xhtml', title: '第一章' },
            { src: 'OEBPS/c%202.xhtml', title: '第二章' },
          ],
        },
      ]);
    }
  });

  it('a protected, empty or broken EPUB is refused with the reason', async () => {
    const book = epubEntries(3);
    const without = (name: string) => book.filter((entry) => entry.name !== name);
    expect((await checkEntries(...book, { name: 'META-INF/rights.xml' })).rules).to.include('epub.protected');
    expect((await checkEntries(...without('OEBPS/content.opf'))).rules).to.deep.equal(['epub.missing-file']);
    expect((await checkEntries(...without('OEBPS/c1.xhtml'))).rules).to.deep.equal(['epub.missing-file']);
  });

  it('names what other platforms run and this one does not', async () => {
    for (const [name, said] of [
      ['cmi5.xml', 'cmi5'],
      ['tincan.xml', 'xAPI'],
      ['h5p.json', 'H5P'],
      ['course.au', 'AICC'],
    ] as const) {
      const { rules, findings } = await checkEntries({ name, data: '{}' }, { name: 'index.html', data: '' });
      expect(rules).to.deep.equal(['standard.unsupported']);
      expect(findings[0]?.message.en).to.contain(said);
    }
    expect((await checkEntries({ name: 'a.txt', data: 'x' })).rules).to.deep.equal(['manifest.missing']);
  });

  it('reads metadata in the manifest and beside it (LOM, IMS LRM 1.2)', async () => {
    const lom = `<lom><general><title><langstring xml:lang="en">Privacy</langstring><langstring xml:lang="zh-TW">個資</langstring></title>
      <description><langstring>說明</langstring></description><keyword><langstring>法規</langstring></keyword><language>zh-TW</language></general>
      <educational><typicallearningtime><datetime>PT1H</datetime></typicallearningtime></educational></lom>`;
    const metadata = {
      title: '個資',
      description: '說明',
      keywords: ['法規'],
      language: 'zh-TW',
      typicalLearningTime: 'PT1H',
    };
    const manifest = (inner: string): string => manifestOf().replace('</metadata>', `${inner}</metadata>`);
    const page = { name: 'index.html', data: '' };
    const inline = await checkEntries({ name: 'imsmanifest.xml', data: manifest(lom) }, page);
    expect(inline.content?.extra['metadata']).to.deep.equal(metadata);
    const location = manifest('<adlcp:location>meta/course.xml</adlcp:location>');
    const beside = await checkEntries({ name: 'imsmanifest.xml', data: location }, page, {
      name: 'meta/course.xml',
      data: lom,
    });
    expect(beside.content?.extra['metadata']).to.deep.equal(metadata);
    const gone = await checkEntries({ name: 'imsmanifest.xml', data: location }, page);
    expect(gone.rules).to.deep.equal(['metadata.missing-file']);
    expect(gone.content).to.not.equal(null);
  });

  it('warns of what pages load from elsewhere, with file and line; links to it are fine', async () => {
    const { findings } = await check(
      packageOf({}, [
        {
          name: 'a.html',
          data: '<a href="http://x.tw/">\n<script src="http://x.tw/a.js"></script>\n<img alt="" src=//y.tw/b.png>',
        },
      ]),
    );
    expect(findings.map(({ rule, file, line }) => [rule, file, line])).to.deep.equal([
      ['content.mixed', 'a.html', 2],
      ['content.external', 'a.html', 3],
    ]);
  });

  it('keeps what was seen as ranges', () => {
    const seen = new Seen('0-3,7,x,-1');
    for (const at of [4, 9, 8]) seen.add(at);
    expect(String(seen)).to.equal('0-4,7-9');
    expect(seen.measure(10)).to.equal(0.8);
    expect(seen.measure(0)).to.equal(0);
  });

  describe('zhixing check', () => {
    const run = async (...args: string[]) => {
      let out = '';
      let err = '';
      const code = await runCommand(
        args,
        {},
        { out: (text) => void (out += text), err: (text) => void (err += text) },
      );
      return { code, out, err };
    };
    it('ends with 0 for an accepted package, 1 for a refused one, 2 for wrong usage', async () => {
      const good = join(folder, 'good.zip');
      const bad = join(folder, 'bad.zip');
      writeFileSync(good, packageOf());
      writeFileSync(bad, zipOf([{ name: 'imsmanifest.xml', data: manifestOf() }]));
      expect(await run('check', good)).to.deep.include({
        code: 0,
        out: 'good.zip: 可以使用\n  沒有發現問題\n',
      });
      const refused = await run('check', '--lang', 'en', good, bad);
      expect(refused.code).to.equal(1);
      expect(refused.out)
        .to.contain('bad.zip: refused')
        .and.contain('[manifest.missing-file] imsmanifest.xml:');
      expect(JSON.parse((await run('check', '--json', bad)).out)).to.deep.include({ accepted: false });
      for (const args of [[], ['check'], ['other', good], ['check', '--lang', 'fr', good]])
        expect((await run(...args)).code).to.equal(2);
      expect((await run('check', join(folder, 'none.zip'))).code).to.equal(1);
    });
  });
});
