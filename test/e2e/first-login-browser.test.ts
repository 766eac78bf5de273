import { expect } from 'chai';
import type { BrowserContext, Page } from 'puppeteer-core';
import { systemClock } from '../../src/base/clock.ts';
import { createIdNumberVault } from '../../src/identity/id-numbers.ts';
import { createPeople } from '../../src/identity/people.ts';
import { desktop, expectAccessible, newContext, newPage, phone, screenshots } from '../support/browser.ts';
import { emptyStore, type EmptyStore, openStorage } from '../support/engines.ts';
import { type RunningServer, startServer } from '../support/server.ts';

const password = 'first-login-test';

describe('the first login in a real browser, by keyboard only', function () {
  this.timeout(180_000);
  let store: EmptyStore;
  let server: RunningServer;

  before(async () => {
    const empty = await emptyStore('sqlite');
    if (!empty) throw new Error('SQLite is always there');
    store = empty;
    const storage = await openStorage(store.options);
    const people = createPeople({
      store: storage.identity,
      vault: createIdNumberVault(Buffer.alloc(32, 1)),
      clock: systemClock,
    });
    for (const name of ['zh', 'en', 'plain', 'declines'])
      await people.create({
        name: `新會員 ${name}`,
        accountKind: name === 'en' ? 'social' : 'official',
        roles: [{ role: 'learner', organisation: null }],
        login: { name, password },
      });
    await people.create({
      name: '先到的人',
      nickname: '春風',
      accountKind: 'local',
      roles: [{ role: 'learner', organisation: null }],
    });
    await storage.close();
    const started = await startServer({ on: store.options });
    if (!started) throw new Error('no server');
    server = started;
  });
  after(async () => {
    await server?.remove();
    store?.remove();
  });

  const textOf = (page: Page, selector = 'main'): Promise<string> =>
    page.$eval(selector, (element) => (element as HTMLElement).innerText);
  /** Presses Tab until the element has the focus, which must be visible on it. */
  const tabTo = async (page: Page, selector: string): Promise<void> => {
    for (let presses = 0; presses < 80; presses++) {
      const there = await page.evaluate((wanted) => {
        const focused = document.activeElement;
        if (!focused?.matches(wanted)) return null;
        const { outlineStyle, outlineWidth } = getComputedStyle(focused);
        return `${outlineStyle} ${outlineWidth}`;
      }, selector);
      if (there !== null)
        return void expect(there, `focus ring on ${selector}`).to.match(/^(solid|auto) [1-9]/);
      await page.keyboard.press('Tab');
    }
    throw new Error(`Tab does not reach ${selector} on ${page.url()}`);
  };
  const press = async (page: Page, selector: string): Promise<void> => {
    await tabTo(page, selector);
    await Promise.all([page.waitForNavigation({ waitUntil: 'load' }), page.keyboard.press('Enter')]);
  };
  const choose = async (page: Page, value: string): Promise<void> => {
    await tabTo(page, 'input[type="radio"]');
    await page.keyboard.press('Space');
    for (let presses = 0; presses < 5; presses++) {
      if (await page.$eval(`input[value="${value}"]`, (input) => (input as HTMLInputElement).checked)) break;
      await page.keyboard.press('ArrowDown');
    }
    await press(page, 'form.panel button.primary');
  };
  const signIn = async (page: Page, name: string, returnTo = '/'): Promise<void> => {
    await page.goto(`${server.origin}/sign-in?returnTo=${encodeURIComponent(returnTo)}`);
    await tabTo(page, '#loginName');
    await page.keyboard.type(name);
    await tabTo(page, '#password');
    await page.keyboard.type(password);
    await press(page, 'form.panel button.primary');
  };
  const stateBecomes = (page: Page, selector: string, className: string): Promise<unknown> =>
    page.waitForSelector(`${selector}.${className}`, { timeout: 10_000 });
  const within = async (
    language: 'zh-TW' | 'en',
    viewport: typeof phone,
    act: (page: Page & { faults: string[] }, context: BrowserContext) => Promise<void>,
  ): Promise<void> => {
    const context = await newContext();
    try {
      const page = await newPage(context, viewport);
      await page.goto(`${server.origin}/?lang=${language}`);
      await act(page, context);
      expect(page.faults.filter((fault) => !/\b422\b/.test(fault))).to.deep.equal([]);
    } finally {
      await context.close();
    }
  };

  it('the wizard leads a civil servant to eCPA and back to a sign-in page that remembers', () =>
    within('zh-TW', desktop, async (page) => {
      await page.goto(`${server.origin}/sign-in`);
      await screenshots(page, 'sign-in-guide');
      await expectAccessible(page);
      await press(page, '.sign-in-guide a[href="/first-login"]');
      await screenshots(page, 'first-login-identity');
      await expectAccessible(page);
      await choose(page, 'official');
      expect(await textOf(page)).to.include('我目前尚無上述平臺帳號');
      await screenshots(page, 'first-login-official');
      await expectAccessible(page);
      await press(page, '.actions a.button');
      expect(await textOf(page), '返回前一頁').to.include('請問您的身分別？');
      await choose(page, 'official');
      await choose(page, 'official-none');
      expect(await textOf(page))
        .to.include('重設驗證')
        .and.include('02-23979108')
        .and.include('pemis@dgpa.gov.tw');
      await screenshots(page, 'first-login-ecpa');
      await expectAccessible(page);
      await press(page, '.actions a.primary');
      expect(await textOf(page)).to.include('您是公務人員');
      await screenshots(page, 'sign-in-remembered');
      await expectAccessible(page);
    }));

  it('the wizard’s 否 branch, in English, on a phone', () =>
    within('en', phone, async (page) => {
      await page.goto(`${server.origin}/first-login`);
      await choose(page, 'public');
      await screenshots(page, 'first-login-public-en');
      await choose(page, 'no-hours');
      expect(await textOf(page)).to.include('any social account');
      await screenshots(page, 'first-login-no-hours-en');
      await expectAccessible(page);
      await page.goto(`${server.origin}/sign-in-questions`);
      await screenshots(page, 'sign-in-questions-en');
      await expectAccessible(page);
    }));

  it('terms, nickname, mail and success page, in Chinese, at 1280 px', () =>
    within('zh-TW', desktop, async (page) => {
      await signIn(page, 'zh', '/courses');
      expect(page.url()).to.equal(`${server.origin}/welcome/terms?returnTo=%2Fcourses`);
      await expectAccessible(page);
      await screenshots(page, 'welcome-terms');

      // 同意 does nothing before the end is reached, and says why.
      expect(await page.$eval('form[data-agree] button', (button) => button.ariaDisabled)).to.equal('true');
      await tabTo(page, 'form[data-agree] button');
      await page.keyboard.press('Enter');
      expect(await textOf(page, '.terms-state')).to.include('請先將條款閱讀至最後');
      expect(page.url()).to.include('/welcome/terms');
      // The refused press put the focus on the text: End scrolls it.
      await page.keyboard.press('End');
      await stateBecomes(page, '.terms-state', 'read');
      expect(await textOf(page, '.terms-state')).to.include('可以按「同意」');
      await expectAccessible(page);
      await screenshots(page, 'welcome-terms-read');
      await press(page, 'form[data-agree] button');
      expect(page.url()).to.include('/welcome/nickname');

      await tabTo(page, '#nickname');
      await page.keyboard.type('春風');
      await stateBecomes(page, '#nickname-state', 'error');
      await page.waitForSelector('.suggestions:not([hidden]) button');
      const offered = await page.$$eval('.suggestions button', (buttons) =>
        buttons.map((each) => each.textContent),
      );
      expect(new Set(offered).size).to.equal(3);
      await expectAccessible(page);
      await screenshots(page, 'welcome-nickname-taken');
      await tabTo(page, '.suggestions button');
      await page.keyboard.press('Enter');
      await stateBecomes(page, '#nickname-state', 'free');
      expect(await page.$eval('#nickname', (input) => (input as HTMLInputElement).value)).to.equal(
        offered[0],
      );
      await tabTo(page, '#email');
      await page.keyboard.type('zh@example.org');
      await expectAccessible(page);
      await screenshots(page, 'welcome-nickname');
      await Promise.all([page.waitForNavigation({ waitUntil: 'load' }), page.keyboard.press('Enter')]);
      expect(await textOf(page))
        .to.include('註冊完成')
        .and.include(offered[0] ?? '');
      await expectAccessible(page);
      await screenshots(page, 'welcome-done');

      await press(page, 'a[href="/demo/outbox"]');
      expect(await textOf(page))
        .to.include('zh@example.org')
        .and.include('請確認您的聯絡信箱');
      await expectAccessible(page);
      await screenshots(page, 'demo-outbox');
      await press(page, 'a[href*="/confirm-email?token="]');
      await expectAccessible(page);
      await press(page, 'main button.primary');
      expect(await textOf(page)).to.include('聯絡信箱 zh@example.org 已確認');
      await expectAccessible(page);
      await screenshots(page, 'confirm-email');
      await page.goto(`${server.origin}/welcome/done?returnTo=%2Fcourses`);
      await press(page, 'a.button.primary');
      expect(page.url()).to.equal(`${server.origin}/courses`);
    }));

  it('terms by the jump link, a refused form, the success page and the reminder, in English, at 390 px', () =>
    within('en', phone, async (page) => {
      await signIn(page, 'en');
      expect(await textOf(page))
        .to.include('Terms of use and privacy notice')
        .and.include('Privacy notice');
      await expectAccessible(page);
      await screenshots(page, 'welcome-terms-en');
      await tabTo(page, '.terms-jump');
      await page.keyboard.press('Enter');
      await stateBecomes(page, '.terms-state', 'read');
      await press(page, 'form[data-agree] button');
      await tabTo(page, '#nickname');
      await page.keyboard.type('12345');
      await tabTo(page, '#email');
      await page.keyboard.type('en@example.org');
      await Promise.all([page.waitForNavigation({ waitUntil: 'load' }), page.keyboard.press('Enter')]);
      expect(await textOf(page, '#problems')).to.include('cannot be digits only');
      expect(await page.evaluate(() => document.activeElement?.id), 'the fault is read out').to.equal(
        'problems',
      );
      await expectAccessible(page);
      await screenshots(page, 'welcome-nickname-refused-en');
      await tabTo(page, '#nickname');
      await page.keyboard.type(' go');
      await stateBecomes(page, '#nickname-state', 'free');
      await press(page, 'form.panel button.primary');
      expect(await textOf(page)).to.include('You are registered');
      await expectAccessible(page);
      await screenshots(page, 'welcome-done-en');
      await press(page, 'main a.button.primary');
      expect(page.url()).to.equal(`${server.origin}/`);
      expect(await textOf(page, '.social-reminder')).to.include(
        'Civil servants must use the official account',
      );
      await expectAccessible(page);
      await screenshots(page, 'social-reminder-en');
      await press(page, '.social-reminder button');
      expect(await page.$('.social-reminder')).to.equal(null);
    }));

  it('works without JavaScript: the buttons stand at the end of the text', () =>
    within('zh-TW', phone, async (page) => {
      await page.setJavaScriptEnabled(false);
      await signIn(page, 'plain');
      const boxes = await Promise.all(
        ['#terms-end', 'form[data-agree] button'].map(async (selector) =>
          (await page.$(selector))?.boundingBox(),
        ),
      );
      expect(boxes[1]?.y, '同意 comes after the end of the text').to.be.greaterThan(boxes[0]?.y ?? Infinity);
      expect(boxes[0]?.y).to.be.greaterThan(phone.height);
      await press(page, 'form[data-agree] button');
      await tabTo(page, '#nickname');
      await page.keyboard.type('春風');
      await tabTo(page, '#email');
      await page.keyboard.type('plain@example.org');
      await press(page, 'form.panel button.primary');
      const text = await textOf(page);
      expect(text).to.include('這個暱稱已有人使用').and.include('您可以改用');
      await press(page, '.suggestions button');
      expect(await textOf(page)).to.include('註冊完成');
    }));

  it('declining signs out', () =>
    within('zh-TW', phone, async (page) => {
      await signIn(page, 'declines', '/record');
      await press(page, 'form[action="/welcome/decline"] button');
      expect(await textOf(page)).to.include('平臺已為您登出');
      await expectAccessible(page);
      await screenshots(page, 'welcome-declined');
      await page.goto(`${server.origin}/record`);
      expect(page.url()).to.include('/sign-in');
    }));
});
