import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect } from 'chai';
import { startCheckpoints } from '../../src/storage/sqlite/checkpoints.ts';
import { openSqlite } from '../../src/storage/sqlite/open.ts';

describe('checkpoints of the SQLite log', () => {
  it('bring it into the database from a thread of their own, beside an open writer and reader', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'zhixing-checkpoints-'));
    const db = openSqlite(folder, 'full', [
      { module: 'test', steps: ['CREATE TABLE t (n INTEGER PRIMARY KEY, text TEXT)'] },
    ]);
    const checkpoints = startCheckpoints(db);
    try {
      const insert = db.prepare('INSERT INTO t (text) VALUES (?)');
      const fill = db.transaction(() => {
        for (let n = 0; n < 1000; n++) insert.run('x'.repeat(500));
      });
      /** What the database file alone holds, without its log. */
      const inFile = (): number => {
        const copy = join(folder, 'copy.db');
        copyFileSync(join(folder, 'zhixing.db'), copy);
        const alone = new Database(copy);
        const count = alone.prepare<[], number>('SELECT count(*) FROM t').pluck().get() ?? 0;
        alone.close();
        return count;
      };
      fill();
      await checkpoints.checkpoint();
      expect(inFile()).to.equal(1000);
      // Again with the same thread; two at once are one.
      fill();
      await Promise.all([checkpoints.checkpoint(), checkpoints.checkpoint()]);
      expect(inFile()).to.equal(2000);
      const reader = new Database(join(folder, 'zhixing.db'), { readonly: true });
      reader.prepare('BEGIN').run();
      expect(reader.prepare<[], number>('SELECT count(*) FROM t').pluck().get()).to.equal(2000);
      fill();
      // It does not wait for the reader, and loses nothing.
      await checkpoints.checkpoint();
      reader.close();
      expect(db.prepare<[], number>('SELECT count(*) FROM t').pluck().get()).to.equal(3000);
    } finally {
      await checkpoints.stop();
      db.close();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
