import type { Course, CourseFilter, Enrolment } from './types.ts';

export type { Course, CourseFilter, Enrolment } from './types.ts';

/** A course with the revision that a change must name. */
export interface CourseRecord {
  course: Course;
  revision: number;
}

/** Port: courses and enrolments. */
export interface CourseStore {
  /** False when the code is taken; then nothing is stored. Codes are compared without regard to case. */
  insert(course: Course): Promise<boolean>;
  /** Replaces the course if its revision is still this one. */
  replace(course: Course, revision: number): Promise<'done' | 'stale' | 'code-taken'>;
  byId(id: string): Promise<CourseRecord | null>;
  byCode(code: string): Promise<CourseRecord | null>;
  byIds(ids: string[]): Promise<Course[]>;
  /** Published ones, newest publication first; `total` counts all that match. */
  published(
    filter: CourseFilter & { limit: number; offset: number },
  ): Promise<{ courses: Course[]; total: number }>;
  /** In any state, newest first. */
  ofOrganisation(organisation: string): Promise<Course[]>;

  /** Stores the enrolment unless the person has a current one in the course; gives the current one either way. */
  enrol(enrolment: Enrolment): Promise<Enrolment>;
  /** The current (not withdrawn) enrolment. */
  enrolment(personId: string, courseId: string): Promise<Enrolment | null>;
  byRegistration(registration: string): Promise<Enrolment | null>;
  /** Current ones, newest first. */
  enrolmentsOf(personId: string): Promise<Enrolment[]>;
  /** Sets the start if there is none yet; gives true when this call set it. */
  markStarted(registration: string, at: Date): Promise<boolean>;
}
