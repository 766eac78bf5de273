import { Router, type Request, type Response } from 'express';
import { z } from 'zod';
import { isDomainError, DomainError } from '../base/errors.ts';
import type { CoursePost } from '../courses/board.ts';
import type { Course } from '../courses/types.ts';
import { parse } from '../http/validate.ts';
import { allowed } from '../identity/routes-access.ts';
import { errorText } from '../views/error-model.ts';
import { translate } from '../views/messages.ts';
import { languageOf, learnerIn, type PortalDeps } from './context.ts';
import { courseView, day } from './view-models.ts';

const messageForm = z.object({
  kind: z.enum(['question', 'feedback']).default('question'),
  text: z.string().default(''),
});
const textForm = z.object({ text: z.string().default('') });

/** Learners listed at most: a list beyond that is no company. */
const mostPartners = 200;

/** 學習互動區, 學習夥伴 and 課程行事曆 of a course, and the staff's side of the first. */
export function createBoardRoutes(deps: PortalDeps): Router {
  const routes = Router();
  const { board } = deps;

  const kindText = (res: Response, kind: CoursePost['kind']): string =>
    translate(languageOf(res), `board.kind.${kind}`);
  /** Runs the act; a text that is not accepted comes back in its form. */
  const trying = async (res: Response, act: () => Promise<void>): Promise<string | null> => {
    try {
      await act();
      return null;
    } catch (error) {
      if (!isDomainError(error, 'invalid') && !isDomainError(error, 'rate-limited')) throw error;
      res.status(error.kind === 'invalid' ? 400 : 429);
      return errorText(languageOf(res), error);
    }
  };
  const problemsOf = (res: Response, message: string | null) =>
    message === null ? [] : [{ label: translate(languageOf(res), 'board.text'), message }];

  const showBoard = async (
    req: Request,
    res: Response,
    form: { kind: string; text: string },
    problem: string | null,
  ): Promise<void> => {
    const { course, person } = await learnerIn(deps, req);
    const messages = await board.messagesOf(course.id, person.id);
    res.set('Cache-Control', 'no-store').render('pages/board', {
      course: courseView(languageOf(res), course),
      announcements: await board.announcements(course.id),
      messages: messages.map((post) => ({ ...post, kindText: kindText(res, post.kind) })),
      form: { text: form.text, feedback: form.kind === 'feedback' },
      problems: problemsOf(res, problem),
      sent: req.query['sent'] === '1',
    });
  };

  routes.get('/courses/:code/board', (req, res) =>
    showBoard(req, res, { kind: req.query['kind'] === 'feedback' ? 'feedback' : 'question', text: '' }, null),
  );

  routes.post('/courses/:code/board', async (req, res) => {
    const { course, person } = await learnerIn(deps, req);
    const form = parse(messageForm, req.body);
    const problem = await trying(res, async () => {
      await board.say(course.id, form.kind, person.id, form.text);
    });
    if (problem !== null) return showBoard(req, res, form, problem);
    return res.redirect(303, `/courses/${encodeURIComponent(course.code)}/board?sent=1`);
  });

  // 學習夥伴: who learns the same and shows a card. Nobody else is named.
  routes.get('/courses/:code/partners', async (req, res) => {
    const { course, person } = await learnerIn(deps, req);
    const { count, personIds } = await deps.enrolments.learnersOf(course.id, mostPartners * 5);
    const shown = (await deps.cardHolders(personIds.filter((id) => id !== person.id))).slice(0, mostPartners);
    res.render('pages/partners', {
      course: courseView(languageOf(res), course),
      count,
      partners: shown.map(({ nickname }) => ({ nickname, initial: [...nickname][0] })),
    });
  });

  // 課程行事曆: the course's periods and the learner's own days, in order.
  routes.get('/courses/:code/calendar', async (req, res) => {
    const { course, enrolment } = await learnerIn(deps, req);
    const language = languageOf(res);
    const progress = await deps.completion.progressOf(enrolment.registration);
    const now = deps.clock.now();
    const dates: [string, Date | null][] = [
      ['enrolmentFrom', course.enrolment.from],
      ['enrolmentTo', course.enrolment.to],
      ['classFrom', course.classPeriod.from],
      ['classTo', course.classPeriod.to],
      ['enrolled', enrolment.enrolledAt],
      ['started', enrolment.startedAt],
      ['completed', progress.completedAt],
      ['today', now],
    ];
    res.set('Cache-Control', 'no-store').render('pages/calendar', {
      course: courseView(language, course),
      days: dates
        .flatMap(([name, at]) => (at ? [{ name, at }] : []))
        .toSorted((a, b) => a.at.getTime() - b.at.getTime())
        .map(({ name, at }) => ({
          at,
          what: translate(language, `board.days.${name}`),
          today: name === 'today',
          past: day(at) < day(now),
        })),
      notStarted: enrolment.startedAt === null,
    });
  });

  const ownCourse = async (req: Request): Promise<Course> => {
    const course = await deps.catalogue.byId(String(req.params['id']));
    if (!course) throw new DomainError('not-found', 'There is no such course.', { code: 'no-course' });
    allowed(req, 'course.edit', { organisation: course.organisation });
    return course;
  };
  const showStaff = async (req: Request, res: Response, problem: string | null, text = ''): Promise<void> => {
    const course = await ownCourse(req);
    const messages = await board.messages(course.id);
    const names = await deps.people.byIds([...new Set(messages.map(({ authorId }) => authorId))]);
    res.set('Cache-Control', 'no-store').render('pages/vendor/board', {
      course: courseView(languageOf(res), course),
      announcements: await board.announcements(course.id),
      messages: messages.map((post) => {
        const author = names.get(post.authorId);
        return { ...post, kindText: kindText(res, post.kind), by: author?.nickname ?? author?.name ?? '--' };
      }),
      waiting: messages.filter(({ answer }) => answer === null).length,
      text,
      problems: problemsOf(res, problem),
    });
  };

  routes.get('/vendor/courses/:id/board', (req, res) => showStaff(req, res, null));

  routes.post('/vendor/courses/:id/board', async (req, res) => {
    const course = await ownCourse(req);
    const person = allowed(req, 'course.edit');
    const { text } = parse(textForm, req.body);
    const problem = await trying(res, async () => {
      await board.say(course.id, 'announcement', person.id, text);
    });
    if (problem !== null) return showStaff(req, res, problem, text);
    return res.redirect(303, `/vendor/courses/${course.id}/board`);
  });

  routes.post('/vendor/courses/:id/board/:post/answer', async (req, res) => {
    const course = await ownCourse(req);
    const person = allowed(req, 'course.edit');
    const { text } = parse(textForm, req.body);
    const problem = await trying(res, () =>
      board.answer(course.id, String(req.params['post']), person.id, text),
    );
    if (problem !== null) return showStaff(req, res, problem);
    return res.redirect(303, `/vendor/courses/${course.id}/board`);
  });

  routes.post('/vendor/courses/:id/board/:post/withdraw', async (req, res) => {
    const course = await ownCourse(req);
    await board.withdraw(course.id, String(req.params['post']));
    res.redirect(303, `/vendor/courses/${course.id}/board`);
  });

  return routes;
}
