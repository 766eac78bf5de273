import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect } from 'chai';
import type { BrowserContext, Page } from 'puppeteer-core';
import { demoAccounts } from '../../src/identity/demo-people.ts';
import { desktop, expectAccessible, newContext, newPage, phone } from '../support/browser.ts';
import { follow, signInAs, upload } from '../support/portal.ts';
import { type RunningServer, startServer } from '../support/server.ts';
import { manifestOf } from '../support/zips.ts';

/** `SCREENSHOTS=1` keeps a picture of every page, for people to look at. */
const pictures = process.env['SCREENSHOTS']
  ? join(import.meta.dirname, '../../test-results/all-pages')
  : null;

/** The page behind an address: what differs from one course, person or package to the next is left out. */
const kindOf = (path: string): string =>
  path
    .replace(/\/[0-9a-f]{8}-[0-9a-f-]{27}(?=\/|$)/g, '/:id')
    .replace(/^\/courses\/[^/]+/, '/courses/:code')
    .replace(/^\/people\/[^/]+/, '/people/:nickname')
    .replace(/^\/verify\/[^/]+/, '/verify/:code');

/** Downloads, and what is no page. */
const isPage = (path: string): boolean =>
  !/\.\w{2,5}$/.test(path) && !/^\/(api|xapi|assets|client|certificates)(\/|$)/.test(path);

