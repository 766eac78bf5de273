import { expect } from 'chai';
import type { BrowserContext, Frame } from 'puppeteer-core';
import { newUuid } from '../../src/base/ids.ts';
import type { PackageVersion } from '../../src/player/types.ts';
import { newContext, newPage } from '../support/browser.ts';
import { onEveryEngine } from '../support/engines.ts';
import { manifest12, scoPage, startPlayer, type PlayerHouse } from '../support/player.ts';

/** What a page of content gets at, each attempt answered with what came of it. */
const attempts = (portal: string, otherFile: string): string => `(async () => {
  const found = {};
  const dare = async (name, act) => { try { found[name] = String(await act()); } catch (error) { found[name] = error.name; } };
  // The launch frame ends the climb; what lies above it can be reached by its index from outside, so by window.top.
  await dare('portal document', () => window.top.document.title);
  await dare('portal storage', () => window.top.localStorage.length);
  await dare('portal address', () => { window.top.location = 'about:blank'; return 'left'; });
  await dare('portal page', async () => (await fetch('${portal}/secret', { credentials: 'include' })).status);
  await dare('portal page blind', async () => (await fetch('${portal}/secret', { credentials: 'include', mode: 'no-cors' })).type);
  await dare('cookies', () => document.cookie);
  await dare('own cookie', () => { document.cookie = 'taken=1'; return document.cookie; });
  await dare('other package', async () => (await fetch('${otherFile}')).status);
  await dare('kept', () => localStorage.getItem('mine'));
  return found;
})()`;

for (const [kind, originOf] of [
  ['one origin for all content', (port: number) => `http://127.0.0.1:${port}`],
  ['an origin per package', (port: number) => `http://{package}.localhost:${port}`],
] as const)
  onEveryEngine(`Content in a real browser reaches nothing of others: ${kind}`, ({ storage }) => {
    let house: PlayerHouse;
    let browser: BrowserContext;
    let current: PackageVersion;
    const cookiesSeen: (string | undefined)[] = [];

    before(async () => {
      browser = await newContext();
      house = await startPlayer(storage(), {
        contentOrigin: originOf,
        before: (req, _res, next) => {
          if (/^\/(s|runtime|launch)\b/.test(req.path)) cookiesSeen.push(req.headers.cookie);
          next();
        },
        portal: (of) => async (req, res, next) => {
          if (req.path === '/secret') return void res.type('text').send('of the learner');
          if (req.path !== '/player') return next();
          const launch = await of().launch(current, { registration: newUuid() });
          res.setHeader('Set-Cookie', 'session=of-the-portal; Path=/; HttpOnly');
          res.type('html').send(`<!doctype html><html lang="zh-Hant"><title>portal</title>
<iframe name="content-frame" sandbox="allow-scripts allow-same-origin allow-forms allow-popups allow-popups-to-escape-sandbox allow-modals allow-downloads"></iframe>
<form id="f" method="post" target="content-frame" action="${launch.frameUrl}"><input type="hidden" name="token" value="${launch.launchToken}"></form>
<script>localStorage.setItem('mine','of the portal');document.getElementById('f').submit()</script>`);
        },
      });
    });
    after(async () => {
      await browser.close();
      await house.close();
    });

    const play = async (version: PackageVersion): Promise<{ frame: Frame; close(): Promise<void> }> => {
      current = version;
      const page = await newPage(browser);
      await page.goto(`${house.publicOrigin}/player`);
      const frame = await page.waitForFrame((one) => /\/s\/[^/]+\//.test(one.url()), { timeout: 10_000 });
      await frame.waitForFunction('window.started !== undefined', { timeout: 10_000 });
      return {
        frame,
        async close() {
          expect(page.url()).to.equal(`${house.publicOrigin}/player`);
          await page.close();
        },
      };
    };

    it('the portal, its pages, its storage, its cookies, and files of another package', async () => {
      const files = {
        'imsmanifest.xml': manifest12([{ id: 'A', title: '樹', href: 'a.html' }]),
        'a.html': scoPage('樹'),
        'b.txt': '別家的',
      };
      const one = await house.import(files);
      const other = await house.import(files);
      const neighbour = await play(other);
      await neighbour.frame.evaluate(() => localStorage.setItem('mine', 'of the neighbour'));
      const address = new URL(neighbour.frame.url());
      await neighbour.close();

      const { frame, close } = await play(one);
      // The other's file under this launch's own address: only the handle of a launch of that package opens it.
      const handle = new URL(frame.url()).pathname.split('/')[2] ?? '';
      const found = (await frame.evaluate(
        attempts(house.publicOrigin, `${address.origin}/s/${handle}/../${other.id}/b.txt`),
      )) as Record<string, string>;
      const perPackage = kind === 'an origin per package';
      expect(found).to.deep.equal({
        'portal document': 'SecurityError',
        'portal storage': 'SecurityError',
        'portal address': 'SecurityError',
        'portal page': 'TypeError',
        // The content's policy sends nothing to an address that is not its own or encrypted.
        'portal page blind': 'TypeError',
        cookies: '',
        'own cookie': found['own cookie'] ?? '',
        // Another origin: the request itself fails. The same origin: nothing opens it but a handle of its own.
        'other package': perPackage ? 'TypeError' : '401',
        // With one origin for all, packages share what the browser keeps: why production runs an origin per package.
        kept: perPackage ? 'null' : 'of the neighbour',
      });
      await close();
      // Whatever content does with cookies of its own, the portal's never come here.
      expect(cookiesSeen.filter((cookie) => cookie?.includes('session='))).to.deep.equal([]);
      expect(cookiesSeen).not.to.be.empty;
    });
  });
