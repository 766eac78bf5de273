import { Router, type Request, type RequestHandler } from 'express';
import passport from 'passport';
import { DomainError } from '../base/errors.ts';
import type { People } from './people.ts';
import { askedOf, routeAccess, type Access } from './route-access.ts';
import { allows, authorize, isStaff, type Action, type Resource } from './policy.ts';
import type { Person } from './types.ts';

/** The signed-in person of this request; null for a guest. */
export const currentPerson = (req: Request): Person | null => req.user ?? null;

/** The person of this request, if the policy lets them; DomainError `unauthenticated` or `forbidden` if not. */
export const allowed = (req: Request, action: Action, resource?: Resource): Person =>
  authorize(currentPerson(req), action, resource);

/** Guards a route whose action needs no particular resource. */
export const requireAction =
  (action: Action): RequestHandler =>
  (req, _res, next) => {
    allowed(req, action);
    next();
  };

/** The signed-in person; DomainError `unauthenticated` for a guest. */
export function signedIn(req: Request): Person {
  const person = currentPerson(req);
  if (!person) throw new DomainError('unauthenticated', 'Please sign in first.', { code: 'sign-in-first' });
  return person;
}

const guardOf = (access: Access): ((req: Request) => void) | null => {
  const asked = askedOf(access);
  if (asked === null) return null;
  return asked === 'signed-in' ? (req) => void signedIn(req) : (req) => void allowed(req, asked);
};

/**
 * Asks the table of routes before any handler: what a handler forgot to ask is refused all the same. It takes the portal's
 * session; put it behind that. A path that has a program's own token beside the session is asked behind the token's handler.
 */
export function createPolicyGate(table: Readonly<Record<string, Access>> = routeAccess): RequestHandler {
  const gate = Router();
  for (const [route, access] of Object.entries(table)) {
    const [, method = '', path = ''] = /^(GET|POST|PUT) (\/.*)$/.exec(route) ?? [];
    if (path === '') continue;
    const guard = guardOf(access);
    // The first that matches decides, as it does among the routes themselves.
    gate[method.toLowerCase() as 'get' | 'post' | 'put'](path, (req, _res, next) => {
      guard?.(req);
      next('router');
    });
  }
  return (req, res, next) => gate(req, res, next);
}

const administration: Action[] = [
  'people.read',
  'agencies.manage',
  'corrections.answer',
  'record.read',
  'lrs.browse',
  'audit.read',
  'sign-ins.diagnose',
];

/** What templates may ask: `can.courseEdit` and so on is decided here, never in a template. */
export const permissionsOf = (person: Person | null) => ({
  editCourses: allows(person, 'course.edit'),
  browseLrs: allows(person, 'lrs.browse'),
  manageLrs: allows(person, 'lrs.manage'),
  readRecords: allows(person, 'record.read'),
  readPeople: allows(person, 'people.read'),
  managePeople: allows(person, 'people.manage'),
  manageAgencies: allows(person, 'agencies.manage'),
  diagnoseSignIns: allows(person, 'sign-ins.diagnose'),
  answerCorrections: allows(person, 'corrections.answer'),
  readAudit: allows(person, 'audit.read'),
  administer: administration.some((action) => allows(person, action)),
  useSecondFactor: person !== null && isStaff(person),
});

/**
 * passport over the web session: the person is read anew on every request, so a role taken away, or a lock, holds at once.
 */
export function createPassport(people: People): {
  passport: passport.PassportStatic;
  middleware: RequestHandler[];
} {
  const instance = new passport.Passport() as passport.PassportStatic;
  instance.serializeUser((user, done) => done(null, user.id));
  instance.deserializeUser((id: string, done: (error: unknown, user?: Express.User | false) => void) => {
    people.active(id).then(
      (person) => done(null, person ?? false),
      (error: unknown) => done(error),
    );
  });
  return { passport: instance, middleware: [instance.initialize(), instance.session()] };
}
