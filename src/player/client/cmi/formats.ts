/** A check says `ok`, or which of the standard's complaints applies. */
export type Verdict = 'ok' | 'type' | 'range';
export type Check = (value: string) => Verdict;

const matches =
  (pattern: RegExp): Check =>
  (value) =>
    pattern.test(value) ? 'ok' : 'type';

export const anyString: Check = () => 'ok';
export const oneOf =
  (...words: string[]): Check =>
  (value) =>
    words.includes(value) ? 'ok' : 'type';
export const either =
  (...checks: Check[]): Check =>
  (value) => {
    const verdicts = checks.map((check) => check(value));
    return verdicts.includes('ok') ? 'ok' : verdicts.includes('range') ? 'range' : 'type';
  };

/** real(10,7) of SCORM 2004 RTE 4.1.1.7; CMIDecimal of SCORM 1.2 RTE 3.4.2. */
const number = /^-?(\d+(\.\d+)?|\.\d+)$/;
export const real =
  (min = -Infinity, max = Infinity): Check =>
  (value) => {
    if (!number.test(value)) return 'type';
    return Number(value) >= min && Number(value) <= max ? 'ok' : 'range';
  };
export const integer =
  (min: number, max: number): Check =>
  (value) => {
    if (!/^[+-]?\d+$/.test(value)) return 'type';
    return Number(value) >= min && Number(value) <= max ? 'ok' : 'range';
  };

/** language_type, RTE 4.1.1.7: RFC 5646 in outline; empty where the element says so. */
const language = /^([A-Za-z]{2,3}|[ix])(-[A-Za-z0-9]{1,8})*$/;
export const languageOrEmpty: Check = (value) => (value === '' || language.test(value) ? 'ok' : 'type');

/** localized_string_type: an optional `{lang=…}` in front, which must then hold a language. */
export const localizedString: Check = (value) => {
  const tagged = /^\{lang=([^}]*)\}/.exec(value);
  return !tagged || language.test(tagged[1] ?? '') ? 'ok' : 'type';
};

/** long_identifier_type and short_identifier_type: a URI (RFC 3986) or URN (RFC 2141), never empty, no white space. */
export const identifier2004: Check = (value) => {
  // RFC 3986 has no place for these; other scripts than Latin are let through (RFC 3987).
  if (value === '' || /[\s{}[\]<>"\\^`|]/.test(value)) return 'type';
  if (/^urn:/i.test(value)) return /^urn:[A-Za-z0-9][A-Za-z0-9-]{0,31}:\S+$/i.test(value) ? 'ok' : 'type';
  return 'ok';
};

/** time(second,10,0): 1970–2038, two decimals at most; a time zone only behind decimals, as the standard's brackets say. */
const instant =
  /^(\d{4})(?:-(\d{2})(?:-(\d{2})(?:T(\d{2})(?::(\d{2})(?::(\d{2})(?:\.\d{1,2}(?:Z|[+-](?:[01]\d|2[0-3])(?::[0-5]\d)?)?)?)?)?)?)?)?$/;
export const time2004: Check = (value) => {
  const parts = instant.exec(value);
  if (!parts) return 'type';
  const [year, month = 1, day = 1, hour = 0, minute = 0, second = 0] = parts
    .slice(1)
    .map((part) => (part === undefined ? undefined : Number(part)));
  if (year === undefined || year < 1970 || year > 2038) return 'type';
  if (month < 1 || month > 12 || day < 1 || day > new Date(Date.UTC(year, month, 0)).getUTCDate())
    return 'type';
  return hour <= 23 && minute <= 59 && second <= 59 ? 'ok' : 'type';
};

/** timeinterval(second,10,2): `P` with at least one part, `T` with at least one after it. */
export const interval2004 = matches(
  /^P(?=\d|T\d)(\d+Y)?(\d+M)?(\d+D)?(T(?=\d)(\d+H)?(\d+M)?(\d+(\.\d{1,2})?S)?)?$/,
);

/** CMIIdentifier, 1.2 RTE 3.4.2: up to 255 characters without white space. */
export const identifier12 = matches(/^\S{1,255}$/);
/** CMITime HH:MM:SS.SS */
export const time12 = matches(/^([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,2})?$/);
/** CMITimespan HHHH:MM:SS.SS with two to four digits of hours; authoring tools write minutes and seconds up to 99. */
export const timespan12 = matches(/^\d{2,4}:\d{2}:\d{2}(\.\d{1,2})?$/);
export const upTo =
  (length: number): Check =>
  (value) =>
    value.length <= length ? 'ok' : 'type';
/** CMIDecimal 0–100 or blank, as cmi.core.score.* takes it. */
export const score12 = either(oneOf(''), real(0, 100));
