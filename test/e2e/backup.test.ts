import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { backup } from '../../scripts/backup.ts';
import { dumpMongo, restoreMongo } from '../../src/storage/mongo/dump.ts';
import { newUuid } from '../../src/base/ids.ts';
import { emptyStore } from '../support/engines.ts';
import { type RunningServer, startServer } from '../support/server.ts';

const headersOf = ({ lrs }: RunningServer) => ({
  authorization: lrs.authorization,
  'x-experience-api-version': '1.0.3',
  'content-type': 'application/json',
});

describe('the backup of an SQLite installation', function () {
  this.timeout(90_000);

  it('is taken while writes go on, and a server starts on it with everything that was acknowledged before', async () => {
    const folder = join(mkdtempSync(join(tmpdir(), 'zhixing-backup-')), 'copy');
    const server = await startServer();
    if (!server) throw new Error('no server');
    let restored: RunningServer | null = null;
    try {
      const acknowledged: string[] = [];
      let stop = false;
      const writing = (async () => {
        while (!stop) {
          const id = newUuid();
          const answer = await fetch(`${server.lrs.endpoint}/statements`, {
            method: 'POST',
            headers: headersOf(server),
            body: JSON.stringify({
              id,
              actor: { mbox: 'mailto:backup@example.org' },
              verb: { id: 'http://adlnet.gov/expapi/verbs/experienced' },
              object: { id: 'http://example.org/backup' },
            }),
          });
          if (answer.ok) acknowledged.push(id);
        }
      })();
      while (acknowledged.length < 50) await new Promise((resolve) => setTimeout(resolve, 10));
      const before = [...acknowledged];
      await backup(server.options.dataDir, folder);
      stop = true;
      await writing;
      restored = await startServer({ on: { mongodbUri: null, dataDir: folder, sqliteSync: 'normal' } });
      if (!restored) throw new Error('no server');
      for (const id of before.filter((_, at) => at % 10 === 0 || at === before.length - 1)) {
        const answer = await fetch(`${restored.lrs.endpoint}/statements?statementId=${id}`, {
          headers: headersOf(restored),
        });
        expect(answer.status).to.equal(200);
      }
      const page = await fetch(`${restored.origin}/courses/ZX115110001`);
      expect(await page.text()).to.include('個人資料保護的第一課');
      await restored.stop();
      let refused = '';
      await backup(server.options.dataDir, folder).catch((error: unknown) => (refused = String(error)));
      expect(refused).to.include('not empty');
    } finally {
      await restored?.remove();
      await server.remove();
      rmSync(join(folder, '..'), { recursive: true, force: true });
    }
  });
});

describe('the backup of a MongoDB installation', function () {
  this.timeout(180_000);

  it("has mongodump's layout, is taken while writes go on, and restored it holds what was acknowledged before", async function () {
    const folder = mkdtempSync(join(tmpdir(), 'zhixing-dump-'));
    const server = await startServer({ engine: 'mongodb' });
    const empty = await emptyStore('mongodb');
    if (!server || !empty) return this.skip();
    let restored: RunningServer | null = null;
    try {
      const headers = headersOf(server);
      const acknowledged: string[] = [];
      let stop = false;
      const writing = (async () => {
        while (!stop) {
          const id = newUuid();
          const statement = {
            id,
            actor: { mbox: 'mailto:dump@example.org' },
            verb: { id: 'http://adlnet.gov/expapi/verbs/experienced' },
            object: { id: 'http://example.org/dump' },
          };
          const sent = await fetch(`${server.lrs.endpoint}/statements`, {
            method: 'POST',
            headers,
            body: JSON.stringify(statement),
          });
          if (sent.ok) acknowledged.push(id);
        }
      })();
      while (acknowledged.length < 20) await new Promise((resolve) => setTimeout(resolve, 10));
      const before = [...acknowledged];
      await dumpMongo(server.options.mongodbUri ?? '', join(folder, 'dump'));
      stop = true;
      await writing;
      expect(acknowledged.length).to.be.greaterThan(before.length);
      const [database = ''] = readdirSync(join(folder, 'dump'));
      const files = readdirSync(join(folder, 'dump', database));
      expect(files).to.include.members([
        'lrs_statements.bson',
        'lrs_statements.metadata.json',
        'blobs.chunks.bson',
      ]);
      await restoreMongo(join(folder, 'dump'), empty.options.mongodbUri ?? '');
      restored = await startServer({ on: empty.options });
      if (!restored) throw new Error('no server');
      for (const id of before) {
        const found = await fetch(`${restored.lrs.endpoint}/statements?statementId=${id}`, {
          headers: headersOf(restored),
        });
        expect(found.status).to.equal(200);
      }
      // And it takes new ones.
      const next = await fetch(`${restored.lrs.endpoint}/statements`, {
        method: 'POST',
        headers: headersOf(restored),
        body: JSON.stringify({
          actor: { mbox: 'mailto:dump@example.org' },
          verb: { id: 'http://adlnet.gov/expapi/verbs/experienced' },
          object: { id: 'http://example.org/dump' },
        }),
      });
      expect(next.status).to.equal(200);
      const refused = await restoreMongo(join(folder, 'dump'), empty.options.mongodbUri ?? '').then(
        () => '',
        (error: Error) => error.message,
      );
      expect(refused).to.include('not empty');
    } finally {
      await restored?.remove();
      await server.remove();
      empty.remove();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
