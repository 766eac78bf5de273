import { expect } from 'chai';
import { isDomainError } from '../../src/base/errors.ts';
import { createAgencies } from '../../src/identity/agencies/agencies.ts';
import { ensureDemoAgencies } from '../../src/identity/agencies/demo-agencies.ts';
import { createIdNumberVault } from '../../src/identity/id-numbers.ts';
import { createPeople, type NewPerson, type People } from '../../src/identity/people.ts';
import { createProfiles, type Profiles } from '../../src/identity/profile/profiles.ts';
import type { AuditEvent } from '../../src/identity/types.ts';
import { TestClock } from '../support/clock.ts';
import { onEveryEngine } from '../support/engines.ts';

const by = { language: 'zh-TW', address: '192.0.2.1' } as const;

onEveryEngine('個人資料 (requirements 15, 16)', ({ storage }) => {
  const clock = new TestClock();
  const audited: AuditEvent[] = [];
  const mailed: string[] = [];
  let people: People;
  let profiles: Profiles;
  let count = 0;
  before(async () => {
    const agencies = createAgencies({ store: storage().agencies, clock });
    await ensureDemoAgencies(agencies);
    people = createPeople({
      store: storage().identity,
      vault: createIdNumberVault(Buffer.alloc(32, 1)),
      clock,
    });
    profiles = createProfiles({
      store: storage().identity,
      people,
      agencies,
      audit: async (event) => void audited.push(event),
      emailChanged: async ({ email }) => void mailed.push(email ?? ''),
    });
  });
  beforeEach(() => {
    audited.length = 0;
    mailed.length = 0;
  });
  const someone = (overrides: Partial<NewPerson> = {}) => {
    count += 1;
    return people.create({
      name: '測試',
      nickname: `學員${count}`,
      email: `p${count}@example.org`,
      accountKind: 'social',
      roles: [{ role: 'learner', organisation: null }],
      ...overrides,
    });
  };
  const problemsOf = async (save: Promise<unknown>) => {
    const error: unknown = await save.then(
      () => null,
      (refused: unknown) => refused,
    );
    if (!isDomainError(error, 'invalid')) throw new Error('was not refused');
    return error.problems.map(({ path, message }) => `${path}: ${message}`);
  };

  it('saves every field that is the person’s own', async () => {
    const { id } = await someone();
    await profiles.save(
      id,
      {
        name: ' 新名字 ',
        nameEn: 'New Name',
        nickname: '新暱稱',
        gender: 'female',
        agency: '301000000a 範例縣政府',
        partTimeAgency: '範例部',
        personnelCategory: '10',
        backupEmail: 'second@example.org',
        website: 'example.org/me',
        introduction: '第一行\r\n第二行',
        shownOnCard: ['name', 'website', 'nonsense'],
      },
      by,
    );
    const { record, agency, partTimeAgency } = await profiles.of(id);
    expect(record).to.include({
      name: '新名字',
      nameEn: 'New Name',
      nickname: '新暱稱',
      agencyCode: '301000000A',
      agencyName: '範例縣政府',
      personnelCategory: '10',
    });
    expect(record.profile).to.deep.include({
      gender: 'female',
      partTimeAgencyCode: 'A90000000E',
      backupEmail: 'second@example.org',
      website: 'https://example.org/me',
      introduction: '第一行\n第二行',
      shownOnCard: ['name', 'website'],
    });
    expect([agency?.code, partTimeAgency?.code]).to.deep.equal(['301000000A', 'A90000000E']);
  });

  it('leaves alone what an identity provider gives, whatever is sent', async () => {
    const { id } = await someone({
      accountKind: 'official',
      name: '王公務',
      agencyCode: '301010000A',
      agencyName: '範例縣政府人事處',
      personnelCategory: '01',
      profile: {
        gender: 'male',
        providedFields: ['agencyCode', 'agencyName', 'personnelCategory', 'gender'],
      },
    });
    const before = await profiles.of(id);
    expect(before.owners).to.include({
      name: 'provider',
      agencyCode: 'provider',
      gender: 'provider',
      nickname: 'person',
      id: 'platform',
    });
    await profiles.save(
      id,
      { name: '別人', agency: 'A90000000E', personnelCategory: '10', gender: 'other', shownOnCard: [] },
      by,
    );
    expect((await profiles.of(id)).record).to.deep.equal(before.record);
  });

  it('takes an agency only from the directory, and keeps one that was closed since', async () => {
    const { id } = await someone();
    expect(
      await problemsOf(profiles.save(id, { agency: '不存在的機關', shownOnCard: [] }, by)),
    ).to.deep.equal(['agency: agency-unknown']);
    expect(
      await problemsOf(profiles.save(id, { agency: '301090000A 範例縣政府資訊室', shownOnCard: [] }, by)),
    ).to.deep.equal(['agency: agency-closed']);
    const old = await someone({ agencyCode: '301090000A', agencyName: '範例縣政府資訊室' });
    await profiles.save(old.id, { agency: '301090000A 範例縣政府資訊室', shownOnCard: ['agencyName'] }, by);
    expect((await profiles.of(old.id)).record.agencyCode).to.equal('301090000A');
    await profiles.save(old.id, { agency: '', shownOnCard: [] }, by);
    expect((await profiles.of(old.id)).record).to.include({ agencyCode: null, agencyName: null });
  });

  it('names every field that is wrong, and saves nothing then', async () => {
    await someone({ nickname: '已有人用' });
    const { id } = await someone();
    const before = (await profiles.of(id)).record;
    expect(
      await problemsOf(
        profiles.save(
          id,
          {
            name: '',
            nickname: 'a/b',
            gender: 'x',
            personnelCategory: '77',
            email: 'nobody',
            backupEmail: 'a b@example.org',
            website: 'javascript:alert(1)',
            introduction: '長'.repeat(1001),
            shownOnCard: [],
          },
          by,
        ),
      ),
    ).to.have.members([
      'name: name-missing',
      'nickname: nickname-form',
      'gender: choice',
      'personnelCategory: choice',
      'email: email-form',
      'backupEmail: email-form',
      'website: website-form',
      'introduction: introduction-long',
    ]);
    expect(await problemsOf(profiles.save(id, { nickname: '已有人用', shownOnCard: [] }, by))).to.deep.equal([
      'nickname: nickname-taken',
    ]);
    expect(await problemsOf(profiles.save(id, { email: '', shownOnCard: [] }, by))).to.deep.equal([
      'email: email-missing',
    ]);
    expect((await profiles.of(id)).record).to.deep.equal(before);
    expect(audited).to.deep.equal([]);
  });

  it('asks for confirmation of a changed e-mail address, and of no other change', async () => {
    const { id } = await someone({ email: 'old@example.org' });
    await storage().identity.update(id, { emailConfirmed: true });
    await profiles.save(id, { email: 'old@example.org', nameEn: 'X', shownOnCard: [] }, by);
    expect((await profiles.of(id)).record.emailConfirmed).to.equal(true);
    expect(await profiles.save(id, { email: 'new@example.org', shownOnCard: [] }, by)).to.deep.equal({
      emailChanged: true,
    });
    expect((await profiles.of(id)).record).to.include({ email: 'new@example.org', emailConfirmed: false });
    expect(mailed).to.deep.equal(['new@example.org']);
  });

  it('writes the names of what changed to the audit log, never the values', async () => {
    const { id } = await someone();
    await profiles.save(
      id,
      { introduction: '秘密', email: 'secret@example.org', shownOnCard: ['email'] },
      by,
    );
    expect(audited).to.have.length(1);
    expect(audited[0]).to.deep.include({
      action: 'person.change',
      actorId: id,
      subjectId: id,
      address: by.address,
    });
    expect(audited[0]?.detail?.['fields']?.split(' ')).to.have.members([
      'email',
      'introduction',
      'shownOnCard',
    ]);
    expect(JSON.stringify(audited)).to.not.include('秘密').and.not.include('secret@');
  });

  it('shows on a card only what is shared, and notes who looked', async () => {
    const shown = await someone({ nickname: '分享者' });
    const reader = await someone();
    await profiles.save(shown.id, { introduction: '大家好', shownOnCard: ['introduction'] }, by);
    audited.length = 0;
    const card = await profiles.card('分享者', { id: reader.id, address: null });
    expect(card?.shown).to.deep.equal(['introduction']);
    expect(audited).to.deep.include.members([
      {
        action: 'person.read',
        actorId: reader.id,
        subjectId: shown.id,
        outcome: 'success',
        reason: 'card',
        address: null,
        detail: { fields: 'introduction' },
      },
    ]);
    expect(await profiles.card('沒有這個人', { id: reader.id, address: null })).to.equal(null);
    await storage().identity.update(shown.id, { restrictedAt: clock.now().toISOString() });
    expect(await profiles.card('分享者', { id: reader.id, address: null })).to.equal(null);
    expect(await profiles.card('分享者', { id: shown.id, address: null })).to.not.equal(null);
  });

  it('loses no field of a profile when two changes meet', async () => {
    const { id } = await someone();
    const store = storage().identity;
    await Promise.all([
      store.update(id, { profile: { phone: '1' } }),
      store.update(id, { profile: { address: '2' } }),
      profiles.save(id, { introduction: '3', shownOnCard: ['id'] }, by),
    ]);
    expect((await profiles.of(id)).record.profile).to.deep.include({
      phone: '1',
      address: '2',
      introduction: '3',
      shownOnCard: ['id'],
    });
  });
});
