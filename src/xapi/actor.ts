import type { Checker, JsonObject, Section } from './check.ts';
import { found } from './check.ts';
import type { Agent } from './types.ts';
import { checkIri, isIri, isMailto, isSha1 } from './scalars.ts';

const ifis = ['mbox', 'mbox_sha1sum', 'openid', 'account'] as const;
const agentKeys = new Set(['objectType', 'name', ...ifis]);
const groupKeys = new Set(['objectType', 'name', 'member', ...ifis]);
const accountKeys = new Set(['homePage', 'name']);

export const isGroup = (actor: unknown): boolean =>
  typeof actor === 'object' && actor !== null && (actor as JsonObject)['objectType'] === 'Group';

/** Notes what is wrong with the inverse functional identifiers and says how many there are. */
function checkIfis(c: Checker, actor: JsonObject, path: string): number {
  let count = 0;
  if (actor['mbox'] !== undefined) {
    count++;
    if (!isMailto(actor['mbox']))
      c.fail(
        `${path}.mbox`,
        'ifi',
        `must be a mailto IRI such as mailto:name@example.org, found ${found(actor['mbox'])}`,
      );
  }
  if (actor['mbox_sha1sum'] !== undefined) {
    count++;
    if (!isSha1(actor['mbox_sha1sum']))
      c.fail(
        `${path}.mbox_sha1sum`,
        'ifi',
        `must be a SHA-1 as 40 hexadecimal digits, found ${found(actor['mbox_sha1sum'])}`,
      );
  }
  if (actor['openid'] !== undefined) {
    count++;
    if (!isIri(actor['openid']))
      c.fail(`${path}.openid`, 'ifi', `must be a URI, found ${found(actor['openid'])}`);
  }
  const account = actor['account'];
  if (account !== undefined) {
    count++;
    const at = `${path}.account`;
    if (c.object(account, at, 'account')) {
      c.keys(account, accountKeys, at, 'account');
      checkIri(c, account['homePage'], `${at}.homePage`, 'account');
      c.text(account['name'], `${at}.name`, 'account');
    }
  }
  return count;
}

export function checkAgent(c: Checker, value: unknown, path: string, section: Section = 'actor'): void {
  if (!c.object(value, path, section)) return;
  c.keys(value, agentKeys, path, section);
  if (value['objectType'] !== undefined && value['objectType'] !== 'Agent')
    c.fail(`${path}.objectType`, section, `must be "Agent", found ${found(value['objectType'])}`);
  if (value['name'] !== undefined) c.text(value['name'], `${path}.name`, section);
  const count = checkIfis(c, value, path);
  if (count !== 1)
    c.fail(
      path,
      'ifi',
      `must have exactly one of mbox, mbox_sha1sum, openid and account; it has ${count === 0 ? 'none' : count}`,
    );
}

export function checkGroup(c: Checker, value: unknown, path: string, section: Section = 'actor'): void {
  if (!c.object(value, path, section)) return;
  c.keys(value, groupKeys, path, section);
  if (value['objectType'] !== 'Group')
    c.fail(`${path}.objectType`, section, `must be "Group", found ${found(value['objectType'])}`);
  if (value['name'] !== undefined) c.text(value['name'], `${path}.name`, section);
  const count = checkIfis(c, value, path);
  if (count > 1)
    c.fail(path, 'ifi', `must have at most one of mbox, mbox_sha1sum, openid and account; it has ${count}`);
  const members = value['member'];
  if (members === undefined) {
    if (count === 0) c.fail(path, section, 'is an anonymous Group and must have members');
  } else if (c.list(members, `${path}.member`, section)) {
    if (members.length === 0 && count === 0)
      c.fail(`${path}.member`, section, 'must not be empty in an anonymous Group');
    members.forEach((member, at) => checkAgent(c, member, `${path}.member[${at}]`, section));
  }
}

/** An Agent or a Group, by objectType; absent means Agent (1.0.3 Data 2.4.2). */
export function checkActor(c: Checker, value: unknown, path: string, section: Section = 'actor'): void {
  if (isGroup(value)) checkGroup(c, value, path, section);
  else checkAgent(c, value, path, section);
}

/** 1.0.3 Data 2.4.9: an Agent, or for 3-legged OAuth an anonymous Group of exactly two. */
export function checkAuthority(c: Checker, value: unknown, path: string): void {
  if (!isGroup(value)) return checkAgent(c, value, path, 'authority');
  checkGroup(c, value, path, 'authority');
  const group = value as JsonObject;
  if (ifis.some((ifi) => group[ifi] !== undefined))
    c.fail(path, 'authority', 'is a Group and must not be identified');
  if (!Array.isArray(group['member']) || group['member'].length !== 2)
    c.fail(path, 'authority', 'is a Group and must have exactly two members');
}

/** The Agent of an identity as `identityOf` gives it; null for a text that is none. */
export function agentOf(identity: string): Agent | null {
  if (identity.startsWith('mailto:')) return { mbox: identity };
  if (identity.startsWith('sha1:')) return { mbox_sha1sum: identity.slice(5) };
  if (identity.startsWith('openid:')) return { openid: identity.slice(7) };
  // An IRI holds no space; an account's name may.
  const account = /^account:(\S+) ([^]*)$/.exec(identity);
  return account?.[1] === undefined ? null : { account: { homePage: account[1], name: account[2] ?? '' } };
}

/**
 * The identity of an Agent or identified Group as one text, equal exactly when the IFI is the same; null for an
 * anonymous Group. The mailbox's domain and a hash compare without case (RFC 5321 §2.4).
 */
export function identityOf(actor: unknown): string | null {
  if (typeof actor !== 'object' || actor === null) return null;
  const { mbox, mbox_sha1sum, openid, account } = actor as JsonObject;
  if (typeof mbox === 'string') {
    const at = mbox.lastIndexOf('@');
    return `${mbox.slice(0, at)}${mbox.slice(at).toLowerCase()}`;
  }
  if (typeof mbox_sha1sum === 'string') return `sha1:${mbox_sha1sum.toLowerCase()}`;
  if (typeof openid === 'string') return `openid:${openid}`;
  if (typeof account === 'object' && account !== null) {
    const { homePage, name } = account as JsonObject;
    return `account:${String(homePage)} ${String(name)}`;
  }
  return null;
}
