import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { newUuid } from '../../src/base/ids.ts';
import { expectAccessible, newContext, newPage, screenshots } from '../support/browser.ts';
import { startOwnMongo } from '../support/mongo-server.ts';
import { freePort, type RunningServer, startServer } from '../support/server.ts';

const statement = (id: string) => ({
  id,
  actor: { mbox: 'mailto:kill@example.org' },
  verb: { id: 'http://adlnet.gov/expapi/verbs/experienced' },
  object: { id: 'http://example.org/activities/kill' },
});
const headers = (server: RunningServer): Record<string, string> => ({
  authorization: server.lrs.authorization,
  'x-experience-api-version': '1.0.3',
  'content-type': 'application/json',
});

describe('a server killed with SIGKILL', function () {
  this.timeout(120_000);

  for (const engine of ['sqlite', 'mongodb'] as const)
    it(`loses no acknowledged Statement and keeps none twice, on ${engine}`, async function () {
      const server = await startServer({ engine });
      if (!server) return this.skip();
      try {
        const acknowledged: string[] = [];
        let killed = false;
        const writer = async (): Promise<void> => {
          while (!killed) {
            const id = newUuid();
            const answer = await fetch(`${server.lrs.endpoint}/statements`, {
              method: 'POST',
              headers: headers(server),
              body: JSON.stringify([statement(id)]),
            }).catch(() => null);
            if (answer?.status === 200 && ((await answer.json().catch(() => [])) as string[])[0] === id)
              acknowledged.push(id);
          }
        };
        const writers = Array.from({ length: 6 }, writer);
        while (acknowledged.length < 60) await new Promise((resolve) => setTimeout(resolve, 20));
        await server.kill();
        killed = true;
        await Promise.all(writers);
        await server.restart();
        const stored: string[] = [];
        let more = `${server.lrs.endpoint}/statements?activity=${encodeURIComponent('http://example.org/activities/kill')}&limit=100`;
        while (more !== '') {
          const answer = await fetch(more, { headers: headers(server) });
          expect(answer.status).to.equal(200);
          const page = (await answer.json()) as { statements: { id: string }[]; more: string };
          stored.push(...page.statements.map(({ id }) => id));
          more = page.more === '' ? '' : new URL(page.more, server.origin).href;
        }
        expect(new Set(stored).size, 'none twice').to.equal(stored.length);
        expect(stored).to.include.members(acknowledged);
      } finally {
        await server.remove();
      }
    });
});

describe('a database that goes away', function () {
  this.timeout(120_000);

  it('is answered with 503 and Retry-After, and forgotten when it is back', async function () {
    if (process.env['MONGODB_URI']) return this.skip(); // not ours to stop
    const dir = mkdtempSync(join(tmpdir(), 'zhixing-mongo-'));
    const port = await freePort();
    let database = await startOwnMongo(dir, port, true);
    if ('missing' in database) {
      if (process.env['CI']) throw new Error(database.missing);
      return this.skip();
    }
    const dataDir = mkdtempSync(join(tmpdir(), 'zhixing-data-'));
    const server = await startServer({
      on: {
        mongodbUri: `mongodb://127.0.0.1:${port}/away?serverSelectionTimeoutMS=1500`,
        dataDir,
        sqliteSync: 'normal',
      },
    });
    try {
      if (!server) throw new Error('no server');
      expect((await fetch(`${server.origin}/courses`)).status).to.equal(200);
      await database.stop();
      const away = await fetch(`${server.origin}/courses`, {
        headers: { accept: 'text/html', 'accept-language': 'zh-TW' },
      });
      expect(away.status).to.equal(503);
      expect(away.headers.get('retry-after')).to.equal('5');
      expect(await away.text()).to.include('資料庫暫時沒有回應');
      const english = await fetch(`${server.origin}/courses`, {
        headers: { accept: 'text/html', 'accept-language': 'en' },
      });
      expect(await english.text())
        .to.include('lang="en"')
        .and.include('Demo mode')
        .and.not.include('資料庫');
      const context = await newContext();
      const page = await newPage(context);
      for (const language of ['zh-TW', 'en']) {
        expect((await page.goto(`${server.origin}/courses?lang=${language}`))?.status()).to.equal(503);
        await screenshots(page, `error-503-${language}`);
        await expectAccessible(page);
      }
      await context.close();
      const post = await fetch(`${server.lrs.endpoint}/statements`, {
        method: 'POST',
        headers: headers(server),
        body: JSON.stringify(statement(newUuid())),
      });
      expect([post.status, post.headers.get('retry-after')]).to.deep.equal([503, '5']);
      database = await startOwnMongo(dir, port, true);
      let status = 0;
      for (let tries = 0; tries < 60 && status !== 200; tries++) {
        status = (await fetch(`${server.origin}/courses`)).status;
        if (status !== 200) await new Promise((resolve) => setTimeout(resolve, 500));
      }
      expect(status).to.equal(200);
    } finally {
      await server?.remove();
      if ('stop' in database) await database.stop();
      rmSync(dir, { recursive: true, force: true });
      rmSync(dataDir, { recursive: true, force: true });
    }
  });
});
