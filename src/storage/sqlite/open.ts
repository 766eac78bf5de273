import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { unfinishedMove } from '../unfinished-move.ts';

export type Sqlite = Database.Database;

/** A module's tables, as steps run once each and in order; a landed step is never edited, only followed by another. */
export interface SqliteSchema {
  module: string;
  steps: readonly string[];
}

/** While it is there, the store is the unfinished target of a move (npm run migrate-store). */
export const transferTable = 'store_transfer';

/**
 * Opens (or creates) `<dataDir>/zhixing.db` in WAL mode and brings every module's tables up to date.
 * @throws DomainError `conflict` on the unfinished target of a move, unless it is the mover that opens it
 */
export function openSqlite(
  dataDir: string,
  sync: 'full' | 'normal',
  schemas: readonly SqliteSchema[],
  { whileMoving = false }: { whileMoving?: boolean } = {},
): Sqlite {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const db = new Database(join(dataDir, 'zhixing.db'));
  // Of a new database: small, for most of what a Statement touches is one row on a page of its own.
  db.pragma('page_size = 4096');
  db.pragma('journal_mode = WAL');
  db.pragma(`synchronous = ${sync === 'full' ? 'FULL' : 'NORMAL'}`);
  db.pragma('foreign_keys = ON');
  db.pragma('busy_timeout = 5000');
  const moving = db.prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?");
  if (!whileMoving && moving.get(transferTable) !== undefined) {
    db.close();
    throw unfinishedMove(dataDir);
  }
  migrate(db, schemas);
  return db;
}

function migrate(db: Sqlite, schemas: readonly SqliteSchema[]): void {
  db.exec(
    'CREATE TABLE IF NOT EXISTS schema_steps (module TEXT PRIMARY KEY, done INTEGER NOT NULL) WITHOUT ROWID',
  );
  const read = db.prepare<[string], { done: number }>('SELECT done FROM schema_steps WHERE module = ?');
  const write = db.prepare(
    'INSERT INTO schema_steps (module, done) VALUES (?, ?) ON CONFLICT (module) DO UPDATE SET done = excluded.done',
  );
  db.transaction(() => {
    for (const { module, steps } of schemas) {
      const done = read.get(module)?.done ?? 0;
      for (const step of steps.slice(done)) db.exec(step);
      if (steps.length > done) write.run(module, steps.length);
    }
  }).immediate();
}
