import { expect } from 'chai';
import type { BrowserContext, Page } from 'puppeteer-core';
import { Authenticator } from '../support/authenticator.ts';
import { expectAccessible, newContext, newPage, phone, screenshots } from '../support/browser.ts';
import { PlainBrowser } from '../support/plain-browser.ts';
import { follow } from '../support/portal.ts';
import { type RunningServer, startServer } from '../support/server.ts';

const textOf = (page: Page, selector = 'main'): Promise<string> =>
  page.$eval(selector, (element) => (element as HTMLElement).innerText);
const keyIn = (html: string): string => /<p class="code key"[^>]*><code>([A-Z2-7 ]+)</.exec(html)?.[1] ?? '';

describe('two-step verification in a browser', function () {
  this.timeout(240_000);
  let server: RunningServer;
  let context: BrowserContext;
  let app: Authenticator;
  let recovery: string[] = [];

  before(async () => {
    const started = await startServer();
    if (!started) throw new Error('no server');
    server = started;
    context = await newContext();
  });
  after(async () => {
    await context?.close();
    await server?.remove();
  });
  const signOut = async (page: Page): Promise<void> => follow(page, 'form[action="/sign-out"] button');
  const firstStep = async (page: Page, returnTo = '/'): Promise<void> => {
    await page.goto(`${server.origin}/sign-in?lang=zh-TW&returnTo=${encodeURIComponent(returnTo)}`);
    await page.type('#loginName', 'vendor');
    await page.type('#password', 'vendor-demo');
    await follow(page, 'form.panel button[type="submit"]');
  };

  it('is set up by a member of staff with the QR code or the key as text, by keyboard, and gives ten recovery codes once', async () => {
    const page = await newPage(context);
    await page.goto(`${server.origin}/sign-in?lang=zh-TW`);
    await follow(page, 'button[data-demo="vendor"]');
    await follow(page, 'header a.who');
    await follow(page, 'nav.actions a[href="/account/totp"]');
    expect(await textOf(page))
      .to.include('兩步驟驗證')
      .and.include('掃描');
    const picture = await page.$eval('.scan img', (img) => ({
      width: (img as HTMLImageElement).naturalWidth,
      alt: (img as HTMLImageElement).alt,
    }));
    expect(picture.width).to.be.above(100);
    expect(picture.alt).to.include('QR Code');
    await screenshots(page, 'totp-set-up');
    await expectAccessible(page);

    app = new Authenticator(await textOf(page, '.key code'));
    await page.type('#code', app.wrong());
    await Promise.all([page.waitForNavigation(), page.keyboard.press('Enter')]);
    expect(await textOf(page, '[role="alert"]')).to.include('驗證碼不正確');
    // The same secret is still offered: what was scanned stays right.
    await page.type('#code', await app.code());
    await Promise.all([page.waitForNavigation(), page.keyboard.press('Enter')]);
    recovery = await page.$$eval('.recovery-codes li', (items) =>
      items.map((item) => item.textContent ?? ''),
    );
    expect(recovery).to.have.length(10);
    for (const code of recovery) expect(code).to.match(/^[0-9A-Z]{4}(-[0-9A-Z]{4}){3}$/);
    await screenshots(page, 'totp-codes');
    await expectAccessible(page);
    await follow(page, 'main a.button.primary');
    await page.goto(`${server.origin}/account/totp`);
    const text = await textOf(page);
    expect(text).to.include('已啟用').and.include('10 組').and.not.include(recovery[0]);
    await screenshots(page, 'totp-state');
    await expectAccessible(page);
    expect(page.faults.filter((fault) => !fault.includes('422'))).to.deep.equal([]);
    await signOut(page);
    await page.close();
  });

  it('asks for the code between the password and the portal: until then nobody is signed in', async () => {
    const page = await newPage(context, phone);
    await firstStep(page, '/my-courses');
    expect(new URL(page.url()).pathname).to.equal('/sign-in/code');
    expect(await page.$('header a.who')).to.equal(null);
    await screenshots(page, 'sign-in-code');
    await expectAccessible(page);
    // The way round it is closed.
    await page.goto(`${server.origin}/my-courses`);
    expect(new URL(page.url()).pathname).to.equal('/sign-in');
    await page.goto(`${server.origin}/sign-in/code`);
    await page.type('#code', app.wrong());
    await Promise.all([page.waitForNavigation(), page.keyboard.press('Enter')]);
    expect(await textOf(page, '[role="alert"]')).to.include('驗證碼不正確');
    const sessionBefore = (await context.cookies()).find(({ name }) => name === 'zhixing')?.value;
    await page.type('#code', await app.code());
    await Promise.all([page.waitForNavigation(), page.keyboard.press('Enter')]);
    expect(new URL(page.url()).pathname).to.equal('/my-courses');
    expect(await textOf(page, 'header')).to.include('陳教材');
    const sessionAfter = (await context.cookies()).find(({ name }) => name === 'zhixing')?.value;
    expect(sessionAfter).to.not.equal(sessionBefore);
    await signOut(page);
    await page.close();
  });

  it('takes a recovery code when the phone is away, says how many are left, and lets another phone be set up', async () => {
    const page = await newPage(context);
    await firstStep(page, '/courses');
    await page.click('summary');
    await page.type('#recovery', (recovery[0] ?? '').toLowerCase());
    await Promise.all([page.waitForNavigation(), page.keyboard.press('Enter')]);
    expect(await textOf(page)).to.include('還剩 9 組');
    await screenshots(page, 'totp-recovered');
    await expectAccessible(page);
    expect(await page.$eval('.notice a', (link) => link.getAttribute('href'))).to.equal('/courses');

    await page.click('summary');
    await page.type('#recovery', recovery[1] ?? '');
    await follow(page, 'button[value="replace"]');
    expect(await textOf(page)).to.include('原本的驗證器與備用碼即失效');
    const next = new Authenticator(await textOf(page, '.key code'));
    await page.type('#code', await next.code());
    await Promise.all([page.waitForNavigation(), page.keyboard.press('Enter')]);
    expect(await page.$$('.recovery-codes li')).to.have.length(10);
    await signOut(page);
    await firstStep(page);
    await page.type('#code', await app.code());
    await Promise.all([page.waitForNavigation(), page.keyboard.press('Enter')]);
    expect(await textOf(page, '[role="alert"]')).to.include('驗證碼不正確');
    await page.type('#code', await next.code());
    await Promise.all([page.waitForNavigation(), page.keyboard.press('Enter')]);
    expect(await textOf(page, 'header')).to.include('陳教材');
    // Optional here, so it can be turned off; with a code.
    await page.goto(`${server.origin}/account/totp`);
    await page.type('#code', await next.code());
    await follow(page, 'button[value="remove"]');
    expect(await textOf(page)).to.include('兩步驟驗證已停用');
    await signOut(page);
    await page.goto(`${server.origin}/sign-in`);
    await follow(page, 'button[data-demo="vendor"]');
    expect(await textOf(page, 'header')).to.include('陳教材');
    await page.close();
  });

  it('is not offered to a learner', async () => {
    const learner = new PlainBrowser(server.origin);
    await learner.signIn('learner', 'learner-demo');
    expect((await learner.get('/account/totp')).status).to.equal(403);
    expect((await learner.get('/account/profile')).text).to.not.include('/account/totp');
  });

  it('speaks English too, and forgets a first step after ten minutes only', async () => {
    const guest = new PlainBrowser(server.origin);
    expect((await guest.get('/sign-in/code')).location).to.equal('/sign-in');
    const page = await guest.get('/sign-in?lang=en');
    expect(page.status).to.equal(200);
    const late = await guest.post('/sign-in/code', { code: '123456' });
    expect(late.status).to.equal(422);
    expect(late.text).to.include('More than 10 minutes have passed');
  });
});

