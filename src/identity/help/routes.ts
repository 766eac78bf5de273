import { Router, type RequestHandler, type Request } from 'express';
import type { RateLimit } from '../../http/rate-limit.ts';
import { hasMessage } from '../../views/messages.ts';
import { contacts } from '../first-login.ts';
import type { People } from '../people.ts';
import type { Provider } from '../providers/types.ts';
import { allowed } from '../routes-access.ts';
import type { RecordAudit } from '../types.ts';
import { directoryOf, helpOf } from './known-providers.ts';
import { keptDays, type SignInFailure, type SignInFailures } from './sign-in-failures.ts';

/** The platform's own desks (requirements.md §18, 51). */
const desks = { platform: 'e-learning@hrd.gov.tw', environment: 'epaelearn@gmail.com' } as const;

const wordsOf = (reason: string, kind: 'reasons' | 'advice'): string =>
  [`providers.${kind}.${reason}`, `help.${kind}.${reason}`].find(hasMessage) ?? `help.${kind}.other`;

const referenceIn = (req: Request): string => {
  const { reference } = req.query;
  return typeof reference === 'string' ? reference.trim().slice(0, 40) : '';
};

/**
 * 登入平臺服務資訊 and 登入問題查詢 (W13): whom to ask about each provider, and why a sign-in failed, by the reference that
 * its page has shown. A reference says nothing of whose sign-in it was; support sees its audit line.
 */
export function createHelpRoutes(deps: {
  providers: readonly Provider[];
  failures: SignInFailures;
  people: Pick<People, 'byIds'>;
  audit: RecordAudit;
  /** Local accounts can have a link by mail. */
  resetByMail: boolean;
  rateLimit(limit: RateLimit): RequestHandler;
}): Router {
  const { providers, failures, people, audit } = deps;
  const routes = Router();
  const providerOf = (method: string): Provider | null => providers.find(({ key }) => key === method) ?? null;

  const shown = (failure: SignInFailure) => {
    const provider = providerOf(failure.method);
    return {
      ...failure,
      words: wordsOf(failure.reason, 'reasons'),
      advice: wordsOf(failure.reason, 'advice'),
      provider: provider && { key: provider.key, label: provider.label, help: helpOf(provider) },
      local: failure.method === 'local',
    };
  };

  routes.get('/help/sign-in', (_req, res) => {
    res.render('pages/help-sign-in', {
      entries: directoryOf(providers),
      contacts,
      desks,
      resetByMail: deps.resetByMail,
    });
  });

  // Guessing a reference is hopeless (50 bits); the limit keeps it so.
  const limit = deps.rateLimit({
    name: 'sign-in-reference',
    limit: 20,
    windowSeconds: 600,
    key: (req) => (referenceIn(req) === '' ? null : (req.ip ?? 'unknown')),
  });
  routes.get('/help/sign-in/reference', limit, async (req, res) => {
    const reference = referenceIn(req);
    const failure = reference === '' ? null : await failures.find(reference);
    res
      .status(reference !== '' && !failure ? 404 : 200)
      .set('Cache-Control', 'no-store')
      .render('pages/help-reference', {
        reference,
        failure: failure && shown(failure),
        unknown: reference !== '' && !failure,
        keptDays,
        desks,
      });
  });

  routes.get('/support/sign-ins', async (req, res) => {
    const reader = allowed(req, 'sign-ins.diagnose');
    const reference = referenceIn(req);
    const failure = reference === '' ? null : await failures.find(reference);
    const line = failure && (await failures.line(failure));
    const subjectId = line?.subjectId ?? null;
    const subject = subjectId === null ? null : (await people.byIds([subjectId])).get(subjectId);
    if (reference !== '')
      await audit({
        action: 'sign-in.diagnose',
        actorId: reader.id,
        subjectId,
        outcome: failure ? 'success' : 'failure',
        reason: failure ? null : 'unknown-reference',
        address: req.ip ?? null,
        ...(failure ? { detail: { reference: failure.reference } } : {}),
      });
    res
      .status(reference !== '' && !failure ? 404 : 200)
      .set('Cache-Control', 'no-store')
      .render('pages/support-sign-ins', {
        reference,
        failure: failure && shown(failure),
        unknown: reference !== '' && !failure,
        keptDays,
        line: line && {
          seq: line.seq,
          at: new Date(line.at),
          reason: line.reason,
          address: line.address,
          subject: subject ? { id: subject.id, name: subject.name } : null,
        },
      });
  });

  return routes;
}
