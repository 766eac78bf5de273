import { expect } from 'chai';
import type { BrowserContext, Page } from 'puppeteer-core';
import { auditLines } from '../support/audit.ts';
import { expectAccessible, newContext, newPage, phone, screenshots } from '../support/browser.ts';
import { follow, signInAs, statementsOf, until, verbOf } from '../support/portal.ts';
import { type RunningServer, startServer } from '../support/server.ts';

const textOf = (page: Page, selector = 'main'): Promise<string> =>
  page.$eval(selector, (element) => (element as HTMLElement).innerText);

const signedIn = async (
  { origin }: RunningServer,
  contexts: BrowserContext[],
  who: string,
): Promise<BrowserContext> => {
  const context = await newContext();
  contexts.push(context);
  await signInAs(context, origin, who);
  return context;
};
const warned = (page: Page): Promise<unknown> =>
  page.waitForSelector('#session-end[open]', { timeout: 10_000 });

describe('the end of a session', function () {
  this.timeout(180_000);
  let server: RunningServer;
  const contexts: BrowserContext[] = [];
  before(async () => {
    const started = await startServer({ environment: { SESSION_MAX_SECONDS: '3600' } });
    if (!started) throw new Error('no server');
    server = started;
  });
  after(async () => {
    for (const context of contexts) await context.close();
    await server?.remove();
  });
  const browserOf = (who: string): Promise<BrowserContext> => signedIn(server, contexts, who);
  /** A page whose clock the test can move forward; the server's stays as it is. */
  const pageWithClock = async (context: BrowserContext): Promise<Page & { faults: string[] }> => {
    const page = await newPage(context);
    await page.evaluateOnNewDocument(() => {
      const real = Date.now.bind(Date);
      const moved = globalThis as unknown as { later: number };
      moved.later = 0;
      Date.now = () => real() + moved.later;
    });
    return page;
  };
  const later = (page: Page, seconds: number): Promise<void> =>
    page.evaluate((by) => {
      (globalThis as unknown as { later: number }).later += by * 1000;
    }, seconds);

  it('is the wish of the person: the list of their own browsers, and signing out the others', async () => {
    const here = await browserOf('hr');
    await browserOf('hr');
    await browserOf('hr');
    const page = await newPage(here, phone);
    await page.goto(`${server.origin}/account/sessions`);
    const rows = await page.$$eval('tbody tr', (all) => all.map((row) => (row as HTMLElement).innerText));
    expect(rows).to.have.length(3);
    expect(rows[0]).to.include('這個瀏覽器').and.include('Chrome').and.include('127.0.0.*');
    expect(rows.slice(1).join()).to.not.include('這個瀏覽器');
    await expectAccessible(page);
    await screenshots(page, 'own-sessions');
    await follow(page, 'tbody tr:last-child button');
    expect(await textOf(page))
      .to.include('已登出 1 個裝置')
      .and.include('登出其他 1 個裝置');
    await follow(page, 'form[action$="/end-others"] button');
    expect(await page.$$('tbody tr')).to.have.length(1);
    await page.goto(`${server.origin}/account/sessions?lang=en`);
    await expectAccessible(page);
    expect(await textOf(page))
      .to.include('This browser')
      .and.include('1 h after');
    await screenshots(page, 'own-sessions-en');
    for (const context of contexts.slice(1, 3)) {
      const other = await newPage(context);
      await other.goto(`${server.origin}/account/sessions`);
      expect(new URL(other.url()).pathname).to.equal('/sign-in');
    }
    expect(
      auditLines(server.options.dataDir).filter(({ action }) => action === 'sessions.end'),
    ).to.have.length(2);
    expect(page.faults).to.deep.equal([]);
  });

  it("is nobody else's wish: another person's session is not ended", async () => {
    const one = await browserOf('vendor');
    const other = await browserOf('citizen');
    const page = await newPage(other);
    await page.goto(`${server.origin}/account/sessions`);
    const id = await page.$eval('body', () => document.querySelector('tr[data-current-session]') !== null);
    expect(id).to.equal(true);
    const mine = await newPage(one);
    await mine.goto(`${server.origin}/account/sessions`);
    // The vendor's second browser gives the id that the citizen then tries.
    await browserOf('vendor');
    await mine.reload();
    const foreign = await mine.$eval('input[name="session"]', (input) => (input as HTMLInputElement).value);
    const answer = await page.evaluate(async (session) => {
      const token = (document.querySelector('input[name="_csrf"]') as HTMLInputElement).value;
      const sent = await fetch('/account/sessions/end', {
        method: 'POST',
        body: new URLSearchParams({ _csrf: token, session }),
      });
      return sent.url;
    }, foreign);
    expect(answer).to.match(/ended=0$/);
    await mine.reload();
    expect(await mine.$$('tbody tr')).to.have.length(2);
  });

  it('loses nobody: a form sent after the end leads to the sign-in and back to the page it was on', async () => {
    const page = await newPage(await browserOf('citizen'));
    await page.goto(`${server.origin}/courses/ZX115110001`);
    const elsewhere = await newPage(await browserOf('citizen'));
    await elsewhere.goto(`${server.origin}/account/sessions`);
    await follow(elsewhere, 'form[action$="/end-others"] button');
    await follow(page, 'form[action$="/enrol"] button');
    expect(await textOf(page))
      .to.include('請先登入')
      .and.include('剛才的內容沒有送出');
    await expectAccessible(page);
    await screenshots(page, 'session-ended-form');
    await follow(page, 'main a.button.primary');
    await follow(page, 'button[data-demo="citizen"]');
    expect(new URL(page.url()).pathname).to.equal('/courses/ZX115110001');
    expect(await page.$('form[action$="/enrol"] button'), 'not sent behind their back').to.not.equal(null);
  });

  it('is announced two minutes before, by keyboard put off, and put off on the server too (WCAG 2.2.1)', async () => {
    const page = await pageWithClock(await browserOf('learner'));
    await page.goto(`${server.origin}/my-courses`);
    await later(page, 1800 - 100);
    await warned(page);
    expect(await textOf(page, '#session-end')).to.match(/將在 (2 分鐘|\d+ 秒) 後自動登出/);
    expect(await page.evaluate(() => document.activeElement?.id)).to.equal('session-end-stay');
    await expectAccessible(page);
    await screenshots(page, 'session-end-warning');
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => !document.querySelector('#session-end[open]'), { timeout: 10_000 });
    // It can be put off again and again.
    await later(page, 1800 - 20);
    await warned(page);
    expect(await textOf(page, '#session-end')).to.match(/將在 \d+ 秒 後自動登出/);
    expect(page.faults).to.deep.equal([]);
  });

  it('says so in English too, and at the limit that cannot be put off', async () => {
    const page = await pageWithClock(await browserOf('learner'));
    await page.goto(`${server.origin}/my-courses?lang=en`);
    for (let requests = 0; requests < 2; requests++) {
      await later(page, 1600);
      await page.evaluate(() => fetch('/api/session').then((answer) => answer.text()));
      // The page has seen its own request.
      await page.waitForFunction(
        () => Date.now() - Number(localStorage.getItem('zhixing-session-seen')) < 60_000,
      );
    }
    // An hour after the sign-in is the end here: requests do not move it.
    await later(page, 330);
    await warned(page);
    expect(await textOf(page, '#session-end'))
      .to.include('time limit')
      .and.not.include('Stay signed in');
    await expectAccessible(page);
    await screenshots(page, 'session-end-limit-en');
  });
});

