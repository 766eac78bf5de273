import { Router, type Request } from 'express';
import { z } from 'zod';
import { isDomainError } from '../base/errors.ts';
import { parse } from '../http/validate.ts';
import { sessionCookie } from '../http/sessions.ts';
import type { RateLimit } from '../http/rate-limit.ts';
import type { RequestHandler } from 'express';
import type { Language } from '../base/languages.ts';
import { errorText } from '../views/error-model.ts';
import { demoAccounts } from './demo-people.ts';
import type { People } from './people.ts';
import type { Person } from './types.ts';

export interface IdentityRoutesDeps {
  people: People;
  /** Offers the demo accounts on the sign-in page. */
  demo: boolean;
  rateLimit(limit: RateLimit): RequestHandler;
}

const signInForm = z.object({
  loginName: z.string().trim().min(1).max(200),
  password: z.string().min(1).max(200),
  returnTo: z.string().max(2000).optional(),
});

/** Only a path of our own: no scheme, no host, no backslash that a browser would take for a slash. */
export const ownPath = (given: unknown): string => {
  if (typeof given !== 'string' || !/^\/(?![/\\])[^\\\s]*$/.test(given)) return '/';
  const url = new URL(given, 'http://portal.invalid');
  return url.host === 'portal.invalid' ? `${url.pathname}${url.search}` : '/';
};

/** A new session id with the sign-in, so that a planted one is worth nothing (session fixation); passport sees to it. */
const signIn = (req: Request, person: Person): Promise<void> =>
  new Promise((resolve, reject) =>
    req.login(person, (error: unknown) => (error ? reject(error) : resolve())),
  );

const signOut = (req: Request): Promise<void> =>
  new Promise((resolve, reject) =>
    req.logout((error: unknown) => {
      if (error) return reject(error);
      req.session.destroy((failed: unknown) => (failed ? reject(failed) : resolve()));
    }),
  );

export function createIdentityRoutes(deps: IdentityRoutesDeps): Router {
  const routes = Router();

  const page = (returnTo: string, extra: Record<string, unknown> = {}) => ({
    returnTo,
    demoAccounts: deps.demo
      ? demoAccounts.map(({ loginName, password, label, person }) => ({
          loginName,
          password,
          name: person.name,
          label: `identity.demo.${label}`,
        }))
      : [],
    ...extra,
  });

  routes.get('/sign-in', (req, res) => {
    const returnTo = ownPath(req.query['returnTo']);
    if (req.user) return res.redirect(303, returnTo);
    return res.render('pages/sign-in', page(returnTo));
  });

  routes.post(
    '/sign-in',
    deps.rateLimit({ name: 'sign-in', limit: 60, windowSeconds: 300 }),
    async (req, res) => {
      const { loginName, password, returnTo } = parse(signInForm, req.body);
      try {
        const person = await deps.people.authenticateLocal(loginName, password, req.ip ?? 'unknown');
        await signIn(req, person);
      } catch (error) {
        if (!isDomainError(error, 'unauthenticated') && !isDomainError(error, 'rate-limited')) throw error;
        const status = error.kind === 'unauthenticated' ? 401 : 429;
        if (error.retryAfter !== null) res.set('Retry-After', String(error.retryAfter));
        return res.status(status).render(
          'pages/sign-in',
          page(ownPath(returnTo), {
            errorText: errorText(res.locals['language'] as Language, error),
            loginName,
          }),
        );
      }
      return res.redirect(303, ownPath(returnTo));
    },
  );

  routes.post('/sign-out', async (req, res) => {
    await signOut(req);
    res.clearCookie(sessionCookie, { path: '/' });
    res.redirect(303, '/');
  });

  return routes;
}
