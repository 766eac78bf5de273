import { expect } from 'chai';
import type { Page } from 'puppeteer-core';
import { auditLines } from '../support/audit.ts';
import { expectAccessible, newContext, newPage, phone, screenshots } from '../support/browser.ts';
import { follow, signInAs } from '../support/portal.ts';
import { referenceOn } from '../support/providers.ts';
import { freePort, type RunningServer, startServer } from '../support/server.ts';
import { createWanderer } from '../support/wanderer.ts';

const textOf = (page: Page, selector = 'main'): Promise<string> =>
  page.$eval(selector, (element) => (element as HTMLElement).innerText);

describe('help with signing in (W13)', function () {
  this.timeout(180_000);
  let server: RunningServer;
  before(async () => {
    const started = await startServer({
      environment: { DEMO_IDP: 'on', DEMO_IDP_PORT: String(await freePort()) },
    });
    if (!started) throw new Error('no server');
    server = started;
  });
  after(() => server?.remove());

  const inBrowser = async (language: 'zh-TW' | 'en', act: (page: Page) => Promise<void>): Promise<void> => {
    const context = await newContext();
    try {
      const page = await newPage(context, phone);
      await page.goto(`${server.origin}/?lang=${language}`);
      await act(page);
      expect(page.faults.filter((fault) => !/\b40[14]\b/.test(fault))).to.deep.equal([]);
    } finally {
      await context.close();
    }
  };
  /** Tries a local account; gives the reference on the page. */
  const failsAs = async (loginName: string): Promise<string> => {
    const wanderer = createWanderer();
    const page = await wanderer.get(`${server.origin}/sign-in`);
    const token = /name="_csrf" value="([^"]+)"/.exec(page.text)?.[1] ?? '';
    const answer = await wanderer.post(`${server.origin}/sign-in`, {
      _csrf: token,
      loginName,
      password: 'not this one',
    });
    expect(answer.status).to.equal(401);
    return referenceOn(answer.text) ?? '';
  };

  for (const language of ['zh-TW', 'en'] as const)
    it(`the sign-in panel shows two columns and leads to the directory of providers (${language})`, () =>
      inBrowser(language, async (page) => {
        await page.goto(`${server.origin}/sign-in`);
        await expectAccessible(page);
        await screenshots(page, `sign-in-columns-${language}`);
        await follow(page, 'a[href="/help/sign-in"]');
        const text = await textOf(page);
        for (const contact of [
          ...['02-23979108', 'pemis@dgpa.gov.tw', '02-2192-7111', 'egov@service.gov.tw'],
          ...['Facebook', 'Google', 'Apple', 'e-learning@hrd.gov.tw', 'epaelearn@gmail.com'],
        ])
          expect(text).to.include(contact);
        expect(text).to.include(language === 'en' ? 'HR office' : '重設驗證');
        await expectAccessible(page);
        await screenshots(page, `help-directory-${language}`);
      }));

  for (const language of ['zh-TW', 'en'] as const)
    it(`who turned back at a provider reads why, from the page and later by the reference (${language})`, () =>
      inBrowser(language, async (page) => {
        await page.goto(`${server.origin}/sign-in`);
        await follow(page, '[data-provider="egov"]');
        await follow(page, 'form:last-of-type button');
        const reference = referenceOn(await page.content()) ?? '';
        await screenshots(page, `sign-in-failed-${language}`);
        await expectAccessible(page);
        await follow(page, 'a[href^="/help/sign-in/reference"]');
        const text = await textOf(page);
        expect(text)
          .to.include(reference)
          .and.include('02-2192-7111')
          .and.include(language === 'en' ? 'You turned back' : '您在登入平臺取消了登入');
        await expectAccessible(page);
        await screenshots(page, `help-reference-${language}`);
        await page.goto(`${server.origin}/help/sign-in/reference`);
        await page.type('#reference', reference.toLowerCase().replace('-', ' '));
        await follow(page, 'form.panel button');
        expect(await textOf(page)).to.include(reference);
        await page.goto(`${server.origin}/help/sign-in/reference?reference=22222-22222`);
        expect(await textOf(page)).to.include(language === 'en' ? 'no such reference' : '查不到這個編號');
        await expectAccessible(page);
      }));

  it('a reference says the same of an account that exists and of one that does not', async () => {
    const wanderer = createWanderer();
    const page = async (loginName: string): Promise<string> => {
      const reference = await failsAs(loginName);
      expect(reference).to.match(/^[2-9A-Z]{5}-[2-9A-Z]{5}$/);
      const { text } = await wanderer.get(`${server.origin}/help/sign-in/reference?reference=${reference}`);
      const found = /<section[^>]*data-failure[\s\S]*?<\/section>/.exec(text)?.[0] ?? '';
      return found.replaceAll(reference, '').replace(/<time[\s\S]*?<\/time>/g, '');
    };
    const known = await page('learner');
    expect(known).to.include('帳號或密碼不正確').and.not.include('王小明');
    expect(await page('nobody-of-this-name')).to.equal(known);
  });

  it('support sees whose it was, the code and the line of the audit log; nobody else does', async () => {
    const reference = await failsAs('learner');
    const context = await newContext();
    try {
      await signInAs(context, server.origin, 'admin');
      const page = await newPage(context, phone);
      await page.goto(`${server.origin}/support/sign-ins?reference=${reference}`);
      expect(await textOf(page))
        .to.include('王小明')
        .and.include('wrong-password')
        .and.include('127.0.0.1');
      await expectAccessible(page);
      await screenshots(page, 'support-sign-ins');
      await page.goto(`${server.origin}/support/sign-ins?reference=99999-99999&lang=en`);
      expect(await textOf(page)).to.include('There is no such reference');
      await expectAccessible(page);
      await screenshots(page, 'support-sign-ins-en');
    } finally {
      await context.close();
    }
    const looked = auditLines(server.options.dataDir).filter(({ action }) => action === 'sign-in.diagnose');
    expect(looked.map(({ outcome }) => outcome)).to.deep.equal(['success', 'failure']);
    expect(looked[0]?.subjectId).to.not.equal(null);
    const learner = await newContext();
    try {
      await signInAs(learner, server.origin, 'learner');
      const page = await newPage(learner);
      const answer = await page.goto(`${server.origin}/support/sign-ins?reference=${reference}`);
      expect(answer?.status()).to.equal(403);
    } finally {
      await learner.close();
    }
  });

  it('guessing references is slowed down', async () => {
    const wanderer = createWanderer();
    let last = 0;
    for (let tries = 0; tries < 40 && last !== 429; tries++)
      last = (
        await wanderer.get(`${server.origin}/help/sign-in/reference?reference=33333-3333${2 + (tries % 8)}`)
      ).status;
    expect(last).to.equal(429);
    expect((await wanderer.get(`${server.origin}/help/sign-in/reference`)).status).to.equal(200);
  });
});
