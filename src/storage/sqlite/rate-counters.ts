import type { RateCounterStore } from '../../http/store.ts';
import type { Sqlite, SqliteSchema } from './open.ts';

export const rateCountersSchema: SqliteSchema = {
  module: 'rate-counters',
  steps: [
    `CREATE TABLE rate_counters (
      key TEXT NOT NULL,
      window_start INTEGER NOT NULL,
      count INTEGER NOT NULL,
      expires_at INTEGER NOT NULL,
      PRIMARY KEY (key, window_start)
    ) WITHOUT ROWID;
    CREATE INDEX rate_counters_expiry ON rate_counters (expires_at);`,
  ],
};

export function createSqliteRateCounterStore(db: Sqlite): RateCounterStore {
  const add = db.prepare<[string, number, number], { count: number }>(
    `INSERT INTO rate_counters (key, window_start, count, expires_at) VALUES (?, ?, 1, ?)
     ON CONFLICT (key, window_start) DO UPDATE SET count = count + 1 RETURNING count`,
  );
  const deleteExpired = db.prepare('DELETE FROM rate_counters WHERE expires_at <= ?');
  return {
    async add(key, windowStart, expiresAt) {
      return add.get(key, windowStart.getTime(), expiresAt.getTime())?.count ?? 1;
    },
    async deleteExpired(now) {
      return deleteExpired.run(now.getTime()).changes;
    },
  };
}
