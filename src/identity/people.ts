import type { Clock } from '../base/clock.ts';
import { DomainError } from '../base/errors.ts';
import { folded } from '../base/folded.ts';
import { newSortableId, newUuid } from '../base/ids.ts';
import type { Language } from '../base/languages.ts';
import { hashPassword, passwordMatches } from './passwords.ts';
import type { IdNumberVault } from './id-numbers.ts';
import type { ExternalIdentity, IdentityStore, PersonConflict, PersonPatch, PersonRecord } from './store.ts';
import {
  emptyProfile,
  type AccountKind,
  type Person,
  type PersonalProfile,
  type RoleGrant,
} from './types.ts';

export interface NewPerson {
  name: string;
  nameEn?: string;
  nickname?: string;
  email?: string;
  accountKind: AccountKind;
  agencyCode?: string;
  agencyName?: string;
  personnelCategory?: string;
  roles: RoleGrant[];
  language?: Language;
  login?: { name: string; password: string };
  idNumber?: string;
  identity?: ExternalIdentity;
  profile?: Partial<PersonalProfile>;
  /** Agreed elsewhere already, e.g. demo accounts. */
  consent?: PersonRecord['consent'];
  emailConfirmed?: boolean;
  vouchers?: PersonRecord['vouchers'];
}

export interface People {
  byId(id: string): Promise<Person | null>;
  byIds(ids: string[]): Promise<Map<string, Person>>;
  /** Somebody who is there: null for an account that is erased or taken over by another one. */
  present(id: string): Promise<Person | null>;
  /** Who may be signed in: null for an account that is locked, erased or taken over by another one. */
  active(id: string): Promise<Person | null>;
  byLoginName(loginName: string): Promise<Person | null>;
  /** Whoever signs in by this name, else whoever is called so, in Chinese or English; at most 20. */
  named(text: string): Promise<Person[]>;
  byIdentity(identity: ExternalIdentity): Promise<Person | null>;
  /** DomainError `conflict` that names what is taken. */
  create(person: NewPerson): Promise<Person>;
  update(id: string, patch: Omit<PersonPatch, 'local' | 'idNumber'>): Promise<Person>;
  /** Replaces the password of a local account. DomainError `not-found` where there is none. */
  setPassword(id: string, password: string): Promise<void>;
  /**
   * Signs in with a local account. Five failures for an account and address lock it for 15 minutes (`rate-limited`);
   * a wrong name and a wrong password look alike and take alike (`unauthenticated`). Of many attempts at the same moment
   * no more than five are tried. An account that an administrator has locked is told so once the password is right
   * (`forbidden`, `account-locked`).
   */
  authenticateLocal(loginName: string, password: string, address: string): Promise<Person>;
}

export const lockSeconds = 15 * 60;
export const allowedFailures = 5;
/** Failures of a local account are counted under this and the client's address. */
export const failurePrefix = (loginName: string): string => `${folded(loginName)}|`;

/** What the rest of the platform sees of a stored person. */
export const toPerson = (record: PersonRecord): Person => ({
  id: record.id,
  name: record.name,
  nameEn: record.nameEn,
  nickname: record.nickname,
  email: record.email,
  accountKind: record.accountKind,
  hasIdNumber: record.idNumber !== null,
  agencyCode: record.agencyCode,
  agencyName: record.agencyName,
  personnelCategory: record.personnelCategory,
  roles: record.roles,
  language: record.language,
});

/** Neither erased nor taken over: nobody else can act as this person. */
export const isPresent = ({ erasedAt, claimedBy }: Pick<PersonRecord, 'erasedAt' | 'claimedBy'>): boolean =>
  erasedAt === null && claimedBy === null;

const conflictMessages: Record<PersonConflict, string> = {
  'login-name': 'This account name is taken. Choose another one.',
  nickname: 'This nickname is taken. Choose another one.',
  'id-number': 'Another account already has this ID number. Sign in with that account.',
  identity: 'This sign-in already belongs to another account.',
};
const taken = (conflict: PersonConflict): DomainError =>
  new DomainError('conflict', conflictMessages[conflict], { code: `taken-${conflict}`, params: {} });

