import { Schema } from 'mongoose';
import type { AssessmentStore, Quiz, QuizAttempt, Survey, SurveyResponse } from '../../assessment/store.ts';
import { without } from '../../assessment/store.ts';
import { type Connection, isDuplicateKey } from './open.ts';

interface BodyRow {
  _id: string;
  body: string;
}
interface AttemptRow {
  _id: string;
  registration: string;
  courseId: string;
  startedAt: Date;
  submittedAt: Date | null;
  questionIds: string[];
  /** JSON: question ids are the vendor's and may be no fit keys. */
  answers: string;
  score: number | null;
  answersViewedAt: Date | null;
  recorded: boolean;
  /** The registration while open; absent once submitted: the unique index is sparse. */
  openKey?: string;
}
interface ResponseRow {
  _id: string;
  courseId: string;
  answers: string;
  submittedAt: Date;
  recorded: boolean;
}

const bodies = (collection: string) =>
  new Schema<BodyRow>(
    { _id: { type: String, required: true }, body: { type: String, required: true } },
    { versionKey: false, collection },
  );
const attempts = new Schema<AttemptRow>(
  {
    _id: { type: String, required: true },
    registration: { type: String, required: true },
    courseId: { type: String, required: true },
    startedAt: { type: Date, required: true },
    submittedAt: { type: Date, default: null },
    questionIds: { type: [String], required: true },
    answers: { type: String, required: true },
    score: { type: Number, default: null },
    answersViewedAt: { type: Date, default: null },
    recorded: { type: Boolean, required: true },
    openKey: String,
  },
  { versionKey: false, collection: 'quiz_attempts' },
);
attempts.index({ openKey: 1 }, { unique: true, sparse: true });
attempts.index({ registration: 1, startedAt: 1 });
attempts.index({ recorded: 1, _id: 1 });
const responses = new Schema<ResponseRow>(
  {
    _id: { type: String, required: true },
    courseId: { type: String, required: true },
    answers: { type: String, required: true },
    submittedAt: { type: Date, required: true },
    recorded: { type: Boolean, required: true },
  },
  { versionKey: false, collection: 'survey_responses' },
);
responses.index({ recorded: 1, _id: 1 });

const toAttempt = (row: AttemptRow): QuizAttempt => ({
  id: row._id,
  registration: row.registration,
  courseId: row.courseId,
  startedAt: row.startedAt,
  submittedAt: row.submittedAt,
  questionIds: row.questionIds,
  answers: JSON.parse(row.answers) as Record<string, string[]>,
  score: row.score,
  answersViewedAt: row.answersViewedAt,
});
const toResponse = (row: ResponseRow): SurveyResponse => ({
  registration: row._id,
  courseId: row.courseId,
  answers: JSON.parse(row.answers) as Record<string, string[]>,
  submittedAt: row.submittedAt,
});

export async function createMongoAssessmentStore(connection: Connection): Promise<AssessmentStore> {
  const quiz = connection.model<BodyRow>('Quiz', bodies('quizzes'));
  const survey = connection.model<BodyRow>('Survey', bodies('surveys'));
  const attempt = connection.model<AttemptRow>('QuizAttempt', attempts);
  const response = connection.model<ResponseRow>('SurveyResponse', responses);
  for (const model of [quiz, survey, attempt, response]) {
    await model.createCollection();
    await model.createIndexes();
  }
  const attemptById = async (id: string): Promise<QuizAttempt | null> => {
    const row = await attempt.findById(id).lean<AttemptRow>();
    return row && toAttempt(row);
  };
  return {
    async putQuiz(given) {
      await quiz.replaceOne({ _id: given.courseId }, { body: JSON.stringify(given) }, { upsert: true });
    },
    async quiz(courseId) {
      const row = await quiz.findById(courseId).lean<BodyRow>();
      return row && (JSON.parse(row.body) as Quiz);
    },
    async putSurvey(given) {
      await survey.replaceOne({ _id: given.courseId }, { body: JSON.stringify(given) }, { upsert: true });
    },
    async survey(courseId) {
      const row = await survey.findById(courseId).lean<BodyRow>();
      return row && (JSON.parse(row.body) as Survey);
    },
    async openAttempt({ id, answers, ...rest }) {
      for (;;) {
        try {
          await attempt.create({
            _id: id,
            ...rest,
            answers: JSON.stringify(answers),
            recorded: false,
            openKey: rest.registration,
          });
        } catch (error) {
          if (!isDuplicateKey(error)) throw error;
        }
        const row = await attempt.findOne({ openKey: rest.registration }).lean<AttemptRow>();
        if (row) return toAttempt(row);
        // The open attempt that stood in the way was submitted in between: there is room now.
      }
    },
    attempt: attemptById,
    async attemptsOf(registration) {
      const rows = await attempt.find({ registration }).sort({ startedAt: 1, _id: 1 }).lean<AttemptRow[]>();
      return rows.map(toAttempt);
    },
    async submit(id, { answers, score, submittedAt }) {
      await attempt.updateOne(
        { _id: id, submittedAt: null },
        { $set: { answers: JSON.stringify(answers), score, submittedAt }, $unset: { openKey: '' } },
      );
      return attemptById(id);
    },
    async markViewed(id, at) {
      await attempt.updateOne({ _id: id, answersViewedAt: null }, { $set: { answersViewedAt: at } });
      return attemptById(id);
    },
    async putResponse({ registration, answers, ...rest }) {
      try {
        await response.create({
          _id: registration,
          ...rest,
          answers: JSON.stringify(answers),
          recorded: false,
        });
      } catch (error) {
        if (!isDuplicateKey(error)) throw error;
      }
      const row = await response.findById(registration).lean<ResponseRow>();
      if (!row) throw new Error('a response was neither found nor stored');
      return toResponse(row);
    },
    async response(registration) {
      const row = await response.findById(registration).lean<ResponseRow>();
      return row && toResponse(row);
    },
    async dropAnswers(registration, questionIds) {
      // A response never changes otherwise: nothing can come in between.
      const row = await response.findById(registration).lean<ResponseRow>();
      if (!row) return;
      const answers = JSON.stringify(without(toResponse(row).answers, questionIds));
      await response.updateOne({ _id: registration }, { $set: { answers } });
    },
    async unrecordedAttempts(limit) {
      const rows = await attempt
        .find({ recorded: false, submittedAt: { $ne: null } })
        .sort({ _id: 1 })
        .limit(limit)
        .lean<AttemptRow[]>();
      return rows.map(toAttempt);
    },
    async unrecordedResponses(limit) {
      const rows = await response
        .find({ recorded: false })
        .sort({ _id: 1 })
        .limit(limit)
        .lean<ResponseRow[]>();
      return rows.map(toResponse);
    },
    async markAttemptRecorded(id) {
      await attempt.updateOne({ _id: id }, { $set: { recorded: true } });
    },
    async markResponseRecorded(registration) {
      await response.updateOne({ _id: registration }, { $set: { recorded: true } });
    },
  };
}
