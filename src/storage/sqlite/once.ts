import type { OnceStore } from '../../identity/providers/store.ts';
import type { Sqlite, SqliteSchema } from './open.ts';

export const onceSchema: SqliteSchema = {
  module: 'once',
  steps: [
    `CREATE TABLE once (
      key TEXT PRIMARY KEY,
      value TEXT NOT NULL,
      expires_at INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX once_expiry ON once (expires_at);`,
  ],
};

interface Row {
  value: string;
}

export function createSqliteOnceStore(db: Sqlite): OnceStore {
  const remember = db.prepare("INSERT OR IGNORE INTO once (key, value, expires_at) VALUES (?, '', ?)");
  const keep = db.prepare(
    `INSERT INTO once (key, value, expires_at) VALUES (?, ?, ?)
     ON CONFLICT (key) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at`,
  );
  const read = db.prepare<[string, number], Row>('SELECT value FROM once WHERE key = ? AND expires_at > ?');
  const take = db.prepare<[string, number], Row>(
    'DELETE FROM once WHERE key = ? AND expires_at > ? RETURNING value',
  );
  const deleteExpired = db.prepare('DELETE FROM once WHERE expires_at <= ?');
  return {
    async remember(key, expiresAt) {
      return remember.run(key, expiresAt.getTime()).changes === 1;
    },
    async keep(key, value, expiresAt) {
      keep.run(key, value, expiresAt.getTime());
    },
    async read(key, now) {
      return read.get(key, now.getTime())?.value ?? null;
    },
    async take(key, now) {
      return take.get(key, now.getTime())?.value ?? null;
    },
    async deleteExpired(now) {
      return deleteExpired.run(now.getTime()).changes;
    },
  };
}
