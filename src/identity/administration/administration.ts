import type { Clock } from '../../base/clock.ts';
import { DomainError } from '../../base/errors.ts';
import { newToken } from '../../base/ids.ts';
import type { Agencies } from '../agencies/agencies.ts';
import { idNumberKind, type IdNumberVault, maskIdNumber } from '../id-numbers.ts';
import { allowedFailures, failurePrefix, lockSeconds, type People, toPerson } from '../people.ts';
import { authorize, roleScopes } from '../policy.ts';
import { failureKey, type SecondFactor, type SecondFactorState } from '../second-factor/second-factor.ts';
import type { ExternalIdentity, IdentityStore, PersonRecord } from '../store.ts';
import { type Person, type RecordAudit, type Role, type RoleGrant, roles } from '../types.ts';
import type { PasswordLinks } from './password-links.ts';

/** Who asks, and from where: for the policy and the audit line. */
export interface Asking {
  by: Person | null;
  address: string | null;
}

/** Failed sign-ins of a local account from one address. */
export interface FailedSignIns {
  address: string;
  count: number;
  last: Date;
  /** Set: nobody signs in with this account from there until then. */
  lockedUntil: Date | null;
}

/** What an administrator sees of a person. The ID number is masked; nothing here opens it. */
export interface PersonFile {
  person: Person;
  maskedIdNumber: string | null;
  emailConfirmed: boolean;
  loginName: string | null;
  identities: ExternalIdentity[];
  vouchers: PersonRecord['vouchers'];
  consent: PersonRecord['consent'];
  createdAt: Date;
  lockedAt: Date | null;
  restrictedAt: Date | null;
  failures: FailedSignIns[];
  /** Wrong second-step codes lock the account's second step too. */
  secondFactor: SecondFactorState;
  secondFactorLockedUntil: Date | null;
  sessions: number;
}

export interface FoundPeople {
  people: { person: Person; loginName: string | null; locked: boolean }[];
  /** Goes on after this person; null: that was all. */
  after: string | null;
}

export interface NewStaff {
  name: string;
  loginName: string;
  email: string | null;
}

/** Administration of people. Every act asks the policy itself and leaves an audit line. */
export interface PeopleAdministration {
  /** Names, login names, agencies: `people.read`. */
  search(
    asking: Asking,
    query: { text: string; role: Role | null; after: string | null },
  ): Promise<FoundPeople>;
  /** By the keyed hash, exact; `people.find-by-id-number`. DomainError `invalid` (`id-number`) when it is none. */
  findByIdNumber(asking: Asking, idNumber: string): Promise<Person | null>;
  file(asking: Asking, personId: string): Promise<PersonFile>;
  /** Vendor organisations and partners that roles or packages name, for a consistent choice. */
  organisations(): Promise<string[]>;
  /**
   * Grants a role; the organisation is given the spelling that is known, the agency must be in the directory.
   * DomainError `invalid` (`role-unknown`, `role-agency`, `role-organisation`, `role-organisation-new`), `conflict` (`role-held`).
   */
  grant(
    asking: Asking,
    personId: string,
    wish: { role: string; organisation: string; agency: string; newOrganisation: boolean },
  ): Promise<RoleGrant>;
  /** DomainError `forbidden` (`own-admin-role`): nobody takes their own, so one administrator is always left; `not-found`. */
  revoke(asking: Asking, personId: string, grant: RoleGrant): Promise<void>;
  /** A local account without a password, and the link that sets it. DomainError `conflict` when the name is taken. */
  createStaff(asking: Asking, wish: NewStaff): Promise<{ person: Person; link: string }>;
  passwordLink(asking: Asking, personId: string): Promise<string>;
  /** Locks an account, which ends its sessions, or opens it again. DomainError `forbidden` (`own-account`). */
  lock(asking: Asking, personId: string, locked: boolean): Promise<void>;
  /** Forgets failed sign-ins and wrong codes: the 15 minutes are over. */
  clearFailures(asking: Asking, personId: string): Promise<void>;
  /** Says how many there were. */
  endSessions(asking: Asking, personId: string): Promise<number>;
  /** Takes the second factor away and ends the sessions. DomainError `forbidden` (`own-account`): one's own is changed with a code. */
  resetSecondFactor(asking: Asking, personId: string): Promise<void>;
}

const pageSize = 50;
const clean = (text: string): string => text.normalize('NFKC').replace(/\s+/gu, ' ').trim();
const folded = (text: string): string => clean(text).toLowerCase();

