import { expect } from 'chai';
import type { BrowserContext, Frame, Page, Target } from 'puppeteer-core';
import { buildContent } from '../../scripts/build-content.ts';
import { buildClient } from '../../scripts/build-client.ts';
import { findChromium, launchChromium } from '../../src/certificates/chromium.ts';
import { expectAccessible, newContext, newPage, screenshots } from '../support/browser.ts';
import { manifest12, manifest2004, scoPage } from '../support/player.ts';
import { follow, publishCourse, signInAs, statementsOf, until, verbOf } from '../support/portal.ts';
import { type RunningServer, startServer } from '../support/server.ts';

/** What the test's pages of content offer (test/support/player.ts). */
interface Content {
  started: string;
  get(element: string): string;
  set(element: string, value: string): string;
  commit(): string;
}

/** Looks for its API as ADL's samples do: up the parents, then from the opener up (1.2 RTE 3.3.6.1, 2004 RTE 3.2.1). */
const openerPage = (title: string, more = ''): string =>
  scoPage(title)
    .replace(
      "window.lms = find('API')",
      "function from(w, name) { for (; w; w = w.parent) { if (w[name]) return w[name]; if (w === w.parent) return null; } return null; }\n  window.lms = from(window.opener, 'API') || from(window.opener, 'API_1484_11') || find('API')",
    )
    .replace('<script>', `<script>${more}</script><script>`);

