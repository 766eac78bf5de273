import type { PlayerLaunch, PlayerSessionStore, StoredReadingSession } from '../../player/sessions/store.ts';
import { decodeLaunch } from '../player-launch.ts';
import { createGroupedChanges } from './group-commit.ts';
import type { Sqlite, SqliteSchema } from './open.ts';

export const playerSessionsSchema: SqliteSchema = {
  module: 'player-sessions',
  steps: [
    `CREATE TABLE player_launches (
      id TEXT PRIMARY KEY,
      body TEXT NOT NULL,
      expires_at INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX player_launches_expiry ON player_launches (expires_at);
    CREATE TABLE reading_sessions (
      id TEXT PRIMARY KEY,
      launch_id TEXT NOT NULL,
      learner_id TEXT NOT NULL,
      registration TEXT NOT NULL,
      package_version_id TEXT NOT NULL,
      started_at INTEGER NOT NULL,
      last_beat_at INTEGER NOT NULL,
      paused INTEGER NOT NULL,
      ended_at INTEGER,
      ending TEXT,
      milliseconds INTEGER NOT NULL,
      prior_milliseconds INTEGER NOT NULL,
      recorded_at INTEGER,
      revision INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE UNIQUE INDEX reading_sessions_running ON reading_sessions (learner_id) WHERE ended_at IS NULL;
    CREATE INDEX reading_sessions_silent ON reading_sessions (last_beat_at) WHERE ended_at IS NULL;
    CREATE INDEX reading_sessions_owed ON reading_sessions (ended_at) WHERE ended_at IS NOT NULL AND recorded_at IS NULL;
    CREATE INDEX reading_sessions_registration ON reading_sessions (registration, started_at);`,
    `ALTER TABLE reading_sessions ADD COLUMN device TEXT;`,
    `ALTER TABLE reading_sessions ADD COLUMN asked INTEGER;`,
    `CREATE INDEX player_launches_learner ON player_launches (json_extract(body, '$.learner.id'));`,
  ],
};

interface Row {
  id: string;
  launch_id: string;
  learner_id: string;
  registration: string;
  package_version_id: string;
  started_at: number;
  last_beat_at: number;
  paused: number;
  ended_at: number | null;
  ending: StoredReadingSession['ending'];
  milliseconds: number;
  prior_milliseconds: number;
  recorded_at: number | null;
  revision: number;
  device: string | null;
  asked: number | null;
}

const date = (value: number | null): Date | null => (value === null ? null : new Date(value));
const toSession = (row: Row): StoredReadingSession => ({
  id: row.id,
  launchId: row.launch_id,
  learnerId: row.learner_id,
  registration: row.registration,
  packageVersionId: row.package_version_id,
  startedAt: new Date(row.started_at),
  lastBeatAt: new Date(row.last_beat_at),
  paused: row.paused === 1,
  endedAt: date(row.ended_at),
  ending: row.ending,
  milliseconds: row.milliseconds,
  priorMilliseconds: row.prior_milliseconds,
  recordedAt: date(row.recorded_at),
  revision: row.revision,
  ...(row.device === null ? {} : { device: row.device }),
  ...(row.asked === 1 ? { asked: true } : {}),
});
const toRow = (session: StoredReadingSession): Row => ({
  id: session.id,
  launch_id: session.launchId,
  learner_id: session.learnerId,
  registration: session.registration,
  package_version_id: session.packageVersionId,
  started_at: session.startedAt.getTime(),
  last_beat_at: session.lastBeatAt.getTime(),
  paused: session.paused ? 1 : 0,
  ended_at: session.endedAt?.getTime() ?? null,
  ending: session.ending,
  milliseconds: session.milliseconds,
  prior_milliseconds: session.priorMilliseconds,
  recorded_at: session.recordedAt?.getTime() ?? null,
  revision: session.revision,
  device: session.device ?? null,
  asked: session.asked ? 1 : null,
});

/** Beats wait for each other so long: one fsync for all of them, and nobody waits for the answer to a beat. */
const gatherBeats = 100;

