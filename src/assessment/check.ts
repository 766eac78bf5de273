import { z } from 'zod';
import { DomainError, type Problem } from '../base/errors.ts';
import type { Quiz, Survey } from './types.ts';

const id = z.string().regex(/^[A-Za-z0-9_-]{1,40}$/, 'must have 1 to 40 letters, digits, _ or -');
const local = (max: number) =>
  z.object({
    'zh-TW': z.string().trim().min(1, 'is missing').max(max),
    en: z.string().trim().max(max).optional(),
  });
const choices = z.array(z.object({ id, text: local(500) })).max(20);

const quizSchema = z.object({
  courseId: z.string().min(1),
  title: local(200),
  questions: z
    .array(
      z.object({
        id,
        kind: z.enum(['single', 'multiple']),
        text: local(2000),
        choices: choices.min(2, 'needs at least two choices'),
        correct: z.array(id).min(1, 'needs a right choice'),
        explanation: local(2000).optional(),
        points: z.number().positive().max(1000),
      }),
    )
    .min(1, 'needs at least one question')
    .max(500),
  drawn: z.number().int().positive().nullable(),
  shuffle: z.boolean(),
});

const surveySchema = z.object({
  courseId: z.string().min(1),
  title: local(200),
  questions: z
    .array(
      z.object({
        id,
        kind: z.enum(['scale', 'single', 'multiple', 'text']),
        text: local(2000),
        choices,
        required: z.boolean(),
      }),
    )
    .min(1, 'needs at least one question')
    .max(100),
});

const repeated = (ids: string[]): string[] => ids.filter((one, at) => ids.indexOf(one) !== at);

function refuse(what: string, problems: Problem[]): void {
  if (problems.length > 0)
    throw new DomainError('invalid', `The ${what} has faults; each is named with its question.`, {
      code: 'invalid-fields',
      problems,
    });
}
const problemsOf = (result: z.ZodSafeParseResult<unknown>): Problem[] =>
  result.error?.issues.map((issue) => ({ path: issue.path.join('.'), message: issue.message })) ?? [];

/** DomainError `invalid` with every fault of the quiz, by question. */
export function checkQuiz(quiz: Quiz): void {
  const problems = problemsOf(quizSchema.safeParse(quiz));
  if (problems.length === 0) {
    if (repeated(quiz.questions.map((question) => question.id)).length > 0)
      problems.push({ path: 'questions', message: 'two questions have the same id' });
    if (quiz.drawn !== null && quiz.drawn > quiz.questions.length)
      problems.push({ path: 'drawn', message: 'draws more questions than there are' });
    quiz.questions.forEach((question, at) => {
      const known = question.choices.map((choice) => choice.id);
      if (repeated(known).length > 0)
        problems.push({ path: `questions.${at}.choices`, message: 'two choices have the same id' });
      if (repeated(question.correct).length > 0 || question.correct.some((one) => !known.includes(one)))
        problems.push({ path: `questions.${at}.correct`, message: 'must name each right choice once' });
      if (question.kind === 'single' && question.correct.length !== 1)
        problems.push({
          path: `questions.${at}.correct`,
          message: 'a single choice has exactly one right choice',
        });
    });
  }
  refuse('quiz', problems);
}

/** DomainError `invalid` with every fault of the survey, by question. */
export function checkSurvey(survey: Survey): void {
  const problems = problemsOf(surveySchema.safeParse(survey));
  if (problems.length === 0) {
    if (repeated(survey.questions.map((question) => question.id)).length > 0)
      problems.push({ path: 'questions', message: 'two questions have the same id' });
    survey.questions.forEach((question, at) => {
      const known = question.choices.map((choice) => choice.id);
      if (question.kind !== 'text' && known.length < 2)
        problems.push({ path: `questions.${at}.choices`, message: 'needs at least two choices' });
      if (repeated(known).length > 0)
        problems.push({ path: `questions.${at}.choices`, message: 'two choices have the same id' });
    });
  }
  refuse('survey', problems);
}

/** What the learner may answer: known questions, known choices, one choice where one is asked. */
export function checkAnswers(
  questions: readonly {
    id: string;
    kind: 'single' | 'multiple' | 'scale' | 'text';
    choices: { id: string }[];
    required: boolean;
  }[],
  answers: Record<string, string[]>,
): Record<string, string[]> {
  const problems: Problem[] = [];
  const kept: Record<string, string[]> = {};
  for (const question of questions) {
    const given = [...new Set(answers[question.id] ?? [])]
      .map((one) => one.trim())
      .filter((one) => one !== '');
    if (given.length === 0) {
      if (question.required) problems.push({ path: question.id, message: 'please answer this question' });
      continue;
    }
    if (question.kind === 'text') {
      if ((given[0] ?? '').length > 4000)
        problems.push({ path: question.id, message: 'has more than 4000 characters' });
      kept[question.id] = [given[0] ?? ''];
      continue;
    }
    if (given.some((one) => !question.choices.some((choice) => choice.id === one)))
      problems.push({ path: question.id, message: 'has a choice that this question does not offer' });
    if (question.kind !== 'multiple' && given.length > 1)
      problems.push({ path: question.id, message: 'takes one choice only' });
    kept[question.id] = given;
  }
  refuse('answer', problems);
  return kept;
}
