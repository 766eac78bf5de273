import { Router, type Request, type Response } from 'express';
import { isDomainError, type Problem } from '../base/errors.ts';
import type { Course, CourseDraft } from '../courses/types.ts';
import { parse } from '../http/validate.ts';
import type { Person } from '../identity/types.ts';
import { standardName } from '../player/packages/standard-name.ts';
import type { PackageVersion } from '../player/types.ts';
import { translate } from '../views/messages.ts';
import { languageOf, type PortalDeps } from './context.ts';
import { courseForm, draftOf, formOf, shownProblems } from './course-form.ts';
import { createVendorAccess } from './vendor-access.ts';

/** 教材專區: making, changing and publishing a course. */
export function createCourseEditorRoutes(deps: PortalDeps): Router {
  const routes = Router();
  const { vendor, ownCourse, ownVersion } = createVendorAccess(deps);

  const materialOf = (version: PackageVersion | null) =>
    version && {
      title: version.title,
      edition: standardName(version),
      packageId: version.packageId,
      versionNumber: version.version,
    };

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

  return routes;
}
