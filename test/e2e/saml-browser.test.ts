import { expect } from 'chai';
import type { BrowserContext, Page } from 'puppeteer-core';
import { desktop, expectAccessible, newContext, newPage, phone, screenshots } from '../support/browser.ts';
import { follow } from '../support/portal.ts';
import { freePort, type RunningServer, startServer } from '../support/server.ts';

const words = {
  'zh-TW': {
    signOut: '登出',
    provider: '人事服務網eCPA',
    done: '」也已登出',
    cancelled: '您在登入平臺取消了登入',
    refused: '登入平臺沒有確認它也已將您登出',
    still: '收到的登出通知無法確認是否為真',
    agency: '範例縣政府',
  },
  en: {
    signOut: 'Sign out',
    provider: 'eCPA',
    done: 'You are signed out of eCPA',
    cancelled: 'You turned back at the sign-in service',
    refused: 'The sign-in service did not confirm',
    still: 'A notice to sign you out came',
    agency: '範例縣政府',
  },
} as const;

describe('SAML in a real browser: first login to profile and out again, in both languages', function () {
  this.timeout(180_000);
  let server: RunningServer;
  let idp: string;
  before(async () => {
    const port = await freePort();
    idp = `http://127.0.0.1:${port}`;
    const started = await startServer({ environment: { DEMO_IDP: 'on', DEMO_IDP_PORT: String(port) } });
    if (!started) throw new Error('no server');
    server = started;
  });
  after(() => server?.remove());

  const textOf = (page: Page): Promise<string> =>
    page.$eval('main', (element) => (element as HTMLElement).innerText);
  const within = async (
    act: (page: Page & { faults: string[] }, context: BrowserContext) => Promise<void>,
  ) => {
    const context = await newContext();
    try {
      await act(await newPage(context), context);
    } finally {
      await context.close();
    }
  };
  /** Waits until the browser has come to rest at an address of ours. */
  const arriveAt = (page: Page, path: string): Promise<unknown> =>
    page.waitForFunction(
      (wanted) => document.readyState === 'complete' && location.href === wanted,
      {},
      server.origin + path,
    );
  const pressPerson = async (page: Page, person: string): Promise<void> => {
    const buttons = await page.$$('button');
    for (const button of buttons)
      if ((await button.evaluate((element) => element.textContent ?? '')).includes(person))
        return button.click();
    throw new Error(`no ${person} on ${page.url()}`);
  };

  for (const [language, viewport, person] of [
    ['zh-TW', desktop, '吳公務'],
    ['en', phone, '孫教師'],
  ] as const)
    it(`${person} comes from eCPA, agrees, chooses a nickname, finds the agency in the profile, and signs out of both (${language})`, () =>
      within(async (page) => {
        const said = words[language];
        await page.setViewport(viewport);
        const refused: string[] = [];
        page.on('response', (answer) => {
          if (answer.status() >= 400 && answer.url().startsWith(server.origin)) refused.push(answer.url());
        });
        await page.goto(`${server.origin}/sign-in?lang=${language}`);
        await follow(page, 'section[aria-labelledby="column-civil-servant"] [data-provider="ecpa"]');
        expect(page.url()).to.include(`${idp}/ecpa/sign-on?SAMLRequest=`);
        await pressPerson(page, person);
        await arriveAt(page, '/welcome/terms');
        expect(await page.$eval('header', (element) => element.textContent)).to.include(person);

        await page.$eval('[data-terms]', (element) => element.scrollTo(0, element.scrollHeight));
        await page.waitForSelector('.terms-state.read');
        await follow(page, 'form[data-agree] button');
        await page.type('#nickname', `官方${language === 'en' ? '乙' : '甲'}`);
        await page.waitForSelector('#nickname-state.free');
        if ((await page.$eval('#email', (input) => (input as HTMLInputElement).value)) === '')
          await page.type('#email', 'official@example.org');
        await follow(page, 'form.panel button.primary');
        await page.goto(`${server.origin}/account/profile`);
        expect(await page.content(), `${page.url()} ${await textOf(page)}`).to.include(said.agency);

        await Promise.all([
          page.waitForNavigation({ waitUntil: 'load' }),
          page.click('form[action="/sign-out"] button'),
        ]);
        // The page goes on by itself to the provider, which ends its session and sends the browser back.
        await page.waitForFunction((wanted) => document.body.innerText.includes(wanted), {}, said.done);
        expect(page.url()).to.equal(`${server.origin}/sign-in/signed-out`);
        // The provider's pages have no icon; ours answer everything.
        expect(page.faults.filter((fault) => !/\b404\b/.test(fault))).to.deep.equal([]);
        expect(refused).to.deep.equal([]);
        await page.goto(`${server.origin}/sign-in/ecpa`);
        expect(await page.content(), 'the provider asks again').to.include(person);
      }));

  for (const language of ['zh-TW', 'en'] as const)
    it(`a sign-in that was broken off, and logout messages that are not genuine, end on clear pages (${language})`, () =>
      within(async (page) => {
        const said = words[language];
        await page.goto(`${server.origin}/sign-in?lang=${language}`);
        await page.goto(`${server.origin}/sign-in/ecpa`);
        await pressPerson(page, '取消');
        await page.waitForFunction((origin) => location.href.startsWith(origin), {}, server.origin);
        await page.waitForSelector('[data-reference]');
        expect(await textOf(page))
          .to.include(said.cancelled)
          .and.include(said.provider);
        await expectAccessible(page);
        await screenshots(page, `sign-in-failed-${language}`);

        await page.goto(`${server.origin}/sign-in/ecpa/logout?SAMLResponse=x`);
        expect(await textOf(page)).to.include(said.refused);
        await expectAccessible(page);
        await screenshots(page, `sign-out-failed-${language}`);

        await page.goto(`${server.origin}/sign-in`);
        await follow(page, 'button[data-demo="learner"]');
        await page.goto(`${server.origin}/sign-in/ecpa/logout?SAMLRequest=x`);
        expect(await textOf(page)).to.include(said.still);
        await expectAccessible(page);
        await screenshots(page, `sign-out-refused-${language}`);
      }));
});
