import { Router } from 'express';
import { z } from 'zod';
import { parse } from '../http/validate.ts';
import { allowed, currentPerson } from '../identity/routes-access.ts';
import type { Person } from '../identity/types.ts';
import type { Language } from '../base/languages.ts';
import type { Course, CourseFilter } from '../courses/types.ts';
import { translate } from '../views/messages.ts';
import { catchUpMs, courseOf, languageOf, type PortalDeps } from './context.ts';
import { cardView, conditionView, courseView, ownPeriod, ruleTexts } from './view-models.ts';

const pageSize = 24;
const types = ['open', 'assembled', 'mooc', 'micro', 'spoc', 'ebook', 'live'] as const;
const empty = z.literal('').transform(() => undefined);
const query = z.object({
  text: z.string().trim().max(200).optional(),
  // A filter that makes no sense is no filter.
  type: z.enum(types).or(empty).optional().catch(undefined),
  hoursFrom: empty.or(z.coerce.number().min(0)).optional().catch(undefined),
  hoursTo: empty.or(z.coerce.number().min(0)).optional().catch(undefined),
  page: z.coerce.number().int().min(1).max(10_000).catch(1),
});

/** Home, 選課中心, a course's page, enrolment, 我的課程. */
export function createCatalogueRoutes(deps: PortalDeps): Router {
  const routes = Router();

  const ownCards = async (person: Person, language: Language) => {
    const enrolments = await deps.enrolments.ofPerson(person.id);
    const progress = await deps.completion.progressOfAll(enrolments.map(({ registration }) => registration));
    const cards = await Promise.all(
      enrolments.map(async ({ registration, courseId }) => {
        const [course, own] = [await deps.catalogue.byId(courseId), progress.get(registration)];
        if (!course || !own) return [];
        return [
          {
            done: own.completedAt !== null,
            card: cardView(language, course, { progress: own, completion: deps.completion }),
          },
        ];
      }),
    );
    const all = cards.flat();
    return {
      unfinished: all.filter(({ done }) => !done).map(({ card }) => card),
      finished: all.filter(({ done }) => done).map(({ card }) => card),
    };
  };

  routes.get('/', async (req, res) => {
    const language = languageOf(res);
    const person = currentPerson(req);
    const { courses } = await deps.catalogue.published({ limit: 6 });
    res.render('pages/home', {
      newest: courses.map((course) => cardView(language, course, null)),
      unfinished: person ? (await ownCards(person, language)).unfinished : [],
    });
  });

  routes.get('/courses', async (req, res) => {
    const language = languageOf(res);
    const { page, ...asked } = parse(query, req.query);
    const filter: CourseFilter = Object.fromEntries(
      Object.entries(asked).filter(([, value]) => value !== undefined && value !== ''),
    );
    const { courses, total } = await deps.catalogue.published({
      ...filter,
      limit: pageSize,
      offset: (page - 1) * pageSize,
    });
    const count = Math.max(1, Math.ceil(total / pageSize));
    const link = (to: number): string =>
      `/courses?${new URLSearchParams({ ...Object.fromEntries(Object.entries(filter).map(([k, v]) => [k, String(v)])), page: String(to) })}`;
    res.render('pages/courses', {
      filter,
      total,
      types: types.map((value) => ({
        value,
        label: translate(language, `courses.type.${value}`),
        selected: filter.type === value,
      })),
      cards: courses.map((course) => cardView(language, course, null)),
      pages: {
        several: count > 1,
        number: page,
        count,
        previous: page > 1 ? link(page - 1) : null,
        next: page < count ? link(page + 1) : null,
      },
    });
  });

  routes.get('/my-courses', async (req, res) => {
    const person = allowed(req, 'course.take');
    res.render('pages/my-courses', await ownCards(person, languageOf(res)));
  });

  const enrolmentOpen = (course: Course): boolean => {
    const now = deps.clock.now();
    const { from, to } = course.enrolment;
    return course.status === 'published' && (!from || from <= now) && (!to || now <= to);
  };

  routes.get('/courses/:code', async (req, res) => {
    const language = languageOf(res);
    const course = await courseOf(deps, req);
    const person = currentPerson(req);
    const enrolment = person && (await deps.enrolments.find(person.id, course.id));
    const caughtUp = !enrolment || (await deps.feed.drain(catchUpMs));
    const progress = enrolment && (await deps.completion.progressOf(enrolment.registration));
    const none = {
      registration: '',
      readingSeconds: 0,
      quizScore: null,
      surveyDone: false,
      completedAt: null,
    };
    res.render('pages/course', {
      course: courseView(language, course),
      preview: course.status === 'draft',
      catchingUp: !caughtUp,
      conditions: deps.completion.conditions(course.conditions, progress ?? none).map(conditionView),
      rules: ruleTexts(language, course),
      enrolled: Boolean(enrolment),
      enrolmentOpen: enrolmentOpen(course),
      enterPath: enrolment?.startedAt ? 'learn' : 'enter',
      canEnter: course.packageVersionId !== null && course.status !== 'archived',
      quiz: course.conditions.passScore !== null,
      survey: course.conditions.survey,
      surveyDone: progress?.surveyDone ?? false,
      completed: progress?.completedAt != null,
      completedAt: progress?.completedAt ?? null,
      registration: enrolment?.registration ?? null,
      yourPeriod: enrolment && progress ? ownPeriod(enrolment, progress) : null,
    });
  });

  routes.post('/courses/:code/enrol', async (req, res) => {
    const person = allowed(req, 'course.take');
    const course = await courseOf(deps, req);
    await deps.enrolments.enrol(person, course);
    res.redirect(303, `/courses/${encodeURIComponent(course.code)}`);
  });

  return routes;
}
