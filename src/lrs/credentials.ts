import { createHash, randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import type { Clock } from '../base/clock.ts';
import { DomainError } from '../base/errors.ts';
import { newToken, newUuid } from '../base/ids.ts';
import type { Agent } from '../xapi/types.ts';
import type { Credential, CredentialStore, Scope } from './store.ts';

const derive = promisify(scrypt) as (secret: string, salt: Buffer, length: number) => Promise<Buffer>;

export async function hashSecret(secret: string): Promise<string> {
  const salt = randomBytes(16);
  return `scrypt$${salt.toString('base64url')}$${(await derive(secret, salt, 32)).toString('base64url')}`;
}

async function matches(secret: string, hash: string): Promise<boolean> {
  const [, salt = '', expected = ''] = hash.split('$');
  const wanted = Buffer.from(expected, 'base64url');
  const actual = await derive(secret, Buffer.from(salt, 'base64url'), 32);
  return wanted.length === actual.length && timingSafeEqual(wanted, actual);
}

/** Who is asking, and with which scopes: a bearer token may hold fewer than its credential. */
export interface Caller {
  credential: Credential;
  scopes: readonly Scope[];
}

export interface CredentialsOptions {
  store: CredentialStore;
  clock: Clock;
  /** Home page of the authority's account: the portal's public origin. */
  homePage: string;
}

/** What an administrator may set. */
export interface CredentialDraft {
  label: string;
  scopes: Scope[];
  key?: string;
  secret?: string;
  owner?: string | null;
  authority?: Agent;
  actorHomePage?: string | null;
  activityPrefix?: string | null;
  origins?: string[];
  ratePerMinute?: number | null;
  expiresAt?: Date | null;
}

export interface Credentials {
  /** Null when the Authorization header opens nothing. */
  authenticate(authorization: string | undefined): Promise<Caller | null>;
  /** The secret is given once and kept only hashed. DomainError `conflict` when the key is taken. */
  create(draft: CredentialDraft): Promise<{ credential: Credential; secret: string }>;
  /** Makes the one all-scope credential of the configuration what it should be (LRS_KEY, LRS_SECRET). */
  ensure(given: { key: string; secret: string }): Promise<void>;
  /** A new secret; the old ones stay good for `graceSeconds`. */
  rotate(id: string, graceSeconds: number): Promise<string>;
  update(
    id: string,
    patch: Partial<
      Pick<
        Credential,
        | 'label'
        | 'owner'
        | 'scopes'
        | 'actorHomePage'
        | 'activityPrefix'
        | 'origins'
        | 'ratePerMinute'
        | 'expiresAt'
        | 'disabled'
      >
    >,
  ): Promise<Credential>;
  list(): Promise<Credential[]>;
  remove(id: string): Promise<void>;
  /** OAuth 2 client credentials (RFC 6749 §4.4): an hour's bearer token with some of the caller's scopes. */
  issueToken(caller: Caller, scopes: readonly Scope[]): Promise<{ token: string; expiresInSeconds: number }>;
}

/** A checked secret is believed this long, a credential's row is not read again for so long. */
const verifiedMs = 10 * 60_000;
const rowMs = 2000;
const refusedMs = 5000;
const tokenSeconds = 3600;
const usedEveryMs = 60_000;

/** Hashing is slow on purpose, and its threads read files and unpack bodies too: so many at once, and so many waiting. */
const hashedAtOnce = 2;
const mostWaiting = 30;

/** Runs what hashes in turn; DomainError `rate-limited` for whoever would wait too long: a flood of wrong secrets. */
function createHashingQueue() {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async <T>(work: () => Promise<T>): Promise<T> => {
    if (running >= hashedAtOnce) {
      if (waiting.length >= mostWaiting)
        throw new DomainError('rate-limited', 'Too many secrets are being checked. Try again in a moment.', {
          code: 'rate-limited',
          retryAfter: 5,
        });
      await new Promise<void>((resolve) => waiting.push(resolve));
    } else running++;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else running--;
    }
  };
}

