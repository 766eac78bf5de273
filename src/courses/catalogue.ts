import { z } from 'zod';
import type { Clock } from '../base/clock.ts';
import { folded } from '../base/folded.ts';
import { DomainError, type Problem } from '../base/errors.ts';
import { newSortableId } from '../base/ids.ts';
import type { CourseStore } from './store.ts';
import type { Catalogue, Course, CompletionConditions, CourseDraft } from './types.ts';

/** What a course may still lack before it can be published; asked of the modules that hold it. */
export type PublishCheck = (course: Course) => Promise<Problem[]>;

export interface CatalogueDeps {
  store: CourseStore;
  clock: Clock;
  checks: PublishCheck[];
}

const text = (max: number) => z.string().trim().min(1).max(max);
const local = (max: number) => z.object({ 'zh-TW': text(max), en: z.string().trim().max(max).optional() });
const period = z
  .object({ from: z.date().nullable(), to: z.date().nullable() })
  .refine(({ from, to }) => from === null || to === null || from <= to, 'the end lies before the start');

const draftSchema = z.object({
  code: z
    .string()
    .trim()
    .regex(/^[A-Za-z0-9][A-Za-z0-9-]{2,39}$/, 'must have 3 to 40 letters, digits or hyphens'),
  title: local(200),
  summary: local(4000),
  certifiedHours: z
    .number()
    .min(0)
    .max(200)
    .refine((hours) => Math.abs(hours * 10 - Math.round(hours * 10)) < 1e-9, 'must be in steps of 0.1 hours'),
  type: z.enum(['open', 'assembled', 'mooc', 'micro', 'spoc', 'ebook', 'live']).optional(),
  teacher: z.string().trim().max(100).nullable().optional(),
  categoryPath: z.array(text(60)).max(4).optional(),
  categoryCode: z.string().trim().max(20).nullable().optional(),
  enrolment: period.optional(),
  classPeriod: period.optional(),
  conditions: z
    .object({
      readingSeconds: z.number().int().min(1).max(720_000).nullable(),
      passScore: z.number().int().min(1).max(100).nullable(),
      survey: z.boolean(),
    })
    .optional(),
  packageVersionId: z.string().nullable().optional(),
  contentWindow: z.enum(['frame', 'popup']).optional(),
  attempts: z.object({ limit: z.number().int().min(1).max(99).nullable(), review: z.boolean() }).optional(),
  inactivityMinutes: z.number().int().min(1).max(120).nullable().optional(),
});

/** Half the certified hours, 60 points, and the survey (requirements 36 and 37). */
export const defaultConditions = (certifiedHours: number): CompletionConditions => ({
  readingSeconds: certifiedHours > 0 ? Math.round(certifiedHours * 1800) : null,
  passScore: 60,
  survey: true,
});

function checked<S extends z.ZodType>(schema: S, input: unknown): z.output<S> {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  throw new DomainError('invalid', 'Some fields of the course are missing or not valid.', {
    code: 'invalid-fields',
    problems: result.error.issues.map((issue) => ({ path: issue.path.join('.'), message: issue.message })),
  });
}

/** Absent and undefined are the same thing to a patch. */
const given = <T extends object>(patch: T): T =>
  Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined)) as T;

const codeTaken = (code: string): DomainError =>
  new DomainError('conflict', `Another course has the code ${code}. Choose another one.`, {
    code: 'course-code-taken',
    params: { code },
    problems: [{ path: 'code', message: 'is taken' }],
  });
const unknown = (): DomainError =>
  new DomainError('not-found', 'There is no such course.', { code: 'no-course' });

export function createCatalogue({ store, clock, checks }: CatalogueDeps): Catalogue {
  /** Decides on the newest state and writes it if nobody was faster; otherwise decides again. */
  const change = async (
    id: string,
    decide: (course: Course) => Promise<Course> | Course,
  ): Promise<Course> => {
    for (;;) {
      const record = await store.byId(id);
      if (!record) throw unknown();
      const next = await decide(record.course);
      const outcome = await store.replace(next, record.revision);
      if (outcome === 'done') return next;
      if (outcome === 'code-taken') throw codeTaken(next.code);
    }
  };

  return {
    async published(filter = {}) {
      return store.published({
        ...filter,
        limit: Math.min(Math.max(filter.limit ?? 20, 1), 100),
        offset: Math.max(filter.offset ?? 0, 0),
      });
    },
    async codesTitled(title) {
      const wanted = folded(title);
      const { courses } = await store.published({ text: title, limit: 100, offset: 0 });
      const called = ({ title: own }: Course): boolean =>
        Object.values(own).some((each) => folded(each) === wanted);
      return courses.filter(called).map(({ code }) => code);
    },
    async byCode(code) {
      return (await store.byCode(code))?.course ?? null;
    },
    async byId(id) {
      return (await store.byId(id))?.course ?? null;
    },
    ofOrganisation: (organisation) => store.ofOrganisation(organisation),
    async create(draft, by) {
      const fields = checked(draftSchema, draft);
      const course: Course = {
        id: newSortableId(),
        code: fields.code,
        type: fields.type ?? 'open',
        title: given(fields.title) as Course['title'],
        summary: given(fields.summary) as Course['summary'],
        organisation: by.organisation,
        teacher: fields.teacher ?? null,
        categoryPath: fields.categoryPath ?? [],
        categoryCode: fields.categoryCode ?? null,
        certifiedHours: fields.certifiedHours,
        enrolment: fields.enrolment ?? { from: null, to: null },
        classPeriod: fields.classPeriod ?? { from: null, to: null },
        conditions: fields.conditions ?? defaultConditions(fields.certifiedHours),
        packageVersionId: fields.packageVersionId ?? null,
        ...(fields.contentWindow ? { contentWindow: fields.contentWindow } : {}),
        ...(fields.attempts ? { attempts: fields.attempts } : {}),
        ...(fields.inactivityMinutes ? { inactivityMinutes: fields.inactivityMinutes } : {}),
        status: 'draft',
        createdBy: by.personId,
        createdAt: clock.now(),
        publishedAt: null,
      };
      if (!(await store.insert(course))) throw codeTaken(course.code);
      return course;
    },
    async update(id, patch) {
      const fields = given(checked(draftSchema.partial(), patch)) as Partial<CourseDraft>;
      return change(id, (course) => {
        if (course.status === 'published' && fields.code !== undefined && fields.code !== course.code)
          throw new DomainError(
            'unprocessable',
            'The code of a published course cannot change: records refer to it.',
            {
              code: 'course-code-fixed',
            },
          );
        return { ...course, ...fields };
      });
    },
    async publish(id) {
      return change(id, async (course) => {
        if (course.status === 'published') return course;
        const { readingSeconds, passScore, survey } = course.conditions;
        const missing: Problem[] = (await Promise.all(checks.map((check) => check(course)))).flat();
        if (course.packageVersionId === null)
          missing.unshift({ path: 'packageVersionId', message: 'material' });
        if (readingSeconds === null && passScore === null && !survey)
          missing.push({ path: 'conditions', message: 'conditions' });
        if (missing.length > 0)
          throw new DomainError(
            'unprocessable',
            'The course cannot be published yet: something is missing.',
            {
              code: 'course-incomplete',
              problems: missing,
            },
          );
        return { ...course, status: 'published', publishedAt: course.publishedAt ?? clock.now() };
      });
    },
    async archive(id) {
      return change(id, (course) => ({ ...course, status: 'archived' }));
    },
  };
}
