import type { Agency, AgencyStore } from '../../identity/agencies/store.ts';
import type { Sqlite, SqliteSchema } from './open.ts';

export const agenciesSchema: SqliteSchema = {
  module: 'agencies',
  steps: [
    `CREATE TABLE agencies (
      code TEXT PRIMARY KEY,
      body TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE agency_directory (
      id INTEGER PRIMARY KEY CHECK (id = 1),
      revision INTEGER NOT NULL
    );
    INSERT INTO agency_directory (id, revision) VALUES (1, 0);`,
  ],
};

export function createSqliteAgencyStore(db: Sqlite): AgencyStore {
  const revision = db.prepare<[], { revision: number }>('SELECT revision FROM agency_directory');
  const all = db.prepare<[], { body: string }>('SELECT body FROM agencies ORDER BY code');
  const next = db.prepare('UPDATE agency_directory SET revision = revision + 1 WHERE revision = ?');
  const clear = db.prepare('DELETE FROM agencies');
  const insert = db.prepare('INSERT INTO agencies (code, body) VALUES (?, ?)');
  const current = (): number => revision.get()?.revision ?? 0;
  const readAll = db.transaction(() => ({
    revision: current(),
    agencies: all.all().map(({ body }) => JSON.parse(body) as Agency),
  }));
  const replaceAll = db.transaction((agencies: Agency[], expected: number): boolean => {
    if (next.run(expected).changes !== 1) return false;
    clear.run();
    for (const agency of agencies) insert.run(agency.code, JSON.stringify(agency));
    return true;
  });
  return {
    async revision() {
      return current();
    },
    async read() {
      return readAll();
    },
    async replace(agencies, expected) {
      return replaceAll.immediate(agencies, expected);
    },
  };
}
