import { randomInt } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import { DomainError } from '../base/errors.ts';
import { newSortableId } from '../base/ids.ts';
import type { Iris } from '../base/iris.ts';
import type { Authority, StatementDoor } from '../lrs/types.ts';
import { checkAnswers, checkQuiz, checkSurvey } from './check.ts';
import { grade } from './grade.ts';
import { attemptStatements, responseStatements } from './statements.ts';
import type { AssessmentStore } from './store.ts';
import type { Assessments, Quiz, QuizAttempt, SurveyResponse, Taker } from './types.ts';

export interface AssessmentsDeps {
  store: AssessmentStore;
  door: StatementDoor;
  platform: Authority;
  iris: Iris;
  clock: Clock;
  /** Who took part, for completing after a crash what a submission had begun; null when the registration is gone. */
  takerOf(registration: string): Promise<Taker | null>;
  /** Throws when nothing new is to be kept about the person (identity/privacy/gate.ts). */
  gate?: (personId: string) => Promise<void>;
}

/** Draws without bias; shuffled when the quiz says so, else in the quiz's order. */
function draw(quiz: Quiz): string[] {
  const ids = quiz.questions.map((question) => question.id);
  const pool = [...ids];
  for (let last = pool.length - 1; last > 0; last--) {
    const at = randomInt(last + 1);
    [pool[last], pool[at]] = [pool[at] as string, pool[last] as string];
  }
  const drawn = pool.slice(0, quiz.drawn ?? pool.length);
  return quiz.shuffle ? drawn : ids.filter((id) => drawn.includes(id));
}

const noQuiz = (): DomainError =>
  new DomainError('not-found', 'This course has no quiz.', { code: 'no-quiz' });
const noSurvey = (): DomainError =>
  new DomainError('not-found', 'This course has no survey.', { code: 'no-survey' });
const noAttempt = (): DomainError =>
  new DomainError('not-found', 'There is no such attempt.', { code: 'no-attempt' });

export interface AssessmentsService extends Assessments {
  /** Stores the Statements that a crash kept from being stored; safe to run at any time and anywhere. Gives how many submissions it completed. */
  completeUnrecorded(): Promise<number>;
}

export function createAssessments({
  store,
  door,
  platform,
  iris,
  clock,
  takerOf,
  gate = async () => undefined,
}: AssessmentsDeps): AssessmentsService {
  /** The decision is stored already; the Statements follow from it alone, so this may run any number of times. */
  const recordAttempt = async (taker: Taker, attempt: QuizAttempt): Promise<void> => {
    const quiz = await store.quiz(attempt.courseId);
    if (!quiz) throw noQuiz();
    await door.store(attemptStatements(taker, quiz, attempt, iris), platform);
    await store.markAttemptRecorded(attempt.id);
  };
  const recordResponse = async (taker: Taker, response: SurveyResponse): Promise<void> => {
    const survey = await store.survey(response.courseId);
    if (!survey) throw noSurvey();
    await door.store(responseStatements(taker, survey, response, iris), platform);
    await store.markResponseRecorded(response.registration);
  };
  const attemptOf = async (taker: Taker, id: string): Promise<QuizAttempt> => {
    const attempt = await store.attempt(id);
    if (!attempt || attempt.registration !== taker.registration) throw noAttempt();
    return attempt;
  };

  return {
    quizOf: (courseId) => store.quiz(courseId),
    async saveQuiz(quiz) {
      checkQuiz(quiz);
      await store.putQuiz(quiz);
    },
    surveyOf: (courseId) => store.survey(courseId),
    async saveSurvey(survey) {
      checkSurvey(survey);
      await store.putSurvey(survey);
    },

    async startAttempt(taker) {
      await gate(taker.personId);
      const quiz = await store.quiz(taker.course.id);
      if (!quiz) throw noQuiz();
      const earlier = await store.attemptsOf(taker.registration);
      if (earlier.some((attempt) => attempt.answersViewedAt !== null))
        throw new DomainError(
          'unprocessable',
          'The answers have been viewed, so the quiz cannot be taken again.',
          {
            code: 'answers-viewed',
          },
        );
      return store.openAttempt({
        id: newSortableId(),
        registration: taker.registration,
        courseId: taker.course.id,
        startedAt: clock.now(),
        submittedAt: null,
        questionIds: draw(quiz),
        answers: {},
        score: null,
        answersViewedAt: null,
      });
    },

    async submitAttempt(taker, attemptId, answers) {
      const open = await attemptOf(taker, attemptId);
      const quiz = await store.quiz(open.courseId);
      if (!quiz) throw noQuiz();
      let attempt = open;
      if (open.submittedAt === null) {
        await gate(taker.personId);
        // A question that was taken out of the quiz meanwhile counts neither for nor against the learner.
        const asked = quiz.questions.filter((question) => open.questionIds.includes(question.id));
        const checked = checkAnswers(
          asked.map((question) => ({ ...question, required: false })),
          answers,
        );
        const submitted = await store.submit(attemptId, {
          answers: checked,
          score: grade(asked, checked),
          submittedAt: clock.now(),
        });
        if (!submitted) throw noAttempt();
        attempt = submitted;
      }
      await recordAttempt(taker, attempt);
      return attempt;
    },

    attemptsOf: (registration) => store.attemptsOf(registration),

    async viewAnswers(taker, attemptId) {
      const attempt = await attemptOf(taker, attemptId);
      if (attempt.submittedAt === null)
        throw new DomainError('unprocessable', 'The answers can be viewed once the quiz is submitted.', {
          code: 'attempt-open',
        });
      return (await store.markViewed(attemptId, clock.now())) ?? attempt;
    },

    async submitSurvey(taker, answers) {
      const survey = await store.survey(taker.course.id);
      if (!survey) throw noSurvey();
      const earlier = await store.response(taker.registration);
      if (!earlier) await gate(taker.personId);
      const response =
        earlier ??
        (await store.putResponse({
          registration: taker.registration,
          courseId: taker.course.id,
          answers: checkAnswers(survey.questions, answers),
          submittedAt: clock.now(),
        }));
      await recordResponse(taker, response);
      return response;
    },
    surveyResponse: (registration) => store.response(registration),

    async completeUnrecorded() {
      let completed = 0;
      for (const attempt of await store.unrecordedAttempts(1000)) {
        const taker = await takerOf(attempt.registration);
        if (!taker) continue;
        await recordAttempt(taker, attempt);
        completed++;
      }
      for (const response of await store.unrecordedResponses(1000)) {
        const taker = await takerOf(response.registration);
        if (!taker) continue;
        await recordResponse(taker, response);
        completed++;
      }
      return completed;
    },
  };
}
