import { createHash } from 'node:crypto';
import type { Clock } from '../../base/clock.ts';
import { DomainError } from '../../base/errors.ts';
import { newSortableId, newToken } from '../../base/ids.ts';
import type { PackageOwner } from './library.ts';
import type { PackageStore, TokenScope, VendorToken } from './store.ts';

/** What a list may show of a token: never the token, nor its hash. */
export type VendorTokenView = Omit<VendorToken, 'hash'>;

export interface VendorTokens {
  /** The token itself is given this once and kept only as a hash. `days`: 1 to 366. */
  issue(
    by: PackageOwner,
    label: string,
    days: number,
    scope?: TokenScope,
  ): Promise<{ token: string; record: VendorTokenView }>;
  /** Whom a `Bearer` header speaks for; null when it opens nothing (unknown, expired, revoked, its maker's role gone). */
  authenticate(authorization: string | undefined): Promise<(PackageOwner & { scope: TokenScope }) | null>;
  /** Newest first. */
  list(organisation: string): Promise<VendorTokenView[]>;
  /** DomainError `not-found` when the organisation has no such token. */
  revoke(id: string, organisation: string): Promise<void>;
}

const daySeconds = 24 * 3600;
/** The last use is noted this often at most: each note is a write. */
const noteEverySeconds = 60;

/** 256 random bits need no slow hash: there is nothing to guess. */
const hashOf = (token: string): string => createHash('sha256').update(token).digest('base64url');
const view = ({ hash: _hash, ...shown }: VendorToken): VendorTokenView => shown;

/** Tokens with which a vendor's own programs upload packages. */
export function createVendorTokens({
  store,
  clock,
  holds,
}: {
  store: Pick<PackageStore, 'putToken' | 'tokenByHash' | 'tokensOf' | 'revokeToken' | 'noteTokenUse'>;
  clock: Clock;
  /** Whether whoever made the token may still upload for the organisation. */
  holds(owner: PackageOwner): Promise<boolean>;
}): VendorTokens {
  return {
    async issue(by, label, days, scope = 'publish') {
      const name = label.trim();
      if (name === '' || name.length > 100)
        throw new DomainError('invalid', 'Give the token a name of at most 100 characters.', {
          code: 'token-label',
        });
      if (!Number.isInteger(days) || days < 1 || days > 366)
        throw new DomainError('invalid', 'A token is good for 1 to 366 days.', { code: 'token-days' });
      const token = `zxv_${newToken()}`;
      const now = clock.now();
      const record: VendorToken = {
        id: newSortableId(),
        personId: by.personId,
        organisation: by.organisation,
        label: name,
        hash: hashOf(token),
        scope,
        createdAt: now,
        expiresAt: new Date(now.getTime() + days * daySeconds * 1000),
        revokedAt: null,
        lastUsedAt: null,
      };
      await store.putToken(record);
      return { token, record: view(record) };
    },
    async authenticate(authorization) {
      const token = /^Bearer +(zxv_[\w-]{20,100})$/i.exec(authorization ?? '')?.[1];
      const found = token === undefined ? null : await store.tokenByHash(hashOf(token));
      const now = clock.now();
      if (!found || found.revokedAt !== null || found.expiresAt <= now || !(await holds(found))) return null;
      if (found.lastUsedAt === null || now.getTime() - found.lastUsedAt.getTime() > noteEverySeconds * 1000)
        await store.noteTokenUse(found.id, now);
      return {
        personId: found.personId,
        organisation: found.organisation,
        scope: found.scope ?? 'publish',
      };
    },
    async list(organisation) {
      return (await store.tokensOf(organisation)).map(view);
    },
    async revoke(id, organisation) {
      if (!(await store.revokeToken(id, organisation, clock.now())))
        throw new DomainError('not-found', 'There is no such token.', { code: 'no-token' });
    },
  };
}
