import { Router, type Request, type RequestHandler, type Response } from 'express';
import { z } from 'zod';
import type { Clock } from '../base/clock.ts';
import { DomainError, isDomainError } from '../base/errors.ts';
import type { Language } from '../base/languages.ts';
import { statusOfKind } from '../http/errors.ts';
import type { RateLimit } from '../http/rate-limit.ts';
import { parse } from '../http/validate.ts';
import { errorText } from '../views/error-model.ts';
import type { OfferedProviders } from './first-login.ts';
import type { People } from './people.ts';
import { purposeToken } from './providers/routes-purpose.ts';
import { currentPerson } from './routes-access.ts';
import { ownPath } from './routes-sign-in.ts';
import type { IdentityStore } from './store.ts';
import type { Person, RecordAudit } from './types.ts';

/** So long a sign-in counts as fresh for what cannot be undone lightly. */
export const freshMinutes = 15;

export const signedIn = (req: Request): Person => {
  const person = currentPerson(req);
  if (!person) throw new DomainError('unauthenticated', 'Please sign in first.', { code: 'sign-in-first' });
  return person;
};

/** Whether the person has shown within the last minutes, in this browser, who they are. */
export const isFresh = (req: Request, clock: Clock): boolean =>
  req.session.provenAt !== undefined && clock.now().getTime() - req.session.provenAt < freshMinutes * 60_000;

export const confirmPath = (returnTo: string): string =>
  `/account/confirm?returnTo=${encodeURIComponent(returnTo)}`;

/** Guards a route: whoever was not asked lately is asked first, and comes to `returnTo` afterwards. */
export const needsFresh =
  (clock: Clock, returnTo: string): RequestHandler =>
  (req, res, next) => {
    signedIn(req);
    if (isFresh(req, clock)) return next();
    return res.redirect(303, confirmPath(returnTo));
  };

const form = z.object({ password: z.string().min(1).max(200), returnTo: z.string().max(2000).optional() });

/** /account/confirm: showing once more that it is still oneself, by password or at a provider that is linked. */
export function createConfirmRoutes(deps: {
  people: Pick<People, 'authenticateLocal'>;
  identity: Pick<IdentityStore, 'byId' | 'identitiesOf'>;
  offeredProviders: OfferedProviders;
  clock: Clock;
  audit: RecordAudit;
  rateLimit(limit: RateLimit): RequestHandler;
}): Router {
  const { people, identity, clock, audit } = deps;
  const routes = Router();

  const show = async (
    req: Request,
    res: Response,
    returnTo: string,
    errorMessage?: string,
  ): Promise<void> => {
    const person = signedIn(req);
    const record = await identity.byId(person.id);
    const linked = new Set((await identity.identitiesOf(person.id)).map(({ provider }) => provider));
    res.set('Cache-Control', 'no-store').render('pages/account/confirm', {
      returnTo,
      account: record?.local ? { loginName: record.local.loginName } : null,
      providers: deps.offeredProviders().filter(({ key }) => linked.has(key)),
      query: new URLSearchParams({ token: purposeToken(req), returnTo }).toString(),
      errorText: errorMessage,
    });
  };

  routes.get('/account/confirm', (req, res) => show(req, res, ownPath(req.query['returnTo'])));

  routes.post(
    '/account/confirm',
    deps.rateLimit({ name: 'confirm', limit: 30, windowSeconds: 300 }),
    async (req, res) => {
      const person = signedIn(req);
      const { password, returnTo } = parse(form, req.body);
      const record = await identity.byId(person.id);
      const line = {
        action: 'sign-in.confirm',
        actorId: person.id,
        subjectId: person.id,
        address: req.ip ?? null,
        detail: { method: 'local' },
      };
      try {
        if (!record?.local)
          throw new DomainError('unauthenticated', 'The account or the password is not right.', {
            code: 'wrong-password',
          });
        await people.authenticateLocal(record.local.loginName, password, req.ip ?? 'unknown');
      } catch (error) {
        if (!isDomainError(error, 'unauthenticated') && !isDomainError(error, 'rate-limited')) throw error;
        await audit({ ...line, outcome: 'failure', reason: error.code ?? error.kind });
        if (error.retryAfter !== null) res.set('Retry-After', String(error.retryAfter));
        res.status(statusOfKind[error.kind]);
        return show(req, res, ownPath(returnTo), errorText(res.locals['language'] as Language, error));
      }
      req.session.provenAt = clock.now().getTime();
      await audit({ ...line, outcome: 'success', reason: null });
      return res.redirect(303, ownPath(returnTo));
    },
  );

  return routes;
}
