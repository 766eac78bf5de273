import { type Response, Router } from 'express';
import type { Clock } from '../base/clock.ts';
import { DomainError, type Problem } from '../base/errors.ts';
import type { Language } from '../base/languages.ts';
import { requireAction } from '../identity/routes-access.ts';
import { translate } from '../views/messages.ts';
import type { Agent } from '../xapi/types.ts';
import { type CredentialForm, emptyForm, formOf, readCredentialForm } from './admin/credential-form.ts';
import { textOf } from './admin/search.ts';
import type { Credentials } from './credentials.ts';
import type { Note } from './routes-admin.ts';
import { type Credential, scopes } from './store.ts';

/** Days that a replaced secret stays good, as the page offers them. */
const graces = [0, 1, 7, 30];

/** Fields whose label has another key than their name. */
const fieldNames: Record<string, string> = {
  ratePerMinute: 'rate',
  expiresAt: 'expires',
  authority: 'authorityMail',
};

const pageOf = (id: string): string => `/admin/lrs/credentials/${id}`;

/** Credentials: made, changed, given a new secret, switched off and removed. A secret is shown once, on the answer to its making. */
export function createCredentialRoutes({
  credentials,
  clock,
  note,
}: {
  credentials: Credentials;
  clock: Clock;
  note: Note;
}): Router {
  const routes = Router();
  routes.use('/admin/lrs/credentials', requireAction('lrs.manage'));

  const need = async (id: string): Promise<Credential> => {
    const found = (await credentials.list()).find((credential) => credential.id === id);
    if (!found)
      throw new DomainError('not-found', 'There is no such credential.', { code: 'lrs-no-credential' });
    return found;
  };
  /** Secrets that still open something beside the newest. */
  const olderSecrets = ({ secrets }: Credential): Date[] =>
    secrets
      .map(({ expiresAt }) => expiresAt)
      .filter((end) => end !== null)
      .filter((end) => end > clock.now());
  const shown = (credential: Credential) => {
    const { secrets: _, ...rest } = credential;
    const [oldUntil = null] = olderSecrets(credential).toSorted((a, b) => b.getTime() - a.getTime());
    return {
      ...rest,
      oldUntil,
      expired: rest.expiresAt !== null && rest.expiresAt <= clock.now(),
      bound: rest.actorHomePage !== null || rest.activityPrefix !== null,
    };
  };

  /** The faults by field, and as the page lists them. */
  const told = (res: Response, problems: Problem[]) => {
    const language = (res.locals['language'] as Language | undefined) ?? 'zh-TW';
    return {
      faults: Object.fromEntries(problems.map(({ path }) => [path, true])),
      problems: problems.map(({ path, message }) => ({
        label: translate(language, `lrs.${fieldNames[path] ?? path}`),
        message: translate(language, `lrs.faults.${message}`),
      })),
    };
  };

  interface Extra {
    fresh?: object;
    form?: CredentialForm;
    problems?: Problem[];
  }
  const list = async (res: Response, { fresh, form = emptyForm, problems = [] }: Extra = {}): Promise<void> =>
    res.set('Cache-Control', 'no-store').render('pages/lrs-credentials', {
      list: (await credentials.list()).map(shown),
      scopes,
      fresh,
      form,
      ...told(res, problems),
    });
  const one = (res: Response, credential: Credential, { fresh, form, problems = [] }: Extra = {}): void =>
    res.set('Cache-Control', 'no-store').render('pages/lrs-credential', {
      credential: shown(credential),
      authority: JSON.parse(credential.authority) as Agent,
      scopes,
      graces,
      fresh,
      form: form ?? formOf(credential),
      ...told(res, problems),
    });

  routes.get('/admin/lrs/credentials', (_req, res) => list(res));
  routes.post('/admin/lrs/credentials', async (req, res) => {
    const { form, draft, problems } = readCredentialForm(req.body);
    if (problems.length > 0) return list(res.status(400), { form, problems });
    const { credential, secret } = await credentials.create(draft);
    await note(req, 'credential.create', { detail: { label: credential.label, key: credential.key } });
    await list(res, { fresh: { key: credential.key, secret, label: credential.label } });
  });
  routes.get('/admin/lrs/credentials/:id', async (req, res) => {
    one(res, await need(String(req.params['id'])));
  });
  routes.post('/admin/lrs/credentials/:id', async (req, res) => {
    const credential = await need(String(req.params['id']));
    const { form, draft, problems } = readCredentialForm(req.body);
    if (problems.length > 0) return one(res.status(400), credential, { form, problems });
    // Its authority stands on what it has stored: that stays.
    const { authority: _, ...patch } = draft;
    await credentials.update(credential.id, patch);
    const changed = Object.keys(patch).filter(
      (name) =>
        JSON.stringify(patch[name as keyof typeof patch]) !==
        JSON.stringify(credential[name as keyof Credential]),
    );
    await note(req, 'credential.change', { detail: { label: draft.label, fields: changed.join(' ') } });
    res.redirect(303, pageOf(credential.id));
  });
  routes.post('/admin/lrs/credentials/:id/rotate', async (req, res) => {
    const { id, key, label } = await need(String(req.params['id']));
    const asked = Number(textOf((req.body as { grace?: unknown } | undefined)?.grace) ?? 7);
    const days = graces.includes(asked) ? asked : 7;
    const secret = await credentials.rotate(id, days * 24 * 3600);
    await note(req, 'credential.rotate', { detail: { label, days: String(days) } });
    one(res, await need(id), { fresh: { key, secret, label } });
  });
  routes.post('/admin/lrs/credentials/:id/switch', async (req, res) => {
    const { id, label } = await need(String(req.params['id']));
    const on = (req.body as { on?: unknown } | undefined)?.on === 'yes';
    await credentials.update(id, { disabled: !on });
    await note(req, 'credential.switch', { detail: { label, on: String(on) } });
    res.redirect(303, pageOf(id));
  });
  routes.post('/admin/lrs/credentials/:id/remove', async (req, res) => {
    const { id, label, disabled } = await need(String(req.params['id']));
    if (!disabled)
      throw new DomainError('conflict', 'Switch the credential off first.', { code: 'lrs-switch-off-first' });
    await credentials.remove(id);
    await note(req, 'credential.remove', { detail: { label } });
    res.redirect(303, '/admin/lrs/credentials');
  });
  return routes;
}
