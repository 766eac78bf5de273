import type { LocalText } from '../base/languages.ts';
import type { Assurance } from './types.ts';

/** The columns of the sign-in panel: 公務人員登入, 一般民眾登入. */
export type SignInColumn = 'civil-servant' | 'public';

/** A way to sign in, as the panel and the wizard speak of it. */
export interface OfferedProvider {
  /** The key in the configuration; `ecpa` and `egov` are named by the wizard's texts. */
  key: string;
  label: LocalText;
  columns: readonly SignInColumn[];
  /** The most that the provider can vouch for. */
  assurance: Assurance;
}
export type OfferedProviders = () => readonly OfferedProvider[];

/** What the wizard learned: a civil servant; a member of the public who needs proof of hours; one who does not. */
export const audiences = ['official', 'hours', 'no-hours'] as const;
export type Audience = (typeof audiences)[number];
export const isAudience = (value: unknown): value is Audience => audiences.includes(value as Audience);

/** A question of the wizard, or (without choices) a recommendation. Texts are under `first-login.steps.<id>`. */
export interface WizardStep {
  id: string;
  /** Null: the first step. */
  before: string | null;
  /** The answers, each leading to the step of its name. */
  choices: readonly string[];
  /** What is known of the reader once here. */
  audience: Audience | null;
  /** Keys of the providers that are recommended, best first. */
  recommends: readonly string[];
  /** Whom to ask, as in the directory of providers. */
  contact: 'ecpa' | 'egov' | null;
}

/** Whom to call (requirements.md §2, 13 and 14). */
export const contacts = {
  ecpa: { phone: '02-23979108', email: 'pemis@dgpa.gov.tw' },
  egov: { phone: '02-2192-7111', email: 'egov@service.gov.tw' },
} as const;

const social = ['facebook', 'google', 'apple'];
const question = (
  id: string,
  before: string | null,
  choices: string[],
  audience: Audience | null,
): WizardStep => ({ id, before, choices, audience, recommends: [], contact: null });
const advice = (
  id: string,
  before: string,
  audience: Audience,
  recommends: string[],
  contact: WizardStep['contact'],
): WizardStep => ({ id, before, choices: [], audience, recommends, contact });

/** 新會員第一次登入請看此 (requirements.md §2): the civil servant's branch, and the public's with 是 and 否. */
export const wizardSteps: readonly WizardStep[] = [
  question('identity', null, ['official', 'public'], null),
  question('official', 'identity', ['official-ecpa', 'official-egov', 'official-none'], 'official'),
  advice('official-ecpa', 'official', 'official', ['ecpa'], 'ecpa'),
  advice('official-egov', 'official', 'official', ['egov'], 'egov'),
  advice('official-none', 'official', 'official', ['ecpa'], 'ecpa'),
  question('public', 'identity', ['hours', 'no-hours'], null),
  question('hours', 'public', ['hours-have', 'hours-none'], 'hours'),
  advice('hours-have', 'hours', 'hours', ['egov'], 'egov'),
  advice('hours-none', 'hours', 'hours', ['egov'], 'egov'),
  advice('no-hours', 'public', 'no-hours', [...social, 'egov'], null),
];

const byId = new Map(wizardSteps.map((step) => [step.id, step]));
export const wizardStep = (id: string): WizardStep | null => byId.get(id) ?? null;

/** Which of how many on this way: the first step is 1. */
export function stepNumber(step: WizardStep): number {
  const before = step.before === null ? null : wizardStep(step.before);
  return before ? stepNumber(before) + 1 : 1;
}

/** Why a button does not suit the answer. */
export type UnsuitableReason = 'loses-hours' | 'no-proof' | 'civil-servants-only';

/**
 * Why this way of signing in does not suit; null: it does, or nothing is known of the reader (W22). A civil servant's
 * hours count with an official account only, the public's proof needs a verified ID number (requirements.md §1, 5 to 7).
 */
export function unsuitable(
  provider: Pick<OfferedProvider, 'columns' | 'assurance'>,
  audience: Audience | null,
): UnsuitableReason | null {
  if (audience === null) return null;
  if (audience === 'official') return provider.assurance === 'social' ? 'loses-hours' : null;
  if (!provider.columns.includes('public')) return 'civil-servants-only';
  return audience === 'hours' && provider.assurance === 'social' ? 'no-proof' : null;
}

/** The columns that the panel shows for the answer: both while nothing is known. */
export const columnsFor = (audience: Audience | null): readonly SignInColumn[] =>
  audience === null ? ['civil-servant', 'public'] : audience === 'official' ? ['civil-servant'] : ['public'];

/** The providers for the answer, and those left out with the reason; `all`: nothing is left out. */
export function suited<P extends Pick<OfferedProvider, 'columns' | 'assurance'>>(
  providers: readonly P[],
  audience: Audience | null,
  all: boolean,
): { shown: P[]; hidden: { provider: P; reason: UnsuitableReason }[] } {
  const shown: P[] = [];
  const hidden: { provider: P; reason: UnsuitableReason }[] = [];
  for (const provider of providers) {
    const reason = all ? null : unsuitable(provider, audience);
    if (reason) hidden.push({ provider, reason });
    else shown.push(provider);
  }
  return { shown, hidden };
}