describe('STAFF_TOTP in production', function () {
  this.timeout(120_000);

  it('leads the administrator to the set-up before anything else, and then back', async () => {
    const ID_NUMBER_KEY = 'ab'.repeat(32);
    const demo = await startServer({ environment: { ID_NUMBER_KEY } });
    if (!demo) throw new Error('no server');
    try {
      await demo.stop();
      await demo.restart({
        NODE_ENV: 'production',
        HOST: '127.0.0.1',
        SESSION_SECRET: 'x'.repeat(40),
        ID_NUMBER_KEY,
        ADMIN_LOGIN: 'chief',
        ADMIN_PASSWORD: 'a-long-password',
        PUBLIC_ORIGIN: demo.origin,
        CONTENT_ORIGIN: demo.contentOrigin,
      });
      const chief = new PlainBrowser(demo.origin);
      await chief.signIn('chief', 'a-long-password');
      for (const path of ['/admin/lrs', '/my-courses', '/', '/welcome', '/account/profile'])
        expect((await chief.get(path)).location, path).to.match(/^\/account\/totp/);
      expect((await chief.get('/api/agencies?q=1')).status).to.equal(403);
      expect((await chief.get('/api/agencies?q=1')).text).to.include('second-factor-first');
      const { text, path } = await chief.open('/admin/lrs');
      expect(path).to.equal('/account/totp?returnTo=%2Fadmin%2Flrs');
      expect(text).to.include('須先設定兩步驟驗證');
      const app = new Authenticator(keyIn(text));
      const done = await chief.post('/account/totp', { code: await app.code(), returnTo: '/admin/lrs' });
      expect(done.status).to.equal(200);
      expect(done.text).to.include('您的備用碼').and.include('href="/admin/lrs"');
      // Then the terms, as for everybody.
      expect((await chief.get('/admin/lrs')).location).to.match(/^\/welcome/);

      // What is required cannot be turned off.
      const kept = await chief.get('/account/totp');
      expect(kept.text).to.include('不能停用').and.not.include('value="remove"');
      const off = await chief.post('/account/totp/change', { code: await app.code(), action: 'remove' });
      expect(off.status).to.equal(403);
      const again = new PlainBrowser(demo.origin);
      expect((await again.signIn('chief', 'a-long-password')).location).to.equal('/sign-in/code');
    } finally {
      await demo.remove();
    }
  });
});
