import { Router, type Request, type Response } from 'express';
import { z } from 'zod';
import { toClockTime } from '../base/durations.ts';
import { DomainError, isDomainError, type Problem } from '../base/errors.ts';
import type { Language, LocalText } from '../base/languages.ts';
import { parseQuiz, parseSurvey, quizText, surveyText } from '../assessment/text-format.ts';
import type { Course, CourseDraft } from '../courses/types.ts';
import { parse } from '../http/validate.ts';
import { allowed } from '../identity/routes-access.ts';
import { organisationFor } from '../identity/policy.ts';
import type { Person } from '../identity/types.ts';
import { versionState } from '../player/packages/library.ts';
import { standardName } from '../player/packages/standard-name.ts';
import type { PackageVersion } from '../player/types.ts';
import { hasMessage, translate } from '../views/messages.ts';
import { languageOf, type PortalDeps } from './context.ts';
import { countItems, versionView } from './package-views.ts';
import { courseView } from './view-models.ts';

const optional = z.string().trim().default('');
const courseForm = z.object({
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
  packageVersionId: optional,
});
type CourseForm = z.output<typeof courseForm>;

const questionsForm = z.object({
  titleZh: z.string().trim().max(200).default(''),
  titleEn: z.string().trim().max(200).default(''),
  questions: z.string().max(500_000).default(''),
  drawn: z.literal('').or(z.coerce.number()).optional(),
  shuffle: z.literal('yes').optional(),
});

/** What was typed in two fields, as one text in the languages given. */
const typed = (zh: string, en: string): LocalText => (en === '' ? { 'zh-TW': zh } : { 'zh-TW': zh, en });

function draftOf(form: CourseForm): CourseDraft {
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
  };
}

