import { expect } from 'chai';
import { isDomainError } from '../../src/base/errors.ts';
import { demoAccounts, ensureDemoPeople } from '../../src/identity/demo-people.ts';
import { createIdNumberVault, idNumberKind } from '../../src/identity/id-numbers.ts';
import { createPeople, type NewPerson, type People } from '../../src/identity/people.ts';
import type { PeopleQuery } from '../../src/identity/store.ts';
import type { Person } from '../../src/identity/types.ts';
import { TestClock } from '../support/clock.ts';
import { onEveryEngine, openStorage } from '../support/engines.ts';

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

  describe('looking people up', () => {
    const search = async (words: string[], more: Partial<PeopleQuery> = {}): Promise<string[]> =>
      (await storage().identity.search({ words, limit: 100, ...more })).map(({ id }) => id);
    let [wang, chen, officer]: Person[] = [];
    before(async () => {
      wang = await people.create(
        someone({
          name: '王查詢',
          nameEn: 'Wang Cha-Hsun',
          nickname: '小查.*',
          email: 'Wang.Search@example.org',
          agencyCode: '301030100A',
          agencyName: '範例縣立青山國民小學',
          login: { name: 'search-wang', password: 'pw' },
        }),
      );
      chen = await people.create(someone({ name: '陳查詢', agencyCode: 'A90000000E' }));
      officer = await people.create(
        someone({ name: '查詢官', roles: [{ role: 'hr', organisation: '301030000A' }] }),
      );
    });

    it('finds by parts of names, login name, e-mail and agency, in any case and width, all words at once', async () => {
      for (const word of [
        '王查',
        'cha-hsun',
        '小查.*',
        'SEARCH-WANG',
        'wang.search@',
        '青山',
        '301030100a',
        'ＷＡＮＧ Cha',
      ])
        expect(await search([word]), word).to.deep.equal([wang?.id]);
      expect(await search(['查詢', '青山'])).to.deep.equal([wang?.id]);
      expect(await search(['查詢'])).to.deep.equal([wang?.id, chen?.id, officer?.id].toSorted());
      // No pattern: what was typed is looked for as it is.
      expect(await search(['王.詢'])).to.deep.equal([]);
      expect(await search(['%'])).to.deep.equal([]);
    });

    it('keeps to agencies, to a role, and goes on after the last one shown', async () => {
      expect(await search(['查詢'], { agencies: ['301030100A', '301030000A'] })).to.deep.equal([wang?.id]);
      expect(await search([], { agencies: [] })).to.deep.equal([]);
      expect(await search(['查詢'], { role: 'hr' })).to.deep.equal([officer?.id]);
      const [first] = await search(['查詢'], { limit: 1 });
      expect(await search(['查詢'], { after: first ?? null })).to.deep.equal(
        (await search(['查詢'])).slice(1),
      );
    });

    it('follows a change, and finds nobody who was erased; work on all sees them still', async () => {
      await storage().identity.update(chen?.id ?? '', { name: '陳改名', agencyCode: '301030100A' });
      expect(await search(['陳查'])).to.deep.equal([]);
      expect(await search(['陳改'], { agencies: ['301030100A'] })).to.deep.equal([chen?.id]);
      await storage().identity.update(chen?.id ?? '', { erasedAt: clock.now().toISOString() });
      expect(await search(['陳改'])).to.deep.equal([]);
      const all: string[] = [];
      for (let after: string | null = null; ;) {
        const page: { id: string }[] = await storage().identity.page(after, 2);
        if (page.length === 0) break;
        all.push(...page.map(({ id }) => id));
        after = all.at(-1) ?? null;
      }
      expect(all).to.include(chen?.id).and.to.deep.equal(all.toSorted());
    });

    it('grants and takes a role once, whatever comes at the same moment', async () => {
      const { id } = await people.create(someone());
      const { identity } = storage();
      const change = (held: boolean, organisation: string | null = null) =>
        identity.changeRole(id, { grant: { role: 'support', organisation }, held });
      const granted = await Promise.all([
        change(true),
        change(true),
        change(true, 'A'),
        identity.changeRole(id, { grant: { role: 'hr', organisation: 'X' }, held: true }),
      ]);
      expect(granted.filter(Boolean)).to.have.length(3);
      expect((await people.byId(id))?.roles).to.have.deep.members([
        { role: 'learner', organisation: null },
        { role: 'support', organisation: null },
        { role: 'support', organisation: 'A' },
        { role: 'hr', organisation: 'X' },
      ]);
      expect(await change(false)).to.equal(true);
      expect(await change(false)).to.equal(false);
      expect(await search([], { role: 'support' })).to.include(id);
      await change(false, 'A');
      expect(await search([], { role: 'support' })).to.not.include(id);
      expect(
        await identity.changeRole('nobody', { grant: { role: 'hr', organisation: 'X' }, held: true }),
      ).to.equal(false);
    });

    it('tells the failures of one account by address', async () => {
      const { identity } = storage();
      const since = new Date(clock.now().getTime() - 900_000);
      for (const key of ['fails|192.0.2.1', 'fails|192.0.2.1', 'fails|2001:db8::1', 'failsafe|192.0.2.1'])
        await identity.addFailure(key, clock.now(), since);
      expect(
        (await identity.failuresUnder('fails|', since)).toSorted((a, b) => b.count - a.count),
      ).to.deep.equal([
        { key: 'fails|192.0.2.1', count: 2, last: clock.now() },
        { key: 'fails|2001:db8::1', count: 1, last: clock.now() },
      ]);
      expect(await identity.failuresUnder('fails|', new Date(clock.now().getTime() + 1))).to.deep.equal([]);
    });
  });
});
