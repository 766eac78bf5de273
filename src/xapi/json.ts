import { isUtf8 } from 'node:buffer';
import { DomainError } from '../base/errors.ts';

/** A JSON number whose digits matter: kept as written. */
export class ExactNumber {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

export type ExactJson = null | boolean | string | ExactNumber | ExactJson[] | Map<string, ExactJson>;

/** From `start` up to `end` (exclusive) in the text. */
export interface Span {
  start: number;
  end: number;
}

/** Called with the path (keys and indexes) of every value and where it stands in the text. */
type Visit = (path: readonly (string | number)[], span: Span) => void;

export const pathText = (path: readonly (string | number)[]): string =>
  path.reduce<string>(
    (text, part) =>
      typeof part === 'number'
        ? `${text}[${part}]`
        : /^[A-Za-z_$][\w$]*$/.test(part)
          ? `${text}.${part}`
          : `${text}[${JSON.stringify(part)}]`,
    '$',
  );

const refuse = (path: readonly (string | number)[], message: string): never => {
  throw new DomainError('invalid', `The body is not acceptable JSON: ${message}`, {
    code: 'xapi-json',
    problems: [{ path: pathText(path), message }],
  });
};

const quote = 34;
const backslash = 92;

/** Index of the quote that closes the string opened at `at`; -1 when none does. */
function stringEnd(text: string, at: number): number {
  let end = text.indexOf('"', at + 1);
  while (end > 0 && text.charCodeAt(end - 1) === backslash) {
    let slashes = 1;
    while (text.charCodeAt(end - 1 - slashes) === backslash) slashes++;
    if (slashes % 2 === 0) break;
    end = text.indexOf('"', end + 1);
  }
  return end;
}

const scalar = /(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|true|false|null/y;

/**
 * Reads JSON keeping every digit; refuses a key given twice in one object (RFC 8259 §4 leaves its meaning open).
 * Slow beside JSON.parse: for what that loses, and for finding where a value stands. Expects valid JSON.
 */
export function parseExact(text: string, visit?: Visit): ExactJson {
  let at = 0;
  const path: (string | number)[] = [];
  const skip = (): string => {
    while (at < text.length && text.charCodeAt(at) <= 32) at++;
    return text[at] ?? '';
  };
  const take = (sign: string): boolean => {
    if (skip() !== sign) return false;
    at++;
    return true;
  };
  const broken = (): never => refuse(path, `unexpected text at character ${at}`);
  const string = (): string => {
    const end = stringEnd(text, at);
    if (end < 0) return broken();
    const raw = text.slice(at, end + 1);
    at = end + 1;
    return JSON.parse(raw) as string;
  };
  const array = (): ExactJson[] => {
    const items: ExactJson[] = [];
    if (take(']')) return items;
    do {
      path.push(items.length);
      items.push(value());
      path.pop();
    } while (take(','));
    return take(']') ? items : broken();
  };
  const object = (): Map<string, ExactJson> => {
    const members = new Map<string, ExactJson>();
    if (take('}')) return members;
    do {
      if (skip() !== '"') return broken();
      const key = string();
      path.push(key);
      if (members.has(key)) refuse(path, `the key ${JSON.stringify(key)} appears twice in one object`);
      if (!take(':')) return broken();
      members.set(key, value());
      path.pop();
    } while (take(','));
    return take('}') ? members : broken();
  };
  const value = (): ExactJson => {
    const sign = skip();
    const start = at;
    const found = read(sign);
    visit?.(path, { start, end: at });
    return found;
  };
  const read = (sign: string): ExactJson => {
    if (sign === '"') return string();
    if (take('[')) return array();
    if (take('{')) return object();
    scalar.lastIndex = at;
    const match = scalar.exec(text);
    if (!match) return broken();
    at = scalar.lastIndex;
    if (match[1] !== undefined) return new ExactNumber(match[1]);
    return match[0] === 'null' ? null : match[0] === 'true';
  };
  return value();
}

/** What one pass over the text tells without building values. */
export interface JsonShape {
  /** Keys written in all objects together. */
  keys: number;
  depth: number;
  /** The outer array's elements, or the outer object itself. */
  items: Span[];
}

/** Expects what JSON.parse accepts; on anything else the answer means nothing. */
export function shapeOf(text: string): JsonShape {
  let keys = 0;
  let depth = 0;
  let deepest = 0;
  let start = -1;
  const inArray = /^\s*\[/.test(text);
  const items: Span[] = [];
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code <= 32) continue;
    if (depth === 1 && inArray) {
      if (code === 44 || code === 93) {
        if (start >= 0) items.push({ start, end: at });
        start = -1;
      } else if (start < 0) start = at;
    }
    if (code === quote) {
      const end = stringEnd(text, at);
      if (end < 0) break;
      at = end;
    } else if (code === 58) keys++;
    else if (code === 123 || code === 91) {
      if (++depth > deepest) deepest = depth;
    } else if (code === 125 || code === 93) depth--;
  }
  if (!inArray) items.push({ start: 0, end: text.length });
  return { keys, depth: deepest, items };
}

/** Own keys of every object in the tree together. */
export function countKeys(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  let count = 0;
  if (Array.isArray(value)) for (const item of value as unknown[]) count += countKeys(item);
  else
    for (const key in value) {
      count += 1;
      const member = (value as Record<string, unknown>)[key];
      if (typeof member === 'object' && member !== null) count += countKeys(member);
    }
  return count;
}

/** DomainError `invalid` when the bytes are not UTF-8. A byte order mark is left out. */
export function decodeUtf8(bytes: Buffer): string {
  if (!isUtf8(bytes)) throw new DomainError('invalid', 'The body is not valid UTF-8.', { code: 'xapi-json' });
  const text = bytes.toString('utf8');
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
}

/**
 * Parses a request's JSON: refuses what JSON.parse would silently change (a key given twice) and what is nested too
 * deep. Gives the value and the text's shape.
 */
export function parseJson(text: string, maxDepth: number): { value: unknown; shape: JsonShape } {
  const shape = shapeOf(text);
  if (shape.depth > maxDepth)
    return refuse([], `nested ${shape.depth} levels deep; at most ${maxDepth} are accepted`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return refuse([], (error as Error).message);
  }
  if (countKeys(value) !== shape.keys) parseExact(text); // throws, naming the key
  return { value, shape };
}

/** The same number, whatever its notation: `1.50e1` and `15` both give `15e0`. */
function canonicalNumber(text: string): string {
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text);
  if (!match) return text;
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = match;
  const digits = (whole + fraction).replace(/^0+/, '');
  if (digits === '') return '0';
  const trimmed = digits.replace(/0+$/, '');
  return `${sign}${trimmed}e${BigInt(exponent) - BigInt(fraction.length) + BigInt(digits.length - trimmed.length)}`;
}

/** Path of the first difference between two JSON values, or null. Numbers compare by value, at any precision. */
export function differenceOf(a: ExactJson, b: ExactJson, path: (string | number)[] = []): string | null {
  if (a instanceof ExactNumber && b instanceof ExactNumber)
    return canonicalNumber(a.text) === canonicalNumber(b.text) ? null : pathText(path);
  if (Array.isArray(a) && Array.isArray(b)) {
    for (let at = 0; at < Math.max(a.length, b.length); at++) {
      const [left, right] = [a[at], b[at]];
      if (left === undefined || right === undefined) return pathText([...path, at]);
      const found = differenceOf(left, right, [...path, at]);
      if (found) return found;
    }
    return null;
  }
  if (a instanceof Map && b instanceof Map) {
    for (const key of new Set([...a.keys(), ...b.keys()])) {
      const [left, right] = [a.get(key), b.get(key)];
      if (left === undefined || right === undefined) return pathText([...path, key]);
      const found = differenceOf(left, right, [...path, key]);
      if (found) return found;
    }
    return null;
  }
  return a === b ? null : pathText(path);
}
