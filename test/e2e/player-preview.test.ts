import { expect } from 'chai';
import type { BrowserContext } from 'puppeteer-core';
import { buildClient } from '../../scripts/build-client.ts';
import { buildContent } from '../../scripts/build-content.ts';
import { expectAccessible, newContext, newPage, screenshots } from '../support/browser.ts';
import { manifest12, scoPage } from '../support/player.ts';
import { follow, signInAs, until, upload } from '../support/portal.ts';
import { type RunningServer, startServer } from '../support/server.ts';

/** What the test's pages of content offer (test/support/player.ts). */
interface Content {
  set(element: string, value: string): string;
  get(element: string): string;
  finish(): string;
}

describe("A vendor's preview", function () {
  this.timeout(60_000);
  let server: RunningServer;
  let vendor: BrowserContext;

  before(async () => {
    await Promise.all([buildContent(), buildClient()]);
    const started = await startServer();
    if (!started) throw new Error('no server');
    server = started;
    vendor = await newContext();
    await signInAs(vendor, server.origin, 'vendor');
  });
  after(async () => {
    await vendor?.close();
    await server?.remove();
  });

  it('shows every call with its error, and the Statements that a learner would leave; it stores none', async () => {
    const page = await newPage(vendor);
    await upload(page, server.origin, {
      'imsmanifest.xml': manifest12([
        { id: 'A', title: '根', href: 'a.html' },
        { id: 'B', title: '葉', href: 'a.html?b', extra: '<adlcp:prerequisites>A</adlcp:prerequisites>' },
      ]),
      'a.html': scoPage('根').replace('</title>', '</title><!-- preview -->'),
    });
    await page.goto(`${server.origin}/vendor`);
    await follow(page, 'a[href^="/vendor/preview/"]');
    const content = await page.waitForFrame((one) => one.url().includes('/a.html'), { timeout: 20_000 });
    await content.waitForFunction('window.started !== undefined');
    await content.evaluate(() => {
      const c = window as unknown as Content;
      c.set('cmi.core.score.raw', '90');
      c.set('cmi.core.lesson_status', 'passed');
      c.set('cmi.core.student_id', 'someone');
      c.finish();
    });
    const lines = (kind: string): Promise<string[]> =>
      page.$$eval(`#player-trace [data-kind="${kind}"]`, (rows) => rows.map((row) => row.textContent ?? ''));
    await until('the Statements are shown', async () => (await lines('statement')).length >= 4);
    const calls = await lines('call');
    expect(calls.some((call) => /SetValue\("cmi\.core\.student_id".*\[403\]/.test(call))).to.equal(true);
    expect((await lines('statement')).map((line) => /^\S+ (\w+)/.exec(line)?.[1])).to.deep.equal(
      ['initialized', 'scored', 'passed', 'terminated'].toSpliced(2, 0, 'completed'),
    );
    const json = await page.$eval('#player-trace [data-kind="statement"] pre', (pre) => pre.textContent);
    expect(JSON.parse(json ?? '')).to.have.nested.property(
      'verb.id',
      'http://adlnet.gov/expapi/verbs/initialized',
    );
    await page.click('#player-trace [data-kind="statement"] summary');
    await page.click('#player-toc-toggle');
    // What learners would find locked is said, and can be opened all the same.
    expect(await page.$eval('#player-toc-list .player-toc-lock', (lock) => lock.textContent)).to.include(
      '完成「根」',
    );
    await screenshots(page, 'player-preview');
    await expectAccessible(page, ['iframe']);
    const stored = await fetch(`${server.lrs.endpoint}/statements?limit=100`, {
      headers: { authorization: server.lrs.authorization, 'x-experience-api-version': '1.0.3' },
    });
    const { statements } = (await stored.json()) as { statements: { object: { id: string } }[] };
    expect(JSON.stringify(statements)).not.to.include('/A');
    await page.close();
  });
});
