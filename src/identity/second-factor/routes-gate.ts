import type { RequestHandler } from 'express';
import { DomainError } from '../../base/errors.ts';
import { wantsJson } from '../../http/errors.ts';
import { isStaff } from '../policy.ts';
import { currentPerson } from '../routes-access.ts';
import { ownPath } from '../routes-sign-in.ts';
import type { SecondFactor } from './second-factor.ts';

declare module 'express-session' {
  interface SessionData {
    /** The person whose second factor this session knows to be there. */
    secondFactorOf?: string;
  }
}

/** What stays reachable without one: setting it up, the way in and out, and beats of a course that is open (time is never lost). */
const alwaysOpen = ['/account/totp', '/sign-in', '/sign-out', '/api/session', '/api/player/sessions'];

/**
 * STAFF_TOTP=required: leads a staff account without a second factor to /account/totp before anything else, and back
 * afterwards; programs get 403 `second-factor-first`. What was passed is remembered in the session, which ends when an
 * administrator takes the second factor away.
 */
export function createSecondFactorGate({
  secondFactor,
  required,
  open = [],
}: {
  secondFactor: Pick<SecondFactor, 'has'>;
  required: boolean;
  /** Further paths that stay reachable. */
  open?: readonly string[];
}): RequestHandler {
  const opened = [...alwaysOpen, ...open];
  const isOpen = (path: string): boolean =>
    opened.some((prefix) => path === prefix || path.startsWith(`${prefix}/`));

  return async (req, res, next) => {
    const person = required ? currentPerson(req) : null;
    if (!person || !isStaff(person) || isOpen(req.path)) return next();
    if (req.session.secondFactorOf === person.id) return next();
    if (await secondFactor.has(person.id)) {
      req.session.secondFactorOf = person.id;
      return next();
    }
    if (wantsJson(req))
      throw new DomainError('forbidden', 'Please open the portal and set up two-step verification first.', {
        code: 'second-factor-first',
      });
    const reads = req.method === 'GET' || req.method === 'HEAD';
    const returnTo = reads ? ownPath(req.originalUrl) : '/';
    return res.redirect(
      303,
      returnTo === '/' ? '/account/totp' : `/account/totp?returnTo=${encodeURIComponent(returnTo)}`,
    );
  };
}