describe('the end of a session while reading', function () {
  this.timeout(240_000);
  let server: RunningServer;
  const contexts: BrowserContext[] = [];
  before(async () => {
    // Who is signed in is asked at every third of this; the beats between take a shorter way.
    const started = await startServer({ environment: { SESSION_IDLE_SECONDS: '60' } });
    if (!started) throw new Error('no server');
    server = started;
  });
  after(async () => {
    for (const context of contexts) await context.close();
    await server?.remove();
  });

  it('takes no reading time: who is signed out while reading is told, reads on, and signs in again after the course', async () => {
    const context = await signedIn(server, contexts, 'learner');
    const page = await newPage(context);
    await page.goto(`${server.origin}/courses/ZX115110001`);
    const enrol = await page.$('form[action$="/enrol"] button');
    if (enrol) await follow(page, 'form[action$="/enrol"] button');
    await page.goto(`${server.origin}/courses/ZX115110001/learn`);
    await page.waitForFunction(() => document.getElementById('player-seconds')?.textContent !== '00:00:00', {
      timeout: 60_000,
    });
    // Another of the person's browsers signs this one out.
    const elsewhere = await newPage(await signedIn(server, contexts, 'learner'));
    await elsewhere.goto(`${server.origin}/account/sessions`);
    await follow(elsewhere, 'form[action$="/end-others"] button');
    // One of the next beats finds out.
    await page.waitForSelector('#session-end[open]', { timeout: 60_000 });
    expect(await textOf(page, '#session-end')).to.include('閱讀時數仍會照常計入');
    await expectAccessible(page, ['iframe']);
    await screenshots(page, 'session-end-reading');
    await page.keyboard.press('Escape');
    const seconds = (): Promise<string> => textOf(page, '#player-seconds');
    const before = await seconds();
    await until('the time goes on', async () => (await seconds()) > before);
    const answer = page.waitForResponse((response) => response.url().endsWith('/leave'));
    await Promise.all([page.waitForNavigation({ waitUntil: 'load' }), page.click('#player-leave')]);
    expect((await answer).status()).to.equal(200);
    expect(page.url()).to.equal(
      `${server.origin}/sign-in?returnTo=${encodeURIComponent('/courses/ZX115110001')}`,
    );
    const exited = (await statementsOf(server.lrs, 'ZX115110001')).filter(
      (statement) => verbOf(statement) === 'exited',
    );
    expect(exited).to.have.length(1);
    expect(exited[0]?.result?.duration).to.match(/^PT\d/);
    await follow(page, 'button[data-demo="learner"]');
    expect(new URL(page.url()).pathname).to.equal('/courses/ZX115110001');
    expect(page.faults).to.deep.equal([]);
  });
});
