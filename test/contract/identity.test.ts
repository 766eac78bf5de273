import { expect } from 'chai';
import { isDomainError } from '../../src/base/errors.ts';
import { demoAccounts, ensureDemoPeople } from '../../src/identity/demo-people.ts';
import { createIdNumberVault, idNumberKind } from '../../src/identity/id-numbers.ts';
import { createPeople, type NewPerson, type People } from '../../src/identity/people.ts';
import { openStorage } from '../../src/storage/open.ts';
import { TestClock } from '../support/clock.ts';
import { onEveryEngine } from '../support/engines.ts';

const someone = (overrides: Partial<NewPerson> = {}): NewPerson => ({
  name: '測試',
  accountKind: 'local',
  roles: [{ role: 'learner', organisation: null }],
  ...overrides,
});
const madeUpNumber = (start: string): string =>
  Array.from({ length: 10 }, (_, digit) => `${start}${digit}`).find((number) => idNumberKind(number)) ?? '';

const settled = async (acts: Promise<unknown>[]): Promise<{ won: number; lost: unknown[] }> => {
  const results = await Promise.allSettled(acts);
  return {
    won: results.filter((result) => result.status === 'fulfilled').length,
    lost: results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : [])),
  };
};

onEveryEngine('IdentityStore', ({ storage, options }) => {
  const clock = new TestClock();
  let people: People;
  before(() => {
    people = createPeople({
      store: storage().identity,
      vault: createIdNumberVault(Buffer.alloc(32, 1)),
      clock,
    });
  });

  it('gives back a person as created, and nothing of the ID number', async () => {
    const made = await people.create(someone({ nickname: '阿一', idNumber: madeUpNumber('Z10000000') }));
    expect(await people.byId(made.id)).to.deep.equal(made);
    expect(made.hasIdNumber).to.equal(true);
    expect(JSON.stringify(made)).to.not.include('Z1000');
    expect(await people.byId('nobody')).to.equal(null);
    expect([...(await people.byIds([made.id, 'nobody'])).keys()]).to.deep.equal([made.id]);
  });

  it('lets one of two win a login name, whatever its case and width', async () => {
    const { won, lost } = await settled(
      ['Race', 'race', 'ｒａｃｅ', 'RACE '].map((name) =>
        people.create(someone({ login: { name, password: 'pw' } })),
      ),
    );
    expect(won).to.equal(1);
    for (const error of lost)
      expect(error).to.satisfy((e: unknown) => isDomainError(e, 'conflict') && e.code === 'taken-login-name');
  });

  it('lets one of two win a nickname, at creation and at change', async () => {
    const created = await settled([1, 2, 3].map(() => people.create(someone({ nickname: '搶' }))));
    expect(created.won).to.equal(1);
    const [a, b] = [await people.create(someone()), await people.create(someone())];
    const changed = await settled([a, b].map(({ id }) => people.update(id, { nickname: '換' })));
    expect(changed.won).to.equal(1);
    expect(isDomainError(changed.lost[0], 'conflict')).to.equal(true);
    await people.update(a.id, { nickname: null });
    await people.update(b.id, { nickname: null });
    expect((await people.update(b.id, { nickname: '換' })).nickname).to.equal('換');
  });

  it('loses no field when two changes meet', async () => {
    const { id } = await people.create(someone());
    await Promise.all([
      people.update(id, { email: 'a@example.org' }),
      people.update(id, { agencyCode: '1' }),
    ]);
    expect(await people.byId(id)).to.include({ email: 'a@example.org', agencyCode: '1' });
  });

  it('keeps one account per ID number', async () => {
    const idNumber = madeUpNumber('Y20000000');
    const { won, lost } = await settled([1, 2].map(() => people.create(someone({ idNumber }))));
    expect(won).to.equal(1);
    expect(isDomainError(lost[0]) && lost[0].code).to.equal('taken-id-number');
  });

  it('keeps one account per external identity, and a refused creation leaves nothing', async () => {
    const identity = { provider: 'egov', subject: 's-1' };
    const { won } = await settled([1, 2, 3].map(() => people.create(someone({ identity }))));
    expect(won).to.equal(1);
    const holder = await people.byIdentity(identity);
    expect(holder).to.not.equal(null);
    const free = { provider: 'egov', subject: 's-2' };
    await people.create(someone({ nickname: '佔住' }));
    await settled([people.create(someone({ nickname: '佔住', identity: free }))]);
    expect(await people.byIdentity(free)).to.equal(null);
    expect((await people.create(someone({ identity: free }))).id).to.equal(
      (await people.byIdentity(free))?.id,
    );
  });

  it('makes one person of an external identity that several processes meet at once', async () => {
    const others = await Promise.all([1, 2].map(() => openStorage(options())));
    try {
      const vault = createIdNumberVault(Buffer.alloc(32, 1));
      for (let round = 0; round < 5; round++) {
        const identity = { provider: 'egov', subject: `met-${round}` };
        const made = await Promise.allSettled(
          [storage(), ...others, storage()].map((on, at) =>
            createPeople({ store: on.identity, vault, clock }).create(
              someone({ identity, nickname: `遇${round}-${at}` }),
            ),
          ),
        );
        const won = made.flatMap((one) => (one.status === 'fulfilled' ? [one.value.id] : []));
        expect(won).to.deep.equal([(await people.byIdentity(identity))?.id]);
        const named = await Promise.all(
          [0, 1, 2, 3].map((at) => storage().identity.byNickname(`遇${round}-${at}`)),
        );
        expect(named.filter((person) => person !== null)).to.have.length(1);
      }
    } finally {
      await Promise.all(others.map((other) => other.close()));
    }
  });

  it('locks an account for 15 minutes after five failures from an address, and for no other', async () => {
    await people.create(someone({ login: { name: 'locked', password: 'right' } }));
    for (let i = 0; i < 4; i++)
      expect(
        await people.authenticateLocal('locked', 'wrong', '1').catch((e: unknown) => e),
      ).to.have.property('kind', 'unauthenticated');
    expect(await people.authenticateLocal('locked', 'wrong', '1').catch((e: unknown) => e)).to.have.property(
      'kind',
      'rate-limited',
    );
    expect(await people.authenticateLocal('LOCKED', 'right', '1').catch((e: unknown) => e)).to.have.property(
      'kind',
      'rate-limited',
    );
    expect(await people.authenticateLocal('locked', 'right', '2')).to.have.property('id');
    clock.advance(15 * 60 + 1);
    expect(await people.authenticateLocal('locked', 'right', '1')).to.have.property('id');
  });

  it('tells a wrong name and a wrong password apart in nothing', async () => {
    const [name, password] = await Promise.all([
      people.authenticateLocal('nobody-at-all', 'x', '9').catch((e: unknown) => e),
      people.authenticateLocal('race', 'x', '9').catch((e: unknown) => e),
    ]);
    expect(name).to.have.property('message', (password as Error).message);
  });

  it('makes the demo accounts once, also when two processes start together', async () => {
    await Promise.all([ensureDemoPeople(people), ensureDemoPeople(people)]);
    await ensureDemoPeople(people);
    for (const { loginName, password, person } of demoAccounts)
      expect(await people.authenticateLocal(loginName, password, 'demo')).to.include({ name: person.name });
  });

  it('finds a person by nickname and by the hash of an ID number, and takes a way to sign in away', async () => {
    const store = storage().identity;
    const idNumber = madeUpNumber('Y10000000');
    const vault = createIdNumberVault(Buffer.alloc(32, 1));
    const identity = { provider: 'egov', subject: 'unlink-me' };
    const made = await people.create(someone({ nickname: '尋人', idNumber, identity }));
    expect((await store.byNickname('尋人'))?.id).to.equal(made.id);
    expect(await store.byNickname('沒有這個人')).to.equal(null);
    expect((await store.byIdNumber(vault.lookup(idNumber)))?.id).to.equal(made.id);
    expect(await store.identitiesOf(made.id)).to.deep.equal([identity]);
    expect(await store.unlink('someone-else', identity)).to.equal(false);
    expect(await store.unlink(made.id, identity)).to.equal(true);
    expect(await store.byIdentity(identity)).to.equal(null);
    expect(await store.identitiesOf(made.id)).to.deep.equal([]);
  });
});
