import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import type { Browser } from 'puppeteer-core';
import { isDomainError } from '../../src/base/errors.ts';
import {
  createOwnedBrowser,
  type OwnedBrowser,
  type OwnedBrowserOptions,
} from '../../src/certificates/browser.ts';
import { launchChromium } from '../../src/certificates/chromium.ts';

const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => null,
    (error: unknown) => error,
  );

describe('The one Chromium that the process owns', function () {
  this.timeout(60_000);
  let launches: Browser[] = [];
  const owned: OwnedBrowser[] = [];
  const own = (options: OwnedBrowserOptions = {}): OwnedBrowser => {
    const browser = createOwnedBrowser({
      launch: async (args) => {
        const launched = await launchChromium({ args });
        launches.push(launched);
        return launched;
      },
      ...options,
    });
    owned.push(browser);
    return browser;
  };
  afterEach(async () => {
    await Promise.all(owned.splice(0).map((browser) => browser.close()));
    expect(launches.filter((browser) => browser.connected)).to.deep.equal([]);
    launches = [];
  });

  it('is launched lazily, and once for many that ask at the same time', async () => {
    const browser = own({ pages: 3 });
    expect(launches).to.have.length(0);
    const titles = await Promise.all(
      Array.from({ length: 9 }, () => browser.withPage((page) => page.evaluate('1 + 1'))),
    );
    expect(titles).to.deep.equal(Array(9).fill(2));
    expect(launches).to.have.length(1);
    expect((await launches[0]?.pages())?.length).to.be.at.most(4); // three of ours and the one it starts with
  });

  it('is replaced when it dies, even in the middle of a work', async () => {
    const browser = own();
    expect(await browser.prewarm()).to.equal(true);
    let tries = 0;
    const result = await browser.withPage(async (page) => {
      tries += 1;
      if (tries === 1) launches[0]?.process()?.kill('SIGKILL');
      return page.evaluate('"done"');
    });
    expect(result).to.equal('done');
    expect(tries).to.equal(2);
    expect(launches).to.have.length(2);
  });

  it('survives a page that crashes', async () => {
    const browser = own();
    let tries = 0;
    const result = await browser.withPage(async (page) => {
      tries += 1;
      if (tries === 1) await page.goto('chrome://crash').catch(() => undefined);
      return page.evaluate('"done"');
    });
    expect(result).to.equal('done');
    expect(launches).to.have.length(1);
  });

  it('passes on what the work throws, and does not use its page again', async () => {
    const browser = own({ pages: 1 });
    await browser.withPage((page) => page.evaluate('globalThis.mark = 1'));
    expect(await browser.withPage((page) => page.evaluate('globalThis.mark'))).to.equal(1);
    const thrown = await failure(browser.withPage(() => Promise.reject(new Error('broken'))));
    expect(String(thrown)).to.contain('broken');
    expect(await browser.withPage((page) => page.evaluate('globalThis.mark'))).to.equal(undefined);
  });

  it('refuses more work than its queue holds, and work that takes too long', async () => {
    const browser = own({ pages: 1, queue: 1, timeoutMs: 3000 });
    await browser.prewarm();
    const stuck = failure(browser.withPage((page) => page.evaluate('new Promise(() => {})')));
    const waiting = failure(browser.withPage((page) => page.evaluate('1')));
    const refused = await failure(browser.withPage((page) => page.evaluate('1')));
    expect(isDomainError(refused, 'unavailable')).to.equal(true);
    expect(isDomainError(await stuck, 'timeout')).to.equal(true);
    await waiting;
    expect(await browser.withPage((page) => page.evaluate('2'))).to.equal(2);
  });

  it('loads nothing from the network or the disk', async () => {
    const asked: string[] = [];
    const server = createServer((req, res) => {
      asked.push(req.url ?? '');
      res.end('secret');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    try {
      const browser = own();
      const seen = await browser.withPage(async (page) => {
        await page.setContent(
          `<img src="http://127.0.0.1:${port}/img"><link rel="stylesheet" href="http://localhost:${port}/css">
           <iframe src="http://127.0.0.1:${port}/frame"></iframe><iframe src="file:///etc/passwd"></iframe>
           <img id="own" src="data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA=">`,
        );
        const blocked = await failure(page.goto('file:///etc/passwd'));
        return String(blocked);
      });
      expect(seen).to.contain('ERR_');
      expect(asked).to.deep.equal([]);
    } finally {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  });

  it('when closed lets running work end, refuses what waits, and takes no more', async () => {
    const browser = own({ pages: 1 });
    await browser.prewarm();
    let begun: () => void = () => undefined;
    const begin = new Promise<void>((resolve) => (begun = resolve));
    const running = browser.withPage((page) => {
      begun();
      return page.evaluate('new Promise((resolve) => setTimeout(resolve, 300, "ended"))');
    });
    await begin;
    const waiting = failure(browser.withPage((page) => page.evaluate('1')));
    const [ended] = await Promise.all([running, browser.close()]);
    expect(ended).to.equal('ended');
    expect(isDomainError(await waiting, 'unavailable')).to.equal(true);
    expect(
      isDomainError(await failure(browser.withPage((page) => page.evaluate('1'))), 'unavailable'),
    ).to.equal(true);
    await browser.close();
  });

  it('when there is none says once in the log what to install, and tells the caller only that there is none', async () => {
    const lines: string[] = [];
    const browser = own({
      logger: { warn: (line: string) => lines.push(line) } as never,
      launch: () => launchChromium({ environment: { PUPPETEER_EXECUTABLE_PATH: '/nowhere/chrome' } }),
    });
    expect(await browser.prewarm()).to.equal(false);
    expect(lines).to.have.length(1);
    expect(lines[0]).to.contain('/nowhere/chrome').and.to.contain('Install Chromium');
    const error = await failure(browser.withPage((page) => page.evaluate('1')));
    expect(isDomainError(error, 'unavailable')).to.equal(true);
    expect(String(error)).to.not.contain('/nowhere');
  });
});
