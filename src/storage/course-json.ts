import type { Course } from '../courses/store.ts';
import { foldName } from './fold-name.ts';

const instant = (text: string | null): Date | null => (text === null ? null : new Date(text));

/** A course from the JSON that both engines keep it as: its dates become dates again. */
export function courseFromJson(text: string): Course {
  const kept = JSON.parse(text) as Omit<Course, 'enrolment' | 'classPeriod' | 'createdAt' | 'publishedAt'> & {
    enrolment: { from: string | null; to: string | null };
    classPeriod: { from: string | null; to: string | null };
    createdAt: string;
    publishedAt: string | null;
  };
  return {
    ...kept,
    enrolment: { from: instant(kept.enrolment.from), to: instant(kept.enrolment.to) },
    classPeriod: { from: instant(kept.classPeriod.from), to: instant(kept.classPeriod.to) },
    createdAt: new Date(kept.createdAt),
    publishedAt: instant(kept.publishedAt),
  };
}

/** What the words of a search are looked for in. */
export const searchText = (course: Course): string =>
  foldName(
    [
      course.code,
      course.title['zh-TW'],
      course.title.en ?? '',
      course.summary['zh-TW'],
      course.summary.en ?? '',
      course.organisation,
      course.teacher ?? '',
      ...course.categoryPath,
    ].join('\n'),
  );
