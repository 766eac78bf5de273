import { Router, type Request, type RequestHandler, type Response } from 'express';
import { z } from 'zod';
import { DomainError, isDomainError } from '../base/errors.ts';
import type { Language } from '../base/languages.ts';
import type { RateLimit } from '../http/rate-limit.ts';
import { sessionCookie } from '../http/sessions.ts';
import { parse } from '../http/validate.ts';
import { errorText } from '../views/error-model.ts';
import { translate } from '../views/messages.ts';
import type { EmailConfirmations } from './mail/confirmations.ts';
import { nicknameLength } from './nicknames.ts';
import { signOut } from './routes.ts';
import { currentPerson } from './routes-access.ts';
import { ownPath } from './routes-sign-in.ts';
import { welcomePath } from './routes-welcome-gate.ts';
import type { Terms } from './terms.ts';
import type { NicknameAnswer, Welcome, WelcomeStep } from './welcome.ts';

const languageOf = (res: Response): Language => res.locals['language'] as Language;
const address = (req: Request): string | null => req.ip ?? null;

const agreement = z.object({ version: z.string().max(20), returnTo: z.string().max(2000).optional() });
const choice = z.object({
  nickname: z.string().max(200).default(''),
  /** A suggestion taken by its button, where there is no script. */
  suggestion: z.string().max(200).optional(),
  email: z.string().trim().max(254).default(''),
  returnTo: z.string().max(2000).optional(),
});
const emailForm = z.email();

