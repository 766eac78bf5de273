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
}
