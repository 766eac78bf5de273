import { Router, type Request, type RequestHandler, type Response } from 'express';
import type { PassportStatic, Strategy } from 'passport';
import { DomainError, isDomainError } from '../../base/errors.ts';
import type { Logger } from '../../base/logger.ts';
import { statusOfKind } from '../../http/errors.ts';
import type { ExternalSignIns } from '../external.ts';
import { helpOf } from '../help/known-providers.ts';
import { ownPath, type SignIns } from '../routes-sign-in.ts';
import { failureReasonOf, newReference, signInFailure } from './failures.ts';
import { facts } from './facts.ts';
import type { NamedSessions } from './named-sessions.ts';
import type { Answer, Attempt, Protocol, Purpose, Vouched } from './protocol.ts';
import { isPurposeToken } from './routes-purpose.ts';
import type { Attempts } from './routes-attempts.ts';
import type { Parcels } from './routes-cross-site.ts';
import type { SingleLogout } from './saml.ts';
import type { Sealer } from './sealer.ts';
import type { StrategyStep } from './strategy.ts';
import type { Provider } from './types.ts';

/** One provider that people can sign in with. */
export interface Door {
  provider: Provider;
  protocol: Protocol;
  strategy: Strategy;
  /** How its answers come: from our own origin by GET, or from its site by POST (routes-cross-site.ts). */
  answersBy: 'query' | 'post';
  /** What its metadata says of us; null when the protocol has none. */
  metadata: (() => Promise<string>) | null;
  /** Logout messages that the provider sends (routes-single-logout.ts); null when the protocol has none. */
  logout: SingleLogout | null;
}

/** Somebody who is signed in has come back from a provider: what for, and whom the provider vouches for. Answers the request. */
export type Proven = (
  req: Request,
  res: Response,
  proof: { purpose: Purpose; vouched: Vouched; returnTo: string },
) => Promise<void>;

export interface ProviderRoutesDeps {
  passport: PassportStatic;
  doors: ReadonlyMap<string, Door>;
  attempts: Attempts;
  parcels: Parcels;
  sealer: Sealer;
  externals: ExternalSignIns;
  named: NamedSessions;
  signIns: SignIns;
  proven: Proven;
  logger: Logger;
  limit: RequestHandler;
}

/** passport's verdict as a promise; a redirect answers the request, and then it stays open for good. */
const authenticate = (
  passport: PassportStatic,
  req: Request,
  res: Response,
  strategy: Strategy,
  step: StrategyStep,
): Promise<Vouched> =>
  new Promise((resolve, reject) => {
    const verdict = (error: unknown, vouched?: unknown): void =>
      error ? reject(error) : resolve(vouched as Vouched);
    const options = { session: false, ...step };
    const run = passport.authenticate(strategy as unknown as string, options, verdict) as RequestHandler;
    void run(req, res, reject);
  });

/** Which attempt the answer is for: OAuth's state, SAML's RelayState. */
const stateOf = (answer: Answer): string => answer.get('state') ?? answer.get('RelayState') ?? '';

/**
 * Signing in at a provider:
 * `GET /sign-in/:provider` sends the browser there, `GET /sign-in/:provider/callback` takes the answer.
 */
