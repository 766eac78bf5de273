import { expect } from 'chai';
import type { Page } from 'puppeteer-core';
import { systemClock } from '../../src/base/clock.ts';
import { createIdNumberVault } from '../../src/identity/id-numbers.ts';
import { createPeople } from '../../src/identity/people.ts';
import { auditLines } from '../support/audit.ts';
import { expectAccessible, newContext, newPage, phone, screenshots } from '../support/browser.ts';
import { emptyStore, type EmptyStore, openStorage } from '../support/engines.ts';
import { follow, until } from '../support/portal.ts';
import { type RunningServer, startServer } from '../support/server.ts';
import { createWanderer, type Page as Answer } from '../support/wanderer.ts';

const first = 'the first password of it';
const second = 'a second one, by mail';
const third = 'and a third, by hand';

describe("a local account's password", function () {
  this.timeout(240_000);
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
    for (const name of ['confirmed', 'unconfirmed'])
      await people.create({
        name: `教材 ${name}`,
        nickname: name,
        email: `${name}@example.org`,
        emailConfirmed: name === 'confirmed',
        accountKind: 'local',
        roles: [{ role: 'learner', organisation: null }],
        login: { name, password: first },
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

  const textOf = (page: Page): Promise<string> =>
    page.$eval('main', (element) => (element as HTMLElement).innerText);
  const signIn = async (page: Page, loginName: string, password: string): Promise<void> => {
    await page.goto(`${server.origin}/sign-in`);
    await page.type('#loginName', loginName);
    await page.type('#password', password);
    await follow(page, 'form[aria-labelledby="own-account"] button');
  };
  const asked = (): (string | null)[] =>
    auditLines(server.options.dataDir)
      .filter(({ action }) => action === 'password.forgotten')
      .map(({ reason }) => reason);
  const outbox = async (): Promise<string> =>
    (await createWanderer().get(`${server.origin}/demo/outbox`)).text
      .replaceAll('&#x3D;', '=')
      .replaceAll('&amp;', '&');
  /** Asks for a link without a browser. */
  const ask = async (loginName: string): Promise<Answer> => {
    const wanderer = createWanderer();
    const page = await wanderer.get(`${server.origin}/sign-in/forgotten`);
    const token = /name="_csrf" value="([^"]+)"/.exec(page.text)?.[1] ?? '';
    return wanderer.post(`${server.origin}/sign-in/forgotten`, { _csrf: token, loginName });
  };

  it('is set anew by a link in a mail, which works once and ends the sessions of before', async () => {
    const context = await newContext();
    const elsewhere = await newContext();
    try {
      const other = await newPage(elsewhere);
      await signIn(other, 'confirmed', first);
      const page = await newPage(context, phone);
      await page.goto(`${server.origin}/sign-in?lang=zh-TW`);
      await follow(page, 'a[href="/sign-in/forgotten"]');
      await expectAccessible(page);
      await screenshots(page, 'forgotten-password');
      await page.type('#loginName', 'confirmed');
      await follow(page, 'form.panel button');
      expect(await textOf(page)).to.include('若有這個帳號');
      await expectAccessible(page);
      await until('the mail is written', async () => (await outbox()).includes('confirmed@example.org'));
      const link = /href="([^"]*\/set-password\?token=[^"]+)"/
        .exec(await outbox())?.[1]
        ?.replaceAll('&amp;', '&');
      await page.goto(link ?? '');
      await page.type('#password', second);
      await page.type('#again', second);
      await follow(page, 'form.panel button');
      await signIn(page, 'confirmed', second);
      expect(new URL(page.url()).pathname).to.equal('/');
      await page.goto(link ?? '');
      expect(await textOf(page)).to.include('這個連結已使用');
      await other.goto(`${server.origin}/account/password`);
      expect(new URL(other.url()).pathname).to.equal('/sign-in');
      expect(asked()).to.deep.equal([null]);
    } finally {
      await context.close();
      await elsewhere.close();
    }
  });

  it('gives away nothing of which accounts there are, and mails nobody whose address is not confirmed', async () => {
    const bodyOf = ({ text }: Answer): string =>
      (/<main[\s\S]*<\/main>/.exec(text)?.[0] ?? '').replace(/value="[^"]*"/g, '');
    const before = (await outbox()).match(/<li|<article/g)?.length;
    const known = await ask('unconfirmed');
    const unknown = await ask('nobody-of-this-name');
    const again = await ask('confirmed');
    expect(bodyOf(unknown)).to.equal(bodyOf(known));
    expect(bodyOf(again)).to.equal(bodyOf(known));
    await until('all were dealt with', async () => asked().length === 4);
    expect(asked().slice(1)).to.have.members(['no-confirmed-email', 'no-account', 'too-soon']);
    expect((await outbox()).match(/<li|<article/g)?.length).to.equal(before);
    expect(await outbox()).to.not.include('unconfirmed@');
  });

  for (const language of ['zh-TW', 'en'] as const)
    it(`is changed by whoever knows the present one (${language})`, async () => {
      const context = await newContext();
      try {
        const page = await newPage(context, phone);
        const [present, next] = language === 'zh-TW' ? [second, third] : [third, second];
        await page.goto(`${server.origin}/?lang=${language}`);
        await signIn(page, 'confirmed', present);
        await page.goto(`${server.origin}/account/password`);
        await screenshots(page, `password-${language}`);
        await expectAccessible(page);
        const change = async (current: string, wish: string): Promise<string> => {
          for (const [field, text] of [
            ['#current', current],
            ['#password', wish],
            ['#again', wish],
          ] as const)
            await page.type(field, text);
          await follow(page, 'form.panel button');
          return textOf(page);
        };
        expect(await change('not the present one', next)).to.include(
          language === 'en' ? 'The current password is not right' : '目前的密碼不正確',
        );
        await expectAccessible(page);
        expect(await change(present, `confirmed ${next}`)).to.include(
          language === 'en' ? 'name' : '帳號名稱',
        );
        expect(await change(present, next)).to.include(
          language === 'en' ? 'The password is changed' : '密碼已更改',
        );
        expect(page.faults.filter((fault) => !/\b400\b/.test(fault))).to.deep.equal([]);
      } finally {
        await context.close();
      }
    });
});
