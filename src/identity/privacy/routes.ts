import { pipeline } from 'node:stream/promises';
import { Router, type Request, type RequestHandler, type Response } from 'express';
import { z } from 'zod';
import type { Clock } from '../../base/clock.ts';
import { isDomainError, type Problem } from '../../base/errors.ts';
import type { Language } from '../../base/languages.ts';
import type { RateLimit } from '../../http/rate-limit.ts';
import { parse } from '../../http/validate.ts';
import { translate } from '../../views/messages.ts';
import type { People } from '../people.ts';
import { isStaff } from '../policy.ts';
import { allowed } from '../routes-access.ts';
import { needsFresh, signedIn } from '../routes-confirm.ts';
import type { IdentityStore } from '../store.ts';
import type { RecordAudit } from '../types.ts';
import { correctable, type Corrections } from './corrections.ts';
import type { PersonalErasures } from './erasure.ts';
import type { DataExport, DataExports } from './export.ts';
import type { Restrictions } from './restriction.ts';

const page = '/account/data';
const erasePage = `${page}/erase`;
const texts = z.object({ about: z.string().max(100).default(''), text: z.string().max(20_000).default('') });
const answers = z.object({
  state: z.string().max(20).default(''),
  answer: z.string().max(20_000).default(''),
});
const eraseForm = z.object({
  understood: z.literal('yes').optional(),
  word: z.string().max(100).default(''),
});

export interface PrivacyRoutesDeps {
  identity: Pick<IdentityStore, 'byId'>;
  people: Pick<People, 'byIds'>;
  exports: DataExports;
  erasures: PersonalErasures;
  restrictions: Restrictions;
  corrections: Corrections;
  audit: RecordAudit;
  clock: Clock;
  /** What an erasure does with Statements and certificates, and how long it waits. */
  policy: {
    graceDays: number;
    exportDays: number;
    statements: 'erase' | 'void';
    certificates: 'keep' | 'revoke';
  };
  rateLimit(limit: RateLimit): RequestHandler;
}

