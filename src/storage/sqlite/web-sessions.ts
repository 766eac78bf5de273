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
    `ALTER TABLE web_sessions ADD COLUMN seen_at INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE web_sessions ADD COLUMN ends_at INTEGER;`,
  ],
};

interface Row {
  id: string;
  data: string;
  person_id: string | null;
  seen_at: number;
  expires_at: number;
  ends_at: number | null;
}

const toSession = (row: Row): WebSession => ({
  id: row.id,
  data: row.data,
  personId: row.person_id,
  seenAt: new Date(row.seen_at),
  expiresAt: new Date(row.expires_at),
  endsAt: row.ends_at === null ? null : new Date(row.ends_at),
});

export function createSqliteWebSessionStore(db: Sqlite): WebSessionStore {
  const living = 'expires_at > @now AND (ends_at IS NULL OR ends_at > @now)';
  const get = db.prepare<[{ id: string; now: number }], Row>(
    `SELECT * FROM web_sessions WHERE id = @id AND ${living}`,
  );
  const put = db.prepare(
    `INSERT OR REPLACE INTO web_sessions (id, data, person_id, seen_at, expires_at, ends_at)
     VALUES (@id, @data, @personId, @seenAt, @expiresAt, @endsAt)`,
  );
  const touch = db.prepare(
    `UPDATE web_sessions SET seen_at = @seenAt, expires_at = min(@expiresAt, coalesce(ends_at, @expiresAt)) WHERE id = @id`,
  );
  const remove = db.prepare('DELETE FROM web_sessions WHERE id = ?');
  const ofPerson = db.prepare<[{ personId: string; now: number }], Row>(
    `SELECT * FROM web_sessions WHERE person_id = @personId AND ${living} ORDER BY seen_at DESC, id`,
  );
  const deleteExpired = db.prepare('DELETE FROM web_sessions WHERE expires_at <= @now OR ends_at <= @now');
  return {
    async get(id, now) {
      const row = get.get({ id, now: now.getTime() });
      return row ? toSession(row) : null;
    },
    async put({ id, data, personId, seenAt, expiresAt, endsAt }) {
      put.run({
        ...{ id, data, personId, seenAt: seenAt.getTime(), expiresAt: expiresAt.getTime() },
        endsAt: endsAt?.getTime() ?? null,
      });
    },
    async touch(id, { seenAt, expiresAt }) {
      touch.run({ id, seenAt: seenAt.getTime(), expiresAt: expiresAt.getTime() });
    },
    async delete(id) {
      remove.run(id);
    },
    async ofPerson(personId, now) {
      return ofPerson.all({ personId, now: now.getTime() }).map(toSession);
    },
    async deleteExpired(now) {
      return deleteExpired.run({ now: now.getTime() }).changes;
    },
  };
}
