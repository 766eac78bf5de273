import { Router, type Response } from 'express';
import { z } from 'zod';
import { DomainError } from '../base/errors.ts';
import { isUuid } from '../base/ids.ts';
import type { Course, Enrolment } from '../courses/types.ts';
import { parse } from '../http/validate.ts';
import { allowed } from '../identity/routes-access.ts';
import { allows } from '../identity/policy.ts';
import type { Person } from '../identity/types.ts';
import { translate } from '../views/messages.ts';
import { languageOf, learnerIn, type PortalDeps } from './context.ts';
import { courseView } from './view-models.ts';

const lookUpForm = z.object({
  course: z.string().trim().max(100).default(''),
  account: z.string().trim().max(200).default(''),
});

/** 上課時段: the reading sessions of a registration, for the learner and for those who may read records (requirements 8, W1, W12). */
export function createSessionRoutes(deps: PortalDeps): Router {
  const routes = Router();

  const show = async (
    res: Response,
    { course, enrolment, person }: { course: Course; enrolment: Enrolment; person: Person | null },
  ): Promise<void> => {
    const language = languageOf(res);
    const sessions = await deps.sessions.sessionsOf(enrolment.registration);
    res.set('Cache-Control', 'no-store').render('pages/sessions', {
      section: person ? 'support' : 'record',
      course: courseView(language, course),
      learner: person && { name: person.name, id: person.id },
      registration: enrolment.registration,
      required: course.conditions.readingSeconds,
      total: sessions.reduce((sum, { seconds }) => sum + seconds, 0),
      sessions: sessions.toReversed().map((session) => ({
        ...session,
        running: session.endedAt === null,
        how: translate(language, `sessions.ending.${session.ending ?? 'running'}`),
      })),
    });
  };

  routes.get('/courses/:code/sessions', async (req, res) => {
    const { course, enrolment } = await learnerIn(deps, req);
    await show(res, { course, enrolment, person: null });
  });

  const notFound = (): DomainError =>
    new DomainError('not-found', 'No such learner is enrolled in this course.', { code: 'no-enrolment' });

  routes.get('/support/sessions', (req, res) => {
    allowed(req, 'record.read');
    res.render('pages/session-search', { form: { course: '', account: '' } });
  });

  // Looked up by POST: whom someone looks for is not left in addresses and logs.
  routes.post('/support/sessions', async (req, res) => {
    const by = allowed(req, 'record.read');
    const form = parse(lookUpForm, req.body);
    const course = await deps.catalogue.byCode(form.course);
    const person = isUuid(form.account)
      ? await deps.people.byId(form.account)
      : form.account === ''
        ? null
        : await deps.people.byLoginName(form.account);
    const enrolment = course && person && (await deps.enrolments.find(person.id, course.id));
    if (enrolment && allows(by, 'record.read', { agencies: await deps.agencies.lineOf(person.agencyCode) }))
      return res.redirect(303, `/support/sessions/${enrolment.registration}`);
    return res.status(404).render('pages/session-search', {
      form,
      problems: [{ label: null, message: translate(languageOf(res), 'errors.no-enrolment') }],
    });
  });

  routes.get('/support/sessions/:registration', async (req, res) => {
    const by = allowed(req, 'record.read');
    const registration = String(req.params['registration']);
    const enrolment = isUuid(registration) ? await deps.enrolments.byRegistration(registration) : null;
    const course = enrolment && (await deps.catalogue.byId(enrolment.courseId));
    const person = enrolment && (await deps.people.byId(enrolment.personId));
    if (!enrolment || !course || !person) throw notFound();
    const may = allows(by, 'record.read', { agencies: await deps.agencies.lineOf(person.agencyCode) });
    await deps.audit({
      action: 'record.read',
      actorId: by.id,
      subjectId: person.id,
      outcome: may ? 'success' : 'failure',
      reason: may ? null : 'forbidden',
      address: req.ip ?? null,
      detail: { what: 'reading-sessions', registration },
    });
    if (!may) throw notFound();
    await show(res, { course, enrolment, person });
  });

  return routes;
}
