import { fromIsoDuration } from '../base/durations.ts';
import type { Iris } from '../base/iris.ts';
import type { StoredStatement } from '../lrs/types.ts';
import { verbs } from '../xapi/verbs.ts';
import type { ConditionState, Progress } from './types.ts';

/** What a course asks; null and false: not asked. */
export interface Rules {
  readingSeconds: number | null;
  passScore: number | null;
  survey: boolean;
}

/** Which Statements speak of this course. */
export interface CourseActivities {
  course: string;
  quiz: string;
  survey: string;
  /** Category of the platform's reading-time Statements. */
  readingTime: string;
}

export const activitiesOf = (courseCode: string, iris: Iris): CourseActivities => ({
  course: iris.course(courseCode),
  quiz: iris.quiz(courseCode),
  survey: iris.survey(courseCode),
  readingTime: iris.term('reading-time'),
});

/** One fact that a condition rests on, and when it became true (ms since 1970). */
type Fact = { at: number } & (
  { kind: 'reading'; hundredths: number } | { kind: 'score'; score: number } | { kind: 'survey' }
);

function activityIdOf({ object }: StoredStatement['statement']): string | null {
  if (object.objectType !== undefined && object.objectType !== 'Activity') return null;
  return 'id' in object ? object.id : null;
}

function factOf({ statement }: StoredStatement, of: CourseActivities): Fact | null {
  const activity = activityIdOf(statement);
  if (activity === null) return null;
  const at = Date.parse(statement.timestamp);
  const { result, context } = statement;
  if (statement.verb.id === verbs.exited.id && activity === of.course) {
    if (!context?.contextActivities?.category?.some(({ id }) => id === of.readingTime)) return null;
    const seconds = result?.duration === undefined ? null : fromIsoDuration(result.duration);
    return seconds === null ? null : { kind: 'reading', at, hundredths: Math.round(seconds * 100) };
  }
  if (
    (statement.verb.id === verbs.passed.id || statement.verb.id === verbs.failed.id) &&
    activity === of.quiz
  ) {
    const score = result?.score?.raw;
    return typeof score === 'number' ? { kind: 'score', at, score } : null;
  }
  if (statement.verb.id === verbs.completed.id && activity === of.survey) return { kind: 'survey', at };
  return null;
}

/** What the Statements of one registration amount to. */
export interface Evaluation {
  progress: Omit<Progress, 'registration'>;
  /** The reading time and the best score at the instant of completion; null while incomplete. */
  atCompletion: { at: Date; readingSeconds: number; score: number | null } | null;
}

/**
 * The pure core of completion. The Statements may come in any order and more than once; the same set gives the same answer.
 * Reading time and score are compared inclusively, time at 0.01 s. Conditions not asked are met from the beginning; a course
 * that asks for nothing is never complete by itself.
 */
export function evaluate(
  rules: Rules,
  statements: readonly StoredStatement[],
  of: CourseActivities,
): Evaluation {
  const distinct = [...new Map(statements.map((stored) => [stored.id, stored])).values()];
  const facts = distinct
    .flatMap((stored) => {
      const fact = factOf(stored, of);
      return fact ? [{ fact, id: stored.id }] : [];
    })
    .toSorted((a, b) => a.fact.at - b.fact.at || (a.id < b.id ? -1 : 1));

  let hundredths = 0;
  let score: number | null = null;
  let surveyDone = false;
  let atCompletion: Evaluation['atCompletion'] = null;
  const asksSomething = rules.readingSeconds !== null || rules.passScore !== null || rules.survey;
  for (const { fact } of facts) {
    if (fact.kind === 'reading') hundredths += fact.hundredths;
    else if (fact.kind === 'score') score = Math.max(score ?? 0, fact.score);
    else surveyDone = true;
    const met =
      asksSomething &&
      (rules.readingSeconds === null || hundredths >= Math.round(rules.readingSeconds * 100)) &&
      (rules.passScore === null || (score !== null && score >= rules.passScore)) &&
      (!rules.survey || surveyDone);
    if (met && !atCompletion)
      atCompletion = { at: new Date(fact.at), readingSeconds: hundredths / 100, score };
  }
  return {
    progress: {
      readingSeconds: hundredths / 100,
      quizScore: score,
      surveyDone,
      completedAt: atCompletion?.at ?? null,
    },
    atCompletion,
  };
}

/** The conditions as a learner sees them, in the order reading, quiz, survey; only those asked. Pure. */
export function conditionStates(rules: Rules, progress: Progress): ConditionState[] {
  // What was complete stays complete, also when the rules are made harder afterwards.
  const done = progress.completedAt !== null;
  return [
    ...(rules.readingSeconds === null
      ? []
      : [
          {
            kind: 'reading' as const,
            required: rules.readingSeconds,
            actual: progress.readingSeconds,
            met: done || progress.readingSeconds >= rules.readingSeconds,
          },
        ]),
    ...(rules.passScore === null
      ? []
      : [
          {
            kind: 'quiz' as const,
            required: rules.passScore,
            actual: progress.quizScore,
            met: done || (progress.quizScore ?? -1) >= rules.passScore,
          },
        ]),
    ...(rules.survey
      ? [
          {
            kind: 'survey' as const,
            required: true,
            actual: progress.surveyDone,
            met: done || progress.surveyDone,
          },
        ]
      : []),
  ];
}
