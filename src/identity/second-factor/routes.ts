import { Router, type Request, type RequestHandler, type Response } from 'express';
import { toDataURL } from 'qrcode';
import { z } from 'zod';
import type { Clock } from '../../base/clock.ts';
import { DomainError, isDomainError } from '../../base/errors.ts';
import type { Language } from '../../base/languages.ts';
import { statusOfKind } from '../../http/errors.ts';
import type { RateLimit } from '../../http/rate-limit.ts';
import { parse } from '../../http/validate.ts';
import { errorText } from '../../views/error-model.ts';
import type { People } from '../people.ts';
import { isStaff } from '../policy.ts';
import { currentPerson } from '../routes-access.ts';
import { ownPath, type SignIns } from '../routes-sign-in.ts';
import type { Person, RecordAudit } from '../types.ts';
import type { SecondFactor, SecondFactorMeans } from './second-factor.ts';

declare module 'express-session' {
  interface SessionData {
    /** A second factor being set up: its sealed secret, until when (milliseconds since 1970). */
    totpSetUp?: { personId: string; sealed: string; until: number };
  }
}

const setUpMinutes = 30;

/** A code of the app, or one of the recovery codes where that field is filled in. */
const codeForm = z.object({
  code: z.string().max(40).default(''),
  recovery: z.string().max(60).default(''),
  action: z.enum(['replace', 'recovery', 'remove']).optional(),
  returnTo: z.string().max(2000).optional(),
});
const given = ({ code, recovery }: z.output<typeof codeForm>): { means: SecondFactorMeans; code: string } =>
  recovery.trim() === '' ? { means: 'code', code } : { means: 'recovery', code: recovery };

/** A wrong code or too many of them, to be said on the page; anything else is thrown on. */
const refusal = (error: unknown): DomainError => {
  if (isDomainError(error) && (error.code === 'wrong-code' || error.code === 'code-locked')) return error;
  throw error;
};

/**
 * The second step of a sign-in (`/sign-in/code`) and the page where staff set up their second factor (`/account/totp`).
 */
