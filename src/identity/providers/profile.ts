import { idNumberKind } from '../id-numbers.ts';
import type { Assurance, ExternalProfile, PersonalProfile } from '../types.ts';
import { signInFailure } from './failures.ts';
import type { AttributeRule, ProfileField, Provider } from './types.ts';

/** What a provider has said about somebody, by its own names. */
export type Claims = Record<string, unknown>;

export interface ReadProfile {
  profile: ExternalProfile;
  /** What was cut, dropped or found wrong, by field: `cut:name`, `dropped:email`, `invalid:idNumber`. For the audit log. */
  notes: string[];
}

/** Longer than this is no attribute of a person but an attack. */
const absurd = 10_000;

/** How long a text may be: beyond it it is cut. */
const textLimits = { name: 100, nameEn: 100, nickname: 30, agencyName: 100, address: 200 } as const;

/** What a code must look like: otherwise it is dropped. */
const codeForms = {
  email: /^[^\s@<>"]{1,64}@[^\s@<>"]{1,189}$/,
  phone: /^[0-9+()#\-\s]{3,40}$/,
  agencyCode: /^[A-Za-z0-9]{1,20}$/,
  personnelCategory: /^[A-Za-z0-9]{1,10}$/,
} as const;

const genders: Record<string, PersonalProfile['gender']> = {
  ...{ 女: 'female', female: 'female', f: 'female' },
  ...{ 男: 'male', male: 'male', m: 'male' },
  other: 'other',
};

const own = (object: Claims, name: string): unknown =>
  Object.hasOwn(object, name) ? object[name] : undefined;

/** The claim by its name, or by a path such as `address.formatted`. */
function claim(claims: Claims, from: string): unknown {
  const direct = own(claims, from);
  if (direct !== undefined) return direct;
  return from
    .split('.')
    .reduce<unknown>(
      (value, part) => (typeof value === 'object' && value !== null ? own(value as Claims, part) : undefined),
      claims,
    );
}

/** One text of a claim; the first of several. Control characters go: they have no place in a name. */
function textOf(value: unknown, from: string): string | null {
  const one: unknown = Array.isArray(value) ? value[0] : value;
  if (typeof one !== 'string' && typeof one !== 'number' && typeof one !== 'boolean') return null;
  const text = String(one);
  if (text.length > absurd)
    throw signInFailure('too-large', `the attribute ${from.slice(0, 100)} is too long`);
  const clean = text
    .normalize('NFC')
    .replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '')
    .trim();
  return clean === '' ? null : clean;
}

/** The stable name, exactly as it was given: two that merely look alike are two. */
function subjectOf(provider: Provider, claims: Claims, standard: string | null): string {
  const rule = provider.attributes.find(({ to }) => to === 'subject');
  const value = rule ? (claim(claims, rule.from) ?? standard) : standard;
  const one: unknown = Array.isArray(value) && value.length === 1 ? value[0] : value;
  const whom = typeof one === 'number' && Number.isSafeInteger(one) ? String(one) : one;
  if (typeof whom !== 'string' || whom.trim() === '')
    throw signInFailure('incomplete', 'the provider names no subject');
  if (whom.length > 255) throw signInFailure('too-large', 'the subject is longer than 255 characters');
  if (/[\p{Cc}\p{Cf}\u2028\u2029]/u.test(whom))
    throw signInFailure('malformed', 'the subject holds control characters');
  return whom;
}

/** 1986-01-02, 19860102 or 民國 0750102 as an ISO date; null when it is no day. */
function isoDate(text: string): string | null {
  const iso = /^(\d{4})-?(\d{2})-?(\d{2})$/.exec(text);
  const roc = /^(\d{2,3})[/.-]?(\d{2})[/.-]?(\d{2})$/.exec(text);
  const parts = iso ?? roc;
  if (!parts) return null;
  const [, year = '', month = '', day = ''] = parts;
  const date = `${iso ? year : String(Number(year) + 1911)}-${month}-${day}`;
  const parsed = new Date(`${date}T00:00:00Z`);
  return Number.isNaN(parsed.getTime()) || !parsed.toISOString().startsWith(date) ? null : date;
}

/** The provider's value as ours; undefined when the rule's value map does not know it. */
function mapped(rule: AttributeRule, claims: Claims): string | null | undefined {
  const text = textOf(claim(claims, rule.from), rule.from);
  if (text === null || rule.values === null) return text;
  return Object.hasOwn(rule.values, text) ? rule.values[text] : undefined;
}

/**
 * The claims of one sign-in as whom the provider vouches for. Texts that are too long are cut, codes of the wrong form
 * dropped, an invalid ID number dropped: each is noted. A social account's ID number is not looked at.
 * @throws DomainError `sign-in-incomplete` without a subject, `sign-in-too-large` for an absurd attribute
 */
export function readProfile(provider: Provider, claims: Claims, subject: string | null): ReadProfile {
  const notes: string[] = [];
  const values = new Map<ProfileField, string>();
  for (const rule of provider.attributes) {
    const value = mapped(rule, claims);
    if (value === undefined) notes.push(`unknown-value:${rule.to}`);
    if (value === undefined || value === null || values.has(rule.to)) continue;
    values.set(rule.to, value);
  }
  const text = (field: keyof typeof textLimits): string | null => {
    const value = values.get(field);
    if (value === undefined) return null;
    const characters = [...value];
    if (characters.length <= textLimits[field]) return value;
    notes.push(`cut:${field}`);
    return characters.slice(0, textLimits[field]).join('');
  };
  const code = (field: keyof typeof codeForms): string | null => {
    const value = values.get(field);
    if (value === undefined) return null;
    if (codeForms[field].test(value)) return value;
    notes.push(`dropped:${field}`);
    return null;
  };
  const known = <T>(field: ProfileField, read: (value: string) => T | null | undefined): T | null => {
    const value = values.get(field);
    if (value === undefined) return null;
    const result = read(value) ?? null;
    if (result === null) notes.push(`dropped:${field}`);
    return result;
  };

  const whom = subjectOf(provider, claims, subject);
  const assurance =
    known('assurance', (value): Assurance | null =>
      value === 'official' || value === 'verified' || value === 'social' ? value : null,
    ) ?? provider.assurance;
  const idNumber = assurance === 'social' ? undefined : values.get('idNumber');
  if (idNumber !== undefined && idNumberKind(idNumber) === null) notes.push('invalid:idNumber');

  return {
    notes,
    profile: {
      provider: provider.key,
      subject: whom,
      assurance,
      name: text('name'),
      nameEn: text('nameEn'),
      nickname: text('nickname'),
      email: code('email'),
      emailVerified: values.get('emailVerified') === 'true',
      idNumber:
        idNumber !== undefined && idNumberKind(idNumber) !== null ? idNumber.trim().toUpperCase() : null,
      birthday: known('birthday', isoDate),
      gender: known('gender', (value) => genders[value.toLowerCase()]),
      phone: code('phone'),
      address: text('address'),
      agencyCode: code('agencyCode'),
      agencyName: text('agencyName'),
      personnelCategory: code('personnelCategory'),
    },
  };
}
