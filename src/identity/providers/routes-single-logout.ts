import { Router, type Request, type RequestHandler, type Response } from 'express';
import { isDomainError } from '../../base/errors.ts';
import type { Logger } from '../../base/logger.ts';
import { statusOfKind } from '../../http/errors.ts';
import { helpOf } from '../help/known-providers.ts';
import { signOut } from '../routes.ts';
import type { RecordAudit } from '../types.ts';
import { facts } from './facts.ts';
import { failureReasonOf, newReference, signInFailure } from './failures.ts';
import type { NamedSessions } from './named-sessions.ts';
import type { Parcels } from './routes-cross-site.ts';
import type { SignOuts } from './routes-sign-out.ts';
import { signedOutPath } from './routes-sign-out.ts';
import type { Door } from './routes.ts';
import type { SingleLogout } from './saml.ts';
import type { SentLogout } from './saml/logout.ts';

export interface SingleLogoutDeps {
  doors: ReadonlyMap<string, Door>;
  parcels: Parcels;
  named: NamedSessions;
  hashName(provider: string, name: string): string;
  signOuts: Pick<SignOuts, 'returned'>;
  audit: RecordAudit;
  logger: Logger;
  limit: RequestHandler;
}

const queryOf = (req: Request): string => req.originalUrl.split('?').slice(1).join('?');
const carriesMessage = (query: string): boolean => /(?:^|&)(?:SAMLRequest|SAMLResponse|parcel)=/.test(query);

/**
 * SAML Single Logout at `GET /sign-in/:provider/logout`, the address that our metadata names; a posted message comes here
 * as a parcel (routes-cross-site.ts).
 * - LogoutRequest: every session of the named person at that provider ends, and the browser takes our answer back.
 * - LogoutResponse, to the request of our own sign-out: on to the page that every sign-out ends on (routes-sign-out.ts).
 * Anything else at this address belongs to others.
 */
export function createSingleLogoutRoutes(deps: SingleLogoutDeps): Router {
  const { doors, parcels, named, hashName, signOuts, audit, logger } = deps;
  const routes = Router();

  async function sent(query: string): Promise<SentLogout> {
    const token = new URLSearchParams(query).get('parcel');
    if (token === null) return { binding: 'redirect', query };
    const parcel = await parcels.take(token);
    if (!parcel) throw signInFailure('used', 'the message was taken before, or is too old');
    if ('failure' in parcel) throw signInFailure(parcel.failure, 'the posted form could not be read');
    return { binding: 'post', answer: parcel.answer };
  }

  /** The page for a message that was not taken, with the reference that stands in log and audit line. */
  async function refused(req: Request, res: Response, { provider }: Door, error: unknown): Promise<void> {
    const reason = failureReasonOf(error);
    if (reason === null || !isDomainError(error)) throw error;
    const { key, label } = provider;
    const reference = newReference();
    logger.warn({ reference, provider: key, reason, facts: facts(error) }, 'a logout message was refused');
    await audit({
      action: 'sign-out',
      actorId: req.user?.id ?? null,
      subjectId: req.user?.id ?? null,
      outcome: 'failure',
      reason: `saml-${reason}`,
      address: req.ip ?? null,
      detail: { method: key, reference },
    });
    res.status(statusOfKind[error.kind]).set('Cache-Control', 'no-store');
    // The language link may not lead back to a message that was used.
    res.locals['otherLanguageUrl'] = `/sign-in?lang=${res.locals['language'] === 'en' ? 'zh-TW' : 'en'}`;
    res.locals['path'] = '/';
    const outcome = req.user ? 'still' : 'here';
    res.render('pages/sign-out-failed', {
      heading: `providers.signOut.title.${outcome}`,
      what: `providers.signOut.what.${outcome}`,
      advice: `providers.signOut.advice.${outcome}`,
      reference,
      provider: { key, label, help: helpOf(provider) },
    });
  }

  async function answerRequest(
    req: Request,
    res: Response,
    { provider: { key } }: Door,
    logout: SingleLogout,
    request: { id: string; name: string; sessionIndexes: string[]; relayState: string | null },
  ): Promise<void> {
    const whom = {
      provider: key,
      nameHash: hashName(key, request.name),
      sessionIndexes: request.sessionIndexes,
    };
    const { personId, ended } = await named.end(whom);
    // The session of this request would be written again at its end: it has to go by itself.
    if (named.isMeant(req.session.external, whom)) await signOut(req);
    await audit({
      action: 'sign-out',
      actorId: null,
      subjectId: personId,
      outcome: 'success',
      reason: 'provider',
      address: req.ip ?? null,
      detail: { method: key, sessions: String(ended) },
    });
    const url = await logout.answerUrl(request.id, request.relayState);
    return res.redirect(303, url ?? '/');
  }

  routes.get('/sign-in/:provider/logout', deps.limit, async (req, res, next) => {
    const door = doors.get(String(req.params['provider']));
    const query = queryOf(req);
    if (!door?.logout || !carriesMessage(query)) return next();
    res.set('Cache-Control', 'no-store');
    try {
      const message = await door.logout.receive(await sent(query));
      if (message.kind === 'request') return await answerRequest(req, res, door, door.logout, message);
      if (message.failure !== null)
        logger.warn(
          { provider: door.provider.key, status: message.failure },
          'the provider did not end everything',
        );
      await signOuts.returned(req, door.provider.key, message.state, message.failure === null);
      return res.redirect(303, req.user ? '/' : signedOutPath);
    } catch (error) {
      return refused(req, res, door, error);
    }
  });
  return routes;
}
