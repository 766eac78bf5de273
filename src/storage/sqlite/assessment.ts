import type { AssessmentStore, Quiz, QuizAttempt, Survey, SurveyResponse } from '../../assessment/store.ts';
import { without } from '../../assessment/store.ts';
import type { Sqlite, SqliteSchema } from './open.ts';

export const assessmentSchema: SqliteSchema = {
  module: 'assessment',
  steps: [
    `CREATE TABLE quizzes (course_id TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE surveys (course_id TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE quiz_attempts (
      id TEXT PRIMARY KEY,
      registration TEXT NOT NULL,
      course_id TEXT NOT NULL,
      started_at INTEGER NOT NULL,
      submitted_at INTEGER,
      question_ids TEXT NOT NULL,
      answers TEXT NOT NULL,
      score INTEGER,
      viewed_at INTEGER,
      recorded INTEGER NOT NULL DEFAULT 0
    ) WITHOUT ROWID;
    CREATE UNIQUE INDEX quiz_attempts_open ON quiz_attempts (registration) WHERE submitted_at IS NULL;
    CREATE INDEX quiz_attempts_registration ON quiz_attempts (registration, started_at);
    CREATE INDEX quiz_attempts_unrecorded ON quiz_attempts (id) WHERE submitted_at IS NOT NULL AND recorded = 0;
    CREATE TABLE survey_responses (
      registration TEXT PRIMARY KEY,
      course_id TEXT NOT NULL,
      answers TEXT NOT NULL,
      submitted_at INTEGER NOT NULL,
      recorded INTEGER NOT NULL DEFAULT 0
    ) WITHOUT ROWID;
    CREATE INDEX survey_responses_unrecorded ON survey_responses (registration) WHERE recorded = 0;`,
  ],
};

interface AttemptRow {
  id: string;
  registration: string;
  course_id: string;
  started_at: number;
  submitted_at: number | null;
  question_ids: string;
  answers: string;
  score: number | null;
  viewed_at: number | null;
}
interface ResponseRow {
  registration: string;
  course_id: string;
  answers: string;
  submitted_at: number;
}

const toAttempt = (row: AttemptRow): QuizAttempt => ({
  id: row.id,
  registration: row.registration,
  courseId: row.course_id,
  startedAt: new Date(row.started_at),
  submittedAt: row.submitted_at === null ? null : new Date(row.submitted_at),
  questionIds: JSON.parse(row.question_ids) as string[],
  answers: JSON.parse(row.answers) as Record<string, string[]>,
  score: row.score,
  answersViewedAt: row.viewed_at === null ? null : new Date(row.viewed_at),
});
const toResponse = (row: ResponseRow): SurveyResponse => ({
  registration: row.registration,
  courseId: row.course_id,
  answers: JSON.parse(row.answers) as Record<string, string[]>,
  submittedAt: new Date(row.submitted_at),
});

