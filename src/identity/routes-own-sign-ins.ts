import { Router, type Request } from 'express';
import { z } from 'zod';
import type { Clock } from '../base/clock.ts';
import { DomainError } from '../base/errors.ts';
import { parse } from '../http/validate.ts';
import type { ExternalSignIns } from './external.ts';
import type { OfferedProviders } from './first-login.ts';
import type { OwnSignIns } from './own-sign-ins.ts';
import type { Proven } from './providers/routes.ts';
import { purposeToken } from './providers/routes-purpose.ts';
import { isFresh, needsFresh, signedIn } from './routes-confirm.ts';
import type { ExternalIdentity } from './store.ts';
import type { RecordAudit } from './types.ts';

declare module 'express-session' {
  interface SessionData {
    /** A social account whose sign-in the signed-in person has proven too: its record may be claimed for a while. */
    claimProof?: { personId: string; claimedId: string; provider: string; at: number };
  }
}

const page = '/account/sign-ins';
const unlinkForm = z.object({ at: z.coerce.number().int().min(0).max(1000), provider: z.string().max(100) });

export interface OwnSignInRoutesDeps {
  signIns: OwnSignIns;
  externals: ExternalSignIns;
  offeredProviders: OfferedProviders;
  clock: Clock;
  audit: RecordAudit;
}

/** 登入方式: which providers lead to this account; one more, one less. */
export function createOwnSignInRoutes(deps: OwnSignInRoutesDeps): Router {
  const { signIns, offeredProviders, clock } = deps;
  const routes = Router();

  routes.get(page, async (req, res) => {
    const person = signedIn(req);
    const offered = new Map(offeredProviders().map((one) => [one.key, one]));
    const list = (await signIns.of(person.id)).map(({ provider, bound }, at) => ({
      at,
      provider,
      label: offered.get(provider)?.label ?? { 'zh-TW': provider },
      bound,
    }));
    const { done } = req.query;
    res.set('Cache-Control', 'no-store').render('pages/account/sign-ins', {
      list,
      others: [...offered.values()],
      done: typeof done === 'string' && ['linked', 'unlinked', 'already'].includes(done) ? done : null,
      fresh: isFresh(req, clock),
      mayClaim: person.accountKind === 'official' || person.accountKind === 'verified',
      query: new URLSearchParams({ token: purposeToken(req), returnTo: page }).toString(),
    });
  });

  routes.post(`${page}/unlink`, needsFresh(clock, page), async (req, res) => {
    const person = signedIn(req);
    const { at, provider } = parse(unlinkForm, req.body);
    // The place in the list: a provider's own name for the person stays off the page.
    const one = (await signIns.of(person.id))[at];
    if (one?.provider !== provider)
      throw new DomainError('conflict', 'The list has changed. Load the page again and retry.', {
        code: 'sign-in-not-linked',
      });
    await signIns.unlink(person.id, one, req.ip ?? null);
    res.redirect(303, `${page}?done=unlinked`);
  });

  return routes;
}

/** What happens when somebody who is signed in comes back from a provider. */
export function createProven(deps: Pick<OwnSignInRoutesDeps, 'externals' | 'clock' | 'audit'>): Proven {
  const { externals, clock, audit } = deps;
  const now = (): number => clock.now().getTime();
  const line = (req: Request, provider: string) => ({
    actorId: req.user?.id ?? null,
    subjectId: req.user?.id ?? null,
    address: req.ip ?? null,
    detail: { provider },
  });

  return async (req, res, { purpose, vouched, returnTo }) => {
    const { profile, notes } = vouched;
    const person = signedIn(req);
    const identity: ExternalIdentity = externals.identityOf(profile);
    const holder = await externals.holderOf(identity);

    if (purpose.kind === 'confirm') {
      const same = holder?.id === person.id;
      await audit({
        ...line(req, profile.provider),
        action: 'sign-in.confirm',
        outcome: same ? 'success' : 'failure',
        reason: same ? null : 'another-account',
      });
      if (!same)
        throw new DomainError('forbidden', 'You signed in with another account. Use the one of this page.', {
          code: 'confirm-another',
        });
      req.session.provenAt = now();
      return res.redirect(303, returnTo);
    }

    if (holder?.id === person.id) return res.redirect(303, `${page}?done=already`);
    if (!holder) {
      await externals.link(person.id, { profile, notes, address: req.ip ?? null });
      return res.redirect(303, `${page}?done=linked`);
    }
    // Somebody's already: of a social account the record may be claimed, once the page has shown what that means.
    req.session.claimProof = {
      personId: person.id,
      claimedId: holder.id,
      provider: profile.provider,
      at: now(),
    };
    return res.redirect(303, '/account/claim/review');
  };
}