export function createPeopleAdministration(deps: {
  store: IdentityStore;
  people: People;
  vault: IdNumberVault;
  agencies: Pick<Agencies, 'byCode'>;
  secondFactor: SecondFactor;
  links: PasswordLinks;
  sessions: { count(personId: string): Promise<number>; end(personId: string): Promise<number> };
  /** Organisations that own packages. */
  packageOrganisations(): Promise<string[]>;
  audit: RecordAudit;
  clock: Clock;
}): PeopleAdministration {
  const { store, people, vault, agencies, secondFactor, links, sessions, audit, clock } = deps;

  const line = (
    action: string,
    { by, address }: Asking,
    subjectId: string | null,
    detail: Record<string, string> = {},
    reason: string | null = null,
  ): Promise<void> =>
    audit({
      action,
      actorId: by?.id ?? null,
      subjectId,
      outcome: reason === null ? 'success' : 'failure',
      reason,
      address,
      detail,
    });
  const recordOf = async (personId: string): Promise<PersonRecord> => {
    const record = await store.byId(personId);
    if (!record || record.erasedAt !== null)
      throw new DomainError('not-found', 'There is no such person.', { code: 'no-person' });
    return record;
  };
  /** The person to be changed, by whoever may. */
  const managed = async ({ by }: Asking, personId: string): Promise<PersonRecord> => {
    authorize(by, 'people.manage');
    return recordOf(personId);
  };
  const refuse = async (asking: Asking, action: string, personId: string, code: string): Promise<never> => {
    await line(action, asking, personId, {}, code);
    throw new DomainError(
      'forbidden',
      code === 'own-admin-role'
        ? 'Nobody takes their own administrator role away: another administrator does.'
        : 'This cannot be done to one’s own account.',
      { code },
    );
  };
  const since = (): Date => new Date(clock.now().getTime() - lockSeconds * 1000);
  const lockEnd = ({ count, last }: { count: number; last: Date }): Date | null =>
    count >= allowedFailures ? new Date(last.getTime() + lockSeconds * 1000) : null;
  const failuresOf = async (record: PersonRecord): Promise<(FailedSignIns & { key: string })[]> => {
    if (!record.local) return [];
    const prefix = failurePrefix(record.local.loginName);
    const found = await store.failuresUnder(prefix, since());
    return found
      .map(({ key, count, last }) => ({ key, address: key.slice(prefix.length), count, last }))
      .filter(({ address }) => !address.includes('|'))
      .map((each) => ({ ...each, lockedUntil: lockEnd(each) }));
  };
  const organisations = async (): Promise<string[]> => {
    const held: string[] = [];
    for (const role of roles.filter((each) => roleScopes[each] === 'organisation'))
      for (const person of await store.search({ words: [], role, limit: 10_000 }))
        for (const grant of person.roles)
          if (grant.role === role && grant.organisation !== null) held.push(grant.organisation);
    return [...new Set([...(await deps.packageOrganisations()), ...held])].toSorted((a, b) =>
      a.localeCompare(b, 'zh-TW'),
    );
  };

  const grantOf = async (wish: {
    role: string;
    organisation: string;
    agency: string;
    newOrganisation: boolean;
  }): Promise<RoleGrant> => {
    const wrong = (code: string, message: string): DomainError =>
      new DomainError('invalid', message, { code });
    const role = roles.find((each) => each === wish.role);
    if (!role) throw wrong('role-unknown', 'There is no such role.');
    const scope = roleScopes[role];
    if (scope === null) return { role, organisation: null };
    if (scope === 'agency') {
      const agency = await agencies.byCode(wish.agency.trim().split(/\s/)[0] ?? '');
      if (!agency) throw wrong('role-agency', 'Choose the agency from the directory.');
      return { role, organisation: agency.code };
    }
    const organisation = clean(wish.organisation);
    if (organisation.length < 2 || organisation.length > 100)
      throw wrong('role-organisation', 'Name the organisation, with 2 to 100 characters.');
    const known = (await organisations()).find((each) => folded(each) === folded(organisation));
    if (known === undefined && !wish.newOrganisation)
      throw wrong(
        'role-organisation-new',
        'No organisation has this name yet. Confirm that it is a new one.',
      );
    return { role, organisation: known ?? organisation };
  };

  return {
    organisations,
    async search(asking, { text, role, after }) {
      authorize(asking.by, 'people.read');
      const words = clean(text).split(' ').filter(Boolean).slice(0, 8);
      const found = await store.search({
        words,
        after,
        limit: pageSize + 1,
        ...(role === null || role === 'learner' ? {} : { role }),
      });
      const shown = found.slice(0, pageSize);
      await line('people.search', asking, null, {
        by: [words.length > 0 ? 'text' : '', role === null ? '' : `role ${role}`].filter(Boolean).join(', '),
        found: String(shown.length),
      });
      return {
        people: shown.map((record) => ({
          person: toPerson(record),
          loginName: record.local?.loginName ?? null,
          locked: record.lockedAt !== null,
        })),
        after: found.length > pageSize ? (shown.at(-1)?.id ?? null) : null,
      };
    },
    async findByIdNumber(asking, idNumber) {
      authorize(asking.by, 'people.find-by-id-number');
      if (idNumberKind(idNumber) === null)
        throw new DomainError(
          'invalid',
          'The ID number is not valid: its form or its check digit is wrong.',
          {
            code: 'id-number',
          },
        );
      const record = await store.byIdNumber(vault.lookup(idNumber));
      const found = record !== null && record.erasedAt === null ? record : null;
      await line('people.search', asking, found?.id ?? null, { by: 'id-number', found: found ? '1' : '0' });
      return found && toPerson(found);
    },
    async file(asking, personId) {
      authorize(asking.by, 'people.read');
      const record = await recordOf(personId);
      await line('person.read', asking, personId);
      const [codes] = await store.failuresUnder(failureKey(personId), since());
      const date = (text: string | null): Date | null => (text === null ? null : new Date(text));
      return {
        person: toPerson(record),
        maskedIdNumber: record.idNumber && maskIdNumber(vault.open(record.idNumber)),
        emailConfirmed: record.emailConfirmed,
        loginName: record.local?.loginName ?? null,
        identities: await store.identitiesOf(personId),
        vouchers: record.vouchers,
        consent: record.consent,
        createdAt: record.createdAt,
        lockedAt: date(record.lockedAt),
        restrictedAt: date(record.restrictedAt),
        failures: (await failuresOf(record)).map(({ key: _key, ...each }) => each),
        secondFactor: await secondFactor.state(record),
        secondFactorLockedUntil: codes ? lockEnd(codes) : null,
        sessions: await sessions.count(personId),
      };
    },
    async grant(asking, personId, wish) {
      await managed(asking, personId);
      const grant = await grantOf(wish);
      if (!(await store.changeRole(personId, { grant, held: true })))
        throw new DomainError('conflict', 'The person holds this role already.', { code: 'role-held' });
      await line('roles.grant', asking, personId, {
        role: grant.role,
        ...(grant.organisation === null ? {} : { organisation: grant.organisation }),
      });
      return grant;
    },
    async revoke(asking, personId, grant) {
      await managed(asking, personId);
      if (grant.role === 'admin' && personId === asking.by?.id)
        return refuse(asking, 'roles.revoke', personId, 'own-admin-role');
      if (!(await store.changeRole(personId, { grant, held: false })))
        throw new DomainError('not-found', 'The person does not hold this role.', { code: 'role-not-held' });
      // Two who take each other's at the same moment would leave none: then it is given back.
      if (
        grant.role === 'admin' &&
        (await store.search({ words: [], role: 'admin', limit: 1 })).length === 0
      ) {
        await store.changeRole(personId, { grant, held: true });
        throw new DomainError('conflict', 'This is the last administrator.', { code: 'last-admin' });
      }
      await line('roles.revoke', asking, personId, {
        role: grant.role,
        ...(grant.organisation === null ? {} : { organisation: grant.organisation }),
      });
    },
    async createStaff(asking, wish) {
      authorize(asking.by, 'people.manage');
      const person = await people.create({
        name: clean(wish.name),
        accountKind: 'local',
        roles: [{ role: 'learner', organisation: null }],
        // Nobody knows it: the link sets the first one.
        login: { name: clean(wish.loginName), password: newToken() },
        ...(wish.email === null ? {} : { email: wish.email }),
      });
      await line('person.create', asking, person.id);
      const link = await links.issue(person.id);
      await line('password.link', asking, person.id);
      return { person, link };
    },
    async passwordLink(asking, personId) {
      const record = await managed(asking, personId);
      if (!record.local)
        throw new DomainError('conflict', 'This account signs in elsewhere and has no password here.', {
          code: 'no-local-account',
        });
      const link = await links.issue(personId);
      await line('password.link', asking, personId);
      return link;
    },
    async lock(asking, personId, locked) {
      await managed(asking, personId);
      const action = locked ? 'person.lock' : 'person.unlock';
      if (locked && personId === asking.by?.id) return refuse(asking, action, personId, 'own-account');
      await store.update(personId, { lockedAt: locked ? clock.now().toISOString() : null });
      if (locked) await sessions.end(personId);
      await line(action, asking, personId);
    },
    async clearFailures(asking, personId) {
      const record = await managed(asking, personId);
      for (const { key } of await failuresOf(record)) await store.clearFailures(key);
      await store.clearFailures(failureKey(personId));
      await line('sign-in.unlock', asking, personId);
    },
    async endSessions(asking, personId) {
      await managed(asking, personId);
      const ended = await sessions.end(personId);
      await line('sessions.end', asking, personId, { sessions: String(ended) });
      return ended;
    },
    async resetSecondFactor(asking, personId) {
      await managed(asking, personId);
      if (personId === asking.by?.id) return refuse(asking, 'second-factor.reset', personId, 'own-account');
      await secondFactor.remove(personId, { actorId: asking.by?.id ?? '', address: asking.address });
      await sessions.end(personId);
    },
  };
}