const digest = (text: string): string => createHash('sha256').update(text).digest('base64url');

export function createCredentials({ store, clock, homePage }: CredentialsOptions): Credentials {
  /** Digest of key and secret → the hash that it was checked against. */
  const verified = new Map<string, { hash: string; until: number }>();
  /** Digest of key and secret → when it was found wrong: a client that keeps trying costs no hashing each time. */
  const refused = new Map<string, number>();
  const isRefused = (memo: string): boolean => Math.abs(now() - (refused.get(memo) ?? -Infinity)) < refusedMs;
  /** Digest of key and secret → the check that is under way. */
  const checking = new Map<string, Promise<string | null>>();
  const hashing = createHashingQueue();
  const rows = new Map<string, { credential: Credential | null; until: number }>();
  const usedAt = new Map<string, number>();
  const now = (): number => clock.now().getTime();

  const cached = async (name: string, read: () => Promise<Credential | null>): Promise<Credential | null> => {
    const known = rows.get(name);
    if (known && known.until > now() && known.until - rowMs <= now()) return known.credential;
    const credential = await read();
    if (rows.size > 10_000) rows.clear();
    rows.set(name, { credential, until: now() + rowMs });
    return credential;
  };

  const usable = (credential: Credential | null): credential is Credential =>
    credential !== null &&
    !credential.disabled &&
    (credential.expiresAt === null || credential.expiresAt.getTime() > now());

  const noteUse = async (credential: Credential): Promise<void> => {
    const last = usedAt.get(credential.id) ?? credential.lastUsedAt?.getTime() ?? 0;
    if (Math.abs(now() - last) < usedEveryMs) return;
    usedAt.set(credential.id, now());
    await store.used(credential.id, clock.now());
  };

  /** Which of the living hashes the secret has; null: none. Asked once however many ask at the same moment. */
  const hashOf = (
    memo: string,
    secret: string,
    living: readonly { hash: string }[],
  ): Promise<string | null> => {
    const under = checking.get(memo);
    if (under) return under;
    const check = hashing(async () => {
      for (const { hash } of living) if (await matches(secret, hash)) return hash;
      return null;
    }).finally(() => checking.delete(memo));
    checking.set(memo, check);
    return check;
  };

  const byBasic = async (encoded: string): Promise<Caller | null> => {
    const text = Buffer.from(encoded, 'base64').toString('utf8');
    const colon = text.indexOf(':');
    if (colon < 0) return null;
    const [key, secret] = [text.slice(0, colon), text.slice(colon + 1)];
    const credential = await cached(`key ${key}`, () => store.byKey(key));
    const memo = digest(`${key}\u0000${secret}`);
    if (isRefused(memo)) return null;
    const living = usable(credential)
      ? credential.secrets.filter(({ expiresAt }) => expiresAt === null || expiresAt.getTime() > now())
      : [];
    const known = verified.get(memo);
    if (usable(credential) && known && known.until > now() && living.some(({ hash }) => hash === known.hash))
      return { credential, scopes: credential.scopes };
    // Takes as long where there is no such key as where the secret is wrong.
    const hash = await hashOf(memo, secret, living.length > 0 ? living : [{ hash: 'scrypt$bm9uZQ$bm9uZQ' }]);
    if (hash === null || !usable(credential)) {
      if (refused.size > 10_000) refused.clear();
      refused.set(memo, now());
      return null;
    }
    if (verified.size > 10_000) verified.clear();
    verified.set(memo, { hash, until: now() + verifiedMs });
    return { credential, scopes: credential.scopes };
  };

  const byToken = async (token: string): Promise<Caller | null> => {
    const found = await store.token(digest(token), clock.now());
    if (!found) return null;
    const credential = await cached(`id ${found.credentialId}`, () => store.byId(found.credentialId));
    return usable(credential) ? { credential, scopes: found.scopes } : null;
  };

  const need = async (id: string): Promise<Credential> => {
    const credential = await store.byId(id);
    if (!credential)
      throw new DomainError('not-found', 'There is no such credential.', { code: 'lrs-no-credential' });
    return credential;
  };

  const save = async (credential: Credential): Promise<void> => {
    await store.update(credential);
    rows.clear();
    refused.clear();
  };

  const create: Credentials['create'] = async (draft) => {
    const id = newUuid();
    const key = draft.key ?? newToken(12);
    const secret = draft.secret ?? newToken(24);
    const authority: Agent = draft.authority ?? {
      objectType: 'Agent',
      account: { homePage, name: `lrs-${id}` },
      name: draft.label,
    };
    const credential: Credential = {
      id,
      key,
      secrets: [{ hash: await hashSecret(secret), expiresAt: null }],
      label: draft.label,
      owner: draft.owner ?? null,
      scopes: draft.scopes,
      authority: JSON.stringify(authority),
      actorHomePage: draft.actorHomePage ?? null,
      activityPrefix: draft.activityPrefix ?? null,
      origins: draft.origins ?? [],
      ratePerMinute: draft.ratePerMinute ?? null,
      expiresAt: draft.expiresAt ?? null,
      disabled: false,
      createdAt: clock.now(),
      lastUsedAt: null,
    };
    await store.create(credential);
    rows.clear();
    refused.clear();
    return { credential, secret };
  };

  return {
    async authenticate(authorization) {
      const [, scheme = '', value = ''] = /^(\S+)\s+(\S+)\s*$/.exec(authorization ?? '') ?? [];
      const caller =
        scheme.toLowerCase() === 'basic'
          ? await byBasic(value)
          : scheme.toLowerCase() === 'bearer'
            ? await byToken(value)
            : null;
      if (caller) await noteUse(caller.credential);
      return caller;
    },
    create,
    async ensure({ key, secret }) {
      const existing = await store.byKey(key);
      if (!existing) {
        try {
          await create({ key, secret, label: 'LRS_KEY', scopes: ['all'] });
          return;
        } catch (error) {
          // Another process starting at the same moment made it.
          if (!(error instanceof DomainError && error.kind === 'conflict')) throw error;
          return;
        }
      }
      const same = await Promise.all(existing.secrets.map(({ hash }) => matches(secret, hash)));
      if (
        same[0] &&
        existing.secrets.length === 1 &&
        !existing.disabled &&
        existing.scopes.includes('all') &&
        existing.expiresAt === null
      )
        return;
      const secrets = [{ hash: await hashSecret(secret), expiresAt: null }];
      await save({ ...existing, secrets, scopes: ['all'], disabled: false, expiresAt: null });
    },
    async rotate(id, graceSeconds) {
      const credential = await need(id);
      const secret = newToken(24);
      const end = new Date(now() + graceSeconds * 1000);
      const old = credential.secrets
        .filter(({ expiresAt }) => expiresAt === null || expiresAt.getTime() > now())
        .map(({ hash, expiresAt }) => ({
          hash,
          expiresAt: expiresAt !== null && expiresAt < end ? expiresAt : end,
        }));
      await save({ ...credential, secrets: [{ hash: await hashSecret(secret), expiresAt: null }, ...old] });
      return secret;
    },
    async update(id, patch) {
      const credential = { ...(await need(id)), ...patch };
      await save(credential);
      if (patch.scopes || patch.disabled) await store.deleteTokens(id);
      return credential;
    },
    list: () => store.all(),
    async remove(id) {
      await store.delete(id);
      rows.clear();
    },
    async issueToken(caller, scopes) {
      const wider = scopes.filter(
        (scope) => !caller.scopes.includes(scope) && !caller.scopes.includes('all'),
      );
      if (wider.length > 0)
        throw new DomainError('invalid', `This credential does not hold: ${wider.join(', ')}.`, {
          code: 'lrs-scope',
        });
      const token = newToken();
      await store.putToken({
        hash: digest(token),
        credentialId: caller.credential.id,
        scopes: scopes.length > 0 ? [...scopes] : [...caller.scopes],
        expiresAt: new Date(now() + tokenSeconds * 1000),
      });
      return { token, expiresInSeconds: tokenSeconds };
    },
  };
}
