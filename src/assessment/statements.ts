import { uuidFrom } from '../base/ids.ts';
import type { Iris } from '../base/iris.ts';
import type { LocalText } from '../base/languages.ts';
import { actorOf } from '../identity/types.ts';
import type { Activity, InteractionComponent, LanguageMap, Statement } from '../xapi/types.ts';
import { activityTypes, verbs } from '../xapi/verbs.ts';
import { isRight } from './grade.ts';
import type {
  Choice,
  Quiz,
  QuizAttempt,
  QuizQuestion,
  Survey,
  SurveyQuestion,
  SurveyResponse,
  Taker,
} from './types.ts';

const languageMap = (text: LocalText): LanguageMap => ({
  'zh-TW': text['zh-TW'],
  ...(text.en ? { en: text.en } : {}),
});
const components = (choices: Choice[]): InteractionComponent[] =>
  choices.map(({ id, text }) => ({ id, description: languageMap(text) }));

const course = (taker: Taker, iris: Iris): Activity => ({
  objectType: 'Activity',
  id: iris.course(taker.course.code),
  definition: { type: activityTypes.course, name: languageMap(taker.course.title) },
});
const quizActivity = (taker: Taker, quiz: Quiz, iris: Iris): Activity => ({
  objectType: 'Activity',
  id: iris.quiz(taker.course.code),
  definition: { type: activityTypes.assessment, name: languageMap(quiz.title) },
});
const surveyActivity = (taker: Taker, survey: Survey, iris: Iris): Activity => ({
  objectType: 'Activity',
  id: iris.survey(taker.course.code),
  definition: { type: activityTypes.survey, name: languageMap(survey.title) },
});

const questionActivity = (taker: Taker, question: QuizQuestion, iris: Iris): Activity => ({
  objectType: 'Activity',
  id: iris.question(taker.course.code, question.id),
  definition: {
    type: activityTypes.interaction,
    description: languageMap(question.text),
    interactionType: 'choice',
    correctResponsesPattern: [question.correct.join('[,]')],
    choices: components(question.choices),
  },
});

const surveyQuestionActivity = (taker: Taker, question: SurveyQuestion, iris: Iris): Activity => ({
  objectType: 'Activity',
  id: iris.surveyQuestion(taker.course.code, question.id),
  definition: {
    type: activityTypes.interaction,
    description: languageMap(question.text),
    ...(question.kind === 'text'
      ? { interactionType: 'long-fill-in' }
      : question.kind === 'scale'
        ? { interactionType: 'likert', scale: components(question.choices) }
        : { interactionType: 'choice', choices: components(question.choices) }),
  },
});

/**
 * A submitted attempt as Statements: `answered` per question, then `passed` or `failed` on the quiz. The ids follow from
 * the attempt's id and the timestamp from its submission, so that the same attempt always gives the same Statements. Pure.
 */
export function attemptStatements(taker: Taker, quiz: Quiz, attempt: QuizAttempt, iris: Iris): Statement[] {
  const { submittedAt, score } = attempt;
  if (submittedAt === null || score === null) return [];
  const actor = actorOf({ id: taker.personId }, iris);
  const timestamp = submittedAt.toISOString();
  const grouping = [course(taker, iris)];
  const extensions = { [iris.term('quiz-attempt')]: attempt.id };
  const asked = attempt.questionIds.flatMap((id) => quiz.questions.filter((question) => question.id === id));
  const passed = taker.course.passScore === null || score >= taker.course.passScore;
  return [
    ...asked.map((question): Statement => {
      const chosen = attempt.answers[question.id] ?? [];
      return {
        id: uuidFrom('quiz-answer', attempt.id, question.id),
        actor,
        verb: verbs.answered,
        object: questionActivity(taker, question, iris),
        result: { response: chosen.join('[,]'), success: isRight(question, chosen) },
        context: {
          registration: taker.registration,
          contextActivities: { parent: [quizActivity(taker, quiz, iris)], grouping },
          extensions,
        },
        timestamp,
      };
    }),
    {
      id: uuidFrom('quiz-result', attempt.id),
      actor,
      verb: passed ? verbs.passed : verbs.failed,
      object: quizActivity(taker, quiz, iris),
      result: {
        score: { scaled: score / 100, raw: score, min: 0, max: 100 },
        success: passed,
        completion: true,
      },
      context: {
        registration: taker.registration,
        contextActivities: { parent: grouping, grouping },
        extensions,
      },
      timestamp,
    },
  ];
}

/** A survey response as Statements: `answered` per answered question, then `completed` on the survey. Pure. */
export function responseStatements(
  taker: Taker,
  survey: Survey,
  response: SurveyResponse,
  iris: Iris,
): Statement[] {
  const actor = actorOf({ id: taker.personId }, iris);
  const timestamp = response.submittedAt.toISOString();
  const grouping = [course(taker, iris)];
  const answered = survey.questions.filter((question) => (response.answers[question.id]?.length ?? 0) > 0);
  return [
    ...answered.map((question): Statement => ({
      id: uuidFrom('survey-answer', response.registration, question.id),
      actor,
      verb: verbs.answered,
      object: surveyQuestionActivity(taker, question, iris),
      result: { response: (response.answers[question.id] ?? []).join('[,]') },
      context: {
        registration: taker.registration,
        contextActivities: { parent: [surveyActivity(taker, survey, iris)], grouping },
      },
      timestamp,
    })),
    {
      id: uuidFrom('survey-done', response.registration),
      actor,
      verb: verbs.completed,
      object: surveyActivity(taker, survey, iris),
      result: { completion: true },
      context: { registration: taker.registration, contextActivities: { parent: grouping, grouping } },
      timestamp,
    },
  ];
}
