import type { WebSession, WebSessionStore } from '../../http/store.ts';
import type { Sqlite, SqliteSchema } from './open.ts';

export const webSessionsSchema: SqliteSchema = {
  module: 'web-sessions',
  steps: [
    `CREATE TABLE web_sessions (
      id TEXT PRIMARY KEY,
      data TEXT NOT NULL,
      person_id TEXT,
      expires_at INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX web_sessions_person ON web_sessions (person_id) WHERE person_id IS NOT NULL;
    CREATE INDEX web_sessions_expiry ON web_sessions (expires_at);`,
  ],
};

interface Row {
  id: string;
  data: string;
  person_id: string | null;
  expires_at: number;
}

const toSession = (row: Row): WebSession => ({
  id: row.id,
  data: row.data,
  personId: row.person_id,
  expiresAt: new Date(row.expires_at),
});

export function createSqliteWebSessionStore(db: Sqlite): WebSessionStore {
  const get = db.prepare<[string, number], Row>('SELECT * FROM web_sessions WHERE id = ? AND expires_at > ?');
  const put = db.prepare(
    'INSERT OR REPLACE INTO web_sessions (id, data, person_id, expires_at) VALUES (?, ?, ?, ?)',
  );
  const touch = db.prepare('UPDATE web_sessions SET expires_at = ? WHERE id = ?');
  const remove = db.prepare('DELETE FROM web_sessions WHERE id = ?');
  const ofPerson = db.prepare<[string, number], Row>(
    'SELECT * FROM web_sessions WHERE person_id = ? AND expires_at > ? ORDER BY expires_at DESC',
  );
  const deleteExpired = db.prepare('DELETE FROM web_sessions WHERE expires_at <= ?');
  return {
    async get(id, now) {
      const row = get.get(id, now.getTime());
      return row ? toSession(row) : null;
    },
    async put(session) {
      put.run(session.id, session.data, session.personId, session.expiresAt.getTime());
    },
    async touch(id, expiresAt) {
      touch.run(expiresAt.getTime(), id);
    },
    async delete(id) {
      remove.run(id);
    },
    async ofPerson(personId, now) {
      return ofPerson.all(personId, now.getTime()).map(toSession);
    },
    async deleteExpired(now) {
      return deleteExpired.run(now.getTime()).changes;
    },
  };
}
