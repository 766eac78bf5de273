import type { RequestHandler } from 'express';
import { DomainError } from '../base/errors.ts';
import { wantsJson } from '../http/errors.ts';
import { currentPerson } from './routes-access.ts';
import { ownPath } from './routes-sign-in.ts';
import type { Welcome } from './welcome.ts';

declare module 'express-session' {
  interface SessionData {
    /** `<person>|<version of the terms>`: nothing was left to do for this person under this version. */
    welcomed?: string;
    /** The reminder for social accounts was closed in this session. */
    reminderClosed?: boolean;
  }
}

/** What stays reachable: the way in and out, the welcome itself, and beats of a course that is open (time is never lost). */
const alwaysOpen = [
  '/welcome',
  '/sign-in',
  '/sign-out',
  '/sign-in-questions',
  '/first-login',
  '/terms',
  '/confirm-email',
  '/demo', // the outbox, and what else only demo mode has
  '/api/nickname-check',
  '/api/session',
  '/api/player/sessions',
];

export const welcomePath = (returnTo: string, page = '/welcome'): string =>
  returnTo === '/' ? page : `${page}?returnTo=${encodeURIComponent(returnTo)}`;

/**
 * Leads a signed-in person who has not agreed to the terms in force, or has no nickname, to /welcome and back afterwards;
 * programs get 403 `welcome-first`. What was passed is remembered in the session, so it costs nothing later. When a new
 * version comes into force in the middle of a session, what is being sent is still taken; the next page asks.
 * @param open further paths that stay reachable, e.g. an identity provider's single logout
 */
export function createWelcomeGate({
  welcome,
  open = [],
}: {
  welcome: Pick<Welcome, 'version' | 'nextStep'>;
  open?: readonly string[];
}): RequestHandler {
  const opened = [...alwaysOpen, ...open];
  const isOpen = (path: string): boolean =>
    opened.some((prefix) => path === prefix || path.startsWith(`${prefix}/`));

  return async (req, res, next) => {
    const person = currentPerson(req);
    if (!person || isOpen(req.path)) return next();
    const passed = `${person.id}|${welcome.version()}`;
    if (req.session.welcomed === passed) return next();
    const reads = req.method === 'GET' || req.method === 'HEAD';
    const inTheMiddle = req.session.welcomed?.startsWith(`${person.id}|`) ?? false;
    if (inTheMiddle && (!reads || wantsJson(req))) return next();

    if ((await welcome.nextStep(person.id)) === null) {
      req.session.welcomed = passed;
      return next();
    }
    if (wantsJson(req))
      throw new DomainError('forbidden', 'Please open the portal and agree to the terms of use first.', {
        code: 'welcome-first',
      });
    return res.redirect(303, welcomePath(reads ? ownPath(req.originalUrl) : '/'));
  };
}

/** Tells the layout whether to remind the person of what a social account cannot do (requirements.md §1, 7): once the welcome is done. */
export const socialReminder: RequestHandler = (req, res, next) => {
  const person = currentPerson(req);
  res.locals['socialReminder'] =
    person?.accountKind === 'social' &&
    req.session.welcomed?.startsWith(`${person.id}|`) === true &&
    req.session.reminderClosed !== true;
  next();
};
