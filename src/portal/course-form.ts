import { z } from 'zod';
import { toClockTime } from '../base/durations.ts';
import { DomainError, type Problem } from '../base/errors.ts';
import type { Language, LocalText } from '../base/languages.ts';
import type { Course, CourseDraft } from '../courses/types.ts';
import { hasMessage, translate } from '../views/messages.ts';

const optional = z.string().trim().default('');
/** The course editor's form as it is sent. */
export const courseForm = z.object({
  code: optional,
  certifiedHours: z.coerce.number().catch(NaN),
  titleZh: optional,
  titleEn: optional,
  summaryZh: optional,
  summaryEn: optional,
  teacher: optional,
  category: optional,
  reading: optional,
  passScore: optional,
  survey: z.literal('yes').optional(),
  ownWindow: z.literal('yes').optional(),
  inactivity: optional,
  attempts: optional,
  review: z.literal('yes').optional(),
  packageVersionId: optional,
});
export type CourseForm = z.output<typeof courseForm>;

/** What was typed in two fields, as one text in the languages given. */
export const typed = (zh: string, en: string): LocalText =>
  en === '' ? { 'zh-TW': zh } : { 'zh-TW': zh, en };

/** DomainError `invalid` when the reading time cannot be read. */
export function draftOf(form: CourseForm): CourseDraft {
  const time = /^(\d{1,3}):([0-5]\d):([0-5]\d)$/.exec(form.reading);
  if (form.reading !== '' && !time)
    throw new DomainError('invalid', 'The reading time must be HH:MM:SS.', {
      code: 'invalid-fields',
      problems: [{ path: 'reading', message: 'HH:MM:SS' }],
    });
  const seconds = time
    ? Number(time[1]) * 3600 + Number(time[2]) * 60 + Number(time[3])
    : Math.round(form.certifiedHours * 1800);
  return {
    code: form.code,
    title: typed(form.titleZh, form.titleEn),
    summary: typed(form.summaryZh, form.summaryEn),
    certifiedHours: form.certifiedHours,
    teacher: form.teacher === '' ? null : form.teacher,
    categoryPath: form.category
      .split(/[>＞]/)
      .map((part) => part.trim())
      .filter((part) => part !== ''),
    conditions: {
      readingSeconds: seconds > 0 ? seconds : null,
      passScore: form.passScore === '' ? null : Number(form.passScore),
      survey: form.survey === 'yes',
    },
    packageVersionId: form.packageVersionId === '' ? null : form.packageVersionId,
    contentWindow: form.ownWindow === 'yes' ? 'popup' : 'frame',
    inactivityMinutes: form.inactivity === '' ? null : Number(form.inactivity),
    attempts: { limit: form.attempts === '' ? null : Number(form.attempts), review: form.review === 'yes' },
  };
}

/** The form's fields for a course that is there. */
export const formOf = (course: Course): Record<string, unknown> => ({
  code: course.code,
  certifiedHours: course.certifiedHours,
  titleZh: course.title['zh-TW'],
  titleEn: course.title.en ?? '',
  summaryZh: course.summary['zh-TW'],
  summaryEn: course.summary.en ?? '',
  teacher: course.teacher ?? '',
  category: course.categoryPath.join(' > '),
  reading: course.conditions.readingSeconds === null ? '' : toClockTime(course.conditions.readingSeconds),
  passScore: course.conditions.passScore ?? '',
  survey: course.conditions.survey,
  ownWindow: course.contentWindow === 'popup',
  inactivity: course.inactivityMinutes ?? '',
  attempts: course.attempts?.limit ?? '',
  review: course.attempts?.review ?? false,
  packageVersionId: course.packageVersionId ?? '',
});

const fieldLabels: Record<string, string> = {
  code: 'course.code',
  certifiedHours: 'course.hours',
  'title.zh-TW': 'vendor.titleZh',
  'title.en': 'vendor.titleEn',
  'summary.zh-TW': 'vendor.summaryZh',
  'summary.en': 'vendor.summaryEn',
  reading: 'vendor.readingSeconds',
  'conditions.readingSeconds': 'vendor.readingSeconds',
  'conditions.passScore': 'vendor.passScore',
  categoryPath: 'vendor.category',
  inactivityMinutes: 'vendor.inactivity',
  'attempts.limit': 'vendor.attempts',
};
/** Problems by the labels that the fields have on the page. */
export const shownProblems = (language: Language, problems: readonly Problem[]) =>
  problems.map(({ path, message }) => {
    if (hasMessage(`vendor.missing.${path}`))
      return { label: null, message: translate(language, `vendor.missing.${path}`) };
    const label = fieldLabels[path];
    return { label: label ? translate(language, label) : path, message };
  });
