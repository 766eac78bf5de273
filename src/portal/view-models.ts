import { toClockTime } from '../base/durations.ts';
import { inLanguage, type Language } from '../base/languages.ts';
import type { Completion, ConditionState, Progress } from '../completion/types.ts';
import type { Course, Enrolment } from '../courses/types.ts';
import { translate } from '../views/messages.ts';

const taipei = new Intl.DateTimeFormat('en-CA', {
  timeZone: 'Asia/Taipei',
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
});
export const day = (date: Date): string => taipei.format(date);

/** A segment of the path: how far it is filled, 0–100. */
export interface ConditionView extends ConditionState {
  percent: number;
  answered: boolean;
}

export const conditionView = (state: ConditionState): ConditionView => {
  const share =
    typeof state.required === 'number' && typeof state.actual === 'number'
      ? Math.min(1, state.actual / state.required)
      : state.met
        ? 1
        : 0;
  return {
    ...state,
    percent: state.met ? 100 : Math.min(99, Math.floor(share * 100)),
    answered: state.actual !== null,
    ...(state.kind === 'quiz' && typeof state.actual === 'number'
      ? { actual: Math.round(state.actual) }
      : {}),
  };
};

export function periodText(language: Language, { from, to }: { from: Date | null; to: Date | null }): string {
  if (from && to) return translate(language, 'courses.between', { from: day(from), to: day(to) });
  if (from) return translate(language, 'courses.from', { from: day(from) });
  if (to) return translate(language, 'courses.until', { to: day(to) });
  return translate(language, 'courses.always');
}

/** Start~end of a learner's class period; "~" before the start (requirements 40). */
export const ownPeriod = (enrolment: Enrolment, progress: Progress): string =>
  `${enrolment.startedAt ? day(enrolment.startedAt) : ''}~${progress.completedAt ? day(progress.completedAt) : ''}`;

/** The conditions as sentences: 閱讀時數：01:30:00（含）以上 … */
export function ruleTexts(language: Language, { conditions }: Pick<Course, 'conditions'>): string[] {
  const { readingSeconds, passScore, survey } = conditions;
  return [
    ...(readingSeconds === null
      ? []
      : [translate(language, 'course.rule.reading', { time: toClockTime(readingSeconds) })]),
    ...(passScore === null ? [] : [translate(language, 'course.rule.quiz', { points: passScore })]),
    ...(survey ? [translate(language, 'course.rule.survey')] : []),
  ];
}

/** The course in words, for a page's facts. */
export const courseView = (language: Language, course: Course) => ({
  id: course.id,
  code: course.code,
  title: inLanguage(course.title, language),
  summary: inLanguage(course.summary, language),
  organisation: course.organisation,
  teacher: course.teacher,
  categoryPath: course.categoryPath,
  categoryCode: course.categoryCode,
  certifiedHours: course.certifiedHours,
  type: translate(language, `courses.type.${course.type}`),
  status: translate(language, `courses.status.${course.status}`),
  enrolmentPeriod: periodText(language, course.enrolment),
  classPeriod: periodText(language, course.classPeriod),
});

/** A picture for a course without one: the same for the same code. */
const hueOf = (code: string): number =>
  [...code].reduce((sum, letter) => sum + (letter.codePointAt(0) ?? 0), 0) % 4;

export function cardView(
  language: Language,
  course: Course,
  own: { progress: Progress; completion: Completion } | null,
) {
  return {
    ...courseView(language, course),
    hue: hueOf(course.code),
    conditions: own ? own.completion.conditions(course.conditions, own.progress).map(conditionView) : null,
    state: own
      ? translate(language, own.progress.completedAt ? 'courses.state.passed' : 'courses.state.enrolled')
      : null,
  };
}
