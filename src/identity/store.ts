import type { Person, RoleGrant } from './types.ts';

export type { Person, RoleGrant } from './types.ts';

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
  createdAt: Date;
}

export interface ExternalIdentity {
  provider: string;
  subject: string;
}

/** What may be changed on a person. */
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
  > & { roles: RoleGrant[] }
>;

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
  /** Links one more way to sign in. */
  link(id: string, identity: ExternalIdentity): Promise<PersonConflict | null>;
  /** Counts a failure under the key since `since` and gives the number; atomic. */
  addFailure(key: string, at: Date, since: Date): Promise<number>;
  failures(key: string, since: Date): Promise<number>;
  clearFailures(key: string): Promise<void>;
}