/** 我的資料: the rights of who the data is about (個人資料保護法第 3 條): copy, correct, restrict, erase. */
export function createPrivacyRoutes(deps: PrivacyRoutesDeps): Router {
  const { identity, exports, erasures, restrictions, corrections, clock, policy } = deps;
  const routes = Router();
  const languageOf = (res: Response): Language => res.locals['language'] as Language;
  const fresh = needsFresh(clock, page);
  const limit = deps.rateLimit({
    name: 'personal-data',
    limit: 30,
    windowSeconds: 600,
    key: (req) => req.user?.id ?? req.ip ?? null,
  });
  const dones = ['export', 'restricted', 'lifted', 'corrected', 'cancelled'];

  const shown = (one: DataExport) => ({
    ...one,
    busy: one.state === 'waiting' || one.state === 'running',
    ready: one.state === 'ready' && (one.expiresAt?.getTime() ?? 0) > clock.now().getTime(),
    megabytes: one.size === null ? null : Math.max(0.1, Math.round(one.size / 104_857.6) / 10),
  });

  const show = async (
    req: Request,
    res: Response,
    problems: Problem[] = [],
    typed: { about: string; text: string } = { about: '', text: '' },
  ): Promise<void> => {
    const person = signedIn(req);
    const language = languageOf(res);
    const record = await identity.byId(person.id);
    const done = req.query['done'];
    const mine = await corrections.of(person.id);
    res.set('Cache-Control', 'no-store').render('pages/account/data', {
      done: typeof done === 'string' && dones.includes(done) ? done : null,
      exports: (await exports.of(person.id)).filter(({ state }) => state !== 'expired').map(shown),
      days: policy.exportDays,
      restrictedAt: record?.restrictedAt ? new Date(record.restrictedAt) : null,
      erasure: await erasures.pending(person.id),
      staff: isStaff(person),
      choices: correctable.map((value) => ({
        value,
        label: translate(language, `privacy.about.${value}`),
        selected: value === typed.about,
      })),
      typed,
      error: Object.fromEntries(
        problems.map(({ path, message }) => [path, translate(language, `privacy.problem.${message}`)]),
      ),
      problems: problems.map(({ path, message }) => ({
        label: translate(language, `privacy.form.${path}`),
        message: translate(language, `privacy.problem.${message}`),
      })),
      corrections: mine.map((one) => ({ ...one, label: translate(language, `privacy.about.${one.about}`) })),
    });
  };

  routes.get(page, (req, res) => show(req, res));

  // Copy
  routes.post(`${page}/exports`, limit, fresh, async (req, res) => {
    await exports.request(signedIn(req).id, languageOf(res), req.ip ?? null);
    res.redirect(303, `${page}?done=export`);
  });
  /** For the progress bar. */
  routes.get('/api/account/data/exports', async (req, res) => {
    const list = (await exports.of(signedIn(req).id)).map(shown);
    res
      .set('Cache-Control', 'no-store')
      .json(list.map(({ id, state, rows, total, busy, ready }) => ({ id, state, rows, total, busy, ready })));
  });
  routes.get(`${page}/exports/:id.zip`, limit, fresh, async (req, res) => {
    const { size, madeAt, open } = await exports.download(
      signedIn(req).id,
      String(req.params['id']),
      req.ip ?? null,
    );
    const day = madeAt.toISOString().slice(0, 10);
    res.set({
      'Content-Type': 'application/zip',
      'Content-Length': String(size),
      'Content-Disposition': `attachment; filename="my-data-${day}.zip"; filename*=UTF-8''${encodeURIComponent(`我的資料-${day}.zip`)}`,
      'Cache-Control': 'private, no-store',
    });
    try {
      await pipeline(await open(), res);
    } catch (error) {
      // Whoever cancels a download needs no answer.
      if ((error as NodeJS.ErrnoException).code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
    }
  });

  // Correct
  routes.post(`${page}/corrections`, limit, async (req, res) => {
    const given = parse(texts, req.body);
    try {
      await corrections.ask(signedIn(req).id, given, req.ip ?? null);
    } catch (error) {
      if (!isDomainError(error, 'invalid')) throw error;
      res.status(400);
      return show(req, res, error.problems, given);
    }
    return res.redirect(303, `${page}?done=corrected`);
  });

  // Restrict
  routes.post(`${page}/restrict`, limit, fresh, async (req, res) => {
    await restrictions.restrict(signedIn(req).id, req.ip ?? null);
    res.redirect(303, `${page}?done=restricted`);
  });
  routes.post(`${page}/lift`, limit, fresh, async (req, res) => {
    await restrictions.lift(signedIn(req).id, req.ip ?? null);
    res.redirect(303, `${page}?done=lifted`);
  });

  // Erase
  const showErase = (req: Request, res: Response, problem: string | null): void => {
    const person = signedIn(req);
    res.set('Cache-Control', 'no-store').render('pages/account/data-erase', {
      word: translate(languageOf(res), 'privacy.erase.word'),
      policy,
      staff: isStaff(person),
      errorText: problem === null ? null : translate(languageOf(res), `privacy.problem.${problem}`),
    });
  };
  routes.get(erasePage, needsFresh(clock, erasePage), (req, res) => showErase(req, res, null));
  routes.post(erasePage, limit, needsFresh(clock, erasePage), async (req, res) => {
    const person = signedIn(req);
    const { understood, word } = parse(eraseForm, req.body);
    if (understood !== 'yes' || word.trim() !== translate(languageOf(res), 'privacy.erase.word')) {
      res.status(400);
      return showErase(req, res, understood === 'yes' ? 'word' : 'understood');
    }
    await erasures.request(person.id, req.ip ?? null);
    return res.redirect(303, page);
  });
  routes.post(`${erasePage}/cancel`, limit, async (req, res) => {
    await erasures.cancel(signedIn(req).id, req.ip ?? null);
    res.redirect(303, `${page}?done=cancelled`);
  });

  // Those who answer corrections
  const showOpen = async (req: Request, res: Response, problems: Problem[] = []): Promise<void> => {
    const person = allowed(req, 'corrections.answer');
    const language = languageOf(res);
    const list = await corrections.open();
    const people = await deps.people.byIds(list.map(({ personId }) => personId));
    for (const personId of new Set(list.map((one) => one.personId)))
      await deps.audit({
        action: 'person.read',
        actorId: person.id,
        subjectId: personId,
        outcome: 'success',
        reason: 'correction',
        address: req.ip ?? null,
      });
    res.set('Cache-Control', 'no-store').render('pages/corrections', {
      done: req.query['done'] === 'answered',
      problems: problems.map(({ path, message }) => ({
        label: translate(language, `privacy.form.${path}`),
        message: translate(language, `privacy.problem.${message}`),
      })),
      list: list.map((one) => ({
        ...one,
        label: translate(language, `privacy.about.${one.about}`),
        name: people.get(one.personId)?.name ?? '',
      })),
    });
  };
  routes.get('/support/corrections', (req, res) => showOpen(req, res));
  routes.post('/support/corrections/:id', async (req, res) => {
    const person = allowed(req, 'corrections.answer');
    try {
      await corrections.answer(String(req.params['id']), parse(answers, req.body), {
        id: person.id,
        address: req.ip ?? null,
      });
    } catch (error) {
      if (!isDomainError(error, 'invalid')) throw error;
      res.status(400);
      return showOpen(req, res, error.problems);
    }
    return res.redirect(303, '/support/corrections?done=answered');
  });

  return routes;
}
