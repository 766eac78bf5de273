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
  /** Enrolments whose Statement is not known to be stored yet: a crash came between. Oldest first. */
  unrecordedEnrolments(limit: number): Promise<Enrolment[]>;
  markEnrolmentRecorded(registration: string): Promise<void>;
  /** The current (not withdrawn) enrolment. */
  enrolment(personId: string, courseId: string): Promise<Enrolment | null>;
  byRegistration(registration: string): Promise<Enrolment | null>;
  /** Current ones, newest first. */
  enrolmentsOf(personId: string): Promise<Enrolment[]>;
  /** Withdrawn ones too, oldest first. */
  everyEnrolmentOf(personId: string): Promise<Enrolment[]>;
  /**
   * Gives the enrolment to another person. `done` also when it is theirs already; `taken` when it is current and they
   * have a current one in the course; `gone` when it is neither `from`'s nor `to`'s.
   */
  transfer(registration: string, from: string, to: string): Promise<'done' | 'taken' | 'gone'>;
  /** Sets the start if there is none yet; gives true when this call set it. */
  markStarted(registration: string, at: Date): Promise<boolean>;

  /** Fixes the package version that the learner goes on with, unless one is fixed; gives the fixed one. */
  pinVersion(registration: string, versionId: string): Promise<string | null>;
  /** Fixes it for all current enrolments of the course that have started and have none; says how many. */
  pinStarted(courseId: string, versionId: string): Promise<number>;
  /** Moves all current enrolments of the course that have another version fixed to this one; says how many. */
  moveToVersion(courseId: string, versionId: string): Promise<number>;
  /** Current enrolments of the course that have opened it, by registration, after the given one. */
  startedIn(courseId: string, after: string | null, limit: number): Promise<Enrolment[]>;
}

/** Something said in a course: an announcement to all, or a learner's question or feedback to the course's staff. */
export interface CoursePost {
  /** Sortable. Author and text are empty once the author is erased, an answer's person once that one is. */
  id: string;
  courseId: string;
  kind: 'announcement' | 'question' | 'feedback';
  authorId: string;
  text: string;
  at: Date;
  answer: { text: string; personId: string; at: Date } | null;
}

/** Port: 學習互動區, what is said in a course. */
export interface CourseBoardStore {
  add(post: CoursePost): Promise<void>;
  byId(id: string): Promise<CoursePost | null>;
  /** Newest first. */
  announcements(courseId: string, limit: number): Promise<CoursePost[]>;
  /** Questions and feedback, newest first; of one author where given. */
  messages(courseId: string, limit: number, authorId?: string): Promise<CoursePost[]>;
  /** Replaces the answer; false when there is no such post. */
  answer(id: string, answer: NonNullable<CoursePost['answer']>): Promise<boolean>;
  /** False when there is no such post. */
  remove(id: string): Promise<boolean>;
  /** All that this person has said in any course, oldest first; not what they have answered. */
  ofAuthor(authorId: string): Promise<CoursePost[]>;
  /**
   * Takes the person out of what was said: of a question or feedback only the answer stays, and nothing where there is none;
   * announcements and answers stay without who gave them. Says how many posts that were; running it again changes nothing.
   */
  anonymise(personId: string): Promise<number>;
}
