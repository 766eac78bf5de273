import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { buildContent } from '../../scripts/build-content.ts';
import { checkUpload } from '../../src/player/packages/check.ts';

const findingsOf = (zip: string) =>
  checkUpload(
    zip,
    'sample.zip',
    { files: 1000, unpackedBytes: 10_000_000, ratio: 100 },
    async ({ findings }) => findings,
  );

describe('the sample packages', () => {
  let folder: string;
  let zips: Map<string, string>;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'zhixing-content-'));
    zips = await buildContent(folder);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('are both there and pass the checker without a finding', async () => {
    expect([...zips.keys()]).to.include.members(['personal-data-protection', 'office-energy']);
    for (const [name, zip] of zips) expect(await findingsOf(zip), name).to.deep.equal([]);
  });

  it('are built to the same bytes from the same sources', async () => {
    const again = mkdtempSync(join(tmpdir(), 'zhixing-content-'));
    try {
      for (const [name, zip] of await buildContent(again))
        expect(readFileSync(zip).equals(readFileSync(zips.get(name) ?? '')), name).to.equal(true);
    } finally {
      rmSync(again, { recursive: true, force: true });
    }
  });

  it('load nothing from elsewhere', () => {
    for (const name of [
      'personal-data-protection/index.html',
      'office-energy/light.html',
      'office-energy/air.html',
      'office-energy/standby.html',
    ])
      expect(readFileSync(join(import.meta.dirname, '../../content', name), 'utf8'), name).to.not.match(
        /(src|href)="(https?:)?\/\//,
      );
  });
});
