import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { BrowserContext, Page } from 'puppeteer-core';
import { runCommand } from '../../src/player/packages/commands.ts';
import { expectAccessible, newContext, newPage, screenshots } from '../support/browser.ts';
import { startServer, type RunningServer } from '../support/server.ts';
import { packageOf } from '../support/zips.ts';

describe('a vendor’s API tokens', function () {
  this.timeout(120_000);
  let server: RunningServer;
  let context: BrowserContext;
  let page: Page & { faults: string[] };
  let folder: string;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'zhixing-tokens-'));
    writeFileSync(join(folder, 'course.zip'), packageOf());
    server = (await startServer()) as RunningServer;
    context = await newContext();
    page = await newPage(context);
    await page.goto(`${server.origin}/sign-in`);
    await Promise.all([page.waitForNavigation(), page.click('button[data-demo="vendor"]')]);
  });
  after(async () => {
    await context?.close();
    await server?.stop();
    await server?.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  it('is made on a page, shown once, uploads without a session, and opens nothing once it is revoked', async () => {
    await page.goto(`${server.origin}/vendor/tokens`);
    await page.type('#label', '自動上傳');
    await Promise.all([page.waitForNavigation(), page.click('form[action="/vendor/tokens"] button')]);
    const token = await page.$eval('code', (code) => code.textContent ?? '');
    await screenshots(page, 'vendor-tokens');
    await expectAccessible(page);
    const upload = async (): Promise<{ code: number; err: string }> => {
      let err = '';
      const code = await runCommand(
        ['upload', join(folder, 'course.zip')],
        { ZHIXING_URL: server.origin, ZHIXING_TOKEN: token },
        { out: () => undefined, err: (text) => void (err += text) },
      );
      return { code, err };
    };
    expect(await upload()).to.deep.equal({ code: 0, err: '' });
    let printed = '';
    await runCommand(
      ['upload', '--json', '--preview', join(folder, 'course.zip')],
      { ZHIXING_URL: server.origin, ZHIXING_TOKEN: token },
      { out: (text) => void (printed += text), err: () => undefined },
    );
    const { preview } = JSON.parse(printed) as { preview: { url: string } };
    // Somebody who is not signed in opens it; it opens once.
    const guests = await newContext();
    const guest = await newPage(guests);
    await guest.goto(`${preview.url}?lang=zh-TW`);
    await screenshots(guest, 'preview-link');
    await expectAccessible(guest);
    await Promise.all([guest.waitForNavigation(), guest.click('main form button')]);
    await guest.waitForFrame((frame) => /\/s\/[^/]+\//.test(frame.url()));
    expect(await guest.$eval('.player-note', (note) => note.textContent)).to.include('不會留下任何學習紀錄');
    const again = await guest.goto(preview.url);
    expect(again?.status()).to.equal(404);
    await guests.close();
    await page.goto(`${server.origin}/vendor/tokens`);
    expect(await page.content()).to.not.contain(token);
    await Promise.all([page.waitForNavigation(), page.click('form[action$="/revoke"] button')]);
    const refused = await upload();
    expect(refused.code).to.equal(1);
    expect(refused.err).to.match(/^401 /);
    expect(page.faults).to.deep.equal([]);
    expect(server.output()).to.not.contain(token);
  });
});
