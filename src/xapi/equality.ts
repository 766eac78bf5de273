import { partsOfIsoDuration } from '../base/durations.ts';
import { differenceOf, type ExactJson, ExactNumber, parseExact } from './json.ts';
import { signatureUsage } from './attachments.ts';
import { instantOf } from './scalars.ts';

type Members = Map<string, ExactJson>;
const members = (value: ExactJson | undefined): Members | null => (value instanceof Map ? value : null);

/**
 * Whether two Statements of one id say the same (1.0.3 Data 2.3.1; 2.0 4.2.3): the path of the first difference, or
 * null. Left out of the comparison: what an LRS assigns (id's case, authority, stored, version, a timestamp it set),
 * notation (key order, white space, 1.0 or 1, offsets of timestamps, durations at 0.01 s), the order of a Group's
 * members, and what may change without the Statement (verb display, Activity definitions).
 * @param kept the stored Statement's text
 * @param sent the text that arrived, as the client wrote it
 */
export function statementDifference(kept: string, sent: string): string | null {
  return difference(parseExact(kept), parseExact(sent));
}

/** The same for a signed payload and the Statement that carries its signature, which is left out (1.0.3 Data 2.6). */
export function signedDifference(payload: string, sent: string): string | null {
  return difference(withoutSignature(parseExact(payload)), withoutSignature(parseExact(sent)));
}

function withoutSignature(value: ExactJson): ExactJson {
  const attachments = members(value)?.get('attachments');
  if (!(value instanceof Map) || !Array.isArray(attachments)) return value;
  const others = attachments.filter((item) => members(item)?.get('usageType') !== signatureUsage);
  const to = new Map(value);
  if (others.length > 0) to.set('attachments', others);
  else to.delete('attachments');
  return to;
}

function difference(a: ExactJson, b: ExactJson): string | null {
  const [left, right] = [members(a), members(b)];
  if (!left || !right) return '$';
  // A timestamp that the LRS set says nothing of the client's Statement.
  const set = left.has('stored') && left.get('timestamp') === left.get('stored');
  if (!right.has('timestamp') || set) {
    left.delete('timestamp');
    right.delete('timestamp');
  }
  return differenceOf(statement(left, true), statement(right, true));
}

function statement(from: Members, whole: boolean): Members {
  const to: Members = new Map(from);
  if (whole) for (const key of ['id', 'authority', 'stored', 'version']) to.delete(key);
  alter(to, 'actor', actor);
  alter(to, 'verb', (verb) => without(verb, 'display'));
  alter(to, 'object', object);
  const timestamp = to.get('timestamp');
  if (typeof timestamp === 'string') to.set('timestamp', String(instantOf(timestamp) ?? timestamp));
  alter(to, 'result', (result) => {
    const copy = new Map(result);
    const duration = copy.get('duration');
    const parts = typeof duration === 'string' ? partsOfIsoDuration(duration) : null;
    // A month is not thirty days: what is written as months compares with months.
    if (parts)
      copy.set('duration', `${parts.years * 12 + parts.months}M${Math.floor(parts.seconds * 100 + 1e-6)}`);
    return copy;
  });
  alter(to, 'context', context);
  return to;
}

function context(from: Members): Members {
  const to = new Map(from);
  alter(to, 'instructor', actor);
  alter(to, 'team', actor);
  lower(to, 'registration');
  alter(to, 'statement', reference);
  alter(to, 'contextActivities', (kinds) => {
    const copy: Members = new Map();
    for (const [kind, value] of kinds)
      copy.set(
        kind,
        (Array.isArray(value) ? value : [value]).map((item) => activity(item)),
      );
    return copy;
  });
  for (const [list, part] of [
    ['contextAgents', 'agent'],
    ['contextGroups', 'group'],
  ] as const) {
    const items = to.get(list);
    if (Array.isArray(items))
      to.set(
        list,
        items.map((item) => {
          const copy = new Map(members(item) ?? []);
          alter(copy, part, actor);
          return copy;
        }),
      );
  }
  return to;
}

function object(from: Members): ExactJson {
  const type = from.get('objectType');
  if (type === undefined || type === 'Activity') return activity(from);
  if (type === 'SubStatement') return statement(from, false);
  if (type === 'StatementRef') return reference(from);
  return actor(from);
}

function reference(from: Members): Members {
  const to = new Map(from);
  lower(to, 'id');
  return to;
}

function activity(from: ExactJson): ExactJson {
  if (!(from instanceof Map)) return from;
  const to = without(from, 'definition');
  to.set('objectType', 'Activity');
  return to;
}

function actor(from: Members): Members {
  const to = new Map(from);
  if (!to.has('objectType')) to.set('objectType', 'Agent');
  const group = to.get('member');
  if (Array.isArray(group))
    to.set(
      'member',
      group
        .map((member) => (member instanceof Map ? actor(member) : member))
        .map((member) => [sortKey(member), member] as const)
        .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
        .map(([, member]) => member),
    );
  return to;
}

const sortKey = (value: ExactJson): string => {
  if (value instanceof Map)
    return JSON.stringify([...value].map(([key, member]) => [key, sortKey(member)]).sort());
  if (Array.isArray(value)) return JSON.stringify(value.map(sortKey));
  return value instanceof ExactNumber ? value.text : JSON.stringify(value);
};

function without(from: Members, key: string): Members {
  const to = new Map(from);
  to.delete(key);
  return to;
}

function lower(of: Members, key: string): void {
  const value = of.get(key);
  if (typeof value === 'string') of.set(key, value.toLowerCase());
}

function alter(of: Members, key: string, how: (value: Members) => ExactJson): void {
  const value = of.get(key);
  if (value instanceof Map) of.set(key, how(value));
}