describe('Content in a window of its own', function () {
  this.timeout(120_000);
  let server: RunningServer;
  let vendor: BrowserContext;
  let learner: BrowserContext;

  before(async () => {
    await Promise.all([buildContent(), buildClient()]);
    const started = await startServer();
    if (!started) throw new Error('no server');
    server = started;
    vendor = await newContext();
    learner = await newContext();
    await signInAs(vendor, server.origin, 'vendor');
    await signInAs(learner, server.origin, 'learner');
  });
  after(async () => {
    await vendor?.close();
    await learner?.close();
    await server?.remove();
  });

  const publish = (
    code: string,
    files: Record<string, string>,
    options: { ownWindow?: boolean } = {},
  ): Promise<string> => publishCourse({ vendor, learner, origin: server.origin }, code, files, options);
  const frameOf = async (page: Page): Promise<Frame> => {
    const frame = await page.waitForFrame((one) => one.url().endsWith('/launch'), { timeout: 20_000 });
    return frame;
  };
  /** The content's own window, once its page has started. */
  const windowOf = async (file: string, whose = learner): Promise<Page> => {
    const isContent = (target: Target): boolean =>
      target.type() === 'page' && target.url().includes('/s/') && target.url().includes(`/${file}`);
    const target = await whose.waitForTarget(isContent, { timeout: 20_000 });
    const page = await target.page();
    if (!page) throw new Error('no window');
    await page.waitForFunction('window.started !== undefined');
    return page;
  };
  /** What the launch frame shows; the state is undefined while it shows nothing (or is still loading). */
  const button = (frame: Frame): Promise<{ state: string | undefined; text: string }> =>
    frame
      .$eval('#own-window', (panel) => ({
        state: (panel as HTMLElement).hidden ? undefined : (panel as HTMLElement).dataset['state'],
        text: (panel as HTMLElement).innerText,
      }))
      .catch(() => ({ state: undefined, text: '' }));
  const verbs = async (code: string): Promise<string[]> => (await statementsOf(server.lrs, code)).map(verbOf);

  it('the course asks for it: the API is found through the opener, the bookmark is kept, items follow in the same window', async () => {
    await publish(
      'WINDOW-1',
      {
        'imsmanifest.xml': manifest12([
          { id: 'A', title: '根', href: 'a.html' },
          { id: 'B', title: '葉', href: 'b.html' },
        ]),
        'a.html': openerPage('根'),
        'b.html': openerPage('葉'),
      },
      { ownWindow: true },
    );
    const page = await newPage(learner);
    await page.goto(`${server.origin}/courses/WINDOW-1/learn`);
    const a = await windowOf('a.html');
    expect(await a.evaluate(() => (window as unknown as Content).started)).to.equal('true');
    expect(await a.evaluate(() => window.top === window)).to.equal(true);
    const frame = await frameOf(page);
    expect((await button(frame)).state).to.equal('open');
    await screenshots(page, 'player-own-window');
    await expectAccessible(page, ['iframe']);
    await a.evaluate(() => {
      const c = window as unknown as Content;
      c.set('cmi.core.lesson_location', 'page-2');
      c.set('cmi.core.lesson_status', 'completed');
      c.commit();
    });
    // The page lies behind its content: the content's window is what keeps the time running.
    await until(
      'time runs',
      async () => (await page.$eval('#player-seconds', (e) => e.textContent)) !== '00:00:00',
    );

    await page.bringToFront();
    await page.waitForFunction('!document.getElementById("player-next").disabled');
    await page.$eval('#player-next', (element) => (element as HTMLButtonElement).click());
    const b = await windowOf('b.html');
    expect(await b.evaluate(() => (window as unknown as Content).get('cmi.core.entry'))).to.equal(
      'ab-initio',
    );
    await follow(page, '#player-leave');
    await until('the window is closed', async () =>
      (await learner.pages()).every((one) => !one.url().includes('/s/')),
    );
    expect(await verbs('WINDOW-1')).to.include.members(['initialized', 'completed', 'terminated']);
    await page.close();
  });

  it('the learner closes the window: what it said is kept, the page says so and opens it again at the same place', async () => {
    await publish(
      'WINDOW-2',
      {
        'imsmanifest.xml': manifest2004([{ id: 'A', title: '根', href: 'a.html' }]),
        'a.html': openerPage('根').replace('finish(); });', "set('cmi.location', 'last'); finish(); });"),
      },
      { ownWindow: true },
    );
    const page = await newPage(learner);
    await page.goto(`${server.origin}/courses/WINDOW-2/learn`);
    await (await windowOf('a.html')).close();
    const frame = await frameOf(page);
    await until('the page says it', async () => (await button(frame)).state === 'closed');
    expect((await button(frame)).text)
      .to.include('教材視窗已關閉')
      .and.include('重新開啟教材');
    await page.bringToFront();
    await frame.click('#own-window button');
    const again = await windowOf('a.html');
    expect(await again.evaluate(() => (window as unknown as Content).get('cmi.location'))).to.equal('last');
    expect(await again.evaluate(() => (window as unknown as Content).get('cmi.entry'))).to.equal('resume');
    await follow(page, '#player-leave');
    await page.close();
  });

  it('a browser that blocks windows: a clear button opens it', async () => {
    await publish(
      'WINDOW-3',
      {
        'imsmanifest.xml': manifest12([{ id: 'A', title: '根', href: 'a.html' }]),
        'a.html': openerPage('根'),
      },
      { ownWindow: true },
    );
    // Puppeteer switches the blocker off.
    const browser = await launchChromium({ ignoreDefaultArgs: ['--disable-popup-blocking'] });
    try {
      const blocked = await browser.createBrowserContext();
      await signInAs(blocked, server.origin, 'learner');
      const page = await newPage(blocked);
      // The packaged browser has no blocker: no window without a click of the learner in this very frame.
      if ((await findChromium()).source === 'packaged')
        await page.evaluateOnNewDocument(() => {
          const real = window.open.bind(window);
          window.open = (...given) => (navigator.userActivation.isActive ? real(...given) : null);
        });
      await page.goto(`${server.origin}/courses/WINDOW-3/learn`);
      const frame = await frameOf(page);
      // Puppeteer's own evaluations count as a click of the learner, which would let the window open.
      const launch = await browser.waitForTarget((target) => target.url().endsWith('/launch'));
      const session = await launch.createCDPSession();
      const stateUnclicked = async (): Promise<unknown> => {
        const expression = 'document.getElementById("own-window")?.dataset.state';
        return (await session.send('Runtime.evaluate', { expression })).result.value;
      };
      await until('the button is there', async () => (await stateUnclicked()) !== undefined);
      expect(await stateUnclicked()).to.equal('blocked');
      expect((await button(frame)).text).to.include('開啟教材視窗');
      await screenshots(page, 'player-window-blocked');
      await frame.click('#own-window button');
      const content = await windowOf('a.html', blocked);
      expect(await content.evaluate(() => (window as unknown as Content).started)).to.equal('true');
      expect((await button(frame)).state).to.equal('open');
      await follow(page, '#player-leave');
    } finally {
      await browser.close();
    }
  });

  it('content that breaks out of frames gets a window by itself; the report says so beforehand', async () => {
    const report = await publish('WINDOW-4', {
      'imsmanifest.xml': manifest12([{ id: 'A', title: '根', href: 'a.html' }]),
      'a.html': openerPage('根', 'if (top !== self) top.location = self.location;'),
    });
    expect(report).to.include('獨立視窗');
    const page = await newPage(learner);
    await page.goto(`${server.origin}/courses/WINDOW-4/learn`);
    const content = await windowOf('a.html');
    expect(await content.evaluate(() => (window as unknown as Content).started)).to.equal('true');
    expect(page.url()).to.equal(`${server.origin}/courses/WINDOW-4/learn`);
    await follow(page, '#player-leave');
    await page.close();
  });

  it('content that asks to be on top only when it runs is moved into a window then', async () => {
    await publish('WINDOW-5', {
      'imsmanifest.xml': manifest12([{ id: 'A', title: '根', href: 'a.html' }]),
      'a.html': openerPage('根').replace(
        '</body>',
        '<button onclick="breakOut()">全螢幕</button><script src="out.js"></script></body>',
      ),
      'out.js': 'function breakOut() { top.location.href = location.href; }',
    });
    const page = await newPage(learner);
    await page.goto(`${server.origin}/courses/WINDOW-5/learn`);
    const inFrame = await page.waitForFrame((one) => one.url().includes('/a.html'), { timeout: 20_000 });
    await inFrame.waitForFunction('window.started !== undefined');
    await inFrame.click('button');
    const content = await windowOf('a.html');
    expect(await content.evaluate(() => (window as unknown as Content).started)).to.equal('true');
    expect(page.url()).to.equal(`${server.origin}/courses/WINDOW-5/learn`);
    await follow(page, '#player-leave');
    await page.close();
  });
});