export function createSqliteAssessmentStore(db: Sqlite): AssessmentStore {
  const bodies = (table: 'quizzes' | 'surveys') => ({
    put: db.prepare(`INSERT OR REPLACE INTO ${table} (course_id, body) VALUES (?, ?)`),
    get: db.prepare<[string], { body: string }>(`SELECT body FROM ${table} WHERE course_id = ?`),
  });
  const quizzes = bodies('quizzes');
  const surveys = bodies('surveys');
  const openAttempt = db.prepare(
    `INSERT INTO quiz_attempts (id, registration, course_id, started_at, question_ids, answers) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT DO NOTHING`,
  );
  const open = db.prepare<[string], AttemptRow>(
    'SELECT * FROM quiz_attempts WHERE registration = ? AND submitted_at IS NULL',
  );
  const attempt = db.prepare<[string], AttemptRow>('SELECT * FROM quiz_attempts WHERE id = ?');
  const attemptsOf = db.prepare<[string], AttemptRow>(
    'SELECT * FROM quiz_attempts WHERE registration = ? ORDER BY started_at, id',
  );
  const submit = db.prepare(
    'UPDATE quiz_attempts SET answers = ?, score = ?, submitted_at = ? WHERE id = ? AND submitted_at IS NULL',
  );
  const view = db.prepare('UPDATE quiz_attempts SET viewed_at = ? WHERE id = ? AND viewed_at IS NULL');
  const putResponse = db.prepare(
    'INSERT INTO survey_responses (registration, course_id, answers, submitted_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
  );
  const response = db.prepare<[string], ResponseRow>('SELECT * FROM survey_responses WHERE registration = ?');
  const replaceAnswers = db.prepare('UPDATE survey_responses SET answers = ? WHERE registration = ?');
  const unrecordedAttempts = db.prepare<[number], AttemptRow>(
    'SELECT * FROM quiz_attempts WHERE submitted_at IS NOT NULL AND recorded = 0 ORDER BY id LIMIT ?',
  );
  const unrecordedResponses = db.prepare<[number], ResponseRow>(
    'SELECT * FROM survey_responses WHERE recorded = 0 ORDER BY registration LIMIT ?',
  );
  const attemptRecorded = db.prepare('UPDATE quiz_attempts SET recorded = 1 WHERE id = ?');
  const responseRecorded = db.prepare('UPDATE survey_responses SET recorded = 1 WHERE registration = ?');
  const one = (row: AttemptRow | undefined): QuizAttempt | null => (row ? toAttempt(row) : null);

  return {
    async putQuiz(quiz) {
      quizzes.put.run(quiz.courseId, JSON.stringify(quiz));
    },
    async quiz(courseId) {
      const row = quizzes.get.get(courseId);
      return row ? (JSON.parse(row.body) as Quiz) : null;
    },
    async putSurvey(survey) {
      surveys.put.run(survey.courseId, JSON.stringify(survey));
    },
    async survey(courseId) {
      const row = surveys.get.get(courseId);
      return row ? (JSON.parse(row.body) as Survey) : null;
    },
    async openAttempt(given) {
      openAttempt.run(
        given.id,
        given.registration,
        given.courseId,
        given.startedAt.getTime(),
        JSON.stringify(given.questionIds),
        JSON.stringify(given.answers),
      );
      const row = open.get(given.registration);
      if (!row) throw new Error('an attempt was neither found nor stored');
      return toAttempt(row);
    },
    async attempt(id) {
      return one(attempt.get(id));
    },
    async attemptsOf(registration) {
      return attemptsOf.all(registration).map(toAttempt);
    },
    async submit(id, { answers, score, submittedAt }) {
      submit.run(JSON.stringify(answers), score, submittedAt.getTime(), id);
      return one(attempt.get(id));
    },
    async markViewed(id, at) {
      view.run(at.getTime(), id);
      return one(attempt.get(id));
    },
    async putResponse(given) {
      putResponse.run(
        given.registration,
        given.courseId,
        JSON.stringify(given.answers),
        given.submittedAt.getTime(),
      );
      const row = response.get(given.registration);
      if (!row) throw new Error('a response was neither found nor stored');
      return toResponse(row);
    },
    async response(registration) {
      const row = response.get(registration);
      return row ? toResponse(row) : null;
    },
    async dropAnswers(registration, questionIds) {
      const row = response.get(registration);
      if (!row) return;
      replaceAnswers.run(JSON.stringify(without(toResponse(row).answers, questionIds)), registration);
    },
    async unrecordedAttempts(limit) {
      return unrecordedAttempts.all(limit).map(toAttempt);
    },
    async unrecordedResponses(limit) {
      return unrecordedResponses.all(limit).map(toResponse);
    },
    async markAttemptRecorded(id) {
      attemptRecorded.run(id);
    },
    async markResponseRecorded(registration) {
      responseRecorded.run(registration);
    },
  };
}
