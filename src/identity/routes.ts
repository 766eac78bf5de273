import { Router, type Request } from 'express';
import { z } from 'zod';
import { isDomainError } from '../base/errors.ts';
import { parse } from '../http/validate.ts';
import { statusOfKind } from '../http/errors.ts';
import { sessionCookie } from '../http/sessions.ts';
import type { RateLimit } from '../http/rate-limit.ts';
import type { RequestHandler } from 'express';
import type { Language } from '../base/languages.ts';
import { errorText } from '../views/error-model.ts';
import { demoAccounts } from './demo-people.ts';
import type { OfferedProviders } from './first-login.ts';
import type { People } from './people.ts';
import { signInGuide } from './routes-first-login.ts';
import { ownPath, type SignIns } from './routes-sign-in.ts';
import type { RecordAudit } from './types.ts';

export interface IdentityRoutesDeps {
  people: People;
  signIns: SignIns;
  audit: RecordAudit;
  /** Offers the demo accounts on the sign-in page. */
  demo: boolean;
  /** The ways to sign in beside local accounts. */
  offeredProviders: OfferedProviders;
  /** After a sign-out of somebody who came from a provider: where to go (providers/routes-sign-out.ts). */
  signedOut(req: Request, external: string, personId: string | null): string;
  rateLimit(limit: RateLimit): RequestHandler;
}

const signInForm = z.object({
  loginName: z.string().trim().min(1).max(200),
  password: z.string().min(1).max(200),
  returnTo: z.string().max(2000).optional(),
});

/** Ends the session; passport begins a new, empty one, which leaves no row unless something is kept in it. */
export const endSession = (req: Request): Promise<void> =>
  new Promise((resolve, reject) => req.logout((error: unknown) => (error ? reject(error) : resolve())));

export async function signOut(req: Request): Promise<void> {
  await endSession(req);
  await new Promise<void>((resolve, reject) =>
    req.session.destroy((failed: unknown) => (failed ? reject(failed) : resolve())),
  );
}

export function createIdentityRoutes(deps: IdentityRoutesDeps): Router {
  const routes = Router();

  const page = (req: Request, returnTo: string, extra: Record<string, unknown> = {}) => ({
    returnTo,
    guide: signInGuide(req, deps.offeredProviders, returnTo),
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
    return res.render('pages/sign-in', page(req, returnTo));
  });

  routes.post(
    '/sign-in',
    deps.rateLimit({ name: 'sign-in', limit: 60, windowSeconds: 300 }),
    async (req, res) => {
      const { loginName, password, returnTo } = parse(signInForm, req.body);
      try {
        const person = await deps.people.authenticateLocal(loginName, password, req.ip ?? 'unknown');
        await deps.signIns.complete(req, res, person, { method: 'local', returnTo: ownPath(returnTo) });
      } catch (error) {
        const isLocked = isDomainError(error, 'forbidden') && error.code === 'account-locked';
        if (!isLocked && !isDomainError(error, 'unauthenticated') && !isDomainError(error, 'rate-limited'))
          throw error;
        const known = await deps.people.byLoginName(loginName);
        const reference = await deps.signIns.failed(req, {
          method: 'local',
          reason: error.code ?? error.kind,
          subjectId: known?.id ?? null,
        });
        const status = statusOfKind[error.kind];
        if (error.retryAfter !== null) res.set('Retry-After', String(error.retryAfter));
        res.status(status).render(
          'pages/sign-in',
          page(req, ownPath(returnTo), {
            errorText: errorText(res.locals['language'] as Language, error),
            loginName,
            reference,
          }),
        );
      }
    },
  );

  routes.post('/sign-out', async (req, res) => {
    const personId = req.user?.id ?? null;
    const { external } = req.session;
    await (external === undefined ? signOut(req) : endSession(req));
    await deps.audit({
      action: 'sign-out',
      actorId: personId,
      subjectId: personId,
      outcome: 'success',
      reason: null,
      address: req.ip ?? null,
    });
    if (external !== undefined) return res.redirect(303, deps.signedOut(req, external, personId));
    res.clearCookie(sessionCookie, { path: '/' });
    return res.redirect(303, '/');
  });

  return routes;
}
