import { parseExact, type Span } from './json.ts';

/** What the LRS adds to a Statement on its way in (1.0.3 Data 2.4; 2.0 4.2.4.2). */
export interface Additions {
  /** Given only when the Statement came without one. */
  id?: string;
  version?: string;
  /** JSON text; replaces whatever the client claimed. */
  authority: string;
}

/** What was sent and must not be kept as it is; found while validating. */
export interface Rewrites {
  /** Top-level members to leave out: `stored` and `authority` sent by the client. */
  drop: readonly string[];
  /** Single Activities in contextActivities become arrays (1.0.3 Data 2.4.6.2); paths as pathText gives them. */
  wrap: ReadonlySet<string>;
  /** Other texts for values, by path: timestamps brought to UTC (2.0 4.2.7). */
  replace: ReadonlyMap<string, string>;
}

/**
 * A Statement's own text, exactly as it was sent save for `rewrites`, without its closing brace and with `additions`
 * at its end. sealBody closes it once the instant of storing is known.
 */
export function openBody(text: string, additions: Additions, rewrites: Rewrites): string {
  const trimmed = text.trim();
  const edited =
    rewrites.drop.length + rewrites.wrap.size + rewrites.replace.size > 0 ? edit(trimmed, rewrites) : trimmed;
  const open = edited.slice(0, -1).trimEnd();
  const members = [
    additions.id === undefined ? '' : `"id":"${additions.id}"`,
    `"authority":${additions.authority}`,
    additions.version === undefined ? '' : `"version":"${additions.version}"`,
  ].filter(Boolean);
  return open + comma(open) + members.join(',');
}

/** Closes an open body with the instant of storing; it is the Statement's timestamp too where it came without one. */
export const sealBody = (open: string, stored: string, stampTimestamp: boolean): string =>
  `${open},"stored":"${stored}"${stampTimestamp ? `,"timestamp":"${stored}"` : ''}}`;

const comma = (open: string): string => (open.endsWith('{') || open.endsWith(',') ? '' : ',');

function edit(text: string, { drop, wrap, replace }: Rewrites): string {
  const edits: (Span & { by: string })[] = [];
  parseExact(text, (path, span) => {
    const [key] = path;
    if (path.length === 1 && typeof key === 'string' && drop.includes(key)) {
      edits.push({ ...memberSpan(text, span), by: '' });
      return;
    }
    if (path.length < 2 && replace.size === 0) return;
    const name = path.join('/');
    if (wrap.has(name))
      edits.push(
        { start: span.start, end: span.start, by: '[' },
        { start: span.end, end: span.end, by: ']' },
      );
    const by = replace.get(name);
    if (by !== undefined) edits.push({ ...span, by });
  });
  let result = '';
  let at = 0;
  for (const { start, end, by } of edits.sort((a, b) => a.start - b.start || a.end - b.end)) {
    if (start < at) continue; // inside a dropped member
    result += text.slice(at, start) + by;
    at = end;
  }
  return result + text.slice(at);
}

/** From the member's key to its value's end, the comma that follows included. */
function memberSpan(text: string, value: Span): Span {
  // Back over white space, the colon and white space to the key's closing quote.
  let start = text.lastIndexOf(':', value.start) - 1;
  while (text[start] !== '"') start--;
  start--;
  while (text[start] !== '"') start--;
  let end = value.end;
  while (/\s/.test(text[end] ?? '')) end++;
  return { start, end: text[end] === ',' ? end + 1 : value.end };
}