export function createSecondFactorRoutes(deps: {
  secondFactor: SecondFactor;
  people: Pick<People, 'byId'>;
  signIns: SignIns;
  clock: Clock;
  audit: RecordAudit;
  /** Called when somebody has set up, replaced or removed their second factor, e.g. to end their other sessions. */
  changed?: (req: Request, person: Person) => Promise<void>;
  rateLimit(limit: RateLimit): RequestHandler;
}): Router {
  const { secondFactor, people, signIns, clock, audit, changed = async () => undefined } = deps;
  const routes = Router();
  const limit = deps.rateLimit({ name: 'second-factor', limit: 60, windowSeconds: 300 });
  const languageOf = (res: Response): Language => res.locals['language'] as Language;
  const refuse = (res: Response, error: DomainError): string => {
    if (error.retryAfter !== null) res.set('Retry-After', String(error.retryAfter));
    res.status(statusOfKind[error.kind]);
    return errorText(languageOf(res), error);
  };

  // The second step
  routes.get('/sign-in/code', (req, res) => {
    if (req.user || !signIns.pending(req)) return res.redirect(303, req.user ? '/' : '/sign-in');
    return res.set('Cache-Control', 'no-store').render('pages/sign-in-code');
  });

  routes.post('/sign-in/code', limit, async (req, res) => {
    const pending = signIns.pending(req);
    res.set('Cache-Control', 'no-store');
    if (!pending) return res.status(422).render('pages/sign-in-code', { expired: true });
    const { means, code } = given(parse(codeForm, req.body));
    try {
      await secondFactor.spend(pending.personId, { means, code });
    } catch (error) {
      const refused = refusal(error);
      await signIns.failed(req, {
        method: pending.end.method,
        reason: refused.code ?? refused.kind,
        subjectId: pending.personId,
      });
      return res.render('pages/sign-in-code', {
        errorText: refuse(res, refused),
        recovery: means === 'recovery',
      });
    }
    const person = await people.byId(pending.personId);
    if (!person) throw new DomainError('unauthenticated', 'Please sign in first.', { code: 'sign-in-first' });
    // Whoever used up a recovery code is shown how many are left, and how to set up another app.
    const returnTo =
      means === 'recovery'
        ? `/account/totp?recovered=yes&returnTo=${encodeURIComponent(pending.end.returnTo)}`
        : pending.end.returnTo;
    return signIns.finish(req, res, person, { ...pending.end, returnTo, secondFactor: means });
  });

  // Setting it up
  const me = (req: Request): Person => {
    const person = currentPerson(req);
    if (!person) throw new DomainError('unauthenticated', 'Please sign in first.', { code: 'sign-in-first' });
    return person;
  };
  const by = (req: Request, person: Person) => ({ actorId: person.id, address: req.ip ?? null });
  const setUpOf = (req: Request, person: Person): string | null => {
    const kept = req.session.totpSetUp;
    return kept && kept.personId === person.id && kept.until > clock.now().getTime() ? kept.sealed : null;
  };
  const beginSetUp = (req: Request, person: Person): string => {
    const sealed = secondFactor.begin(person.id);
    const until = clock.now().getTime() + setUpMinutes * 60_000;
    req.session.totpSetUp = { personId: person.id, sealed, until };
    return sealed;
  };

  const show = async (
    req: Request,
    res: Response,
    extra: { errorText?: string; recovery?: boolean; returnTo: string; notice?: string | null },
  ): Promise<void> => {
    const person = me(req);
    const state = await secondFactor.state(person);
    const inForce = state.since !== null;
    if (!inForce && !isStaff(person))
      throw new DomainError('forbidden', 'Two-step verification is for accounts with a staff role.', {
        code: 'second-factor-staff-only',
      });
    const sealed = setUpOf(req, person) ?? (inForce ? null : beginSetUp(req, person));
    const shown = sealed === null ? null : secondFactor.shown(person, sealed);
    res.set('Cache-Control', 'no-store').render('pages/account/totp', {
      ...extra,
      ...state,
      since: state.since === null ? null : new Date(state.since),
      inForce,
      forced: state.required && !inForce,
      removable: !state.required,
      setUp: shown && {
        picture: await toDataURL(shown.address, { margin: 2, width: 240, errorCorrectionLevel: 'M' }),
        secret: shown.secret.match(/.{1,4}/g)?.join(' ') ?? '',
        address: shown.address,
      },
    });
  };
  const showCodes = (res: Response, codes: string[], returnTo: string): void =>
    res.set('Cache-Control', 'no-store').render('pages/account/totp-codes', {
      codes,
      file: `data:text/plain;charset=utf-8,${encodeURIComponent(`${codes.join('\r\n')}\r\n`)}`,
      returnTo: returnTo === '/account/totp' ? '/' : returnTo,
    });

  routes.get('/account/totp', async (req, res) => {
    const notice = ['removed', 'recovered'].find((each) => req.query[each] === 'yes') ?? null;
    await show(req, res, { returnTo: ownPath(req.query['returnTo']), notice });
  });

  routes.post('/account/totp', limit, async (req, res) => {
    const person = me(req);
    const { code, returnTo } = parse(codeForm, req.body);
    const sealed = setUpOf(req, person);
    const back = ownPath(returnTo);
    // The set-up has run out, or the form was sent twice: the page says how things stand.
    if (sealed === null) return show(req, res, { returnTo: back });
    let codes: string[];
    try {
      codes = await secondFactor.confirm(person.id, sealed, code, by(req, person));
    } catch (error) {
      return show(req, res, { errorText: refuse(res, refusal(error)), returnTo: back });
    }
    delete req.session.totpSetUp;
    await changed(req, person);
    return showCodes(res, codes, back);
  });

  routes.post('/account/totp/change', limit, async (req, res) => {
    const person = me(req);
    const form = parse(codeForm, req.body);
    const back = ownPath(form.returnTo);
    const factor = given(form);
    const { required } = await secondFactor.state(person);
    if (form.action === 'remove' && required)
      throw new DomainError('forbidden', 'Your role needs two-step verification: it cannot be turned off.', {
        code: 'second-factor-required',
      });
    try {
      await secondFactor.spend(person.id, factor);
    } catch (error) {
      const refused = refusal(error);
      await audit({
        action: 'second-factor.change',
        actorId: person.id,
        subjectId: person.id,
        outcome: 'failure',
        reason: refused.code,
        address: req.ip ?? null,
      });
      return show(req, res, {
        errorText: refuse(res, refused),
        recovery: factor.means === 'recovery',
        returnTo: back,
      });
    }
    if (form.action === 'recovery')
      return showCodes(res, await secondFactor.renewRecovery(person.id, by(req, person)), back);
    if (form.action === 'remove') {
      await secondFactor.remove(person.id, by(req, person));
      await changed(req, person);
      return res.redirect(303, '/account/totp?removed=yes');
    }
    beginSetUp(req, person);
    return res.redirect(303, '/account/totp');
  });

  return routes;
}
