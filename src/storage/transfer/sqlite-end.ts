import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import Database from 'better-sqlite3';
import { DomainError } from '../../base/errors.ts';
import { sqliteSchemas, storageOnSqlite } from '../sqlite/storage.ts';
import { openSqlite, type Sqlite, transferTable } from '../sqlite/open.ts';
import type { Mark, TransferEnd } from './ends.ts';
import type { NeutralRow } from './kinds.ts';

const pageSize = 500;

/** A folder that holds a store of this version, opened so that nothing in it can be changed. */
function openToRead(dataDir: string): Sqlite {
  const file = join(dataDir, 'zhixing.db');
  if (!existsSync(file))
    throw new DomainError('not-found', `There is no zhixing.db in ${dataDir}. Name the data folder.`);
  const db = new Database(file, { readonly: true });
  const done = new Map(
    db
      .prepare<[], { module: string; done: number }>('SELECT module, done FROM schema_steps')
      .all()
      .map((row) => [row.module, row.done]),
  );
  const behind = sqliteSchemas.filter(({ module, steps }) => done.get(module) !== steps.length);
  if (behind.length > 0) {
    db.close();
    throw new DomainError(
      'conflict',
      `The store in ${dataDir} is of another version (${behind.map(({ module }) => module).join(', ')}). Start this version of the program on it once, stop it, and try again.`,
    );
  }
  return db;
}

/** True when nobody has signed in, stored or uploaded anything yet. */
export const isEmptyFolder = (dataDir: string): boolean => !existsSync(join(dataDir, 'zhixing.db'));

export function openSqliteEnd(dataDir: string, use: 'read' | 'write'): TransferEnd {
  const db =
    use === 'read' ? openToRead(dataDir) : openSqlite(dataDir, 'full', sqliteSchemas, { whileMoving: true });
  if (use === 'write') db.pragma('foreign_keys = OFF'); // kinds arrive in any order
  const storage = storageOnSqlite(db, dataDir);
  const count = (table: string): number =>
    db.prepare<[], number>(`SELECT count(*) FROM ${table}`).pluck().get() ?? 0;
  const hasMarks = (): boolean =>
    db.prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?").get(transferTable) !==
    undefined;

  return {
    storage,
    name: `sqlite:${resolve(dataDir)}`,
    async count(kind) {
      return count(kind.table);
    },
    async *rows(kind, after) {
      const columns = Object.keys(kind.columns).join(', ');
      const key = kind.key.join(', ');
      const places = kind.key.map(() => '?').join(', ');
      const first = db.prepare(`SELECT ${columns} FROM ${kind.table} ORDER BY ${key} LIMIT ${pageSize}`);
      const next = db.prepare(
        `SELECT ${columns} FROM ${kind.table} WHERE (${key}) > (${places}) ORDER BY ${key} LIMIT ${pageSize}`,
      );
      for (let at = after; ;) {
        const page = (at === null ? first.all() : next.all(...(JSON.parse(at) as unknown[]))) as NeutralRow[];
        for (const row of page) {
          at = JSON.stringify(kind.key.map((column) => row[column]));
          yield { cursor: at, row };
        }
        if (page.length < pageSize) return;
      }
    },
    async write(kind, rows) {
      const derived = (row: NeutralRow): NeutralRow => ({ ...row, ...kind.sqlite?.(row) });
      const names = rows[0] ? Object.keys(derived(rows[0])) : [];
      const insert = db.prepare(
        `INSERT OR REPLACE INTO ${kind.table} (${names.join(', ')}) VALUES (${names.map((name) => `@${name}`).join(', ')})`,
      );
      db.transaction(() => rows.forEach((row) => insert.run(derived(row)))).immediate();
    },
    async statementCount() {
      return count('lrs_statements');
    },
    async documentCount() {
      return count('lrs_documents');
    },
    async *agentNames(after) {
      const next = db
        .prepare<[string, number], string>(
          'SELECT DISTINCT identity FROM lrs_agent_names WHERE identity > ? ORDER BY identity LIMIT ?',
        )
        .pluck();
      const names = db
        .prepare<[string], string>('SELECT name FROM lrs_agent_names WHERE identity = ? ORDER BY seq, name')
        .pluck();
      for (let at = after ?? ''; ;) {
        const page = next.all(at, pageSize);
        for (const identity of page) {
          at = identity;
          yield { identity, names: names.all(identity) };
        }
        if (page.length < pageSize) return;
      }
    },
    async writeAgentNames(identity, names) {
      const insert = db.prepare(
        'INSERT OR REPLACE INTO lrs_agent_names (identity, name, seq) VALUES (?, ?, ?)',
      );
      db.transaction(() => names.forEach((name, at) => insert.run(identity, name, at))).immediate();
    },
    async agentCount() {
      return (
        db.prepare<[], number>('SELECT count(DISTINCT identity) FROM lrs_agent_names').pluck().get() ?? 0
      );
    },
    async position() {
      const last = db
        .prepare<[], number>("SELECT seq FROM sqlite_sequence WHERE name = 'lrs_statements'")
        .pluck()
        .get();
      return { next: (last ?? 0) + 1, feed: await storage.lrs.feed.position() };
    },
    async writePosition({ next, feed }) {
      db.transaction(() => {
        db.prepare("DELETE FROM sqlite_sequence WHERE name = 'lrs_statements'").run();
        db.prepare("INSERT INTO sqlite_sequence (name, seq) VALUES ('lrs_statements', ?)").run(next - 1);
        db.prepare("UPDATE lrs_feed SET position = ?, holder = '', held_until = 0").run(feed);
      }).immediate();
    },
    async marks() {
      if (!hasMarks()) return null;
      const rows = db
        .prepare<[], { kind: string; cursor: string | null; done: number }>(`SELECT * FROM ${transferTable}`)
        .all();
      const source = rows.find(({ kind }) => kind === '')?.cursor ?? '';
      const marks = rows.map(({ kind, cursor, done }): Mark => ({ kind, cursor, done: done === 1 }));
      return { source, marks: marks.filter(({ kind }) => kind !== '') };
    },
    async begin(source) {
      db.exec(
        `CREATE TABLE IF NOT EXISTS ${transferTable} (kind TEXT PRIMARY KEY, cursor TEXT, done INTEGER NOT NULL)`,
      );
      db.prepare(`INSERT OR REPLACE INTO ${transferTable} VALUES ('', ?, 0)`).run(source);
    },
    async mark({ kind, cursor, done }) {
      db.prepare(`INSERT OR REPLACE INTO ${transferTable} VALUES (?, ?, ?)`).run(kind, cursor, done ? 1 : 0);
    },
    async finish() {
      db.exec(`DROP TABLE ${transferTable}`);
    },
    close: () => storage.close(),
  };
}