describe('every page, as everybody, in both languages and widths', function () {
  this.timeout(900_000);
  let server: RunningServer;
  const contexts: BrowserContext[] = [];
  const faults: string[] = [];
  /** Kinds of pages that have been looked at as somebody. */
  const seen = new Map<string, string>();

  before(async () => {
    const started = await startServer();
    if (!started) throw new Error('no server');
    server = started;
    if (pictures) await mkdir(pictures, { recursive: true });
  });
  after(async () => {
    await Promise.all(contexts.map((context) => context.close()));
    await server?.remove();
  });

  const open = async (who: string | null): Promise<BrowserContext> => {
    const context = await newContext();
    contexts.push(context);
    if (who !== null) await signInAs(context, server.origin, who);
    return context;
  };

  /** axe, the width, the language, and what no reader should meet, of the page that is open. */
  const lookAt = async (page: Page, name: string, language: string): Promise<void> => {
    const at = `${name} ${language}`;
    for (const viewport of [desktop, phone]) {
      await page.setViewport(viewport);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      if (wide > viewport.width) faults.push(`${at}: ${wide} px wide at ${viewport.width}`);
      await expectAccessible(page, ['#content-frame']).catch((error: Error) =>
        faults.push(`${at} at ${viewport.width}: ${error.message}`),
      );
      if (pictures)
        await page.screenshot({
          path: join(pictures, `${at.replaceAll(/[^\w:-]+/g, '_')}-${viewport.width}.png`),
          fullPage: true,
        });
    }
    const found = await page.evaluate(() => ({
      language: document.documentElement.lang,
      title: document.title,
      headings: document.querySelectorAll('h1').length,
      text: document.body.innerText,
    }));
    if (found.language !== (language === 'en' ? 'en' : 'zh-Hant-TW'))
      faults.push(`${at}: is in ${found.language}`);
    if (found.title.trim() === '') faults.push(`${at}: has no title`);
    if (found.headings !== 1) faults.push(`${at}: has ${found.headings} main headings`);
    if (!/展示模式|Demo mode/.test(found.text)) faults.push(`${at}: does not say that it is a demonstration`);
    const odd = /\[object Object\]|\bundefined\b|\bNaN\b|\{\{/.exec(found.text);
    if (odd) faults.push(`${at}: shows “${odd[0]}”`);
  };

  /** Looks at the page and everything that it links to, each kind of page once over all roles. */
  const walk = async (context: BrowserContext, who: string, starts: string[]): Promise<string[]> => {
    const met = new Set<string>();
    const waiting = [...starts];
    const page = await newPage(context);
    for (let path = waiting.shift(); path !== undefined; path = waiting.shift()) {
      const kind = kindOf(path);
      if (met.has(kind) || !isPage(path)) continue;
      met.add(kind);
      for (const language of ['zh-TW', 'en']) {
        const shown = `${kind} ${language}`;
        // In the first language its links are still to be followed.
        if (language !== 'zh-TW' && seen.has(shown)) continue;
        await page.setViewport(desktop);
        const answer = await page.goto(`${server.origin}${path}?lang=${language}`, { waitUntil: 'load' });
        const status = answer?.status() ?? 0;
        if (status >= 400) faults.push(`${who} ${path}: ${status}`);
        const name = `${who} ${kind}`;
        if (language === 'zh-TW') {
          const links = await page.$$eval('a[href]:not([download])', (all) =>
            all.map((link) => (link as HTMLAnchorElement).href),
          );
          for (const link of links) {
            const url = new URL(link);
            if (url.origin === server.origin) waiting.push(url.pathname);
          }
        }
        // The frame of the page is the same for everybody: what one has seen need not be looked at again.
        if (seen.has(shown)) continue;
        seen.set(shown, who);
        await lookAt(page, name, language);
      }
    }
    faults.push(
      ...page.faults.filter((fault) => !/status of 4\d\d/.test(fault)).map((fault) => `${who}: ${fault}`),
    );
    await page.close();
    return [...met];
  };

  it('of somebody who has not signed in', async () => {
    const met = await walk(await open(null), 'nobody', [
      '/',
      '/sign-in',
      '/first-login',
      '/sign-in-questions',
      '/confirm-email',
    ]);
    expect(met).to.include.members(['/', '/courses', '/courses/:code', '/verify', '/terms', '/interfaces']);
  });

  it('of a learner, with the player, quiz, survey and record', async () => {
    const context = await open('learner');
    const page = await newPage(context);
    await page.goto(`${server.origin}/courses?lang=zh-TW`);
    const courses = await page.$$eval('main a[href^="/courses/"]', (all) =>
      all.map((link) => new URL((link as HTMLAnchorElement).href).pathname),
    );
    for (const course of new Set(courses)) {
      await page.goto(`${server.origin}${course}`);
      if (await page.$('form[action$="/enrol"] button')) await follow(page, 'form[action$="/enrol"] button');
    }
    const withQuiz = courses.at(0) ?? '';
    for (const language of ['zh-TW', 'en']) {
      await page.goto(`${server.origin}${withQuiz}/quiz?lang=${language}`);
      await follow(page, 'form[action$="/quiz/attempts"] button');
      await lookAt(page, 'learner quiz-attempt', language);
      await page.$eval('form[action*="/quiz/attempts/"]', (form) => {
        (form as HTMLFormElement).noValidate = true;
      });
      await follow(page, 'form[action*="/quiz/attempts/"] button[type="submit"]');
      await lookAt(page, 'learner quiz-result', language);
    }
    await page.close();
    const met = await walk(context, 'learner', ['/', '/record', '/my-courses', '/account/profile']);
    expect(met).to.include.members([
      '/courses/:code/learn',
      '/courses/:code/quiz',
      '/courses/:code/survey',
      '/my-courses',
      '/record',
      '/account/profile',
    ]);
  });

  it('of a vendor, with upload, its report, packages and courses', async () => {
    const context = await open('vendor');
    const page = await newPage(context);
    await upload(page, server.origin, {
      'imsmanifest.xml': manifestOf(),
      'index.html': '<!doctype html><title>第一課</title><p>第一課',
    });
    const accepted = new URL(page.url()).pathname;
    await upload(page, server.origin, { 'imsmanifest.xml': '<manifest><organizations></manifest>' });
    const refused = new URL(page.url()).pathname;
    for (const language of ['zh-TW', 'en'])
      for (const [name, path] of [
        ['accepted', accepted],
        ['refused', refused],
      ]) {
        await page.goto(`${server.origin}${path}?lang=${language}`);
        await lookAt(page, `vendor report-${name}`, language);
      }
    await page.close();
    const met = await walk(context, 'vendor', ['/', '/vendor', accepted, '/vendor/packages/archived']);
    expect(met).to.include.members([
      '/vendor',
      '/vendor/upload',
      '/vendor/uploads/:id',
      '/vendor/courses/new',
      '/vendor/courses/:id',
      '/vendor/courses/:id/quiz',
      '/vendor/courses/:id/survey',
      '/vendor/packages/:id',
      '/vendor/preview/:id',
      '/vendor/tokens',
    ]);
  });

  it('of everybody else in the demonstration', async () => {
    for (const { loginName } of demoAccounts)
      if (loginName !== 'learner' && loginName !== 'vendor')
        await walk(await open(loginName), loginName, ['/']);
    expect([...seen.keys()].filter((kind) => kind.startsWith('/admin/')).length).to.be.above(8);
  });

  it('that says what is wrong: 403, 404, 500', async () => {
    const context = await open('learner');
    const page = await newPage(context);
    const damaged = new Database(join(server.options.dataDir, 'zhixing.db'));
    const { code } = damaged.prepare('SELECT code_key AS code FROM courses LIMIT 1').get() as {
      code: string;
    };
    damaged.prepare(`UPDATE courses SET body = '{' WHERE code_key = ?`).run(code);
    damaged.close();
    for (const language of ['zh-TW', 'en'])
      for (const [status, path] of [
        [403, '/vendor'],
        [404, '/nowhere'],
        [500, `/courses/${encodeURIComponent(code)}`],
      ] as const) {
        const answer = await page.goto(`${server.origin}${path}?lang=${language}`);
        expect(answer?.status(), path).to.equal(status);
        await lookAt(page, `error ${status}`, language);
        const text = await page.$eval('main', (main) => (main as HTMLElement).innerText);
        expect(text).to.not.include('JSON');
      }
    await page.close();
  });

  it('nothing was found wrong', () => {
    expect(faults.join('\n')).to.equal('');
  });
});