export function createProviderRoutes(deps: ProviderRoutesDeps): Router {
  const { passport, doors, attempts, parcels, sealer, externals, named, signIns, logger } = deps;
  const routes = Router();

  /** The page that says why it did not work, and whom to call (W13); the same reference stands in log and audit line. */
  async function failed(
    req: Request,
    res: Response,
    door: Door,
    error: unknown,
    returnTo: string,
  ): Promise<void> {
    const reason = failureReasonOf(error);
    // A fault of ours, or of the store: not the provider's, and not the person's.
    if (reason === null || !isDomainError(error)) throw error;
    const { key, protocol, label } = door.provider;
    const reference = newReference();
    logger.warn({ reference, provider: key, reason, facts: facts(error) }, 'a sign-in failed');
    await signIns.failed(req, {
      method: key,
      reason: `${protocol}-${reason}`,
      subjectId: null,
      detail: { reference },
    });
    // Somebody who is signed in has pressed "back" or loaded the page again: nothing is wrong for them.
    if (req.user && (reason === 'used' || reason === 'unknown')) return res.redirect(303, '/');
    res.status(statusOfKind[error.kind]).set('Cache-Control', 'no-store');
    // Neither the language link nor the sign-in link may lead back to an answer that was used.
    res.locals['otherLanguageUrl'] = `/sign-in?lang=${res.locals['language'] === 'en' ? 'zh-TW' : 'en'}`;
    res.locals['path'] = '/';
    res.render('pages/sign-in-failed', {
      reason: `providers.reasons.${reason}`,
      advice: `providers.advice.${reason}`,
      reference,
      provider: { key, label, help: helpOf(door.provider) },
      search: returnTo === '/' ? '' : `?returnTo=${encodeURIComponent(returnTo)}`,
    });
  }

  const doorOf = (req: Request): Door => {
    const door = doors.get(String(req.params['provider']));
    if (!door) throw new DomainError('not-found', 'There is no such way to sign in.', { code: 'not-found' });
    return door;
  };

  routes.get('/sign-in/:provider', deps.limit, async (req, res, next) => {
    if (!doors.has(String(req.params['provider']))) return next('route');
    const door = doorOf(req);
    const returnTo = ownPath(req.query['returnTo']);
    res.set('Cache-Control', 'no-store');
    try {
      const attempt = attempts.begin(req, door.provider.key, returnTo);
      await authenticate(passport, req, res, door.strategy, { step: 'begin', attempt });
    } catch (error) {
      await failed(req, res, door, error, returnTo);
    }
  });

  // A link, not a form: a browser follows no form to another site (Content-Security-Policy form-action). The token is
  // the session's, so nobody can send somebody else's browser there to add a sign-in of their own.
  routes.get('/account/sign-ins/:provider/:purpose', deps.limit, async (req, res, next) => {
    const kind = req.params['purpose'];
    if ((kind !== 'link' && kind !== 'confirm') || !doors.has(String(req.params['provider'])))
      return next('route');
    const door = doorOf(req);
    const returnTo = ownPath(req.query['returnTo']);
    res.set('Cache-Control', 'no-store');
    if (!req.user || !isPurposeToken(req, req.query['token']))
      throw new DomainError('forbidden', 'This link has expired. Go back, load the page again and retry.', {
        code: 'csrf',
      });
    try {
      const attempt = attempts.begin(req, door.provider.key, returnTo, { kind, personId: req.user.id });
      await authenticate(passport, req, res, door.strategy, { step: 'begin', attempt });
    } catch (error) {
      await failed(req, res, door, error, returnTo);
    }
  });

  /** The answer, from the query or from the parcel that a cross-site POST has left. */
  async function answerOf(req: Request, door: Door): Promise<Answer> {
    const query = new URL(req.originalUrl, 'http://portal.invalid').searchParams;
    if (door.answersBy === 'query') return query;
    const parcel = await parcels.take(query.get('parcel') ?? '');
    if (!parcel) throw signInFailure('used', 'the answer was taken before, or is too old');
    if ('failure' in parcel) throw signInFailure(parcel.failure, 'the posted form could not be read');
    return parcel.answer;
  }

  routes.get('/sign-in/:provider/callback', deps.limit, async (req, res) => {
    const door = doorOf(req);
    const { provider } = door;
    let attempt: Attempt | null = null;
    res.set('Cache-Control', 'no-store');
    try {
      const answer = await answerOf(req, door);
      attempt = await attempts.take(req, provider.key, stateOf(answer));
      const vouched = await authenticate(passport, req, res, door.strategy, {
        step: 'complete',
        attempt,
        answer,
      });
      if (attempt?.purpose) {
        const { purpose, returnTo } = attempt;
        // Signed out, or somebody else by now: what was begun is nobody's any more.
        if (req.user?.id !== purpose.personId)
          throw signInFailure('unknown', 'who began this is not signed in here any more');
        return await deps.proven(req, res, { purpose, vouched, returnTo });
      }
      const { profile, notes, logout } = vouched;
      const person = await externals.arrive({ profile, notes, address: req.ip ?? null });
      await named.note(logout, person.id);
      await signIns.complete(req, res, person, {
        method: provider.key,
        returnTo: attempt?.returnTo ?? '/',
        keep: {
          external: sealer.seal(JSON.stringify(logout)),
          ...(profile.nickname === null ? {} : { suggestedNickname: profile.nickname }),
        },
      });
    } catch (error) {
      return failed(req, res, door, error, attempt?.returnTo ?? '/');
    }
  });

  routes.get('/sign-in/:provider/metadata', async (req, res) => {
    const door = doorOf(req);
    if (!door.metadata)
      throw new DomainError('not-found', 'This way to sign in has no metadata.', { code: 'not-found' });
    res.type('application/samlmetadata+xml').send(await door.metadata());
  });

  return routes;
}
