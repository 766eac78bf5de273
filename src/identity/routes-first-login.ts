import { Router, type Request, type Response } from 'express';
import { z } from 'zod';
import { DomainError } from '../base/errors.ts';
import { readCookie } from '../http/cookies.ts';
import {
  columnsFor,
  contacts,
  isAudience,
  stepNumber,
  suited,
  wizardStep,
  type Audience,
  type OfferedProviders,
  type WizardStep,
} from './first-login.ts';
import { providersFor } from './providers/directory.ts';
import { ownPath } from './routes-sign-in.ts';

const cookie = 'zhixing-first-login';

/** What the wizard's answer was, from the cookie that keeps it for half a year. */
export function rememberedAudience(req: Request): Audience | null {
  const value = readCookie(req, cookie);
  return isAudience(value) ? value : null;
}

/**
 * What `partials/sign-in-guide` shows beside the buttons of the sign-in page (W22). Pages that draw the buttons take
 * those of `shown`; `?show=all` leaves none out.
 */
export function signInGuide(req: Request, offered: OfferedProviders, returnTo: string) {
  const audience = rememberedAudience(req);
  const all = req.query['show'] === 'all';
  const { shown, hidden } = suited(offered(), audience, all);
  return {
    audience,
    all,
    columns: (all ? columnsFor(null) : columnsFor(audience)).map((column) => ({
      column,
      providers: providersFor(shown, column).map(({ key, label, assurance }) => ({
        key,
        label,
        hint: `${column}-${assurance}`,
      })),
    })),
    offered: shown.length > 0,
    hidden: hidden.map(({ provider, reason }) => ({ label: provider.label, reason })),
    query: returnTo === '/' ? '' : `returnTo=${encodeURIComponent(returnTo)}`,
  };
}

const query = z.object({
  answer: z.string().max(40).optional().catch(undefined),
  next: z.string().max(2).optional().catch(undefined),
});

/** 新會員第一次登入請看此, step by step with plain links and GET forms; and 常見登入Q&A. */
export function createFirstLoginRoutes(deps: {
  offeredProviders: OfferedProviders;
  publicOrigin: string;
}): Router {
  const routes = Router();
  const path = (step: WizardStep, search: string): string =>
    `/first-login${step.before === null ? '' : `/${step.id}`}${search}`;

  const remember = (res: Response, audience: Audience): void => {
    res.cookie(cookie, audience, {
      maxAge: 180 * 24 * 3600 * 1000,
      sameSite: 'lax',
      httpOnly: true,
      secure: deps.publicOrigin.startsWith('https:'),
      path: '/',
    });
  };

  const show = (id: string, req: Request, res: Response): void => {
    const step = wizardStep(id);
    if (!step) throw new DomainError('not-found', 'There is no such step.', { code: 'not-found' });
    const { answer, next } = query.parse(req.query);
    const returnTo = ownPath(req.query['returnTo']);
    const search = returnTo === '/' ? '' : `?returnTo=${encodeURIComponent(returnTo)}`;
    if (step.audience) remember(res, step.audience);
    const chosen = answer !== undefined && step.choices.includes(answer) ? wizardStep(answer) : null;
    if (chosen) return res.redirect(303, path(chosen, search));

    const before = step.before === null ? null : wizardStep(step.before);
    const offered = deps.offeredProviders();
    res.set('Cache-Control', 'no-store').render('pages/first-login', {
      step: step.id,
      number: stepNumber(step),
      heading: `first-login.steps.${step.id}.title`,
      text: `first-login.steps.${step.id}.text`,
      choices: step.choices.map((choice) => ({ value: choice, label: `first-login.choices.${choice}` })),
      recommended: step.recommends.flatMap((key) => offered.find((provider) => provider.key === key) ?? []),
      contact: step.contact && { ...contacts[step.contact], name: `first-login.contacts.${step.contact}` },
      action: path(step, ''),
      returnTo: returnTo === '/' ? null : returnTo,
      backUrl: before ? path(before, search) : `/sign-in${search}`,
      signInUrl: `/sign-in${search}`,
      // 下一步 without an answer
      unanswered: next !== undefined,
    });
  };

  routes.get('/first-login', (req, res) => show('identity', req, res));
  routes.get('/first-login/:step', (req, res) => show(req.params.step, req, res));
  routes.get('/sign-in-questions', (_req, res) => res.render('pages/sign-in-questions', { contacts }));

  return routes;
}
