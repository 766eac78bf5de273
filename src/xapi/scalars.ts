import { fromIsoDuration } from '../base/durations.ts';
import type { Checker, JsonObject, Section } from './check.ts';
import { found } from './check.ts';

// RFC 3987 knows characters only: half a surrogate pair is none.
const iri = /^[A-Za-z][A-Za-z0-9+.-]*:[^\s<>"{}|\\^`\u0000-\u001f\p{Surrogate}]+$/u;
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const uuidVariant = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i;
const mailbox = /^mailto:[^\s@<>()[\]\\,;:"]+@[^\s@<>()[\]\\,;:"]+$/;
const sha1 = /^[0-9a-f]{40}$/i;
// RFC 5646: language, extlang, script, region, variants, extensions, private use; grandfathered tags by name.
const language =
  /^(?:(?:[a-z]{2,3}(?:-[a-z]{3}){0,3}|[a-z]{4}|[a-z]{5,8})(?:-[a-z]{4})?(?:-(?:[a-z]{2}|\d{3}))?(?:-(?:[a-z0-9]{5,8}|\d[a-z0-9]{3}))*(?:-[0-9a-wy-z](?:-[a-z0-9]{2,8})+)*(?:-x(?:-[a-z0-9]{1,8})+)?|x(?:-[a-z0-9]{1,8})+|i-(?:ami|bnn|default|enochian|hak|klingon|lux|mingo|navajo|pwn|tao|tay|tsu)|sgn-(?:be-fr|be-nl|ch-de)|en-gb-oed|art-lojban|cel-gaulish|no-bok|no-nyn|zh-guoyu|zh-hakka|zh-min(?:-nan)?|zh-xiang)$/i;
const instant =
  /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d+))?)?(Z|z|[+-]\d\d(?::?\d\d)?)?$/;
const basicInstant = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(?:(\d\d)(?:[.,](\d+))?)?(Z|[+-]\d\d(?::?\d\d)?)?$/;
const durationShape =
  /^P(?:\d+(?:[.,]\d+)?W|(?=.)(?:\d+(?:[.,]\d+)?Y)?(?:\d+(?:[.,]\d+)?M)?(?:\d+(?:[.,]\d+)?D)?(?:T(?=\d)(?:\d+(?:[.,]\d+)?H)?(?:\d+(?:[.,]\d+)?M)?(?:\d+(?:[.,]\d+)?S)?)?)$/;

export const isIri = (value: unknown): value is string => typeof value === 'string' && iri.test(value);
/** Any UUID by form; 1.0.3 asks for RFC 4122's variant too, which `isRfcUuid` checks. */
export const isUuidText = (value: unknown): value is string => typeof value === 'string' && uuid.test(value);
export const isRfcUuid = (value: unknown): value is string =>
  typeof value === 'string' && uuidVariant.test(value);
export const isMailto = (value: unknown): value is string => typeof value === 'string' && mailbox.test(value);
export const isSha1 = (value: unknown): value is string => typeof value === 'string' && sha1.test(value);
export const isLanguageTag = (value: unknown): value is string =>
  typeof value === 'string' && language.test(value);
/** ISO 8601:2004 4.4.3.2; only the last of its components may have a fraction. */
export const isDuration = (value: unknown): value is string =>
  typeof value === 'string' &&
  durationShape.test(value) &&
  !/[.,]\d+[A-Z]./.test(value) &&
  fromIsoDuration(value) !== null;

/**
 * Milliseconds of an ISO 8601 / RFC 3339 instant; null when it is none. Fractions finer than a millisecond are cut; a
 * time without an offset is UTC; an offset of minus zero is refused (RFC 3339 §4.3: it means "unknown").
 */
export function instantOf(text: string): number | null {
  const match = instant.exec(text) ?? basicInstant.exec(text);
  if (!match) return null;
  const [
    ,
    year = '',
    month = '',
    day = '',
    hour = '',
    minute = '',
    second = '00',
    fraction = '',
    zone = 'Z',
  ] = match;
  const offset = /^([+-])(\d\d):?(\d\d)?$/.exec(zone);
  const minutes = offset ? Number(offset[2]) * 60 + Number(offset[3] ?? 0) : 0;
  if (offset && ((offset[1] === '-' && minutes === 0) || Number(offset[3] ?? 0) > 59 || minutes > 24 * 60))
    return null;
  const [y, mo, d, h, mi, s] = [year, month, day, hour, minute, second].map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  if (mo < 1 || mo > 12 || d < 1 || d > new Date(Date.UTC(y, mo, 0)).getUTCDate()) return null;
  if (h > 24 || mi > 59 || s > 60 || (h === 24 && (mi > 0 || s > 0))) return null;
  const date = new Date(0);
  date.setUTCFullYear(y, mo - 1, d);
  date.setUTCHours(h, mi, Math.min(s, 59), Number(fraction.padEnd(3, '0').slice(0, 3)));
  return date.getTime() - (offset?.[1] === '-' ? -minutes : minutes) * 60_000;
}

export function checkIri(c: Checker, value: unknown, path: string, section: Section = 'iri'): boolean {
  if (isIri(value)) return true;
  c.fail(path, section, `must be an IRI with a scheme, found ${found(value)}`);
  return false;
}

export function checkUuid(c: Checker, value: unknown, path: string): boolean {
  if (isRfcUuid(value)) return true;
  c.fail(path, 'uuid', `must be a UUID in its standard string form, found ${found(value)}`);
  return false;
}

export function checkLanguageTag(c: Checker, value: unknown, path: string, section: Section): void {
  if (!isLanguageTag(value)) c.fail(path, section, `must be an RFC 5646 language tag, found ${found(value)}`);
}

export function checkLanguageMap(c: Checker, value: unknown, path: string): void {
  if (!c.object(value, path, 'languageMap')) return;
  for (const tag of Object.keys(value)) {
    if (!isLanguageTag(tag))
      c.fail(path, 'languageMap', `has the key ${found(tag)}, which is not an RFC 5646 language tag`);
    if (typeof value[tag] !== 'string')
      c.fail(
        `${path}[${JSON.stringify(tag)}]`,
        'languageMap',
        `must be a string, found ${found(value[tag])}`,
      );
  }
}

/** Keys are IRIs; the values are the client's own and stay untouched. */
export function checkExtensions(c: Checker, value: unknown, path: string): void {
  if (!c.object(value, path, 'extensions')) return;
  for (const key of Object.keys(value))
    if (!isIri(key)) c.fail(path, 'extensions', `has the key ${found(key)}, which is not an IRI`);
}

/** @param below slash-joined path for rewriting; 2.0 4.2.7: brought to UTC rather than refused */
export function checkTimestamp(
  c: Checker,
  owner: JsonObject,
  key: string,
  path: string,
  below: string,
): void {
  const value = owner[key];
  if (!c.text(value, path, 'timestamp')) return;
  const at = instantOf(value);
  if (at === null) c.fail(path, 'timestamp', `must be an ISO 8601 timestamp, found ${found(value)}`);
  else if (c.version === '2.0.0' && !/[Zz]$/.test(value)) {
    const fraction = /[.,](\d+)/.exec(value)?.[1] ?? '000';
    const utc = new Date(at).toISOString().replace(/\.\d+Z$/, `.${fraction}Z`);
    c.replace.set(below, JSON.stringify(utc));
  }
}