export function createPeople(deps: { store: IdentityStore; vault: IdNumberVault; clock: Clock }): People {
  const { store, vault, clock } = deps;
  // Compared with when the account does not exist, so that the answer takes as long.
  const nobody = hashPassword(newUuid());

  return {
    async byId(id) {
      const record = await store.byId(id);
      return record && toPerson(record);
    },
    async byIds(ids) {
      return new Map((await store.byIds(ids)).map((record) => [record.id, toPerson(record)]));
    },
    async present(id) {
      const record = await store.byId(id);
      return record && isPresent(record) ? toPerson(record) : null;
    },
    async active(id) {
      const record = await store.byId(id);
      return record && isPresent(record) && record.lockedAt === null ? toPerson(record) : null;
    },
    async byLoginName(loginName) {
      const record = await store.byLoginName(loginName);
      return record && toPerson(record);
    },
    async named(text) {
      const wanted = folded(text);
      const signsIn = await store.byLoginName(text);
      if (signsIn) return [toPerson(signsIn)];
      const found = await store.search({ words: wanted.split(/\s+/).filter(Boolean), limit: 200 });
      return found
        .filter(({ name, nameEn }) => [name, nameEn ?? ''].some((each) => folded(each) === wanted))
        .slice(0, 20)
        .map(toPerson);
    },
    async byIdentity(identity) {
      const record = await store.byIdentity(identity);
      return record && toPerson(record);
    },
    async create(given) {
      const record: PersonRecord = {
        id: newSortableId(),
        name: given.name,
        nameEn: given.nameEn ?? null,
        nickname: given.nickname ?? null,
        email: given.email ?? null,
        accountKind: given.accountKind,
        agencyCode: given.agencyCode ?? null,
        agencyName: given.agencyName ?? null,
        personnelCategory: given.personnelCategory ?? null,
        roles: given.roles,
        language: given.language ?? 'zh-TW',
        local: given.login
          ? { loginName: given.login.name, passwordHash: await hashPassword(given.login.password) }
          : null,
        idNumber: given.idNumber === undefined ? null : vault.seal(given.idNumber),
        profile: { ...emptyProfile, ...given.profile },
        consent: given.consent ?? null,
        emailConfirmed: given.emailConfirmed ?? false,
        vouchers: given.vouchers ?? {},
        totp: null,
        lockedAt: null,
        restrictedAt: null,
        claimedBy: null,
        erasedAt: null,
        createdAt: clock.now(),
      };
      const conflict = await store.create(record, given.identity);
      if (conflict) throw taken(conflict);
      return toPerson(record);
    },
    async update(id, patch) {
      const outcome = await store.update(id, patch);
      if (outcome === 'not-found') throw new DomainError('not-found', 'There is no such person.');
      if (outcome) throw taken(outcome);
      const record = await store.byId(id);
      if (!record) throw new DomainError('not-found', 'There is no such person.');
      return toPerson(record);
    },
    async setPassword(id, password) {
      const record = await store.byId(id);
      if (!record?.local || record.erasedAt !== null)
        throw new DomainError('not-found', 'There is no such local account.');
      const passwordHash = await hashPassword(password);
      await store.update(id, { local: { loginName: record.local.loginName, passwordHash } });
    },
    async authenticateLocal(loginName, password, address) {
      const key = failurePrefix(loginName) + address;
      const now = clock.now();
      const since = new Date(now.getTime() - lockSeconds * 1000);
      const locked = new DomainError(
        'rate-limited',
        'Too many failed attempts. The account is locked for 15 minutes for this address.',
        { code: 'locked', params: { minutes: lockSeconds / 60 }, retryAfter: lockSeconds },
      );
      if ((await store.failures(key, since)) >= allowedFailures) throw locked;
      const tried = await store.addFailure(key, now, since);
      if (tried > allowedFailures) throw locked;
      const record = await store.byLoginName(loginName);
      const right = await passwordMatches(password, record?.local?.passwordHash ?? (await nobody));
      if (!record?.local || !right || !isPresent(record)) {
        if (tried >= allowedFailures) throw locked;
        throw new DomainError('unauthenticated', 'The account or the password is not right.', {
          code: 'wrong-password',
        });
      }
      await store.clearFailures(key);
      if (record.lockedAt !== null)
        throw new DomainError('forbidden', 'This account is locked. Ask the platform’s support.', {
          code: 'account-locked',
        });
      return toPerson(record);
    },
  };
}

/** The first administrator of a new installation; an account of this name that is there already is left as it is. */
export async function ensureAdministrator(
  people: People,
  { loginName, password }: { loginName: string; password: string },
): Promise<void> {
  if (await people.byLoginName(loginName)) return;
  try {
    await people.create({
      name: loginName,
      accountKind: 'local',
      roles: [
        { role: 'admin', organisation: null },
        { role: 'learner', organisation: null },
      ],
      login: { name: loginName, password },
    });
  } catch (error) {
    // Another process was first.
    if (!(await people.byLoginName(loginName))) throw error;
  }
}
