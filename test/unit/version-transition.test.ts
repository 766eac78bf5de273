import { expect } from 'chai';
import { deviceOf } from '../../src/base/device.ts';
import { dataGoOn, transitionOf } from '../../src/player/transition.ts';
import type { PackageItem, PackageVersion } from '../../src/player/types.ts';

const item = (identifier: string, overrides: Partial<PackageItem> = {}): PackageItem => ({
  identifier,
  title: `單元 ${identifier}`,
  visible: true,
  href: `${identifier}.html`,
  kind: 'sco',
  children: [],
  ...overrides,
});
const version = (items: PackageItem[], overrides: Partial<PackageVersion> = {}): PackageVersion => ({
  id: 'v',
  packageId: 'p',
  version: 1,
  standard: 'scorm-2004',
  edition: '2004 4th Edition',
  title: '課',
  items,
  extra: {},
  fileCount: 1,
  totalBytes: 1,
  findings: [],
  uploadedBy: 'x',
  uploadedAt: new Date(0),
  ...overrides,
});
const fates = (from: PackageVersion, to: PackageVersion): string[] =>
  transitionOf(from, to).items.map(({ identifier, fate }) => `${identifier} ${fate}`);

describe('what a change of version does to the data of a learner (issue 6 item 3)', () => {
  it('keeps an item by identifier, kind and page, wherever it stands; names what is new and what is gone', () => {
    const from = version([item('A'), item('B'), item('C'), item('D', { kind: 'asset' })]);
    const cluster = item('K', { href: null, kind: 'cluster', children: [item('A')] });
    const to = version([cluster, item('B', { href: 'b-2.html' }), item('D'), item('E')]);
    expect(fates(from, to)).to.deep.equal(['A kept', 'B restarted', 'D restarted', 'E new', 'C removed']);
    expect(['A', 'B', 'C', 'E', 'unknown'].map((one) => dataGoOn(from, to, one))).to.deep.equal([
      true,
      false,
      false,
      false,
      false,
    ]);
  });

  it('a page with other launch parameters is another page; a new title is not', () => {
    const from = version([item('A', { href: 'a.html?lang=zh' }), item('B')]);
    const to = version([item('A', { href: 'a.html?lang=en' }), item('B', { title: '改名' })]);
    expect(fates(from, to)).to.deep.equal(['A restarted', 'B kept']);
  });

  it('keeps nothing of one standard in another', () => {
    const from = version([item('A')], { standard: 'scorm-1.2' });
    const to = version([item('A')]);
    expect(fates(from, to)).to.deep.equal(['A restarted']);
    expect(transitionOf(from, to).sequencing).to.equal('restarted');
  });

  it('the sequencing state goes on in the same tree with the same rules only', () => {
    const from = version([item('A', { sequencing: { flow: true } }), item('B')]);
    const same = version([item('A', { sequencing: { flow: true }, title: '改名' }), item('B')]);
    expect(dataGoOn(from, same, '')).to.equal(true);
    for (const other of [
      version([item('B'), item('A', { sequencing: { flow: true } })]),
      version([item('A', { sequencing: { flow: false } }), item('B')]),
      version([item('A', { sequencing: { flow: true } })]),
      version(same.items, { extra: { objectivesGlobalToSystem: false } }),
    ])
      expect(dataGoOn(from, other, '')).to.equal(false);
  });
});

describe('the device of a session', () => {
  it('is named so that its owner recognises it, and no more closely', () => {
    const table: [string | undefined, string | null][] = [
      [
        'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0',
        'Windows · Edge',
      ],
      [
        'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1',
        'iPhone · Safari',
      ],
      [
        'Mozilla/5.0 (Linux; Android 15; SM-S921B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36',
        'Android · Samsung Internet',
      ],
      [
        'Mozilla/5.0 (Linux; Android 15; wv) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36 Line/15.1.0',
        'Android · LINE',
      ],
      [
        'Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:140.0) Gecko/20100101 Firefox/140.0',
        'macOS · Firefox',
      ],
      [
        'Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 Chrome/141.0.0.0 Safari/537.36',
        'ChromeOS · Chrome',
      ],
      ['curl/8.5.0', null],
      ['', null],
      [undefined, null],
    ];
    for (const [header, device] of table) expect(deviceOf(header), header ?? '').to.equal(device);
  });
});
