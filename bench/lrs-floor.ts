import Database from 'better-sqlite3';
import { join } from 'node:path';

/** What the floor writes for one Statement: the same rows and indexes as the LRS's own tables. */
export interface FloorRow {
  id: Buffer;
  body: string;
  terms: string[];
}

/** Raw better-sqlite3 in this process, no HTTP, nothing derived: Statements per second by batch size, and page reads per second. */
export function createFloor(dataDir: string, sync: 'FULL' | 'NORMAL') {
  const db = new Database(join(dataDir, 'floor.db'));
  db.pragma('page_size = 4096');
  db.pragma('journal_mode = WAL');
  db.pragma(`synchronous = ${sync}`);
  db.pragma('cache_size = -24576');
  db.pragma('wal_autocheckpoint = 16000');
  db.exec(`
    CREATE TABLE s (seq INTEGER PRIMARY KEY AUTOINCREMENT, id BLOB NOT NULL UNIQUE, stored INTEGER NOT NULL,
      authority_id TEXT NOT NULL, flags INTEGER NOT NULL DEFAULT 0, body TEXT NOT NULL);
    CREATE TABLE k (key INTEGER PRIMARY KEY, term TEXT NOT NULL UNIQUE);
    CREATE TABLE t (key INTEGER NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (key, seq)) WITHOUT ROWID;`);
  const insert = db.prepare('INSERT INTO s (id, stored, authority_id, flags, body) VALUES (?, ?, ?, 0, ?)');
  const term = db.prepare('INSERT INTO t (key, seq) VALUES (?, ?)');
  const dictionary = db.prepare('INSERT INTO k (term) VALUES (?)');
  const keys = new Map<string, number>();
  const page = db.prepare(
    'SELECT s.* FROM t CROSS JOIN s ON s.seq = t.seq WHERE t.key = ? ORDER BY t.seq DESC LIMIT 50',
  );
  const write = db.transaction((rows: FloorRow[]) => {
    for (const row of rows) {
      const seq = Number(insert.run(row.id, Date.now(), 'c', row.body).lastInsertRowid);
      for (const text of row.terms) {
        let key = keys.get(text);
        if (key === undefined) keys.set(text, (key = Number(dictionary.run(text).lastInsertRowid)));
        term.run(key, seq);
      }
    }
  });
  return {
    write(batchSize: number, seconds: number, next: () => FloorRow): number {
      const rows = Array.from({ length: 4000 }, next);
      let at = 0;
      let count = 0;
      const started = performance.now();
      while (performance.now() - started < seconds * 1000) {
        const batch: FloorRow[] = [];
        for (let i = 0; i < batchSize; i++) {
          if (at >= rows.length) {
            at = 0;
            for (const row of rows) row.id = next().id;
          }
          batch.push(rows[at++] as FloorRow);
        }
        write(batch);
        count += batchSize;
      }
      return (count * 1000) / (performance.now() - started);
    },
    read(seconds: number, term: () => string): number {
      let count = 0;
      const started = performance.now();
      while (performance.now() - started < seconds * 1000) {
        page.all(keys.get(term()) ?? 0);
        count++;
      }
      return (count * 1000) / (performance.now() - started);
    },
    close: () => db.close(),
  };
}
