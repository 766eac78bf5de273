import type { Problem } from '../../base/errors.ts';
import { isIri, isMailto } from '../../xapi/scalars.ts';
import type { CredentialDraft } from '../credentials.ts';
import { type Credential, scopes } from '../store.ts';
import { fieldsOf, toDay } from './search.ts';

/** The form's values as text, for showing them again. */
export interface CredentialForm {
  label: string;
  owner: string;
  scopes: string[];
  authority: string;
  actorHomePage: string;
  activityPrefix: string;
  origins: string;
  ratePerMinute: string;
  expiresAt: string;
}

export const emptyForm: CredentialForm = {
  label: '',
  owner: '',
  scopes: [],
  authority: '',
  actorHomePage: '',
  activityPrefix: '',
  origins: '',
  ratePerMinute: '',
  expiresAt: '',
};

/** The day in Taipei (to whose end it is good). */
const dayOf = (instant: Date): string =>
  new Date(instant.getTime() + 8 * 3600_000).toISOString().slice(0, 10);

export const formOf = (credential: Credential): CredentialForm => ({
  label: credential.label,
  owner: credential.owner ?? '',
  scopes: credential.scopes,
  authority: '',
  actorHomePage: credential.actorHomePage ?? '',
  activityPrefix: credential.activityPrefix ?? '',
  origins: credential.origins.join(' '),
  ratePerMinute: credential.ratePerMinute === null ? '' : String(credential.ratePerMinute),
  expiresAt: credential.expiresAt === null ? '' : dayOf(credential.expiresAt),
});

/** An origin as browsers send it: scheme, host and port; null when the text is none. */
function originOf(text: string): string | null {
  try {
    const { origin, pathname, search } = new URL(text);
    return origin !== 'null' && pathname === '/' && search === '' ? origin : null;
  } catch {
    return null;
  }
}

type Draft = Required<Omit<CredentialDraft, 'key' | 'secret' | 'authority'>> &
  Pick<CredentialDraft, 'authority'>;

/**
 * Reads the form. A problem's path is the field, its message a key under `lrs.faults`: pages say it in their language.
 */
export function readCredentialForm(body: unknown): {
  form: CredentialForm;
  draft: Draft;
  problems: Problem[];
} {
  const fields = fieldsOf(body);
  const given = [(body as { scopes?: unknown } | undefined)?.scopes ?? []].flat();
  const form: CredentialForm = { ...emptyForm, scopes: scopes.filter((scope) => given.includes(scope)) };
  for (const name of Object.keys(emptyForm) as (keyof CredentialForm)[])
    if (name !== 'scopes') form[name] = fields[name] ?? '';
  const problems: Problem[] = [];
  const fault = (path: string): void => void problems.push({ path, message: path });

  if (form.label === '' || form.label.length > 100) fault('label');
  if (form.scopes.length === 0) fault('scopes');
  for (const name of ['actorHomePage', 'activityPrefix'] as const)
    if (form[name] !== '' && !isIri(form[name])) fault(name);
  const authority =
    form.authority === '' || form.authority.startsWith('mailto:')
      ? form.authority
      : `mailto:${form.authority}`;
  if (authority !== '' && !isMailto(authority)) fault('authority');
  const origins = form.origins
    .split(/[\s,]+/)
    .filter(Boolean)
    .map(originOf);
  if (origins.includes(null)) fault('origins');
  if (form.ratePerMinute !== '' && !/^[1-9]\d{0,6}$/.test(form.ratePerMinute)) fault('ratePerMinute');
  const expiresAt = form.expiresAt === '' ? null : new Date(toDay(form.expiresAt));
  if (expiresAt !== null && Number.isNaN(expiresAt.getTime())) fault('expiresAt');

  const draft: Draft = {
    label: form.label,
    owner: form.owner || null,
    scopes: scopes.filter((scope) => form.scopes.includes(scope)),
    actorHomePage: form.actorHomePage || null,
    activityPrefix: form.activityPrefix || null,
    origins: origins.filter((origin) => origin !== null),
    ratePerMinute: form.ratePerMinute === '' ? null : Number(form.ratePerMinute),
    expiresAt,
    ...(authority === '' ? {} : { authority: { objectType: 'Agent', name: form.label, mbox: authority } }),
  };
  return { form, draft, problems };
}
