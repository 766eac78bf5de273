import { emptyProfile } from './types.ts';
import type { Assurance, Person, PersonalProfile, Role, RoleGrant } from './types.ts';

export type { Assurance, Person, PersonalProfile, Role, RoleGrant } from './types.ts';

/** A local account's password: scrypt, with its parameters in the text. */
export interface LocalLogin {
  loginName: string;
  passwordHash: string;
}

/** An ID number as it is kept: encrypted for those who must see it, hashed with a key for look-up. */
export interface SealedIdNumber {
  sealed: string;
  lookup: string;
}

/** A person as stored; Person is what the rest of the platform sees. */
export interface PersonRecord extends Omit<Person, 'hasIdNumber'> {
  local: LocalLogin | null;
  idNumber: SealedIdNumber | null;
  profile: PersonalProfile;
  /** The version of the terms agreed to, and when (ISO 8601); null: not yet. */
  consent: { version: string; at: string } | null;
  /** Whether the person has shown that mail to `email` reaches them. */
  emailConfirmed: boolean;
  /** By provider: how sure it was of the person at their last sign-in there (W5). */
  vouchers: Record<string, Assurance>;
  /** The second factor: a secret encrypted as the ID number is; `lastStep` so that a code works once. */
  totp: { sealed: string; lastStep: number; recoveryHashes: string[]; since: string } | null;
  /** Set: an administrator has locked the account, since then (ISO 8601). Nobody signs in with it. */
  lockedAt: string | null;
  /** Set: processing is restricted at the person's wish, since then (ISO 8601). */
  restrictedAt: string | null;
  /** Set: a verified account has taken this one's record over (claims/); nobody signs in here until that is undone. */
  claimedBy: string | null;
  /** Set: the person was erased; only the id is left. */
  erasedAt: string | null;
  createdAt: Date;
}

/** The record from the JSON that the engines keep; what an earlier version did not write has its default. */
export function personFromText(text: string): PersonRecord {
  const body = JSON.parse(text) as Omit<PersonRecord, 'createdAt'> & { createdAt: string };
  return {
    ...{ consent: null, emailConfirmed: false, vouchers: {}, totp: null },
    ...{ lockedAt: null, restrictedAt: null, claimedBy: null, erasedAt: null },
    ...body,
    profile: { ...emptyProfile, ...(body.profile as Partial<PersonalProfile> | undefined) },
    createdAt: new Date(body.createdAt),
  };
}

export interface ExternalIdentity {
  provider: string;
  subject: string;
}

/** What may be changed on a person; of the profile only the fields that are given. */
export type PersonPatch = Partial<
  Pick<
    PersonRecord,
    | 'name'
    | 'nameEn'
    | 'nickname'
    | 'email'
    | 'accountKind'
    | 'agencyCode'
    | 'agencyName'
    | 'personnelCategory'
    | 'language'
    | 'local'
    | 'idNumber'
    | 'consent'
    | 'emailConfirmed'
    | 'vouchers'
    | 'totp'
    | 'lockedAt'
    | 'restrictedAt'
    | 'claimedBy'
    | 'erasedAt'
  > & { roles: RoleGrant[]; profile: Partial<PersonalProfile> }
>;

/** The person after the change. */
export const patched = (person: PersonRecord, { profile, ...patch }: PersonPatch): PersonRecord => ({
  ...person,
  ...patch,
  profile: { ...person.profile, ...profile },
});

type Changed = PersonRecord | null;

/** With the contact e-mail confirmed; null when it is not the person's any more. */
export const withEmailConfirmed = (person: PersonRecord, email: string): Changed =>
  person.email === email ? { ...person, emailConfirmed: true } : null;

const withTotp = (
  person: PersonRecord,
  since: string,
  change: (totp: NonNullable<PersonRecord['totp']>) => PersonRecord['totp'],
): Changed => {
  const totp = person.totp?.since === since ? change(person.totp) : null;
  return totp && { ...person, totp };
};
/** With a step of the second factor spent; null when it cannot be. */
export const withStepSpent = (
  person: PersonRecord,
  { since, step }: { since: string; step: number },
): Changed => withTotp(person, since, (totp) => (step > totp.lastStep ? { ...totp, lastStep: step } : null));
/** With a recovery code spent; null when there is none such. */
export const withRecoverySpent = (
  person: PersonRecord,
  { since, hash }: { since: string; hash: string },
): Changed =>
  withTotp(person, since, (totp) =>
    totp.recoveryHashes.includes(hash)
      ? { ...totp, recoveryHashes: totp.recoveryHashes.filter((each) => each !== hash) }
      : null,
  );
