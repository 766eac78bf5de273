import { expect } from 'chai';
import type { BrowserContext, Page } from 'puppeteer-core';
import { expectAccessible, newContext, newPage, screenshots } from '../support/browser.ts';
import { follow, signInAs } from '../support/portal.ts';
import { type RunningServer, startServer } from '../support/server.ts';

const textOf = (page: Page): Promise<string> => page.$eval('main', (main) => (main as HTMLElement).innerText);

describe('administration of people in a browser', function () {
  this.timeout(180_000);
  let server: RunningServer;
  let admin: BrowserContext;
  before(async () => {
    const started = await startServer();
    if (!started) throw new Error('no server');
    server = started;
    admin = await newContext();
    await signInAs(admin, server.origin, 'admin');
  });
  after(async () => {
    await admin?.close();
    await server?.remove();
  });

  it('an administrator makes an account, gives it a role, and its holder sets the password and works with it', async () => {
    const page = await newPage(admin);
    await page.goto(`${server.origin}/`);
    await page.click('.main-nav .menu summary');
    await follow(page, '.main-nav a[href="/admin/people"]');
    await page.type('#new-name', '周客服');
    await page.type('#new-login', 'chou-support');
    await follow(page, 'form[action="/admin/people/new"] button');
    const link = await page.$eval('.notice.done code', (code) => code.textContent ?? '');
    await screenshots(page, 'people-created');

    await page.type('#text', '周客服');
    await follow(page, 'form[role="search"] button');
    await expectAccessible(page);
    await screenshots(page, 'people-search-zh');
    await follow(page, 'main table a');
    expect(page.url()).to.match(/\/admin\/people\/[0-9a-f-]{36}$/);
    const address = page.url();
    await page.select('#role', 'hr');
    await page.type('#agency', '青山');
    await page.waitForSelector('.combobox .options li', { visible: true });
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await follow(page, 'form[action$="/grant"] button[type="submit"]');
    expect(await textOf(page))
      .to.include('已指派角色')
      .and.to.include('301030100A 範例縣立青山國民小學');
    await page.select('#role', 'support');
    await follow(page, 'form[action$="/grant"] button[type="submit"]');
    await page.select('#role', 'vendor');
    await page.type('#organisation', '還沒有的公司');
    await follow(page, 'form[action$="/grant"] button[type="submit"]');
    expect(await textOf(page)).to.include('還沒有這個單位');
    await expectAccessible(page);
    await follow(page, 'form[action$="/revoke"] button[aria-label*="人事人員"]');
    expect(await textOf(page))
      .to.include('已撤銷角色')
      .and.to.not.include('301030100A');

    const holder = await newContext();
    try {
      const own = await newPage(holder);
      await own.goto(`${link}&lang=zh-TW`);
      await expectAccessible(own);
      await screenshots(own, 'set-password-zh');
      await own.type('#password', 'four words are enough');
      await own.type('#again', 'four words are enough!');
      await follow(own, 'main form button');
      expect(await textOf(own)).to.include('兩次輸入的密碼不同');
      await own.type('#password', 'four words are enough');
      await own.type('#again', 'four words are enough');
      await follow(own, 'main form button');
      expect(await textOf(own)).to.include('密碼已設定');
      await own.goto(link);
      expect(await textOf(own)).to.include('已使用');
      await own.goto(`${server.origin}/sign-in`);
      await own.type('input[name="loginName"]', 'chou-support');
      await own.type('input[name="password"]', 'four words are enough');
      await Promise.all([own.waitForNavigation(), own.keyboard.press('Enter')]);
      await own.goto(address);
      expect(await textOf(own)).to.include('周客服');
      expect(await own.$('form[action$="/grant"]')).to.equal(null);

      await page.goto(address);
      expect(await textOf(page))
        .to.include('登入中的裝置')
        .and.to.include('1 個');
      await follow(page, 'form[action$="/lock"] button');
      expect(await textOf(page)).to.include('帳號已停用');
      await screenshots(page, 'people-person-zh');
      await own.goto(`${server.origin}/my-courses`);
      expect(own.url()).to.include('/sign-in');
      await own.type('input[name="loginName"]', 'chou-support');
      await own.type('input[name="password"]', 'four words are enough');
      await Promise.all([own.waitForNavigation(), own.keyboard.press('Enter')]);
      expect(await textOf(own)).to.include('已由管理者停用');
    } finally {
      await holder.close();
    }
  });

  it('reads well in English, on the phone, and by keyboard; the audit log names each step', async () => {
    const page = await newPage(admin);
    await page.goto(`${server.origin}/admin/people?lang=en`);
    await page.focus('#text');
    await page.keyboard.type('wang hsiao');
    await Promise.all([page.waitForNavigation(), page.keyboard.press('Enter')]);
    for (const width of [390, 1280]) {
      await page.setViewport({ width, height: 900 });
      await expectAccessible(page);
    }
    await screenshots(page, 'people-search-en');
    await follow(page, 'main table a');
    for (const width of [390, 1280]) {
      await page.setViewport({ width, height: 900 });
      await expectAccessible(page);
    }
    await screenshots(page, 'people-person-en');
    await page.goto(`${server.origin}/admin/audit`);
    const log = await textOf(page);
    for (const action of [
      'Created an account',
      'Made a set-password link',
      'Set a password',
      'Assigned a role',
      'Revoked a role',
      'Locked an account',
      'Looked for people',
    ])
      expect(log).to.include(action);
    await page.goto(`${server.origin}/?lang=zh-TW`);
  });

  it('an HR officer looks up the learning record of somebody of the agency, on desktop and phone, in both languages', async () => {
    const context = await newContext();
    try {
      const learning = await newPage(context);
      await signInAs(context, server.origin, 'learner');
      await learning.goto(`${server.origin}/courses`);
      await follow(learning, '.card h3 a');
      await follow(learning, 'form[action$="/enrol"] button');
    } finally {
      await context.close();
    }
    const hr = await newContext();
    try {
      await signInAs(hr, server.origin, 'hr');
      const page = await newPage(hr);
      await page.goto(`${server.origin}/`);
      await page.focus('.main-nav .menu summary');
      await page.keyboard.press('Enter');
      await follow(page, '.main-nav a[href="/records"]');
      expect(await textOf(page)).to.include('範例縣政府 與所屬下級機關');
      await page.type('#text', '小明');
      await follow(page, 'form[role="search"] button');
      await expectAccessible(page);
      await screenshots(page, 'records-search-zh');
      await follow(page, 'main table a');
      for (const language of ['zh-TW', 'en']) {
        await page.goto(`${page.url().split('?')[0]}?lang=${language}`);
        for (const width of [390, 1280]) {
          await page.setViewport({ width, height: 900 });
          await expectAccessible(page);
        }
        await screenshots(page, `records-person-${language}`);
      }
      expect(await textOf(page)).to.include('Learning record of 王小明');
      await page.goto(`${server.origin}/records?lang=zh-TW`);
      await page.type('#text', '林美惠');
      await follow(page, 'form[role="search"] button');
      expect(await textOf(page)).to.include('沒有符合條件的人');
    } finally {
      await hr.close();
    }
  });
});
