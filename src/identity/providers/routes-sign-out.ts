import { Router, type Request, type Response } from 'express';
import { newToken } from '../../base/ids.ts';
import type { Logger } from '../../base/logger.ts';
import { helpOf } from '../help/known-providers.ts';
import type { RecordAudit } from '../types.ts';
import { facts } from './facts.ts';
import type { LogoutFacts } from './protocol.ts';
import type { Door } from './routes.ts';
import type { Sealer } from './sealer.ts';

/** How it stands with the session at the provider, after the one here has ended. */
type There =
  /** The browser is sent there next (`logout: always`). */
  | 'due'
  /** The page offers it (`logout: ask`). */
  | 'offered'
  /** The browser was sent there and has not come back. */
  | 'going'
  | 'done'
  /** The provider did not answer, or refused. */
  | 'failed'
  /** Left as it is: by the configuration, or because the provider has no way to end it. */
  | 'left';

export interface SignOutAtProvider {
  provider: string;
  /** What the provider gives back, so that only our own sign-out counts as one. */
  state: string;
  /** LogoutFacts, sealed. */
  external: string;
  personId: string | null;
  there: There;
}
declare module 'express-session' {
  interface SessionData {
    /** In the session that follows the one that was signed out. */
    signOutAtProvider?: SignOutAtProvider;
  }
}

export const signedOutPath = '/sign-in/signed-out';

export interface SignOuts {
  /**
   * The session here has ended and a new, empty one has begun: notes what is left to do at the provider.
   * @param external what the ended session kept of the sign-in at a provider
   * @returns the page to go to
   */
  after(req: Request, external: string | undefined, personId: string | null): string;
  /** The provider says that its session has ended too; true when this browser has asked for it. */
  returned(req: Request, provider: string, state: string, ended: boolean): Promise<boolean>;
  routes: Router;
}

/** Signing out at the provider as well, by its `logout` setting. */
export function createSignOuts(deps: {
  doors: ReadonlyMap<string, Door>;
  sealer: Sealer;
  audit: RecordAudit;
  logger: Logger;
}): SignOuts {
  const { doors, sealer, audit, logger } = deps;
  const routes = Router();
  const factsIn = (external: string | undefined): LogoutFacts | null => {
    const text = external === undefined ? null : sealer.open(external);
    return text === null ? null : (JSON.parse(text) as LogoutFacts);
  };

  const returned: SignOuts['returned'] = async (req, provider, state, ended) => {
    const pending = req.session.signOutAtProvider;
    if (!pending || pending.provider !== provider || pending.state !== state || pending.there !== 'going')
      return false;
    pending.there = ended ? 'done' : 'failed';
    if (ended) pending.external = '';
    await audit({
      action: 'sign-out.provider',
      actorId: pending.personId,
      subjectId: pending.personId,
      outcome: ended ? 'success' : 'failure',
      reason: null,
      address: req.ip ?? null,
      detail: { provider },
    });
    return true;
  };

  routes.get(signedOutPath, (req, res) => {
    if (req.user) return res.redirect(303, '/');
    const pending = req.session.signOutAtProvider;
    const door = pending && doors.get(pending.provider);
    const leaveUrl = door ? `/sign-in/${door.provider.key}/sign-out` : null;
    res.set('Cache-Control', 'no-store');
    // Not a redirect of the form that signed out: the page's policy sends forms to our own origin only.
    if (pending?.there === 'due' && leaveUrl !== null) res.set('Refresh', `0; url=${leaveUrl}`);
    return res.render('pages/signed-out', {
      there: door ? pending.there : null,
      provider: door && { label: door.provider.label, website: helpOf(door.provider).website },
      leaveUrl,
    });
  });

  routes.get('/sign-in/:provider/sign-out', async (req, res, next) => {
    const door = doors.get(req.params.provider);
    if (!door) return next('route');
    const pending = req.session.signOutAtProvider;
    res.set('Cache-Control', 'no-store');
    if (!pending || pending.provider !== door.provider.key || pending.there === 'done')
      return res.redirect(303, signedOutPath);
    try {
      const known = factsIn(pending.external);
      const url = known && (await door.protocol.signOutUrl(known, pending.state));
      pending.there = url === null ? 'left' : 'going';
      return res.redirect(303, url ?? signedOutPath);
    } catch (error) {
      logger.warn({ provider: door.provider.key, facts: facts(error) }, 'a sign-out at the provider failed');
      pending.there = 'failed';
      return res.redirect(303, signedOutPath);
    }
  });

  /**
   * OpenID Connect RP-Initiated Logout 1.0 §3: the provider sends the browser back with the state. A SAML LogoutResponse
   * was verified before it comes here (routes-single-logout.ts).
   */
  routes.get('/sign-in/:provider/logout', async (req: Request, res: Response, next) => {
    const door = doors.get(String(req.params['provider']));
    if (!door) return next('route');
    res.set('Cache-Control', 'no-store');
    const { state } = req.query;
    await returned(req, door.provider.key, typeof state === 'string' ? state : '', true);
    return res.redirect(303, req.user ? '/' : signedOutPath);
  });

  return {
    routes,
    returned,
    after(req, external, personId) {
      const known = factsIn(external);
      const door = known && doors.get(known.provider);
      if (!door || external === undefined) return signedOutPath;
      const { logout, key, protocol } = door.provider;
      const able = protocol === 'oidc' || protocol === 'saml';
      const there = !able || logout === 'never' ? 'left' : logout === 'always' ? 'due' : 'offered';
      req.session.signOutAtProvider = { provider: key, state: newToken(), external, personId, there };
      return signedOutPath;
    },
  };
}
