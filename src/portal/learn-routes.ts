import { Router, type Response } from 'express';
import { toClockTime } from '../base/durations.ts';
import { newUuid } from '../base/ids.ts';
import { DomainError } from '../base/errors.ts';
import { inLanguage } from '../base/languages.ts';
import { allows } from '../identity/policy.ts';
import { allowed } from '../identity/routes-access.ts';
import { actorOf } from '../identity/types.ts';
import { deviceOf } from '../base/device.ts';
import type { CoursePost } from '../courses/board.ts';
import type { Launch, PackageVersion } from '../player/types.ts';
import { translate } from '../views/messages.ts';
import type { Agent } from '../xapi/types.ts';
import { languageOf, learnerIn, type PortalDeps } from './context.ts';
import { courseView } from './view-models.ts';

/** Inside a script element: no `<` may end it. */
const scriptJson = (value: unknown): string => JSON.stringify(value).replaceAll('<', '\\u003c');

/** 上課去: the player's page, and a vendor's preview of a package. */
export function createLearnRoutes(deps: PortalDeps): Router {
  const routes = Router();

  const show = (
    res: Response,
    launch: Launch,
    page: {
      course: { title: string; code: string; url: string };
      requiredSeconds: number | null;
      inactivitySeconds?: number | null;
      quizUrl?: string | null;
      surveyUrl?: string | null;
      /** The course's own areas; absent in a preview. */
      areas?: { url: string; announcements: CoursePost[] };
      browse: boolean;
    },
  ): void => {
    // A launch belongs to this one opening of the page: Back and Reload make a new one.
    res.set('Cache-Control', 'no-store');
    // Content in a window of its own finds its API through window.opener.
    res.set('Cross-Origin-Opener-Policy', 'same-origin-allow-popups');
    res.render('pages/player', {
      ...page,
      launch,
      requiredTime: page.requiredSeconds === null ? null : toClockTime(page.requiredSeconds),
      configuration: scriptJson({
        sessionId: launch.sessionId,
        beatToken: launch.beatToken,
        contentOrigin: new URL(launch.frameUrl).origin,
        leaveUrl: page.course.url,
        requiredSeconds: page.requiredSeconds,
        inactivitySeconds: page.inactivitySeconds ?? null,
        browse: page.browse,
      }),
    });
  };

  // The entry asks once: the first time that counts begins the class period (requirements 40, W9).
  routes.get('/courses/:code/enter', async (req, res) => {
    const { course, enrolment } = await learnerIn(deps, req);
    const url = `/courses/${encodeURIComponent(course.code)}`;
    if (enrolment.startedAt !== null) return res.redirect(303, `${url}/learn`);
    return res.set('Cache-Control', 'no-store').render('pages/enter', {
      course: courseView(languageOf(res), course),
      today: deps.clock.now(),
    });
  });

  routes.get('/courses/:code/learn', async (req, res) => {
    const { person, course, enrolment } = await learnerIn(deps, req);
    if (course.packageVersionId === null)
      throw new DomainError('unprocessable', 'This course has no material yet.', { code: 'no-material' });
    const url = `/courses/${encodeURIComponent(course.code)}`;
    const title = inLanguage(course.title, languageOf(res));
    const requiredSeconds = course.conditions.readingSeconds;
    const inactivitySeconds = course.inactivityMinutes ? course.inactivityMinutes * 60 : null;
    const launch = await deps.sessions.launch({
      learner: {
        id: person.id,
        name: person.name,
        agent: actorOf(person, deps.iris),
        language: languageOf(res),
      },
      registration: enrolment.registration,
      packageVersionId: await deps.enrolments.versionFor(enrolment, course.packageVersionId),
      device: deviceOf(req.headers['user-agent']),
      course: {
        activityId: deps.iris.course(course.code),
        title: course.title['zh-TW'],
        requiredSeconds,
        contentWindow: course.contentWindow ?? 'frame',
        inactivitySeconds,
        ...(course.attempts ? { attempts: course.attempts } : {}),
      },
    });
    show(res, launch, {
      course: { title, code: course.code, url },
      requiredSeconds,
      inactivitySeconds,
      quizUrl: course.conditions.passScore === null ? null : `${url}/quiz`,
      surveyUrl: course.conditions.survey ? `${url}/survey` : null,
      areas: { url, announcements: (await deps.board.announcements(course.id)).slice(0, 3) },
      browse: false,
    });
  });

  const usedUp = (): DomainError =>
    new DomainError('not-found', 'The preview link has been used or has expired. Make a new one.', {
      code: 'preview-link',
    });
  const preview = async (
    res: Response,
    version: PackageVersion,
    who: { id: string; name: string; agent: Agent },
  ): Promise<void> => {
    const launch = await deps.sessions.launch({
      learner: { ...who, language: languageOf(res) },
      registration: newUuid(),
      packageVersionId: version.id,
      course: {
        activityId: deps.iris.item(version.packageId, 'preview'),
        title: version.title,
        requiredSeconds: null,
      },
      browse: true,
    });
    show(res, launch, {
      course: { title: version.title, code: '', url: '/vendor' },
      requiredSeconds: null,
      browse: true,
    });
  };

  routes.get('/vendor/preview/:versionId', async (req, res) => {
    const person = allowed(req, 'package.preview');
    const version = await deps.library.version(String(req.params['versionId']));
    const pkg = version && (await deps.library.package(version.packageId));
    if (!version || !pkg || !allows(person, 'package.preview', { organisation: pkg.organisation }))
      throw new DomainError('not-found', 'There is no such package in your organisation.', {
        code: 'no-package',
      });
    await preview(res, version, { id: person.id, name: person.name, agent: actorOf(person, deps.iris) });
  });

  /** Looked at by one who is not signed in: an authoring tool, or whoever it gave the link to. */
  routes.get('/preview/:token', async (req, res) => {
    const token = String(req.params['token']);
    if (!(await deps.previews.waits(token))) throw usedUp();
    res.set({ 'Cache-Control': 'no-store', 'Referrer-Policy': 'same-origin' });
    res.render('pages/preview-link', { token });
  });
  routes.post('/preview/:token', async (req, res) => {
    const versionId = await deps.previews.take(String(req.params['token']));
    const version = versionId === null ? null : await deps.library.version(versionId);
    if (!version) throw usedUp();
    const id = newUuid();
    const agent = actorOf({ id }, deps.iris);
    await preview(res, version, { id, name: translate(languageOf(res), 'vendor.previewLink.who'), agent });
  });

  return routes;
}
