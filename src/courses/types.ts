import type { LocalText } from '../base/languages.ts';

export type CourseType = 'open' | 'assembled' | 'mooc' | 'micro' | 'spoc' | 'ebook' | 'live';

/** What must be true to pass; each may differ per course (requirements 37). */
export interface CompletionConditions {
  /** Seconds, inclusive; by default half the certified hours. Null: not asked. */
  readingSeconds: number | null;
  /** 60 or 75, inclusive. Null: no quiz asked. */
  passScore: number | null;
  survey: boolean;
}

export interface Course {
  id: string;
  /** 課程代碼, unique, e.g. ZX115110001. */
  code: string;
  type: CourseType;
  title: LocalText;
  summary: LocalText;
  /** 教材提供機關: the vendor organisation that owns it. */
  organisation: string;
  teacher: string | null;
  /** Four-level category path, outermost first, and its code. */
  categoryPath: string[];
  categoryCode: string | null;
  /** 認證時數, in hours with one decimal; 0: none. */
  certifiedHours: number;
  /** 報名期間 and 上課期間; null: open-ended. */
  enrolment: { from: Date | null; to: Date | null };
  classPeriod: { from: Date | null; to: Date | null };
  conditions: CompletionConditions;
  packageVersionId: string | null;
  /** Where the player shows the material; absent: in its page. */
  contentWindow?: 'frame' | 'popup';
  /** What an item opened again after its end comes to (player/types.ts, AttemptPolicy); absent: what its standard says. */
  attempts?: { limit: number | null; review: boolean };
  /** After so many minutes without a sign of the learner the player asks 還在閱讀嗎; absent or null: it never does. */
  inactivityMinutes?: number | null;
  status: 'draft' | 'published' | 'archived';
  createdBy: string;
  createdAt: Date;
  publishedAt: Date | null;
}

/** One learner in one course: the registration joins everything about it. */
export interface Enrolment {
  /** UUID; `context.registration` of every Statement. */
  registration: string;
  courseId: string;
  personId: string;
  enrolledAt: Date;
  /** First entry into the player: the class period's start. */
  startedAt: Date | null;
  withdrawnAt: Date | null;
  /** The package version that the learner goes on with; null: never opened, takes the course's. */
  packageVersionId: string | null;
}

export interface CourseFilter {
  /** Words looked for in title, summary and code. */
  text?: string;
  type?: CourseType;
  hoursFrom?: number;
  hoursTo?: number;
  organisation?: string;
  limit?: number;
  offset?: number;
}

/** What a vendor fills in; the rest follows from it (conditions: half the hours, 60, survey). */
export type CourseDraft = Pick<Course, 'code' | 'title' | 'summary' | 'certifiedHours'> &
  Partial<
    Pick<
      Course,
      | 'type'
      | 'teacher'
      | 'categoryPath'
      | 'categoryCode'
      | 'enrolment'
      | 'classPeriod'
      | 'conditions'
      | 'packageVersionId'
      | 'contentWindow'
      | 'attempts'
      | 'inactivityMinutes'
    >
  >;

export interface Catalogue {
  published(filter?: CourseFilter): Promise<{ courses: Course[]; total: number }>;
  byCode(code: string): Promise<Course | null>;
  /** Codes of the published courses with this title in any language; width and case do not count. */
  codesTitled(title: string): Promise<string[]>;
  byId(id: string): Promise<Course | null>;
  ofOrganisation(organisation: string): Promise<Course[]>;
  /** DomainError `conflict` when the code is taken, `invalid` with problems per field. */
  create(draft: CourseDraft, by: { personId: string; organisation: string }): Promise<Course>;
  update(id: string, patch: Partial<CourseDraft>): Promise<Course>;
  /** DomainError `unprocessable` that lists what is still missing (material, quiz where a pass score is asked, survey …). */
  publish(id: string): Promise<Course>;
  archive(id: string): Promise<Course>;
}

export interface Enrolments {
  /** Idempotent: an existing enrolment is returned. DomainError `unprocessable` outside the enrolment period. Writes `registered`. */
  enrol(person: { id: string; name: string }, course: Course): Promise<Enrolment>;
  find(personId: string, courseId: string): Promise<Enrolment | null>;
  /** Stores the Statements that a crash kept from being stored; says how many. */
  completeUnrecorded(): Promise<number>;
  byRegistration(registration: string): Promise<Enrolment | null>;
  /** Newest first. */
  ofPerson(personId: string): Promise<Enrolment[]>;
  /** Who has begun the course (current ones, at most so many). */
  learnersOf(courseId: string, limit: number): Promise<{ count: number; personIds: string[] }>;
  /** The version that this learner learns with: the one they began, or from now on the course's. */
  versionFor(enrolment: Enrolment, courseVersionId: string): Promise<string>;
  /** First entry only; later calls change nothing. */
  markStarted(registration: string): Promise<void>;
}
