import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { BrowserContext } from 'puppeteer-core';
import { isDomainError } from '../../src/base/errors.ts';
import { findChromium } from '../../src/certificates/chromium.ts';
import { expectAccessible, newContext, newPage, pdfPages, pdfText, screenshots } from '../support/browser.ts';

describe('Browser for tests', function () {
  this.timeout(60_000);
  let context: BrowserContext;
  before(async () => {
    context = await newContext();
  });
  after(() => context.close());

  it('says what to install when the configured browser does not exist', async () => {
    const error = await findChromium({ PUPPETEER_EXECUTABLE_PATH: '/nowhere/chrome' }).catch(
      (e: unknown) => e,
    );
    expect(isDomainError(error, 'unavailable')).to.equal(true);
    expect(String(error)).to.contain('/nowhere/chrome').and.to.contain('Install Chromium');
  });

  it('unpacks the packaged browser once, whole, for processes that start together, where others cannot write', async function () {
    if (process.platform !== 'linux' || process.arch !== 'x64') this.skip(); // nothing is packaged there
    const cache = mkdtempSync(join(tmpdir(), 'zhixing-cache-'));
    try {
      const bare = { PATH: '', PUPPETEER_CACHE_DIR: cache, XDG_CACHE_HOME: cache };
      const [one, two] = await Promise.all([findChromium(bare), findChromium(bare)]);
      expect(one).to.deep.equal(two);
      expect(one.source).to.equal('packaged');
      expect(one.path.startsWith(cache)).to.equal(true);
      expect(statSync(join(cache, 'zhixing')).mode & 0o777).to.equal(0o700);
      expect(existsSync(one.path)).to.equal(true);
    } finally {
      rmSync(cache, { recursive: true, force: true });
    }
  });

  it('photographs a page at 390 and 1280 px, and refuses one wider than the window', async () => {
    const page = await newPage(context);
    await page.setContent(
      '<!doctype html><html lang="zh-Hant"><title>知行</title><main><h1>知行</h1></main>',
    );
    await screenshots(page, 'browser-kit');
    expect(page.viewport()?.width).to.equal(1280);
    await page.setContent('<div style="width:900px">wide</div>');
    const error = await screenshots(page, 'browser-kit-wide').catch((e: unknown) => e);
    expect(String(error)).to.contain('390 px');
    await page.close();
  });

  it('names the accessibility violations of a page', async () => {
    const page = await newPage(context);
    await page.setContent(
      '<!doctype html><html lang="zh-Hant"><title>知行</title><main><h1>知行</h1></main></html>',
    );
    await expectAccessible(page);
    await page.setContent('<!doctype html><html lang="en"><main><img src="data:,"></main></html>');
    const error = await expectAccessible(page).catch((e: unknown) => e);
    expect(String(error)).to.contain('image-alt').and.to.contain('document-title');
    await page.setContent('<!doctype html><html lang="en"><title>x</title><img src="data:,"></html>');
    await expectAccessible(page, ['img']);
    await page.close();
  });

  it('reads the text of a PDF', async () => {
    const page = await newPage(context);
    await page.setContent('<p>one</p><p style="break-before:page">two</p>');
    const pdf = await page.pdf();
    expect(await pdfPages(pdf)).to.deep.equal(['one', 'two']);
    expect(await pdfText(pdf)).to.contain('one');
    await page.close();
  });
});