const formOf = (course: Course): Record<string, unknown> => ({
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
};
const shownProblems = (language: Language, problems: readonly Problem[]) =>
  problems.map(({ path, message }) => {
    if (hasMessage(`vendor.missing.${path}`))
      return { label: null, message: translate(language, `vendor.missing.${path}`) };
    const label = fieldLabels[path];
    return { label: label ? translate(language, label) : path, message };
  });

/** 教材專區: packages, courses, quizzes and surveys of a vendor organisation. */
export function createVendorRoutes(deps: PortalDeps): Router {
  const routes = Router();

  const vendor = (req: Request): { person: Person; organisation: string } => {
    const person = allowed(req, 'course.edit');
    return { person, organisation: organisationFor(person, 'course.edit') ?? person.name };
  };
  const ownCourse = async (req: Request): Promise<Course> => {
    const course = await deps.catalogue.byId(String(req.params['id']));
    if (!course) throw new DomainError('not-found', 'There is no such course.', { code: 'no-course' });
    allowed(req, 'course.edit', { organisation: course.organisation });
    return course;
  };
  const ownVersion = async (organisation: string, id: unknown): Promise<PackageVersion | null> => {
    const version = typeof id === 'string' && id !== '' ? await deps.library.version(id) : null;
    const pkg = version && (await deps.library.package(version.packageId));
    return pkg?.organisation === organisation ? version : null;
  };
  const materialOf = (version: PackageVersion | null) =>
    version && {
      title: version.title,
      edition: standardName(version),
      packageId: version.packageId,
      versionNumber: version.version,
    };

  routes.get('/vendor', async (req, res) => {
    const { organisation } = vendor(req);
    const language = languageOf(res);
    const packages = await deps.library.packagesOf(organisation);
    const rows = await Promise.all(
      packages.map(async (pkg) => {
        const versions = await deps.library.versionsOf(pkg.id);
        const current = versions.find(({ id }) => id === pkg.latestVersionId);
        const draft = versions.find((version) => versionState(pkg, version) === 'draft');
        return current
          ? [{ ...versionView(language, pkg, current), title: pkg.title, draft: draft?.version ?? null }]
          : [];
      }),
    );
    res.render('pages/vendor/index', {
      organisation,
      courses: (await deps.catalogue.ofOrganisation(organisation)).map((course) =>
        courseView(language, course),
      ),
      packages: rows.flat(),
    });
  });

  routes.get('/vendor/upload', async (req, res) => {
    const { organisation } = vendor(req);
    const asked = typeof req.query['package'] === 'string' ? req.query['package'] : null;
    const pkg = asked === null ? null : await deps.library.package(asked);
    if (asked !== null && pkg?.organisation !== organisation)
      throw new DomainError('not-found', 'There is no such package in your organisation.', {
        code: 'no-package',
      });
    const language = languageOf(res);
    const words = Object.fromEntries([
      ...['waiting', 'receiving', 'checking', 'storing', 'failed'].map((phase) => [
        phase,
        translate(language, `vendor.phase.${phase}`),
      ]),
      ['accepted', translate(language, 'vendor.accepted')],
      ['acceptedWarnings', translate(language, 'vendor.acceptedWarnings', { count: 'COUNT' })],
      ['refused', translate(language, 'vendor.refusedErrors', { count: 'COUNT' })],
      ['progress', translate(language, 'vendor.progress')],
      ['report', translate(language, 'vendor.report')],
    ]);
    res.render('pages/vendor/upload', {
      package: pkg && { id: pkg.id, title: pkg.title },
      limitMb: Math.floor(deps.limits.packageBytes / 1_048_576),
      limitFiles: deps.limits.packageFiles,
      // Inside a script element: no `<` may end it.
      wordsJson: JSON.stringify(words).replaceAll('<', '\\u003c'),
    });
  });

  routes.get('/vendor/uploads/:id', async (req, res) => {
    const { organisation } = vendor(req);
    const job = await deps.jobs.job(String(req.params['id']));
    if (!job || job.organisation !== organisation)
      throw new DomainError('not-found', 'There is no such upload.', { code: 'no-upload' });
    const version = await ownVersion(organisation, job.versionId);
    const pkg = version && (await deps.library.package(version.packageId));
    res.status(job.phase === 'refused' ? 422 : 200).render('pages/vendor/report', {
      jobId: job.id,
      fileName: job.fileName,
      accepted: job.phase === 'accepted',
      waiting: ['receiving', 'checking', 'storing'].includes(job.phase),
      version: version && {
        id: version.id,
        title: version.title,
        edition: standardName(version),
        itemCount: countItems(version.items),
        packageId: version.packageId,
        versionNumber: version.version,
        draft: pkg !== null && versionState(pkg, version) === 'draft',
      },
      findings: job.findings,
    });
  });

  const showCourse = async (
    res: Response,
    organisation: string,
    state: { course: Course | null; form: Record<string, unknown>; problems: Problem[]; saved?: boolean },
  ): Promise<void> => {
    const language = languageOf(res);
    const { course, form, problems } = state;
    const quiz = course && (await deps.assessments.quizOf(course.id));
    const survey = course && (await deps.assessments.surveyOf(course.id));
    res.render('pages/vendor/course', {
      heading: translate(language, course ? 'vendor.editCourse' : 'vendor.newCourse'),
      id: course?.id ?? null,
      action: course ? `/vendor/courses/${course.id}` : '/vendor/courses',
      status: course ? translate(language, `courses.status.${course.status}`) : null,
      published: course?.status === 'published',
      saved: state.saved ?? false,
      form,
      material: materialOf(await ownVersion(organisation, form['packageVersionId'])),
      problems: shownProblems(language, problems),
      quizCount: quiz?.questions.length ?? 0,
      surveyCount: survey?.questions.length ?? 0,
    });
  };

  routes.get('/vendor/courses/new', async (req, res) => {
    const { organisation } = vendor(req);
    const version = await ownVersion(organisation, req.query['version']);
    await showCourse(res, organisation, {
      course: null,
      problems: [],
      form: {
        titleZh: version?.title ?? '',
        certifiedHours: 1,
        passScore: 60,
        survey: true,
        packageVersionId: version?.id ?? '',
      },
    });
  });

  const saved = async (
    req: Request,
    res: Response,
    course: Course | null,
    act: (draft: CourseDraft, by: { person: Person; organisation: string }) => Promise<Course>,
  ): Promise<void> => {
    const by = vendor(req);
    const form = parse(courseForm, req.body);
    try {
      const version = await ownVersion(by.organisation, form.packageVersionId);
      const done = await act({ ...draftOf(form), packageVersionId: version?.id ?? null }, by);
      res.redirect(303, `/vendor/courses/${done.id}?saved=1`);
    } catch (error) {
      if (
        !isDomainError(error, 'invalid') &&
        !isDomainError(error, 'conflict') &&
        !isDomainError(error, 'unprocessable')
      )
        throw error;
      res.status(error.kind === 'conflict' ? 409 : 400);
      await showCourse(res, by.organisation, {
        course,
        form: { ...form, certifiedHours: Number.isNaN(form.certifiedHours) ? '' : form.certifiedHours },
        problems: error.problems.length > 0 ? error.problems : [{ path: '', message: error.message }],
      });
    }
  };

  routes.post('/vendor/courses', (req, res) =>
    saved(req, res, null, (draft, { person, organisation }) =>
      deps.catalogue.create(draft, { personId: person.id, organisation }),
    ),
  );

  routes.get('/vendor/courses/:id', async (req, res) => {
    const course = await ownCourse(req);
    await showCourse(res, course.organisation, {
      course,
      form: formOf(course),
      problems: [],
      saved: req.query['saved'] === '1',
    });
  });

  routes.post('/vendor/courses/:id', async (req, res) => {
    const course = await ownCourse(req);
    // Which version it has is decided by publishing one, with a word on its learners; a form may be older than that.
    await saved(req, res, course, ({ packageVersionId, ...draft }) =>
      deps.catalogue.update(course.id, {
        ...draft,
        ...(course.packageVersionId === null && packageVersionId ? { packageVersionId } : {}),
      }),
    );
  });

  routes.post('/vendor/courses/:id/publish', async (req, res) => {
    const course = await ownCourse(req);
    try {
      await deps.catalogue.publish(course.id);
    } catch (error) {
      if (!isDomainError(error, 'unprocessable')) throw error;
      res.status(422);
      return showCourse(res, course.organisation, { course, form: formOf(course), problems: error.problems });
    }
    return res.redirect(303, `/courses/${encodeURIComponent(course.code)}`);
  });

  const showQuestions = (
    res: Response,
    kind: 'quiz' | 'survey',
    course: Course,
    state: {
      title: LocalText;
      text: string;
      drawn: unknown;
      shuffle: boolean;
      problems: Problem[];
    },
  ): void => {
    const language = languageOf(res);
    const name = kind === 'quiz' ? 'Quiz' : 'Survey';
    const { title, ...rest } = state;
    res.render('pages/vendor/questions', {
      ...rest,
      // Not `title`: within the layout that is the page's.
      titleZh: title['zh-TW'],
      titleEn: title.en,
      problems: shownProblems(language, state.problems),
      quiz: kind === 'quiz',
      heading: translate(language, `vendor.edit${name}`),
      hintKey: `vendor.${kind}Hint`,
      formatKey: `vendor.${kind}Format`,
      course: courseView(language, course),
    });
  };

  routes.get('/vendor/courses/:id/quiz', async (req, res) => {
    const course = await ownCourse(req);
    const quiz = await deps.assessments.quizOf(course.id);
    showQuestions(res, 'quiz', course, {
      title: quiz?.title ?? course.title,
      text: quizText(quiz?.questions ?? []),
      drawn: quiz?.drawn ?? '',
      shuffle: quiz?.shuffle ?? false,
      problems: [],
    });
  });

  routes.get('/vendor/courses/:id/survey', async (req, res) => {
    const course = await ownCourse(req);
    const survey = await deps.assessments.surveyOf(course.id);
    showQuestions(res, 'survey', course, {
      title: survey?.title ?? course.title,
      text: surveyText(survey?.questions ?? []),
      drawn: '',
      shuffle: false,
      problems: [],
    });
  });

  for (const kind of ['quiz', 'survey'] as const)
    routes.post(`/vendor/courses/:id/${kind}`, async (req, res) => {
      const course = await ownCourse(req);
      const form = parse(questionsForm, req.body);
      const title = typed(form.titleZh, form.titleEn);
      try {
        if (kind === 'quiz')
          await deps.assessments.saveQuiz({
            courseId: course.id,
            title,
            questions: parseQuiz(form.questions),
            drawn: typeof form.drawn === 'number' ? form.drawn : null,
            shuffle: form.shuffle === 'yes',
          });
        else
          await deps.assessments.saveSurvey({
            courseId: course.id,
            title,
            questions: parseSurvey(form.questions),
          });
      } catch (error) {
        if (!isDomainError(error, 'invalid')) throw error;
        res.status(400);
        return showQuestions(res, kind, course, {
          title,
          text: form.questions,
          drawn: form.drawn ?? '',
          shuffle: form.shuffle === 'yes',
          problems: error.problems,
        });
      }
      return res.redirect(303, `/vendor/courses/${course.id}?saved=1`);
    });

  return routes;
}
