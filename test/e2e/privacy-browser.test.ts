import { buffer } from 'node:stream/consumers';
import { Readable } from 'node:stream';
import { expect } from 'chai';
import type { BrowserContext, Page } from 'puppeteer-core';
import { expectAccessible, newContext, newPage, screenshots } from '../support/browser.ts';
import { follow, signInAs, until } from '../support/portal.ts';
import { type RunningServer, startServer } from '../support/server.ts';

describe('我的資料: personal data rights in a browser', function () {
  this.timeout(180_000);
  let server: RunningServer;
  let citizen: BrowserContext;
  let admin: BrowserContext;

  before(async () => {
    const started = await startServer({ environment: { ERASURE_GRACE_DAYS: '0' } });
    if (!started) throw new Error('no server');
    server = started;
    citizen = await newContext();
    admin = await newContext();
    await signInAs(citizen, server.origin, 'citizen');
  });
  after(async () => {
    await citizen?.close();
    await admin?.close();
    await server?.remove();
  });
  const textOf = (page: Page): Promise<string> =>
    page.$eval('main', (main) => (main as HTMLElement).innerText);

  it('a download is prepared, shown when it is ready, and holds a ZIP', async () => {
    const page = await newPage(citizen);
    await page.goto(`${server.origin}/account/data?lang=en`);
    expect(await textOf(page))
      .to.include('Download my data')
      .and.include('Restrict processing');
    await screenshots(page, 'my-data-en');
    await expectAccessible(page);
    await page.goto(`${server.origin}/account/data?lang=zh-TW`);
    await follow(page, 'form[action="/account/data/exports"] button');
    expect(await textOf(page)).to.include('已開始準備');
    await until('the download is ready', async () => {
      await page.goto(`${server.origin}/account/data`);
      return (await page.$('a[href$=".zip"]')) !== null;
    });
    await screenshots(page, 'my-data');
    await expectAccessible(page);
    const href = await page.$eval('a[href$=".zip"]', (link) => (link as HTMLAnchorElement).href);
    const cookie = (await citizen.cookies()).map(({ name, value }) => `${name}=${value}`).join('; ');
    const answer = await fetch(href, { headers: { cookie } });
    expect(answer.headers.get('content-type')).to.equal('application/zip');
    const bytes = await buffer(Readable.fromWeb(answer.body as never));
    expect(bytes.subarray(0, 2).toString()).to.equal('PK');
    expect((await fetch(href, { redirect: 'manual' })).status).to.not.equal(200);
    expect(page.faults).to.deep.equal([]);
  });

  it('a correction is asked for, and support answers it', async () => {
    const page = await newPage(citizen);
    await page.goto(`${server.origin}/account/data`);
    await follow(page, 'form[action="/account/data/corrections"] button');
    expect(await textOf(page))
      .to.include('請選擇一項')
      .and.include('請填寫');
    await screenshots(page, 'my-data-problems');
    await expectAccessible(page);
    await page.select('#about', 'certificate');
    await page.type('#text', '學習證明上的英文姓名拼法有誤。');
    await follow(page, 'form[action="/account/data/corrections"] button');
    expect(await textOf(page))
      .to.include('已送出更正請求')
      .and.include('處理中');

    await signInAs(admin, server.origin, 'admin');
    const support = await newPage(admin);
    await support.goto(`${server.origin}/support/corrections`);
    expect(await textOf(support))
      .to.include('林美惠')
      .and.include('拼法有誤');
    await screenshots(support, 'corrections');
    await expectAccessible(support);
    await support.type('textarea[name="answer"]', '已更正，請重新列印。');
    await follow(support, 'button[value="corrected"]');
    expect(await textOf(support))
      .to.include('已回覆')
      .and.include('目前沒有待處理');
    await page.goto(`${server.origin}/account/data`);
    expect(await textOf(page)).to.include('已更正，請重新列印。');
  });

  it('a restriction stops learning, and is lifted', async () => {
    const page = await newPage(citizen);
    await page.goto(`${server.origin}/account/data`);
    await follow(page, 'form[action="/account/data/restrict"] button');
    expect(await textOf(page)).to.include('限制處理中');
    await page.goto(`${server.origin}/courses`);
    const course = await page.$eval('main a[href^="/courses/"]', (link) => link.getAttribute('href'));
    await page.goto(`${server.origin}${course}`);
    await follow(page, 'form[action$="/enrol"] button');
    expect(await textOf(page)).to.include('處理已受限制');
    await page.goto(`${server.origin}/account/data`);
    await follow(page, 'form[action="/account/data/lift"] button');
    await page.goto(`${server.origin}${course}`);
    await follow(page, 'form[action$="/enrol"] button');
    expect(await textOf(page)).to.not.include('處理已受限制');
  });

  it('an erasure is asked for with the word typed, and then the account is gone', async () => {
    const page = await newPage(citizen);
    await page.goto(`${server.origin}/account/data/erase?lang=en`);
    await screenshots(page, 'erase-en');
    await expectAccessible(page);
    await page.goto(`${server.origin}/account/data/erase?lang=zh-TW`);
    await screenshots(page, 'erase');
    await page.type('#word', '不要');
    await page.click('input[name="understood"]');
    await follow(page, 'form[action="/account/data/erase"] button');
    expect(await textOf(page)).to.include('請輸入畫面上的文字');
    await page.type('#word', '刪除');
    await page.click('input[name="understood"]');
    await follow(page, 'form[action="/account/data/erase"] button');
    await until('the account is erased', async () => {
      await page.goto(`${server.origin}/account/profile`);
      return page.url().includes('/sign-in') || (await page.$('header a.who')) === null;
    });
    await page.goto(`${server.origin}/sign-in`);
    await follow(page, 'button[data-demo="citizen"]');
    expect(await textOf(page)).to.include('帳號或密碼不正確');
  });
});