export function createSqlitePlayerSessionStore(db: Sqlite): PlayerSessionStore {
  const putLaunch = db.prepare<[string, string, number]>('INSERT INTO player_launches VALUES (?, ?, ?)');
  const launch = db.prepare<[string], { body: string }>('SELECT body FROM player_launches WHERE id = ?');
  const deleteLaunches = db.prepare<[number]>('DELETE FROM player_launches WHERE expires_at < ?');
  const insert = db.prepare<[Row]>(
    `INSERT INTO reading_sessions VALUES (@id, @launch_id, @learner_id, @registration, @package_version_id, @started_at,
      @last_beat_at, @paused, @ended_at, @ending, @milliseconds, @prior_milliseconds, @recorded_at, @revision, @device,
      @asked)
     ON CONFLICT DO NOTHING`,
  );
  const change = db.prepare<[Row]>(
    `UPDATE reading_sessions SET last_beat_at = @last_beat_at, paused = @paused, asked = @asked, ended_at = @ended_at,
      ending = @ending, milliseconds = @milliseconds, revision = @revision + 1
     WHERE id = @id AND revision = @revision AND ended_at IS NULL`,
  );
  const beats = createGroupedChanges(db, { gatherMilliseconds: gatherBeats });
  const running = db.prepare<[string], Row>(
    'SELECT * FROM reading_sessions WHERE learner_id = ? AND ended_at IS NULL',
  );
  const markRecorded = db.prepare<[number, string]>(
    'UPDATE reading_sessions SET recorded_at = ? WHERE id = ? AND ended_at IS NOT NULL AND recorded_at IS NULL',
  );
  const silent = db.prepare<[number, number], Row>(
    'SELECT * FROM reading_sessions WHERE ended_at IS NULL AND last_beat_at < ? ORDER BY last_beat_at LIMIT ?',
  );
  const unrecorded = db.prepare<[number], Row>(
    'SELECT * FROM reading_sessions WHERE ended_at IS NOT NULL AND recorded_at IS NULL ORDER BY ended_at LIMIT ?',
  );
  const ofRegistration = db.prepare<[string], Row>(
    'SELECT * FROM reading_sessions WHERE registration = ? ORDER BY started_at, id',
  );
  const forget = db.transaction((registration: string): number => {
    db.prepare(
      'DELETE FROM player_launches WHERE id IN (SELECT launch_id FROM reading_sessions WHERE registration = ?)',
    ).run(registration);
    return db.prepare('DELETE FROM reading_sessions WHERE registration = ?').run(registration).changes;
  });
  const forgetLaunches = db.prepare<[string]>(
    "DELETE FROM player_launches WHERE json_extract(body, '$.learner.id') = ?",
  );
  return {
    async putLaunch(value: PlayerLaunch) {
      putLaunch.run(value.id, JSON.stringify(value), value.expiresAt.getTime());
    },
    async launch(id) {
      const row = launch.get(id);
      return row ? decodeLaunch(row.body) : null;
    },
    async start(session) {
      return insert.run(toRow(session)).changes === 1;
    },
    async running(learnerId) {
      const row = running.get(learnerId);
      return row ? toSession(row) : null;
    },
    async change(session) {
      if (session.endedAt !== null) return change.run(toRow(session)).changes === 1;
      return beats(() => change.run(toRow(session)));
    },
    async markRecorded({ id }, at) {
      markRecorded.run(at.getTime(), id);
    },
    async silentSince(instant, limit) {
      return silent.all(instant.getTime(), limit).map(toSession);
    },
    async unrecorded(limit) {
      return unrecorded.all(limit).map(toSession);
    },
    async ofRegistration(registration) {
      return ofRegistration.all(registration).map(toSession);
    },
    async forget(registration) {
      return forget.immediate(registration);
    },
    async forgetLaunches(learnerId) {
      return forgetLaunches.run(learnerId).changes;
    },
    async deleteLaunches(before) {
      return deleteLaunches.run(before.getTime()).changes;
    },
  };
}
