import { Router, type Request, type RequestHandler, type Response } from 'express';
import { z } from 'zod';
import { isDomainError } from '../../base/errors.ts';
import type { Language } from '../../base/languages.ts';
import { statusOfKind } from '../../http/errors.ts';
import type { RateLimit } from '../../http/rate-limit.ts';
import { storedSessionId } from '../../http/sessions.ts';
import { parse } from '../../http/validate.ts';
import { errorText } from '../../views/error-model.ts';
import { translate } from '../../views/messages.ts';
import { passwordFault, passwordLength } from '../administration/password-links.ts';
import type { People } from '../people.ts';
import { signedIn } from '../routes-access.ts';
import type { OwnSessions } from '../sessions/own-sessions.ts';
import type { IdentityStore } from '../store.ts';
import type { RecordAudit } from '../types.ts';
import { type ForgottenPasswords, mailedLinkHours } from './forgotten.ts';

const languageOf = (res: Response): Language => res.locals['language'] as Language;
const changeForm = z.object({
  current: z.string().max(1000).default(''),
  password: z.string().max(1000).default(''),
  again: z.string().max(1000).default(''),
});

/** A local account's password: changing it, and a link by mail when it is forgotten. */
export function createPasswordRoutes(deps: {
  people: Pick<People, 'authenticateLocal' | 'setPassword'>;
  store: Pick<IdentityStore, 'byId'>;
  sessions: Pick<OwnSessions, 'endOthers'>;
  /** Null: this installation sends no mail; an administrator makes the link then. */
  forgotten: ForgottenPasswords | null;
  audit: RecordAudit;
  rateLimit(limit: RateLimit): RequestHandler;
}): Router {
  const { people, store, sessions, forgotten, audit } = deps;
  const routes = Router();

  const loginNameOf = async (req: Request): Promise<string | null> =>
    (await store.byId(signedIn(req).id))?.local?.loginName ?? null;
  const show = (
    res: Response,
    loginName: string | null,
    state: { error?: string; done?: boolean } = {},
  ): void =>
    res
      .set('Cache-Control', 'no-store')
      .render('pages/account/password', { ...state, loginName, ...passwordLength });

  routes.get('/account/password', async (req, res) => {
    show(res, await loginNameOf(req), { done: req.query['done'] === 'yes' });
  });

  routes.post(
    '/account/password',
    deps.rateLimit({ name: 'password-change', limit: 30, windowSeconds: 300 }),
    async (req, res) => {
      const person = signedIn(req);
      const loginName = await loginNameOf(req);
      const { current, password, again } = parse(changeForm, req.body);
      const language = languageOf(res);
      if (loginName === null) return show(res.status(409), null);
      if (password !== again)
        return show(res.status(400), loginName, { error: translate(language, 'people.password.differ') });
      const address = req.ip ?? null;
      try {
        // The same count of failures as at sign-in: five, and the account is locked for this address.
        await people.authenticateLocal(loginName, current, address ?? 'unknown');
        const fault = passwordFault(password, loginName);
        if (fault) throw fault;
      } catch (error) {
        if (!isDomainError(error) || error.kind === 'unavailable') throw error;
        const wrong = error.code === 'wrong-password';
        return show(res.status(wrong ? 400 : statusOfKind[error.kind]), loginName, {
          error: wrong ? translate(language, 'account.password.wrong') : errorText(language, error),
        });
      }
      await people.setPassword(person.id, password);
      await sessions.endOthers(person.id, storedSessionId(req), address);
      await audit({
        action: 'password.set',
        actorId: person.id,
        subjectId: person.id,
        outcome: 'success',
        reason: null,
        address,
      });
      return res.redirect(303, '/account/password?done=yes');
    },
  );

  routes.get('/sign-in/forgotten', (_req, res) =>
    res.set('Cache-Control', 'no-store').render('pages/forgotten-password', {
      byMail: forgotten !== null,
      sent: false,
      hours: mailedLinkHours,
    }),
  );

  routes.post(
    '/sign-in/forgotten',
    deps.rateLimit({ name: 'password-forgotten', limit: 10, windowSeconds: 900 }),
    (req, res) => {
      const { loginName } = parse(z.object({ loginName: z.string().trim().min(1).max(200) }), req.body);
      forgotten?.request(loginName, languageOf(res), req.ip ?? null);
      res.set('Cache-Control', 'no-store').render('pages/forgotten-password', {
        byMail: forgotten !== null,
        sent: forgotten !== null,
        hours: mailedLinkHours,
      });
    },
  );

  return routes;
}
