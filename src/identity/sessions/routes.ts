import { Router, type Request, type RequestHandler } from 'express';
import { z } from 'zod';
import type { Clock } from '../../base/clock.ts';
import { DomainError } from '../../base/errors.ts';
import { endOf, storedSessionId } from '../../http/sessions.ts';
import { parse } from '../../http/validate.ts';
import { currentPerson } from '../routes-access.ts';
import { noteSignIn } from '../routes-sign-in.ts';
import type { Person } from '../types.ts';
import type { OwnSessions } from './own-sessions.ts';

export interface SessionLimits {
  idleSeconds: number;
  maxSeconds: number;
}

/** How long the session of this request lasts: without another request, and at most. */
const remaining = (req: Request, { idleSeconds, maxSeconds }: SessionLimits, clock: Clock) => {
  const end = endOf(req.session, maxSeconds);
  const left = end === null ? maxSeconds : Math.floor((end.getTime() - clock.now().getTime()) / 1000);
  return { idleSeconds, endsInSeconds: Math.max(0, left) };
};

/**
 * Tells the layouts when the session will end, so that the page can warn before (WCAG 2.2.1). A session from before there
 * was an end gets one now.
 */
export function createSessionEnd(limits: SessionLimits, clock: Clock): RequestHandler {
  return (req, res, next) => {
    if (req.user && !req.session.signedIn) noteSignIn(req, clock);
    res.locals['sessionEnd'] = req.user ? remaining(req, limits, clock) : null;
    next();
  };
}

/** 登入中的裝置: where one is signed in, and signing out there. */
export function createSessionRoutes(deps: {
  sessions: OwnSessions;
  limits: SessionLimits;
  clock: Clock;
}): Router {
  const { sessions, limits, clock } = deps;
  const routes = Router();
  const me = (req: Request): Person => {
    const person = currentPerson(req);
    if (!person) throw new DomainError('unauthenticated', 'Please sign in first.', { code: 'sign-in-first' });
    return person;
  };

  routes.get('/account/sessions', async (req, res) => {
    const { id } = me(req);
    const found = await sessions.of(id, storedSessionId(req));
    const ended = Number(req.query['ended'] ?? Number.NaN);
    res.set('Cache-Control', 'no-store').render('pages/account/sessions', {
      sessions: found,
      others: found.filter(({ current }) => !current).length,
      ended: Number.isSafeInteger(ended) && ended >= 0 ? String(ended) : null,
      idleMinutes: Math.round(limits.idleSeconds / 60),
      maxHours: Math.round(limits.maxSeconds / 360) / 10,
    });
  });

  routes.post('/account/sessions/end', async (req, res) => {
    const { id } = me(req);
    const { session } = parse(z.object({ session: z.string().max(100) }), req.body);
    const ended = await sessions.end(id, session, req.ip ?? null);
    res.redirect(303, `/account/sessions?ended=${ended ? 1 : 0}`);
  });

  routes.post('/account/sessions/end-others', async (req, res) => {
    const ended = await sessions.endOthers(me(req).id, storedSessionId(req), req.ip ?? null);
    res.redirect(303, `/account/sessions?ended=${ended}`);
  });

  // Asked by a page whose session is about to end; the asking itself is a sign of life.
  routes.get('/api/session', (req, res) => {
    me(req);
    res.set('Cache-Control', 'no-store').json(remaining(req, limits, clock));
  });

  return routes;
}
