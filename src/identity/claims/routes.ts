import { Router, type Request, type Response } from 'express';
import { z } from 'zod';
import type { Clock } from '../../base/clock.ts';
import { DomainError, isDomainError } from '../../base/errors.ts';
import { parse } from '../../http/validate.ts';
import type { OfferedProviders } from '../first-login.ts';
import { purposeToken } from '../providers/routes-purpose.ts';
import { confirmPath, freshMinutes, isFresh, needsFresh, signedIn } from '../routes-confirm.ts';
import { undoDays, type Claims } from './claims.ts';

const page = '/account/claim';
const review = `${page}/review`;
const confirmForm = z.object({
  fingerprint: z.string().min(1).max(200),
  understood: z.literal('yes').optional(),
});

/** 併入社群帳號的學習紀錄 (W6): both sign-ins are proven, the page shows all that would be taken over, the person confirms. */
export function createClaimRoutes(deps: {
  claims: Claims;
  offeredProviders: OfferedProviders;
  clock: Clock;
}): Router {
  const { claims, offeredProviders, clock } = deps;
  const routes = Router();
  const labelOf = (key: string) =>
    offeredProviders().find((one) => one.key === key)?.label ?? { 'zh-TW': key };

  /** Whom the signed-in person has proven to be too, in this browser and a moment ago; null: nobody. */
  const proofOf = (req: Request) => {
    const proof = req.session.claimProof;
    const fresh = proof && clock.now().getTime() - proof.at < freshMinutes * 60_000;
    return fresh && proof.personId === req.user?.id ? proof : null;
  };

  routes.get(page, async (req, res) => {
    const person = signedIn(req);
    const { done } = req.query;
    res.set('Cache-Control', 'no-store').render('pages/account/claim', {
      verified: person.accountKind === 'official' || person.accountKind === 'verified',
      providers: offeredProviders().filter(({ assurance }) => assurance === 'social'),
      fresh: isFresh(req, clock),
      confirmUrl: confirmPath(page),
      query: new URLSearchParams({ token: purposeToken(req), returnTo: page }).toString(),
      minutes: freshMinutes,
      days: undoDays,
      done: done === 'taken' || done === 'undone' ? done : null,
      list: (await claims.of(person.id)).map((claim) => ({
        ...claim,
        providers: [...new Set(claim.identities.map(({ provider }) => provider))].map((key) => labelOf(key)),
        courses: claim.moves.length + claim.swaps.length,
        busy: claim.state === 'taking' || claim.state === 'undoing',
      })),
    });
  });

  const showReview = async (req: Request, res: Response, changed: boolean): Promise<void> => {
    const person = signedIn(req);
    const proof = proofOf(req);
    if (!proof) return res.redirect(303, page);
    const { claimed, plan, fingerprint } = await claims.preview(person.id, proof.claimedId);
    res.set('Cache-Control', 'no-store').render('pages/account/claim-review', {
      claimed,
      plan,
      fingerprint,
      changed,
      days: undoDays,
      providers: [...new Set(plan.identities.map(({ provider }) => provider))].map((key) => labelOf(key)),
      nothing: plan.moves.length + plan.meetings.length === 0,
    });
  };

  routes.get(review, needsFresh(clock, review), (req, res) => showReview(req, res, false));

  routes.post(review, needsFresh(clock, review), async (req, res) => {
    const person = signedIn(req);
    const proof = proofOf(req);
    if (!proof) return res.redirect(303, page);
    const { fingerprint, understood } = parse(confirmForm, req.body);
    if (understood !== 'yes')
      throw new DomainError('invalid', 'Tick the box to say that you have read what will happen.', {
        code: 'claim-not-understood',
      });
    try {
      await claims.confirm(person.id, proof.claimedId, fingerprint, req.ip ?? null);
    } catch (error) {
      if (!isDomainError(error, 'conflict') || error.code !== 'claim-changed') throw error;
      res.status(409);
      return showReview(req, res, true);
    }
    delete req.session.claimProof;
    return res.redirect(303, `${page}?done=taken`);
  });

  routes.get(`${page}/:id/undo`, needsFresh(clock, page), async (req, res) => {
    const person = signedIn(req);
    const claim = (await claims.of(person.id)).find(({ id }) => id === req.params['id']);
    if (!claim) throw new DomainError('not-found', 'There is no such claim.', { code: 'claim-none' });
    if (!claim.undoable) return res.redirect(303, page);
    return res.set('Cache-Control', 'no-store').render('pages/account/claim-undo', {
      claim,
      courses: claim.moves.length + claim.swaps.length,
      providers: [...new Set(claim.identities.map(({ provider }) => provider))].map((key) => labelOf(key)),
    });
  });

  routes.post(`${page}/:id/undo`, needsFresh(clock, page), async (req, res) => {
    await claims.undo(signedIn(req).id, String(req.params['id']), req.ip ?? null);
    res.redirect(303, `${page}?done=undone`);
  });

  return routes;
}
