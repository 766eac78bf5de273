import type { CompletionStore, Progress } from '../../completion/store.ts';
import type { Sqlite, SqliteSchema } from './open.ts';

export const completionSchema: SqliteSchema = {
  module: 'completion',
  steps: [
    `CREATE TABLE progress (
      registration TEXT PRIMARY KEY,
      reading_seconds REAL NOT NULL,
      quiz_score REAL,
      survey_done INTEGER NOT NULL,
      completed_at INTEGER
    ) WITHOUT ROWID;`,
  ],
};

interface Row {
  registration: string;
  reading_seconds: number;
  quiz_score: number | null;
  survey_done: number;
  completed_at: number | null;
}

const toProgress = (row: Row): Progress => ({
  registration: row.registration,
  readingSeconds: row.reading_seconds,
  quizScore: row.quiz_score,
  surveyDone: row.survey_done === 1,
  completedAt: row.completed_at === null ? null : new Date(row.completed_at),
});

export function createSqliteCompletionStore(db: Sqlite): CompletionStore {
  const get = db.prepare<[string], Row>('SELECT * FROM progress WHERE registration = ?');
  const all = db.prepare<[string], Row>(
    'SELECT * FROM progress WHERE registration IN (SELECT value FROM json_each(?))',
  );
  const save = db.prepare<[string, number, number | null, number, number | null], Row>(
    `INSERT INTO progress (registration, reading_seconds, quiz_score, survey_done, completed_at) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (registration) DO UPDATE SET reading_seconds = excluded.reading_seconds, quiz_score = excluded.quiz_score,
       survey_done = excluded.survey_done, completed_at = coalesce(progress.completed_at, excluded.completed_at)
     RETURNING *`,
  );
  const forget = db.prepare('DELETE FROM progress WHERE registration = ?');
  return {
    async progress(registration) {
      const row = get.get(registration);
      return row ? toProgress(row) : null;
    },
    async progressOfAll(registrations) {
      return all.all(JSON.stringify(registrations)).map(toProgress);
    },
    async save({ registration, readingSeconds, quizScore, surveyDone, completedAt }) {
      const row = save.get(
        registration,
        readingSeconds,
        quizScore,
        surveyDone ? 1 : 0,
        completedAt?.getTime() ?? null,
      );
      if (!row) throw new Error('progress was not stored');
      return toProgress(row);
    },
    async forget(registration) {
      forget.run(registration);
    },
  };
}
