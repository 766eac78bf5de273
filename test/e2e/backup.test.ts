import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { backup } from '../../scripts/backup.ts';
import { newUuid } from '../../src/base/ids.ts';
import { type RunningServer, startServer } from '../support/server.ts';

describe('the backup of an SQLite installation', function () {
  this.timeout(90_000);

  it('is taken while writes go on, and a server starts on it with everything that was acknowledged before', async () => {
    const folder = join(mkdtempSync(join(tmpdir(), 'zhixing-backup-')), 'copy');
    const server = await startServer();
    if (!server) throw new Error('no server');
    let restored: RunningServer | null = null;
    const headersOf = ({ lrs }: RunningServer) => ({
      authorization: lrs.authorization,
      'x-experience-api-version': '1.0.3',
      'content-type': 'application/json',
    });
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
