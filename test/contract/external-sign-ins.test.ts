import { expect } from 'chai';
import { createExternalSignIns } from '../../src/identity/external.ts';
import { inventIdNumber } from '../../src/identity/demo-idp/people.ts';
import { createIdNumberVault } from '../../src/identity/id-numbers.ts';
import { createPeople } from '../../src/identity/people.ts';
import type { ProviderPolicy } from '../../src/identity/providers/types.ts';
import type { AuditEvent, ExternalProfile } from '../../src/identity/types.ts';
import { TestClock } from '../support/clock.ts';
import { onEveryEngine } from '../support/engines.ts';

const nobody: Omit<ExternalProfile, 'provider' | 'subject' | 'assurance'> = {
  name: null,
  nameEn: null,
  nickname: null,
  email: null,
  emailVerified: false,
  idNumber: null,
  birthday: null,
  gender: null,
  phone: null,
  address: null,
  agencyCode: null,
  agencyName: null,
  personnelCategory: null,
};
const profile = (
  provider: string,
  subject: string,
  assurance: ExternalProfile['assurance'],
  more: Partial<ExternalProfile> = {},
): ExternalProfile => ({ ...nobody, provider, subject, assurance, ...more });

onEveryEngine('ExternalSignIns', ({ storage }) => {
  const clock = new TestClock();
  const vault = createIdNumberVault(Buffer.alloc(32, 7));
  const lines: AuditEvent[] = [];
  const signIns = (policy: ProviderPolicy = { sameIdNumber: 'link' }) =>
    createExternalSignIns({
      store: storage().identity,
      people: createPeople({ store: storage().identity, vault, clock }),
      vault,
      clock,
      policy,
      audit: async (event) => void lines.push(event),
    });
  const arrive = (given: ExternalProfile, policy?: ProviderPolicy) =>
    signIns(policy).arrive({ profile: given, notes: [], address: '192.0.2.1' });
  const failure = async (act: Promise<unknown>): Promise<string> =>
    act.then(
      () => 'succeeded',
      (error: { code?: string }) => error.code ?? 'another error',
    );

  it('makes a person of a new profile, and finds the same person again', async () => {
    const given = profile('ecpa', 'a-1', 'official', {
      name: '吳公務',
      email: 'wu@example.org',
      emailVerified: true,
      agencyCode: '301000000A',
      birthday: '1986-01-02',
    });
    const first = await arrive(given);
    expect(first).to.include({ name: '吳公務', accountKind: 'official', agencyCode: '301000000A' });
    expect((await arrive(given)).id).to.equal(first.id);
    const record = await storage().identity.byId(first.id);
    expect(record).to.deep.include({ vouchers: { ecpa: 'official' }, emailConfirmed: true });
    expect(record?.profile.birthday).to.equal('1986-01-02');
  });

  it('makes one person of two first sign-ins at the same moment', async () => {
    const idNumber = inventIdNumber();
    const given = profile('egov', 'race', 'verified', { name: '競速', idNumber });
    const people = await Promise.all(Array.from({ length: 6 }, () => arrive(given)));
    expect(new Set(people.map(({ id }) => id)).size).to.equal(1);
  });

  it('takes over what the provider says at each sign-in: converted, moved, downgraded (W5)', async () => {
    const idNumber = inventIdNumber();
    const { id } = await arrive(profile('egov', 'w5', 'verified', { name: '舊名', idNumber }));
    const official = await arrive(
      profile('egov', 'w5', 'official', {
        name: '新名',
        idNumber,
        agencyCode: '301',
        personnelCategory: '10',
      }),
    );
    expect(official).to.include({ id, name: '新名', accountKind: 'official', agencyCode: '301' });
    const back = await arrive(profile('egov', 'w5', 'verified', { name: '新名', idNumber }));
    expect(back).to.include({ accountKind: 'verified', agencyCode: null, personnelCategory: null });
    expect(lines.findLast(({ subjectId }) => subjectId === id)?.detail).to.include({
      kind: 'official → verified',
    });
  });

  it('keeps the contact e-mail and what else the person has written', async () => {
    const { id } = await arrive(profile('google', 'mail', 'social', { name: '芳', email: 'a@example.org' }));
    await storage().identity.update(id, { email: 'own@example.org' });
    expect((await arrive(profile('google', 'mail', 'social', { email: 'b@example.org' }))).email).to.equal(
      'own@example.org',
    );
  });

  it('takes the same vouched-for ID number at another provider for the same person', async () => {
    const idNumber = inventIdNumber();
    const { id } = await arrive(profile('egov', 'link-1', 'verified', { name: '林連結', idNumber }));
    const linked = await arrive(
      profile('ecpa', 'link-1', 'official', { name: '林連結', idNumber, agencyCode: '9' }),
    );
    expect(linked).to.include({ id, accountKind: 'official', agencyCode: '9' });
    expect(await storage().identity.identitiesOf(id)).to.have.length(2);
    expect(lines.at(-1)).to.include({ action: 'sign-in.link', reason: 'same-id-number', subjectId: id });

    // The weaker provider knows less: it does not take the office away, nor the name.
    const weaker = await arrive(profile('egov', 'link-1', 'verified', { name: '林某', idNumber }));
    expect(weaker).to.include({ id, accountKind: 'official', name: '林連結', agencyCode: '9' });
  });

  it('refuses an ID number that another person holds, where nobody vouched for it or the policy says so', async () => {
    const idNumber = inventIdNumber();
    const people = createPeople({ store: storage().identity, vault, clock });
    const holder = await people.create({
      name: '自填',
      accountKind: 'local',
      roles: [],
      idNumber,
    });
    const refused = profile('egov', 'taken-1', 'verified', { name: '後來', idNumber });
    expect(await failure(arrive(refused))).to.equal('sign-in-id-number-taken');
    expect(lines.at(-1)).to.include({ outcome: 'failure', reason: 'id-number-taken', subjectId: holder.id });
    expect(await storage().identity.byIdentity({ provider: 'egov', subject: 'taken-1' })).to.equal(null);

    const other = inventIdNumber();
    await arrive(profile('egov', 'taken-2', 'verified', { name: '先來', idNumber: other }));
    expect(
      await failure(
        arrive(profile('ecpa', 'taken-2', 'official', { idNumber: other }), { sameIdNumber: 'refuse' }),
      ),
    ).to.equal('sign-in-id-number-taken');
  });

  it('refuses a known person who comes back with an ID number that another holds', async () => {
    const idNumber = inventIdNumber();
    await arrive(profile('egov', 'change-1', 'verified', { name: '甲', idNumber }));
    await arrive(profile('egov', 'change-2', 'verified', { name: '乙', idNumber: inventIdNumber() }));
    expect(await failure(arrive(profile('egov', 'change-2', 'verified', { idNumber })))).to.equal(
      'sign-in-id-number-taken',
    );
  });

  it('takes a verified account without an ID number for a social one, until there is a number', async () => {
    const first = await arrive(profile('egov', 'no-number', 'verified', { name: '丙' }));
    expect(first).to.include({ accountKind: 'social', hasIdNumber: false });
    const later = await arrive(profile('egov', 'no-number', 'verified', { idNumber: inventIdNumber() }));
    expect(later).to.include({ id: first.id, accountKind: 'verified', hasIdNumber: true });
  });

  it('never keeps an ID number that a provider uses as its subject', async () => {
    const subject = inventIdNumber();
    const { id } = await arrive(profile('old', subject, 'official', { name: '丁' }));
    expect(JSON.stringify(await storage().identity.identitiesOf(id))).to.not.include(subject);
    expect((await arrive(profile('old', subject, 'official'))).id).to.equal(id);
  });

  it('lets nobody in whose account was erased', async () => {
    const { id } = await arrive(profile('google', 'erased', 'social', { name: '戊' }));
    await storage().identity.update(id, { erasedAt: clock.now().toISOString() });
    expect(await failure(arrive(profile('google', 'erased', 'social')))).to.equal('sign-in-closed');
  });

  it('writes no ID number into the audit log', () => {
    expect(JSON.stringify(lines)).to.not.match(/[A-Z][1289A-D]\d{8}/);
  });
});
