import type { Agency, AgencyStore } from '../../identity/agencies/store.ts';
import { fromPart, toParts } from '../agency-parts.ts';
import type { Sqlite, SqliteSchema } from './open.ts';

export const agenciesSchema: SqliteSchema = {
  module: 'agencies',
  steps: [
    `CREATE TABLE agency_directory (
      id TEXT PRIMARY KEY,
      revision INTEGER NOT NULL,
      parts TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE agency_parts (
      id TEXT PRIMARY KEY,
      revision INTEGER NOT NULL,
      body TEXT NOT NULL
    ) WITHOUT ROWID;`,
  ],
};

export function createSqliteAgencyStore(db: Sqlite): AgencyStore {
  const head = db.prepare<[], { revision: number; parts: string }>(
    "SELECT revision, parts FROM agency_directory WHERE id = 'directory'",
  );
  const putHead = db.prepare(
    'INSERT OR REPLACE INTO agency_directory (id, revision, parts) VALUES (?, ?, ?)',
  );
  const part = db.prepare<[string], { body: string }>('SELECT body FROM agency_parts WHERE id = ?');
  const clear = db.prepare('DELETE FROM agency_parts');
  const insert = db.prepare('INSERT INTO agency_parts (id, revision, body) VALUES (@id, @revision, @body)');
  const current = (): number => head.get()?.revision ?? 0;
  const readAll = db.transaction(() => {
    const { revision, parts } = head.get() ?? { revision: 0, parts: '[]' };
    const ids = JSON.parse(parts) as string[];
    return { revision, agencies: ids.flatMap((id) => fromPart(part.get(id)?.body ?? '[]')) };
  });
  const replaceAll = db.transaction((agencies: Agency[], expected: number): boolean => {
    if (current() !== expected) return false;
    const parts = toParts(agencies, expected + 1);
    clear.run();
    for (const one of parts) insert.run(one);
    putHead.run('directory', expected + 1, JSON.stringify(parts.map(({ id }) => id)));
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
