import { expect } from 'chai';
import type { BrowserContext, Page } from 'puppeteer-core';
import { inventIdNumber } from '../../src/identity/demo-idp/people.ts';
import { desktop, expectAccessible, newContext, newPage, screenshots } from '../support/browser.ts';
import { type OidcIdp, startOidcIdp } from '../support/oidc-idp.ts';
import { follow } from '../support/portal.ts';
import { writeProviders } from '../support/providers.ts';
import { freePort, type RunningServer, startServer } from '../support/server.ts';

const attributes = {
  name: 'name',
  email: 'email',
  email_verified: 'emailVerified',
  user_kind: { to: 'assurance', values: { 一般民眾: 'verified' } },
  id_number: 'idNumber',
};

describe('Claiming the record of a social account in a browser (W6), and ways to sign in', function () {
  this.timeout(180_000);
  let social: OidcIdp;
  let egov: OidcIdp;
  let server: RunningServer;
  let file: { path: string; remove(): void };
  let person: BrowserContext;

  before(async () => {
    const port = await freePort();
    const callback = (key: string): string[] => [`http://localhost:${port}/sign-in/${key}/callback`];
    social = await startOidcIdp(
      [
        {
          subject: 'fang',
          attributes: { name: '小芳', email: 'fang@example.org', email_verified: 'true' },
        },
        { subject: 'new', attributes: { name: '新帳號' } },
      ],
      callback('social'),
    );
    egov = await startOidcIdp(
      [
        {
          subject: 'lin',
          attributes: {
            name: '林小芳',
            email: 'lin@example.org',
            email_verified: 'true',
            user_kind: '一般民眾',
            id_number: inventIdNumber(),
          },
        },
      ],
      callback('egov'),
    );
    const entry = (key: string, label: string, en: string, idp: OidcIdp, more: object) => ({
      key,
      protocol: 'oidc',
      label: { 'zh-TW': label, en },
      columns: ['public'],
      issuer: idp.issuer,
      clientId: idp.clientId,
      clientSecretEnv: 'IDP_SECRET',
      timeoutSeconds: 10,
      ...more,
    });
    file = writeProviders({
      providers: [
        entry('egov', '我的E政府', 'MyEGov', egov, { attributes }),
        entry('social', '社群平臺', 'Social', social, {
          assurance: 'social',
          attributes: { name: 'name', email: 'email', email_verified: 'emailVerified' },
        }),
      ],
    });
    const started = await startServer({
      environment: { IDENTITY_PROVIDERS: file.path, IDP_SECRET: egov.clientSecret },
      port,
    });
    if (!started) throw new Error('no server');
    server = started;
    person = await newContext();
  });
  after(async () => {
    await person?.close();
    await server?.remove();
    await social?.stop();
    await egov?.stop();
    file?.remove();
  });

  const textOf = (page: Page): Promise<string> =>
    page.$eval('main', (main) => (main as HTMLElement).innerText);
  /** The providers remember who signed in: they live on another host than the portal. */
  const forget = async (context: BrowserContext): Promise<void> => {
    const kept = (await context.cookies()).filter(({ domain }) => domain === '127.0.0.1');
    if (kept.length > 0) await context.deleteCookie(...kept);
  };
  /** Chooses a person on the provider's page. */
  const choose = async (page: Page, name: string): Promise<void> => {
    const at = await page.$$eval(
      'button',
      (buttons, wanted) => buttons.findIndex((one) => one.textContent?.includes(wanted)),
      name,
    );
    const button = (await page.$$('button'))[at];
    if (!button) throw new Error(`${page.url()} has no button ${name}: ${await page.content()}`);
    await Promise.all([page.waitForNavigation({ waitUntil: 'load' }), button.click()]);
  };
  const signIn = async (context: BrowserContext, provider: string, name: string, nickname: string) => {
    const page = await newPage(context, desktop);
    await page.goto(`${server.origin}/sign-in?lang=zh-TW`);
    await forget(context);
    await page.goto(`${server.origin}/sign-in/${provider}`);
    await choose(page, name);
    if (page.url().includes('/welcome')) {
      // First sign-in: terms, nickname, done.
      await page.click('.terms-jump');
      await page.waitForSelector('form[data-agree] button:not([aria-disabled="true"])');
      await follow(page, 'form[data-agree] button');
      await page.waitForSelector('#nickname');
      await page.$eval('#nickname', (input, value) => ((input as HTMLInputElement).value = value), nickname);
      if ((await page.$eval('#email', (input) => (input as HTMLInputElement).value)) === '')
        await page.type('#email', `${nickname}@example.org`);
      await follow(page, 'form[action="/welcome/nickname"] button.primary');
    }
    return page;
  };
  const enrol = async (page: Page, code: string): Promise<void> => {
    await page.goto(`${server.origin}/courses/${code}`);
    await follow(page, 'form[action$="/enrol"] button');
  };

  it('shows all that would be taken over, takes it over when confirmed, and gives it back', async () => {
    const courses = await newPage(person);
    await courses.goto(`${server.origin}/courses`);
    const codes = await courses.$$eval('a[href^="/courses/"]', (links) => [
      ...new Set(links.map((link) => link.getAttribute('href')?.split('/')[2] ?? '')),
    ]);
    await courses.close();
    const [both = '', only = ''] = codes;
    expect(only).to.not.equal('');

    const other = await newContext();
    const fang = await signIn(other, 'social', '小芳', '芳芳');
    await enrol(fang, both);
    await enrol(fang, only);

    const page = await signIn(person, 'egov', '林小芳', '林小芳');
    await enrol(page, both);
    await follow(page, 'header a.who');
    await follow(page, 'a[href="/account/sign-ins"]');
    expect(await textOf(page))
      .to.include('我的E政府')
      .and.include('不能解除');
    await screenshots(page, 'sign-ins');
    await expectAccessible(page);
    await follow(page, 'a[href="/account/claim"]');
    expect(await textOf(page)).to.include('您剛才已登入目前的帳號');
    await screenshots(page, 'claim');
    await expectAccessible(page);

    await follow(page, 'a[data-provider="social"]');
    await choose(page, '小芳');
    expect(page.url()).to.equal(`${server.origin}/account/claim/review`);
    const review = await textOf(page);
    expect(review).to.include('芳芳').and.include('直接併入 1 門，兩邊都有 1 門').and.include(only);
    expect(review).to.include('保留目前帳號');
    await screenshots(page, 'claim-review');
    await expectAccessible(page);
    await page.goto(`${server.origin}/account/claim/review?lang=en`);
    expect(await textOf(page)).to.include('1 taken over, 1 in both accounts');
    await screenshots(page, 'claim-review-en');
    await expectAccessible(page);
    await page.goto(`${server.origin}/account/claim/review?lang=zh-TW`);

    // Nothing happens without the tick.
    await page.$eval('form[action="/account/claim/review"]', (form) => {
      (form as HTMLFormElement).noValidate = true;
    });
    await follow(page, 'form[action="/account/claim/review"] button[type="submit"]');
    expect(await textOf(page)).to.include('我已看清楚');
    await page.goto(`${server.origin}/account/claim/review`);
    await page.click('input[name="understood"]');
    await follow(page, 'form[action="/account/claim/review"] button[type="submit"]');
    expect(await textOf(page))
      .to.include('學習紀錄已併入')
      .and.include('芳芳');
    await screenshots(page, 'claim-taken');
    await expectAccessible(page);
    await page.goto(`${server.origin}/my-courses`);
    expect(await page.content())
      .to.include(`/courses/${both}`)
      .and.include(`/courses/${only}`);

    // The other browser was signed out; the social sign-in leads to the verified account.
    await fang.goto(`${server.origin}/my-courses`);
    expect(fang.url()).to.include('/sign-in');
    await forget(other);
    await fang.goto(`${server.origin}/sign-in/social`);
    await choose(fang, '小芳');
    expect(await fang.$eval('header a.who', (who) => who.textContent)).to.equal('林小芳');

    await page.goto(`${server.origin}/account/claim`);
    await follow(page, 'a[href$="/undo"]');
    await screenshots(page, 'claim-undo');
    await expectAccessible(page);
    await follow(page, 'form[action$="/undo"] button[type="submit"]');
    expect(await textOf(page)).to.include('已撤銷併入');
    await page.goto(`${server.origin}/my-courses`);
    expect(await page.content())
      .to.include(`/courses/${both}`)
      .and.not.include(`/courses/${only}"`);
    const again = await newContext();
    const back = await signIn(again, 'social', '小芳', '芳芳');
    await back.goto(`${server.origin}/my-courses`);
    expect(await back.content()).to.include(`/courses/${only}`);
    // The refused form answers 400, and the provider has no icon: neither is a fault of a page.
    expect(page.faults.filter((fault) => !fault.startsWith('Failed to load resource'))).to.deep.equal([]);
    await other.close();
    await again.close();
  });

  it('a sign-in that nobody has is linked and unlinked; a link without the session’s token does nothing', async () => {
    const page = await newPage(person);
    await forget(person);
    await page.goto(`${server.origin}/account/sign-ins`);
    await follow(page, 'a[data-provider="social"]');
    await choose(page, '新帳號');
    expect(await textOf(page)).to.include('已完成綁定');
    await page.goto(`${server.origin}/account/profile`);
    expect(await page.$eval('#row-accounts', (row) => (row as HTMLElement).innerText)).to.include(
      '我的E政府、社群平臺',
    );
    await page.goto(`${server.origin}/account/sign-ins`);
    await follow(page, 'form[action="/account/sign-ins/unlink"] button');
    expect(await textOf(page)).to.include('已解除綁定');
    const answer = await page.goto(`${server.origin}/account/sign-ins/social/link?token=wrong`);
    expect(answer?.status()).to.equal(403);
  });

  it('asks once more who it is, and takes no other account for the same', async () => {
    const page = await newPage(person);
    await page.goto(`${server.origin}/account/confirm?returnTo=%2Faccount%2Fdata`);
    await screenshots(page, 'confirm');
    await expectAccessible(page);
    await follow(page, 'a[data-provider="egov"]');
    await choose(page, '林小芳');
    expect(page.url()).to.equal(`${server.origin}/account/data`);
  });
});