/** With other recovery codes; null when the second factor is another one by now. */
export const withRecoveryRenewed = (
  person: PersonRecord,
  { since, hashes }: { since: string; hashes: string[] },
): Changed => withTotp(person, since, (totp) => ({ ...totp, recoveryHashes: hashes }));

export interface RoleChange {
  grant: RoleGrant;
  /** Whether the person is to hold it. */
  held: boolean;
}
const sameGrant = (a: RoleGrant, b: RoleGrant): boolean =>
  a.role === b.role && a.organisation === b.organisation;
/** With the role granted or taken; null when that is so already. */
export const withRole = (person: PersonRecord, { grant, held }: RoleChange): Changed => {
  if (person.erasedAt !== null || person.roles.some((each) => sameGrant(each, grant)) === held) return null;
  return {
    ...person,
    roles: held ? [...person.roles, grant] : person.roles.filter((each) => !sameGrant(each, grant)),
  };
};

export interface PeopleQuery {
  /** Each must be somewhere in names, login name, e-mail, agency's code or name, whatever its case and width. None: everybody. */
  words: readonly string[];
  /** Only people of these agencies (codes). */
  agencies?: readonly string[];
  /** Only who holds this role; any but learner. */
  role?: Role;
  /** Only after this person, in the order of their ids. */
  after?: string | null;
  limit: number;
}

/** Failed attempts under one key. */
export interface Failures {
  key: string;
  count: number;
  last: Date;
}

export type PersonConflict = 'login-name' | 'nickname' | 'id-number' | 'identity';

/** Port: people, how they sign in, and failed attempts. Login names and nicknames are unique without regard to case. */
export interface IdentityStore {
  /** Creates, with its external identity if there is one; or says what is taken, and then stores nothing. */
  create(person: PersonRecord, identity?: ExternalIdentity): Promise<PersonConflict | null>;
  byId(id: string): Promise<PersonRecord | null>;
  byIds(ids: string[]): Promise<PersonRecord[]>;
  byLoginName(loginName: string): Promise<PersonRecord | null>;
  byIdentity(identity: ExternalIdentity): Promise<PersonRecord | null>;
  /** Changes the given fields, all or none; says what is taken. `not-found` when there is no such person. */
  update(id: string, patch: PersonPatch): Promise<PersonConflict | 'not-found' | null>;
  /** Marks the contact e-mail confirmed if it still is the person's; false when it is not. */
  confirmEmail(id: string, email: string): Promise<boolean>;
  /** Spends a step of the second factor that is there since `since`: false when this step or a later one was spent. */
  spendTotpStep(id: string, spent: { since: string; step: number }): Promise<boolean>;
  /** Spends a recovery code of the second factor that is there since `since`; false when it has none of this hash. */
  spendRecoveryCode(id: string, spent: { since: string; hash: string }): Promise<boolean>;
  /** Replaces the recovery codes of the second factor that is there since `since`; false when it is not there any more. */
  renewRecoveryCodes(id: string, renewed: { since: string; hashes: string[] }): Promise<boolean>;
  /** In the order of their ids, the longest known first; nobody who was erased. */
  search(query: PeopleQuery): Promise<PersonRecord[]>;
  /** Everybody, erased ones too, in the order of their ids, after this one: for work on all. */
  page(after: string | null, limit: number): Promise<PersonRecord[]>;
  /** Grants or takes a role; false when there is no such person, or that is so already. */
  changeRole(id: string, change: RoleChange): Promise<boolean>;
  byIdNumber(lookup: string): Promise<PersonRecord | null>;
  byNickname(nickname: string): Promise<PersonRecord | null>;
  identitiesOf(id: string): Promise<ExternalIdentity[]>;
  /** Links one more way to sign in. */
  link(id: string, identity: ExternalIdentity): Promise<PersonConflict | null>;
  /** Gives a way to sign in to another person; true also when it is theirs already, false when it is neither's. */
  moveIdentity(identity: ExternalIdentity, from: string, to: string): Promise<boolean>;
  /** Takes a way to sign in away from the person; false when it was not theirs. */
  unlink(id: string, identity: ExternalIdentity): Promise<boolean>;
  /** Counts a failure under the key since `since` and gives the number; atomic. */
  addFailure(key: string, at: Date, since: Date): Promise<number>;
  failures(key: string, since: Date): Promise<number>;
  /** Failures since then under every key that begins so. */
  failuresUnder(prefix: string, since: Date): Promise<Failures[]>;
  clearFailures(key: string): Promise<void>;
}
