import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { BrowserContext, Frame, Page } from 'puppeteer-core';
import { buildClient } from '../../scripts/build-client.ts';
import { buildContent } from '../../scripts/build-content.ts';
import { expectAccessible, newContext, newPage, screenshots } from '../support/browser.ts';
import { zipOf } from '../support/packages.ts';
import { manifest12, scoPage } from '../support/player.ts';
import { type RunningServer, startServer } from '../support/server.ts';

const follow = async (page: Page, selector: string): Promise<void> => {
  await Promise.all([page.waitForNavigation({ waitUntil: 'load' }), page.click(selector)]);
};
const textOf = (page: Page, selector = 'main'): Promise<string> =>
  page.$eval(selector, (element) => (element as HTMLElement).innerText);
/** The page of the content, once it has initialised. */
async function contentOf(page: Page, file: string): Promise<Frame> {
  for (let tries = 0; tries < 100; tries++) {
    const frame = page.frames().find((each) => each.url().includes(`/${file}`));
    if (frame && (await frame.evaluate(() => 'started' in window).catch(() => false))) return frame;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${file} did not open`);
}
const packageFile = (
  folder: string,
  name: string,
  items: { id: string; title: string; href: string }[],
  heading: string,
): Promise<string> =>
  zipOf({
    'imsmanifest.xml': manifest12(items),
    ...Object.fromEntries(items.map(({ href, title }) => [href, scoPage(`${title} ${heading}`)])),
  }).then((zip) => {
    writeFileSync(join(folder, name), zip);
    return join(folder, name);
  });

describe('the vendor’s library and its learners, in a real browser (issue 6 item 3)', function () {
  this.timeout(180_000);
  let server: RunningServer;
  let vendor: Page & { faults: string[] };
  let learner: Page & { faults: string[] };
  const contexts: BrowserContext[] = [];
  let folder: string;
  let packagePath = '';

  before(async () => {
    await Promise.all([buildContent(), buildClient()]);
    folder = mkdtempSync(join(tmpdir(), 'zhixing-library-'));
    const started = await startServer();
    if (!started) throw new Error('no server');
    server = started;
    vendor = await signedIn('vendor');
    learner = await signedIn('learner');
  });
  after(async () => {
    for (const context of contexts) await context.close();
    await server?.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  const signedIn = async (who: string): Promise<Page & { faults: string[] }> => {
    const context = await newContext();
    contexts.push(context);
    const page = await newPage(context);
    await page.goto(`${server.origin}/sign-in?lang=zh-TW`);
    await follow(page, `button[data-demo="${who}"]`);
    return page;
  };
  const inBothLanguages = async (page: Page, name: string): Promise<void> => {
    const url = new URL(page.url());
    for (const language of ['en', 'zh-TW']) {
      url.searchParams.set('lang', language);
      await page.goto(url.href);
      await screenshots(page, `${name}-${language}`);
      for (const width of [390, 1280]) {
        await page.setViewport({ width, height: 800, deviceScaleFactor: 1 });
        await expectAccessible(page);
      }
    }
  };
  const upload = async (file: string): Promise<void> => {
    const input = await vendor.$('input[type="file"]');
    await (input as unknown as { uploadFile(path: string): Promise<void> }).uploadFile(file);
    await follow(vendor, 'form.upload button[type="submit"]');
  };
  const enter = async (page: Page, code: string, file: string): Promise<string> => {
    await page.goto(`${server.origin}/courses/${code}/learn`);
    const frame = await contentOf(page, file);
    return frame.$eval('h1', (heading) => heading.textContent ?? '');
  };
  const leave = (page: Page): Promise<void> => follow(page, '#player-leave');

  it('an upload is in use at once for a new package; a course is made of it and a learner begins', async () => {
    await vendor.goto(`${server.origin}/vendor/upload`);
    await upload(
      await packageFile(
        folder,
        'one.zip',
        [
          { id: 'A', title: '認識樹木', href: 'a.html' },
          { id: 'B', title: '修剪', href: 'b.html' },
        ],
        '初版',
      ),
    );
    await follow(vendor, 'a[href^="/vendor/courses/new"]');
    await vendor.type('#code', 'LIB-001');
    await vendor.type('#summary-zh', '由瀏覽器測試開設的課程。');
    await vendor.$eval('#pass', (element) => ((element as HTMLInputElement).value = ''));
    await vendor.$eval('input[name="survey"]', (element) => ((element as HTMLInputElement).checked = false));
    await vendor.type('#reading', '00:30:00');
    await follow(vendor, 'form.panel button[type="submit"]');
    await follow(vendor, 'form[action$="/publish"] button');
    await learner.goto(`${server.origin}/courses/LIB-001`);
    await follow(learner, 'form[action$="/enrol"] button');
    expect(await enter(learner, 'LIB-001', 'a.html')).to.equal('認識樹木 初版');
    const content = await contentOf(learner, 'a.html');
    await content.evaluate(() => {
      const sco = window as unknown as { set(name: string, value: string): string; commit(): string };
      sco.set('cmi.core.lesson_location', '第三頁');
      sco.set('cmi.core.lesson_status', 'incomplete');
      sco.set('cmi.core.exit', 'suspend');
      sco.commit();
    });
    await leave(learner);
  });

  it('a new version is a draft that changes nothing; the library shows both versions with their facts', async () => {
    await vendor.goto(`${server.origin}/vendor`);
    await vendor.evaluate(() =>
      [...document.querySelectorAll<HTMLAnchorElement>('a[href^="/vendor/packages/"]')]
        .find((link) => link.textContent === '公園裡的樹')
        ?.click(),
    );
    await vendor.waitForSelector('a[href^="/vendor/upload?package="]');
    packagePath = new URL(vendor.url()).pathname;
    await follow(vendor, 'a[href^="/vendor/upload?package="]');
    expect(await textOf(vendor)).to.include('新版本：公園裡的樹');
    await upload(
      await packageFile(
        folder,
        'two.zip',
        [
          { id: 'A', title: '認識樹木', href: 'a.html' },
          { id: 'B', title: '修剪', href: 'b2.html' },
          { id: 'C', title: '移植', href: 'c.html' },
        ],
        '新版',
      ),
    );
    expect(await textOf(vendor)).to.include('第 2 版草稿');
    await inBothLanguages(vendor, 'library-report');
    await vendor.goto(`${server.origin}${packagePath}`);
    const shown = await textOf(vendor);
    for (const fact of ['第 2 版', '草稿', '第 1 版', '使用中', 'SCORM 1.2', '沒有問題', '陳教材', 'LIB-001'])
      expect(shown).to.include(fact);
    await inBothLanguages(vendor, 'library-package');
    await vendor.goto(`${server.origin}/vendor`);
    expect(await textOf(vendor)).to.include('第 2 版草稿');
    await inBothLanguages(vendor, 'library-index');
    expect(await enter(learner, 'LIB-001', 'a.html')).to.equal('認識樹木 初版');
    await leave(learner);
  });

  it('before publishing it says who is in progress and what moving does; those who stay really stay', async () => {
    await vendor.goto(`${server.origin}${packagePath}`);
    await follow(vendor, 'a[href*="/publish?version="]');
    const shown = await textOf(vendor);
    expect(shown).to.match(/1\s*位學員正在學習其他版本/);
    expect(shown).to.include('1 個單元保留書籤，1 個單元從頭開始，0 個單元不再出現，1 個單元是新的');
    const rows = await vendor.$$eval('tbody tr', (all) =>
      all.map((row) => [...row.children].map((cell) => (cell as HTMLElement).innerText.split('\n').at(-1))),
    );
    expect(rows[0]?.slice(0, 2)).to.deep.equal(['認識樹木', '1']);
    expect(rows.map(([, , fate]) => fate?.split('　')[0])).to.deep.equal([
      '保留',
      '從頭開始',
      '新單元',
      '保留',
    ]);
    await inBothLanguages(vendor, 'library-publish');
    // By keyboard: the choice is a group of radio buttons, and staying is what is chosen at first.
    await vendor.focus('input[name="learners"]:checked');
    expect(await vendor.$eval(':focus', (element) => (element as HTMLInputElement).value)).to.equal('stay');
    await vendor.focus('form[action$="/publish"] button[type="submit"]');
    await Promise.all([vendor.waitForNavigation(), vendor.keyboard.press('Enter')]);
    expect(await textOf(vendor))
      .to.include('已發布')
      .and.include('學員留在原版');

    expect(await enter(learner, 'LIB-001', 'a.html')).to.equal('認識樹木 初版');
    await leave(learner);
    const late = await signedIn('citizen');
    await late.goto(`${server.origin}/courses/LIB-001`);
    await follow(late, 'form[action$="/enrol"] button');
    expect(await enter(late, 'LIB-001', 'a.html')).to.equal('認識樹木 新版');
    await leave(late);
  });

  it('rolls back, and moves learners with their bookmarks when told to', async () => {
    await vendor.goto(`${server.origin}${packagePath}`);
    await follow(vendor, 'a[href*="/publish?version="]');
    expect(await textOf(vendor, 'h1')).to.equal('回復到第 1 版');
    await follow(vendor, 'form[action$="/publish"] button[type="submit"]');
    await follow(vendor, 'a[href*="/publish?version="]');
    expect(await textOf(vendor, 'h1')).to.equal('回復到第 2 版');
    await vendor.click('input[value="move"]');
    await follow(vendor, 'form[action$="/publish"] button[type="submit"]');
    expect(await textOf(vendor)).to.include('1 位學員移到這一版');
    await inBothLanguages(vendor, 'library-history');
    expect(await enter(learner, 'LIB-001', 'a.html')).to.equal('認識樹木 新版');
    const content = await contentOf(learner, 'a.html');
    expect(
      await content.evaluate(() =>
        (window as unknown as { get(name: string): string }).get('cmi.core.lesson_location'),
      ),
    ).to.equal('第三頁');
    await leave(learner);
  });

  it('replaces a single file as a draft, with the check of an upload', async () => {
    await vendor.goto(`${server.origin}${packagePath}`);
    await follow(vendor, 'a[href$="/replace"]');
    await inBothLanguages(vendor, 'library-replace');
    const send = async (path: string, bytes: string): Promise<void> => {
      const file = join(folder, 'one-file');
      writeFileSync(file, bytes);
      await vendor.$eval('#path', (element) => ((element as HTMLInputElement).value = ''));
      await vendor.type('#path', path);
      const input = await vendor.$('#file');
      await (input as unknown as { uploadFile(path: string): Promise<void> }).uploadFile(file);
      await follow(vendor, 'form.panel button[type="submit"]');
    };
    await send('imsmanifest.xml', '<manifest>');
    expect(await textOf(vendor)).to.include('教材檢查不通過');
    await screenshots(vendor, 'library-replace-refused');
    await expectAccessible(vendor);
    await send('../a.html', 'x');
    expect(await textOf(vendor, '#problems')).to.include('這個路徑不能用在教材中');
    await send('a.html', scoPage('認識樹木 更正'));
    expect(await textOf(vendor))
      .to.include('已建立新的草稿')
      .and.include('第 3 版');
    await follow(vendor, 'tbody th a');
    expect(await textOf(vendor))
      .to.include('草稿')
      .and.include('imsmanifest.xml');
    await inBothLanguages(vendor, 'library-version');
  });

  it('archives and brings back; another organisation’s people find nothing', async () => {
    await vendor.goto(`${server.origin}${packagePath}`);
    await follow(vendor, 'form[action$="/archived"] button');
    expect(await textOf(vendor)).to.include('已封存');
    await vendor.goto(`${server.origin}/vendor`);
    expect(await vendor.$(`a[href="${packagePath}"]`)).to.equal(null);
    await follow(vendor, 'a[href="/vendor/packages/archived"]');
    await inBothLanguages(vendor, 'library-archived');
    await follow(vendor, `a[href="${packagePath}"]`);
    expect(await enter(learner, 'LIB-001', 'a.html')).to.equal('認識樹木 新版');
    await leave(learner);
    await follow(vendor, 'form[action$="/archived"] button');
    await vendor.goto(`${server.origin}/vendor`);
    expect(await vendor.$(`a[href="${packagePath}"]`)).to.not.equal(null);

    const refused = await learner.goto(`${server.origin}${packagePath}`);
    expect(refused?.status()).to.equal(403);
    expect(vendor.faults.filter((fault) => !/status of 4\d\d/.test(fault))).to.deep.equal([]);
  });

  it('the learner sees each stretch of reading, from the record and from the course', async () => {
    await learner.goto(`${server.origin}/courses/LIB-001`);
    await follow(learner, 'a[href="/courses/LIB-001/sessions"]');
    const shown = await textOf(learner);
    expect(shown).to.include('離開課程').and.include('Chrome').and.include('00:00:0');
    expect(await learner.$$('tbody tr')).to.have.length.greaterThan(3);
    await inBothLanguages(learner, 'sessions');
    await learner.goto(`${server.origin}/record`);
    await follow(learner, 'a[href="/courses/LIB-001/sessions"]');
    expect(await textOf(learner, 'h1')).to.equal('上課時段');
  });

  it('support and the learner’s HR office see them too, nobody else; each look-up is audited', async () => {
    const lookUp = async (page: Page, account: string): Promise<void> => {
      await page.goto(`${server.origin}/support/sessions`);
      await page.type('#course', 'LIB-001');
      await page.type('#account', account);
      await follow(page, 'form.panel button[type="submit"]');
    };
    const admin = await signedIn('admin');
    await admin.goto(`${server.origin}/support/sessions`);
    await inBothLanguages(admin, 'sessions-search');
    await lookUp(admin, 'learner');
    expect(await textOf(admin))
      .to.include('王小明')
      .and.include('離開課程');
    await inBothLanguages(admin, 'sessions-support');
    const address = new URL(admin.url()).pathname;

    const hr = await signedIn('hr');
    await lookUp(hr, 'learner');
    expect(await textOf(hr)).to.include('王小明');
    await lookUp(hr, 'citizen');
    expect(await textOf(hr, '#problems')).to.include('不在您可查詢的範圍');

    expect((await learner.goto(`${server.origin}${address}`))?.status()).to.equal(403);
    expect((await vendor.goto(`${server.origin}${address}`))?.status()).to.equal(403);
    expect((await admin.goto(`${server.origin}/support/sessions/none`))?.status()).to.equal(404);
  });
});
