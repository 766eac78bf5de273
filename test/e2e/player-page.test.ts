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

  it('學習互動區, 學習夥伴 and 課程行事曆: an announcement in the player, a question and its answer, who shows a card, the days', async () => {
    await publishCourse({ vendor, learner, origin: server.origin }, 'BOARD-1', lesson);
    const staff = await newPage(vendor);
    await staff.goto(`${server.origin}/vendor`);
    await follow(staff, 'a[href^="/vendor/courses/"]:not([href$="/new"])');
    const id = staff.url().split('/').at(-1)?.split('?')[0] ?? '';
    await follow(staff, `a[href="/vendor/courses/${id}/board"]`);
    expect(await textOf(staff)).to.include('學習互動區');
    await staff.type('#text', '週五晚間停機維護。');
    await follow(staff, 'form[action$="/board"] button');

    const page = await newPage(learner);
    const code = 'BOARD-1';
    await page.goto(`${server.origin}/courses/${code}/board?kind=question`);
    await page.type('#text', '第三節的數字對嗎？');
    await follow(page, 'form[action$="/board"] button');
    expect(await textOf(page))
      .to.include('週五晚間停機維護。')
      .and.include('尚未回覆');
    await staff.reload();
    expect(await textOf(staff))
      .to.include('第三節的數字對嗎？')
      .and.include('尚未回覆：1 則');
    await staff.type('form[action$="/answer"] textarea', '已更正，謝謝您。');
    await screenshots(staff, 'vendor-board');
    await expectAccessible(staff);
    await follow(staff, 'form[action$="/answer"] button');
    await page.reload();
    expect(await textOf(page)).to.include('已更正，謝謝您。');
    await screenshots(page, 'course-board');
    await expectAccessible(page);

    await page.goto(`${server.origin}/courses/${code}/learn`);
    await until('time runs', async () => (await textOf(page, '#player-seconds')) !== '00:00:00');
    await page.click('#player-toc-toggle');
    expect(await textOf(page, '#player-toc'))
      .to.include('週五晚間停機維護。')
      .and.include('學習夥伴');
    await screenshots(page, 'player-drawer');
    await expectAccessible(page, ['iframe']);
    await follow(page, '#player-toc a[href$="/calendar"]');
    expect(await textOf(page))
      .to.include('您選課')
      .and.include('今天');
    // The page's farewell (a beacon) and this page are on their way at the same time.
    await until('the period has begun', async () => {
      await page.reload();
      return (await textOf(page)).includes('您的上課期間開始');
    });
    await screenshots(page, 'course-calendar');
    await expectAccessible(page);

    // Someone else of the course shows a card; the others are a number.
    const second = await newContext();
    await signInAs(second, server.origin, 'citizen');
    const citizen = await newPage(second);
    await citizen.goto(`${server.origin}/courses/${code}`);
    await follow(citizen, 'form[action$="/enrol"] button');
    await citizen.goto(`${server.origin}/courses/${code}/learn`);
    await until('time runs', async () => (await textOf(citizen, '#player-seconds')) !== '00:00:00');
    await follow(citizen, '#player-leave');
    await citizen.goto(`${server.origin}/courses/${code}/partners`);
    expect(await textOf(citizen)).to.include('2 人');
    expect(await textOf(citizen)).not.to.include('王小明');
    await screenshots(citizen, 'course-partners');
    await expectAccessible(citizen);
    // Another learner's question is nobody else's to read.
    await citizen.goto(`${server.origin}/courses/${code}/board`);
    expect(await textOf(citizen)).not.to.include('第三節的數字對嗎？');
    await second.close();
    for (const one of [page, staff]) {
      expect(one.faults).to.deep.equal([]);
      await one.close();
    }
  });
});
