import { expect } from 'chai';
import { isDomainError } from '../../src/base/errors.ts';
import { createSealer } from '../../src/base/sealing.ts';
import { createSessionEnds } from '../../src/http/session-ends.ts';
import {
  createPeopleAdministration,
  type Asking,
  type PeopleAdministration,
} from '../../src/identity/administration/administration.ts';
import { createPasswordLinks, type PasswordLinks } from '../../src/identity/administration/password-links.ts';
import { createAgencies } from '../../src/identity/agencies/agencies.ts';
import { ensureDemoAgencies } from '../../src/identity/agencies/demo-agencies.ts';
import { createIdNumberVault, idNumberKind } from '../../src/identity/id-numbers.ts';
import { createPeople, type People } from '../../src/identity/people.ts';
import { createSecondFactor, type SecondFactor } from '../../src/identity/second-factor/second-factor.ts';
import type { AuditEvent, Person, Role } from '../../src/identity/types.ts';
import { TestClock } from '../support/clock.ts';
import { onEveryEngine } from '../support/engines.ts';

const idNumber = Array.from({ length: 10 }, (_, digit) => `W20000007${digit}`).find(idNumberKind) ?? '';

onEveryEngine('administration of people', ({ storage }) => {
  const clock = new TestClock();
  const key = Buffer.alloc(32, 1);
  const audited: AuditEvent[] = [];
  let people: People;
  let links: PasswordLinks;
  let administration: PeopleAdministration;
  let secondFactor: SecondFactor;
  let admin: Asking;
  let made = 0;

  const someone = (role: Role = 'learner', organisation: string | null = null): Promise<Person> =>
    people.create({ name: `管理測試 ${++made}`, accountKind: 'local', roles: [{ role, organisation }] });
  const as = (by: Person | null): Asking => ({ by, address: '192.0.2.9' });
  const codeOf = async (act: Promise<unknown>): Promise<string | null> => {
    const error: unknown = await act.then(
      () => null,
      (thrown: unknown) => thrown,
    );
    return isDomainError(error) ? error.code : error === null ? null : String(error);
  };
  const lines = (action: string): AuditEvent[] => audited.filter((event) => event.action === action);
  const signInTo = (personId: string, id: string): Promise<void> =>
    storage().webSessions.put({
      id,
      data: '{}',
      personId,
      seenAt: clock.now(),
      expiresAt: new Date(clock.now().getTime() + 3600_000),
      endsAt: null,
    });

  before(async () => {
    const { identity: store, once, webSessions } = storage();
    const audit = async (event: AuditEvent): Promise<void> => void audited.push(event);
    const vault = createIdNumberVault(key);
    people = createPeople({ store, vault, clock });
    const agencies = createAgencies({ store: storage().agencies, clock });
    await ensureDemoAgencies(agencies);
    secondFactor = createSecondFactor({
      ...{ store, clock, audit, required: false, issuer: 'x' },
      sealer: createSealer(key, 'totp/seal'),
    });
    const sessions = createSessionEnds({ store: webSessions, clock });
    links = createPasswordLinks({
      ...{ once, store, people, audit, clock, publicOrigin: 'https://learn.example.org' },
      endSessions: (id) => sessions.end(id),
    });
    administration = createPeopleAdministration({
      ...{ store, people, vault, agencies, secondFactor, links, sessions, audit, clock },
      packageOrganisations: async () => ['知行教材工作室'],
    });
    admin = as(await someone('admin'));
  });
  beforeEach(() => audited.splice(0));

  it('asks the policy in every act, also where a route forgot to', async () => {
    const { id } = await someone();
    const acts: ((asking: Asking) => Promise<unknown>)[] = [
      (asking) =>
        administration.grant(asking, id, {
          role: 'support',
          organisation: '',
          agency: '',
          newOrganisation: false,
        }),
      (asking) => administration.revoke(asking, id, { role: 'learner', organisation: null }),
      (asking) => administration.createStaff(asking, { name: 'x', loginName: 'x-by-nobody', email: null }),
      (asking) => administration.passwordLink(asking, id),
      (asking) => administration.lock(asking, id, true),
      (asking) => administration.clearFailures(asking, id),
      (asking) => administration.endSessions(asking, id),
      (asking) => administration.resetSecondFactor(asking, id),
    ];
    const reads: typeof acts = [
      (asking) => administration.file(asking, id),
      (asking) => administration.search(asking, { text: 'x', role: null, after: null }),
    ];
    const [auditor, support, learner] = [await someone('auditor'), await someone('support'), await someone()];
    for (const act of acts) {
      expect(await codeOf(act(as(null)))).to.equal('sign-in-first');
      for (const person of [auditor, support, learner])
        expect(await codeOf(act(as(person)))).to.equal('forbidden');
    }
    for (const read of reads) {
      expect(await codeOf(read(as(learner)))).to.equal('forbidden');
      // Auditors and support read, and change nothing.
      for (const person of [auditor, support]) expect(await codeOf(read(as(person)))).to.equal(null);
    }
    expect(await codeOf(administration.findByIdNumber(as(auditor), idNumber))).to.equal('forbidden');
    expect(await people.byLoginName('x-by-nobody')).to.equal(null);
  });

  it('finds by the whole ID number, through its keyed hash, and shows it masked', async () => {
    const { id } = await people.create({
      name: '字號',
      accountKind: 'verified',
      roles: [{ role: 'learner', organisation: null }],
      idNumber,
    });
    expect((await administration.findByIdNumber(admin, ` ${idNumber.toLowerCase()}`))?.id).to.equal(id);
    const other = Array.from({ length: 10 }, (_, digit) => `W20000008${digit}`).find(idNumberKind) ?? '';
    expect(await administration.findByIdNumber(admin, other)).to.equal(null);
    expect(await codeOf(administration.findByIdNumber(admin, idNumber.slice(0, 9)))).to.equal('id-number');
    const file = await administration.file(admin, id);
    expect(file.maskedIdNumber).to.equal(`W******${idNumber.slice(-3)}`);
    expect(
      lines('people.search').map(({ subjectId, detail }) => [subjectId, detail?.['found']]),
    ).to.deep.equal([
      [id, '1'],
      [null, '0'],
    ]);
    expect(lines('person.read')).to.have.length(1);
    expect(JSON.stringify([audited, file])).to.not.include(idNumber);
  });

  it('grants and revokes roles for an organisation or an agency that is known, each with its line', async () => {
    const { id } = await someone();
    const grant = (
      role: string,
      more: { organisation?: string; agency?: string; newOrganisation?: boolean } = {},
    ) =>
      administration.grant(admin, id, {
        role,
        organisation: '',
        agency: '',
        newOrganisation: false,
        ...more,
      });
    expect(await codeOf(grant('king'))).to.equal('role-unknown');
    expect(await codeOf(grant('hr', { agency: 'nowhere' }))).to.equal('role-agency');
    expect(await codeOf(grant('vendor'))).to.equal('role-organisation');
    expect(await codeOf(grant('vendor', { organisation: '新的公司' }))).to.equal('role-organisation-new');
    expect(await grant('hr', { agency: '301000000a 範例縣政府' })).to.deep.equal({
      role: 'hr',
      organisation: '301000000A',
    });
    await grant('partner', { organisation: 'Ｎew  Partner', newOrganisation: true });
    // The spelling that is known is taken, also where the box for a new one is ticked.
    expect(await grant('vendor', { organisation: ' new partner', newOrganisation: true })).to.deep.equal({
      role: 'vendor',
      organisation: 'New Partner',
    });
    expect(await administration.organisations()).to.have.members(['New Partner', '知行教材工作室']);
    await grant('support');
    expect(await codeOf(grant('support'))).to.equal('role-held');
    await administration.revoke(admin, id, { role: 'hr', organisation: '301000000A' });
    expect(
      await codeOf(administration.revoke(admin, id, { role: 'hr', organisation: '301000000A' })),
    ).to.equal('role-not-held');
    expect((await people.byId(id))?.roles.map(({ role }) => role)).to.have.members([
      'learner',
      'partner',
      'vendor',
      'support',
    ]);
    expect(lines('roles.grant').map(({ detail }) => detail?.['role'])).to.deep.equal([
      'hr',
      'partner',
      'vendor',
      'support',
    ]);
    expect(lines('roles.revoke')).to.have.length(1);
    expect(lines('roles.revoke')[0]).to.include({
      actorId: admin.by?.id,
      subjectId: id,
      address: '192.0.2.9',
    });
  });

  it('lets nobody take their own administrator role, and two who take each other’s leave one at least', async () => {
    const grant = { role: 'admin', organisation: null } as const;
    expect(await codeOf(administration.revoke(admin, admin.by?.id ?? '', grant))).to.equal('own-admin-role');
    expect(lines('roles.revoke')[0]).to.include({ outcome: 'failure', reason: 'own-admin-role' });
    const second = await someone('admin');
    await Promise.all([
      codeOf(administration.revoke(admin, second.id, grant)),
      codeOf(administration.revoke(as(second), admin.by?.id ?? '', grant)),
    ]);
    const left = await storage().identity.search({ words: [], role: 'admin', limit: 10 });
    expect(left.length).to.be.greaterThan(0);
    await storage().identity.changeRole(admin.by?.id ?? '', { grant, held: true });
  });

  it('makes a local account whose password only its holder knows, by a link that works once', async () => {
    const { person, link } = await administration.createStaff(admin, {
      name: '新進 同仁',
      loginName: 'new-colleague',
      email: 'colleague@example.org',
    });
    expect(person.roles).to.deep.equal([{ role: 'learner', organisation: null }]);
    const token = new URL(link).searchParams.get('token') ?? '';
    expect(JSON.stringify(audited)).to.not.include(token.split('.')[1]);
    expect(
      await codeOf(administration.createStaff(admin, { name: 'x', loginName: 'NEW-colleague', email: null })),
    ).to.equal('taken-login-name');
    expect((await links.holder(token))?.id).to.equal(person.id);
    expect(await links.holder(`${token}x`)).to.equal(null);
    expect(await codeOf(links.set(token, 'too short', null))).to.equal('password-short');
    expect(await codeOf(links.set(token, 'x'.repeat(201), null))).to.equal('password-long');
    expect(await codeOf(links.set(token, 'my New-Colleague 1', null))).to.equal('password-name');
    // A newer link voids the earlier one.
    const newer =
      new URL(await administration.passwordLink(admin, person.id)).searchParams.get('token') ?? '';
    expect(await codeOf(links.set(token, 'a long enough password', null))).to.equal('password-link');
    await signInTo(person.id, 'of-new-colleague');
    const outcomes = await Promise.all(
      ['one password of two', 'two password of two'].map((password) =>
        codeOf(links.set(newer, password, null)),
      ),
    );
    expect(outcomes.toSorted()).to.deep.equal(['password-link', null].toSorted());
    const password = outcomes[0] === null ? 'one password of two' : 'two password of two';
    expect((await people.authenticateLocal('new-colleague', password, 'a')).id).to.equal(person.id);
    expect(await storage().webSessions.ofPerson(person.id, clock.now())).to.deep.equal([]);
    expect(lines('password.set')).to.have.length(1);
    const old = new URL(await administration.passwordLink(admin, person.id)).searchParams.get('token') ?? '';
    clock.advance(72 * 3600 + 1);
    expect(await links.holder(old)).to.equal(null);
    const elsewhere = await someone();
    expect(await codeOf(administration.passwordLink(admin, elsewhere.id))).to.equal('no-local-account');
  });

  it('shows and clears the lockout after five failures, by address', async () => {
    const { person } = await administration.createStaff(admin, {
      name: '鎖',
      loginName: 'lockout',
      email: null,
    });
    for (let at = 0; at < 5; at++) await codeOf(people.authenticateLocal('Lockout', 'wrong', '192.0.2.1'));
    await codeOf(people.authenticateLocal('lockout', 'wrong', '2001:db8::1'));
    expect(await codeOf(people.authenticateLocal('lockout', 'wrong', '192.0.2.1'))).to.equal('locked');
    const { failures } = await administration.file(admin, person.id);
    expect(failures.toSorted((a, b) => b.count - a.count)).to.deep.equal([
      {
        address: '192.0.2.1',
        count: 5,
        last: clock.now(),
        lockedUntil: new Date(clock.now().getTime() + 900_000),
      },
      { address: '2001:db8::1', count: 1, last: clock.now(), lockedUntil: null },
    ]);
    await administration.clearFailures(admin, person.id);
    expect((await administration.file(admin, person.id)).failures).to.deep.equal([]);
    expect(await codeOf(people.authenticateLocal('lockout', 'wrong', '192.0.2.1'))).to.equal(
      'wrong-password',
    );
    expect(lines('sign-in.unlock')).to.have.length(1);
  });

  it('tries no more than five of many passwords that come at once', async () => {
    await people.create({
      name: '同時',
      accountKind: 'local',
      roles: [],
      login: { name: 'at-once', password: 'the right one' },
    });
    const outcomes = await Promise.all(
      Array.from({ length: 12 }, (_, at) => codeOf(people.authenticateLocal('at-once', `wrong ${at}`, 'b'))),
    );
    const tried = outcomes.filter((code) => code === 'wrong-password');
    expect(tried.length).to.be.at.most(4);
    expect(outcomes.filter((code) => code === 'locked')).to.have.length(12 - tried.length);
    expect(await codeOf(people.authenticateLocal('at-once', 'the right one', 'b'))).to.equal('locked');
  });

  it('locks an account, which ends its sessions and opens nothing, and opens it again', async () => {
    const person = await people.create({
      name: '停用',
      accountKind: 'local',
      roles: [{ role: 'support', organisation: null }],
      login: { name: 'to-be-locked', password: 'a good password' },
    });
    await signInTo(person.id, 'of-locked');
    await administration.lock(admin, person.id, true);
    expect(await storage().webSessions.ofPerson(person.id, clock.now())).to.deep.equal([]);
    expect(await people.active(person.id)).to.equal(null);
    expect(await codeOf(people.authenticateLocal('to-be-locked', 'a good password', 'c'))).to.equal(
      'account-locked',
    );
    expect(await codeOf(people.authenticateLocal('to-be-locked', 'wrong', 'c'))).to.equal('wrong-password');
    const token =
      new URL(await administration.passwordLink(admin, person.id)).searchParams.get('token') ?? '';
    expect(await links.holder(token)).to.equal(null);
    expect((await administration.file(admin, person.id)).lockedAt).to.deep.equal(clock.now());
    expect(await codeOf(administration.lock(admin, admin.by?.id ?? '', true))).to.equal('own-account');
    await administration.lock(admin, person.id, false);
    expect((await people.authenticateLocal('to-be-locked', 'a good password', 'c')).id).to.equal(person.id);
    expect(lines('person.lock').map(({ outcome }) => outcome)).to.deep.equal(['success', 'failure']);
    expect(lines('person.unlock')).to.have.length(1);
  });

  it('ends the sessions of one person only, and resets the second factor of others', async () => {
    const [one, other] = [await someone('support'), await someone('support')];
    await signInTo(one.id, 'one-a');
    await signInTo(one.id, 'one-b');
    await signInTo(other.id, 'other-a');
    expect((await administration.file(admin, one.id)).sessions).to.equal(2);
    expect(await administration.endSessions(admin, one.id)).to.equal(2);
    expect(await storage().webSessions.ofPerson(other.id, clock.now())).to.have.length(1);
    await storage().identity.update(other.id, {
      totp: { sealed: 'x', lastStep: 0, recoveryHashes: [], since: clock.now().toISOString() },
    });
    expect((await administration.file(admin, other.id)).secondFactor.since).to.not.equal(null);
    await administration.resetSecondFactor(admin, other.id);
    expect((await administration.file(admin, other.id)).secondFactor.since).to.equal(null);
    expect(await storage().webSessions.ofPerson(other.id, clock.now())).to.deep.equal([]);
    expect(await codeOf(administration.resetSecondFactor(admin, admin.by?.id ?? ''))).to.equal('own-account');
    expect(lines('second-factor.reset').map(({ outcome }) => outcome)).to.deep.equal(['success', 'failure']);
    expect(await codeOf(administration.file(admin, 'nobody'))).to.equal('no-person');
  });
});
