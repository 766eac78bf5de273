import { createHash, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../../base/clock.ts';
import { DomainError } from '../../base/errors.ts';
import { newToken } from '../../base/ids.ts';
import type { People } from '../people.ts';
import type { OnceStore } from '../providers/store.ts';
import type { IdentityStore, PersonRecord } from '../store.ts';
import type { RecordAudit } from '../types.ts';

export const linkHours = 72;
export const passwordLength = { least: 12, most: 200 };

/** A link with which a local account gets its password, once, without anybody else knowing it. */
export interface PasswordLinks {
  /** The address of a new link, good for so many hours; an earlier one is void then. */
  issue(personId: string, hours?: number): Promise<string>;
  /** Whose link it is; null when it was used, replaced, or is too old. A look spends nothing: mail scanners look too. */
  holder(token: string): Promise<PersonRecord | null>;
  /**
   * Spends the link and sets the password; every session of the account ends.
   * DomainError `unprocessable` (`password-link`), `invalid` (`password-short`, `password-long`, `password-name`): the link
   * is not spent then.
   */
  set(token: string, password: string, address: string | null): Promise<void>;
}

const hashOf = (secret: string): string => createHash('sha256').update(secret).digest('base64url');
const same = (a: string, b: string): boolean =>
  a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
const keyOf = (personId: string): string => `set-password|${personId}`;

/** What a password must be: long, and not the account's name. */
export function passwordFault(password: string, loginName: string): DomainError | null {
  const length = [...password].length;
  if (length < passwordLength.least)
    return new DomainError('invalid', `A password has at least ${passwordLength.least} characters.`, {
      code: 'password-short',
      params: { least: passwordLength.least },
    });
  if (length > passwordLength.most)
    return new DomainError('invalid', `A password has at most ${passwordLength.most} characters.`, {
      code: 'password-long',
      params: { most: passwordLength.most },
    });
  if (loginName.length >= 4 && password.toLowerCase().includes(loginName.toLowerCase()))
    return new DomainError('invalid', 'The password may not hold the account’s name.', {
      code: 'password-name',
    });
  return null;
}

export function createPasswordLinks(deps: {
  once: OnceStore;
  store: Pick<IdentityStore, 'byId'>;
  people: Pick<People, 'setPassword'>;
  endSessions(personId: string): Promise<number>;
  audit: RecordAudit;
  clock: Clock;
  publicOrigin: string;
}): PasswordLinks {
  const { once, store, people, audit, clock } = deps;
  const refused = (): DomainError =>
    new DomainError('unprocessable', 'This link is used, replaced, or too old. Ask for a new one.', {
      code: 'password-link',
      params: { hours: linkHours },
    });
  const holder: PasswordLinks['holder'] = async (token) => {
    const [personId = '', secret = ''] = token.split('.');
    const kept = personId === '' ? null : await once.read(keyOf(personId), clock.now());
    if (kept === null || !same(kept, hashOf(secret))) return null;
    const record = await store.byId(personId);
    return record?.local && record.lockedAt === null && record.erasedAt === null ? record : null;
  };

  return {
    async issue(personId, hours = linkHours) {
      const secret = newToken();
      const expires = new Date(clock.now().getTime() + hours * 3600_000);
      await once.keep(keyOf(personId), hashOf(secret), expires);
      return `${deps.publicOrigin}/set-password?token=${encodeURIComponent(`${personId}.${secret}`)}`;
    },
    holder,
    async set(token, password, address) {
      const record = await holder(token);
      if (!record?.local) throw refused();
      const fault = passwordFault(password, record.local.loginName);
      if (fault) throw fault;
      // Of two who come at the same moment, one takes it.
      const kept = await once.take(keyOf(record.id), clock.now());
      if (kept === null || !same(kept, hashOf(token.split('.')[1] ?? ''))) throw refused();
      await people.setPassword(record.id, password);
      await deps.endSessions(record.id);
      await audit({
        action: 'password.set',
        actorId: record.id,
        subjectId: record.id,
        outcome: 'success',
        reason: null,
        address,
      });
    },
  };
}