/** Terms, nickname and contact e-mail of a first sign-in, and the mail's confirmation (requirements.md §1, 10). */
export function createWelcomeRoutes(deps: {
  welcome: Welcome;
  terms: Terms;
  confirmations: EmailConfirmations;
  /** The outbox of demo mode is there to look into. */
  outbox: boolean;
  rateLimit(limit: RateLimit): RequestHandler;
}): Router {
  const { welcome, terms, confirmations } = deps;
  const routes = Router();
  const me = (req: Request): string => {
    const person = currentPerson(req);
    if (!person) throw new DomainError('unauthenticated', 'Please sign in first.', { code: 'sign-in-first' });
    return person.id;
  };
  const pageOf = { terms: '/welcome/terms', nickname: '/welcome/nickname' } as const;

  /** The way back: never to the welcome itself. */
  const back = (given: unknown): string => {
    const path = ownPath(given);
    return /^\/(welcome|sign-in|sign-out)(\/|\?|$)/.test(path) ? '/' : path;
  };
  const lead = (res: Response, step: WelcomeStep | null, returnTo: string): void =>
    res.redirect(303, step ? welcomePath(returnTo, pageOf[step]) : returnTo);

  const nicknameText = (language: Language, { fault }: NicknameAnswer): string =>
    fault
      ? translate(language, `welcome.nickname.faults.${fault}`, nicknameLength)
      : translate(language, 'welcome.nickname.free');

  const showNickname = async (
    res: Response,
    personId: string,
    page: {
      returnTo: string;
      email?: string;
      answer?: NicknameAnswer;
      emailWrong?: boolean;
      /** What the provider calls the person. */
      suggested?: string | undefined;
    },
  ): Promise<void> => {
    const { answer } = page;
    const language = languageOf(res);
    res
      .status(answer?.fault || page.emailWrong ? 422 : 200)
      .set('Cache-Control', 'no-store')
      .render('pages/welcome-nickname', {
        returnTo: page.returnTo,
        nickname: answer?.nickname ?? page.suggested ?? '',
        email: page.email ?? (await welcome.record(personId)).email ?? '',
        nicknameError: answer?.fault ? nicknameText(language, answer) : null,
        emailError: page.emailWrong ? translate(language, 'welcome.email.wrong') : null,
        suggestions: answer?.suggestions ?? [],
        ...nicknameLength,
      });
  };

  routes.get('/terms', (_req, res) => res.render('pages/terms', { text: terms.text(languageOf(res)) }));

  routes.get('/welcome', async (req, res) => {
    lead(res, await welcome.nextStep(me(req)), back(req.query['returnTo']));
  });

  routes.get('/welcome/declined', (_req, res) => res.render('pages/welcome-declined'));

  routes.get('/welcome/terms', async (req, res) => {
    const personId = me(req);
    const step = await welcome.nextStep(personId);
    const returnTo = back(req.query['returnTo']);
    if (step !== 'terms') return lead(res, step, returnTo);
    const { consent } = await welcome.record(personId);
    return res.set('Cache-Control', 'no-store').render('pages/welcome-terms', {
      text: terms.text(languageOf(res)),
      returnTo,
      // Agreed to an earlier version: says that this one is new.
      renewed: consent !== null,
    });
  });

  routes.post('/welcome/terms', async (req, res) => {
    const personId = me(req);
    const { version, returnTo } = parse(agreement, req.body);
    try {
      await welcome.agree(personId, { version, language: languageOf(res), address: address(req) });
    } catch (error) {
      if (!isDomainError(error, 'conflict') || error.code !== 'terms-changed') throw error;
      return res.redirect(303, welcomePath(back(returnTo), '/welcome/terms'));
    }
    return lead(res, await welcome.nextStep(personId), back(returnTo));
  });

  routes.post('/welcome/decline', async (req, res) => {
    await welcome.declined(me(req), address(req));
    await signOut(req);
    res.clearCookie(sessionCookie, { path: '/' });
    res.redirect(303, '/welcome/declined');
  });

  routes.get('/welcome/nickname', async (req, res) => {
    const personId = me(req);
    const step = await welcome.nextStep(personId);
    const returnTo = back(req.query['returnTo']);
    if (step !== 'nickname') return lead(res, step, returnTo);
    return showNickname(res, personId, { returnTo, suggested: req.session.suggestedNickname });
  });

  routes.post('/welcome/nickname', async (req, res) => {
    const personId = me(req);
    const given = parse(choice, req.body);
    const returnTo = back(given.returnTo);
    const step = await welcome.nextStep(personId);
    if (step !== 'nickname') return lead(res, step, returnTo);
    const nickname = given.suggestion ?? given.nickname;
    if (!emailForm.safeParse(given.email).success)
      return showNickname(res, personId, {
        returnTo,
        email: given.email,
        answer: await welcome.check(personId, nickname),
        emailWrong: true,
      });
    const answer = await welcome.choose(personId, { nickname, email: given.email });
    if (answer.fault) return showNickname(res, personId, { returnTo, email: given.email, answer });
    const sent = await confirmations.request(personId, languageOf(res));
    return res.redirect(
      303,
      `/welcome/done?mail=${sent}${returnTo === '/' ? '' : `&returnTo=${encodeURIComponent(returnTo)}`}`,
    );
  });

  routes.get('/welcome/done', async (req, res) => {
    const personId = me(req);
    const returnTo = back(req.query['returnTo']);
    const step = await welcome.nextStep(personId);
    if (step) return lead(res, step, returnTo);
    const { nickname, email, emailConfirmed } = await welcome.record(personId);
    return res.set('Cache-Control', 'no-store').render('pages/welcome-done', {
      nickname,
      email,
      emailConfirmed,
      mail: emailConfirmed ? 'confirmed' : confirmations.outcomeOf(req.query['mail']),
      outbox: deps.outbox,
      returnTo,
      goOn: returnTo === '/' ? 'welcome.done.home' : 'welcome.done.back',
    });
  });

  routes.post('/welcome/resend', async (req, res) => {
    const returnTo = back((req.body as Record<string, unknown> | undefined)?.['returnTo']);
    const sent = await confirmations.request(me(req), languageOf(res));
    res.redirect(
      303,
      `/welcome/done?mail=${sent}${returnTo === '/' ? '' : `&returnTo=${encodeURIComponent(returnTo)}`}`,
    );
  });

  routes.post('/welcome/reminder', (req, res) => {
    req.session.reminderClosed = true;
    res.redirect(303, back((req.body as Record<string, unknown> | undefined)?.['returnTo']));
  });

  // The link of the mail. A look at it spends nothing: mail scanners look too.
  routes.get('/confirm-email', (req, res) =>
    res.set('Cache-Control', 'no-store').render('pages/confirm-email', {
      token: String(req.query['token'] ?? '').slice(0, 200),
      outcome: null,
    }),
  );

  routes.post(
    '/confirm-email',
    deps.rateLimit({ name: 'confirm-email', limit: 30, windowSeconds: 300 }),
    async (req, res) => {
      const { token } = parse(z.object({ token: z.string().max(200) }), req.body);
      try {
        const { email } = await confirmations.confirm(token, address(req));
        res.render('pages/confirm-email', { outcome: 'done', email });
      } catch (error) {
        if (!isDomainError(error, 'unprocessable')) throw error;
        res
          .status(422)
          .render('pages/confirm-email', { outcome: 'refused', text: errorText(languageOf(res), error) });
      }
    },
  );

  routes.get(
    '/api/nickname-check',
    deps.rateLimit({
      name: 'nickname-check',
      limit: 60,
      windowSeconds: 60,
      key: (req) => currentPerson(req)?.id ?? req.ip ?? 'unknown',
    }),
    async (req, res) => {
      const personId = me(req);
      const { nickname } = parse(z.object({ nickname: z.string().max(200).default('') }), req.query);
      const answer = await welcome.check(personId, nickname);
      res.set('Cache-Control', 'no-store').json({
        nickname: answer.nickname,
        free: answer.fault === null,
        reason: answer.fault,
        message: nicknameText(languageOf(res), answer),
        suggestions: answer.suggestions,
      });
    },
  );

  return routes;
}
