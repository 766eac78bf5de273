import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { BrowserContext, ElementHandle, Page } from 'puppeteer-core';
import { expectAccessible, newContext, newPage, screenshots } from '../support/browser.ts';
import { zipOf } from '../support/packages.ts';
import { manifest12, scoPage } from '../support/player.ts';
import { follow, publishCourse, signInAs, until } from '../support/portal.ts';
import { startServer, type RunningServer } from '../support/server.ts';

const lesson = {
  'imsmanifest.xml': manifest12([{ id: 'A', title: '根', href: 'a.html' }]),
  'a.html': scoPage('根'),
};
const textOf = (page: Page, selector = 'main'): Promise<string> =>
  page.$eval(selector, (element) => (element as HTMLElement).innerText);

describe('around a course, in a real browser (issue 6 items 3, 6 and 9)', function () {
  this.timeout(180_000);
  let server: RunningServer;
  let vendor: BrowserContext;
  let learner: BrowserContext;

  before(async () => {
    server = (await startServer()) as RunningServer;
    vendor = await newContext();
    learner = await newContext();
    await signInAs(vendor, server.origin, 'vendor');
    await signInAs(learner, server.origin, 'learner');
  });
  after(async () => {
    await vendor?.close();
    await learner?.close();
    await server?.remove();
  });

  it('several packages are uploaded at once, each with its own progress and its own report', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'zhixing-bulk-'));
    try {
      const files = ['one.zip', 'two.zip', 'broken.zip'].map((name) => join(folder, name));
      for (const file of files.slice(0, 2)) writeFileSync(file, await zipOf(lesson));
      writeFileSync(files[2] ?? '', await zipOf({ 'imsmanifest.xml': lesson['imsmanifest.xml'] }));
      const page = await newPage(vendor);
      await page.goto(`${server.origin}/vendor/upload`);
      const input = (await page.$('input[type="file"]')) as ElementHandle<HTMLInputElement>;
      await input.uploadFile(...files);
      await page.click('form.upload button[type="submit"]');
      await until('all three have their report', async () =>
        page.$$eval('#upload-list a', (links) => links.length === 3),
      );
      expect(
        await page.$$eval('#upload-list li', (lines) =>
          lines.map((line) => (line as HTMLElement).innerText.split('\n')[1] ?? ''),
        ),
      ).to.deep.equal(['✓ 教材可以使用', '✓ 教材可以使用', '✗ 未收下，有 1 項錯誤']);
      await screenshots(page, 'vendor-upload-several');
      await expectAccessible(page);
      await follow(page, '#upload-list li:last-child a');
      expect(await textOf(page)).to.include('a.html');
      expect(page.faults.filter((fault) => !fault.includes('422'))).to.deep.equal([]);
      await page.close();
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('the first entry asks once; an entry by accident leaves nothing (W9)', async () => {
    await publishCourse({ vendor, learner, origin: server.origin }, 'ENTER-1', lesson);
    const page = await newPage(learner);
    await page.goto(`${server.origin}/courses/ENTER-1`);
    await follow(page, 'a.primary');
    expect(page.url()).to.match(/\/courses\/ENTER-1\/enter$/);
    await screenshots(page, 'course-enter');
    await expectAccessible(page);
    await follow(page, 'a.primary');
    expect(page.url()).to.match(/\/courses\/ENTER-1\/learn$/);
    await page.waitForSelector('#player-undo:not([hidden])');
    await follow(page, '#player-undo');
    expect(await textOf(page, '.rail')).to.match(/您的上課期間\s*~\s/);
    await page.goto(`${server.origin}/courses/ENTER-1/sessions`);
    expect(await textOf(page, '.lede')).to.include('00:00:00');

    // Entered and left in the ordinary way: the period has begun, and nobody asks again.
    await page.goto(`${server.origin}/courses/ENTER-1/learn`);
    await until('time runs', async () => (await textOf(page, '#player-seconds')) !== '00:00:00');
    await follow(page, '#player-leave');
    await follow(page, 'a.primary');
    expect(page.url()).to.match(/\/courses\/ENTER-1\/learn$/);
    await page.close();
  });

  it('asks 還在閱讀嗎 after the minutes that the course sets; no time counts until it is answered', async () => {
    await publishCourse({ vendor, learner, origin: server.origin }, 'IDLE-1', lesson, { inactivity: 2 });
    const page = await newPage(learner);
    // Minutes pass in this browser at a word.
    await page.evaluateOnNewDocument(() => {
      const real = Date.now.bind(Date);
      let skipped = 0;
      Date.now = () => real() + skipped;
      Object.assign(window, { skip: (seconds: number) => (skipped += seconds * 1000) });
    });
    await page.goto(`${server.origin}/courses/IDLE-1/learn`);
    await until('time runs', async () => (await textOf(page, '#player-seconds')) !== '00:00:00');
    const pass = (seconds: number): Promise<void> =>
      page.evaluate((s) => {
        (window as unknown as { skip(s: number): void }).skip(s);
        window.dispatchEvent(new Event('online'));
      }, seconds);
    await pass(100);
    await page.mouse.move(200, 20);
    await pass(100);
    expect(await page.$eval('#player-idle', (dialog) => (dialog as HTMLDialogElement).open)).to.equal(false);
    await pass(30);
    await page.waitForSelector('#player-idle[open]');
    expect(await page.evaluate(() => document.activeElement?.id)).to.equal('player-still-here');
    await screenshots(page, 'player-idle');
    await expectAccessible(page, ['iframe']);
    const stopped = await textOf(page, '#player-seconds');
    await page.mouse.move(300, 300);
    await pass(1);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(await textOf(page, '#player-seconds')).to.equal(stopped);
    await page.keyboard.press('Enter');
    await page.waitForSelector('#player-idle:not([open])');
    await until('time runs again', async () => (await textOf(page, '#player-seconds')) !== stopped);
    await follow(page, '#player-leave');
    await page.close();
  });
});
