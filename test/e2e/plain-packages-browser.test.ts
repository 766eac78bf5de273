import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { PDFDocument } from 'pdf-lib';
import type { BrowserContext, ElementHandle, Frame, Page } from 'puppeteer-core';
import { expectAccessible, newContext, newPage } from '../support/browser.ts';
import { startServer, type RunningServer } from '../support/server.ts';
import { epubEntries, zipOf } from '../support/zips.ts';

describe('PDF, e-book and web pages in the player', function () {
  this.timeout(120_000);
  let server: RunningServer;
  let context: BrowserContext;
  let page: Page & { faults: string[] };
  let folder: string;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'zhixing-plain-'));
    server = (await startServer()) as RunningServer;
    context = await newContext();
    page = await newPage(context);
    await page.goto(`${server.origin}/sign-in`);
    await Promise.all([page.waitForNavigation(), page.click('button[data-demo="vendor"]')]);
  });
  after(async () => {
    await context?.close();
    await server?.stop();
    await server?.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Uploads on the page as a vendor does, opens the preview, and gives the frame that shows the file. */
  const preview = async (name: string, bytes: Uint8Array): Promise<Frame> => {
    const file = join(folder, name);
    writeFileSync(file, bytes);
    await page.goto(`${server.origin}/vendor/upload`);
    const input = (await page.$('#package')) as ElementHandle<HTMLInputElement>;
    await input.uploadFile(file);
    await Promise.all([page.waitForNavigation(), page.click('form.upload button[type="submit"]')]);
    const course = await page.$eval('a[href*="new?version="]', (link) => link.getAttribute('href'));
    await page.goto(`${server.origin}/vendor/preview/${String(course).split('version=')[1]}`);
    return page.waitForFrame((frame) => frame.url().includes('/zhixing-content/1.html'));
  };
  const kept = (frame: Frame, name: string): Promise<string> =>
    frame.evaluate(
      (asked) =>
        (
          window.parent as unknown as { API_1484_11: { GetValue(name: string): string } }
        ).API_1484_11.GetValue(asked),
      name,
    );
  const untilKept = (frame: Frame, name: string, value: string): Promise<unknown> =>
    frame.waitForFunction(
      (asked, wanted) =>
        (
          window.parent as unknown as { API_1484_11: { GetValue(name: string): string } }
        ).API_1484_11.GetValue(asked) === wanted,
      {},
      name,
      value,
    );
  const next = (frame: Frame): Promise<void> =>
    frame.$$eval('nav button', (buttons) =>
      buttons.find(({ textContent }) => /下一頁|Next/.test(textContent ?? ''))?.click(),
    );

  it('a PDF is drawn page by page; page and progress are kept, and seeing all of it completes it', async () => {
    const handbook = await PDFDocument.create();
    for (const text of ['One', 'Two']) handbook.addPage([300, 200]).drawText(text, { x: 20, y: 100 });
    const frame = await preview('handbook.pdf', await handbook.save());
    await frame.waitForFunction(() => document.querySelector('.spoken')?.textContent === 'One');
    await untilKept(frame, 'cmi.location', '1');
    expect(await kept(frame, 'cmi.progress_measure')).to.equal('0.5000');
    expect(await kept(frame, 'cmi.completion_status')).to.equal('incomplete');
    const dark = await frame.$eval('canvas', (canvas) => {
      const { data } = (canvas.getContext('2d') as CanvasRenderingContext2D).getImageData(
        0,
        0,
        canvas.width,
        canvas.height,
      );
      return data.some((value, at) => at % 4 === 0 && value < 100);
    });
    expect(dark, 'the text is drawn').to.equal(true);
    await next(frame);
    await frame.waitForFunction(() => document.querySelector('.spoken')?.textContent === 'Two');
    await untilKept(frame, 'cmi.completion_status', 'completed');
    await expectAccessible(page, ['iframe']);
  });

  it('an e-book shows its chapters by their titles and keeps the chapter', async () => {
    const frame = await preview('book.epub', zipOf(epubEntries(3)));
    await frame.waitForSelector('select');
    expect(await frame.$$eval('option', (options) => options.map(({ text }) => text))).to.deep.equal([
      '第一章',
      '第二章',
    ]);
    await next(frame);
    await untilKept(frame, 'cmi.location', '1');
    const chapter = await page.waitForFrame((each) => each.url().endsWith('c%202.xhtml'));
    await chapter.waitForSelector('h1');
    expect(await chapter.$eval('h1', (heading) => heading.textContent)).to.equal('第二章');
    await untilKept(frame, 'cmi.completion_status', 'completed');
  });

  it('a web site opens in a frame and keeps the page that is read', async () => {
    const frame = await preview(
      'site.zip',
      zipOf([
        { name: 'index.html', data: '<title>x</title><a id="go" href="sub/b.html?x=1">b</a>' },
        { name: 'sub/b.html', data: '<p>second</p>' },
      ]),
    );
    await untilKept(frame, 'cmi.location', 'index.html');
    const site = await page.waitForFrame((each) => each.url().endsWith('/index.html'));
    await site.click('#go');
    await untilKept(frame, 'cmi.location', 'sub/b.html?x=1');
    expect(await kept(frame, 'cmi.completion_status')).to.equal('completed');
  });
});
