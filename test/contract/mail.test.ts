import { expect } from 'chai';
import type { EmailConfirmation } from '../../src/identity/mail/store.ts';
import { onEveryEngine } from '../support/engines.ts';

const at = (seconds: number): Date => new Date(Date.UTC(2026, 10, 23, 8, 0, seconds));
const limits = { most: 3, windowSeconds: 1000, pauseSeconds: 10 };
const confirmation = (overrides: Partial<EmailConfirmation> = {}): EmailConfirmation => ({
  personId: 'p1',
  email: 'p1@example.org',
  tokenHash: 'hash-1',
  expiresAt: at(500),
  ...overrides,
});

onEveryEngine('EmailConfirmationStore', ({ storage, reopen }) => {
  const store = () => storage().emailConfirmations;

  it('spends a token once, for one of many callers, and knows no other token or person', async () => {
    expect(await store().issue(confirmation(), at(0), limits)).to.equal(null);
    expect(await store().spend('p1', 'hash-2', at(1))).to.equal(null);
    expect(await store().spend('p2', 'hash-1', at(1))).to.equal(null);
    const spent = await Promise.all([1, 2, 3, 4].map(() => store().spend('p1', 'hash-1', at(1))));
    expect(spent.filter(Boolean)).to.deep.equal([{ email: 'p1@example.org' }]);
    await reopen();
    expect(await store().spend('p1', 'hash-1', at(2))).to.equal(null);
  });

  it('does not spend an expired one', async () => {
    await store().issue(confirmation({ personId: 'late' }), at(0), limits);
    expect(await store().spend('late', 'hash-1', at(500))).to.equal(null);
    expect(await store().spend('late', 'hash-1', at(499))).to.deep.equal({ email: 'p1@example.org' });
  });

  it('voids the earlier one when a new one is issued', async () => {
    const of = (tokenHash: string, email: string) => confirmation({ personId: 'twice', tokenHash, email });
    await store().issue(of('a', 'old@example.org'), at(0), limits);
    await store().issue(of('b', 'new@example.org'), at(20), limits);
    expect(await store().spend('twice', 'a', at(21))).to.equal(null);
    expect(await store().spend('twice', 'b', at(21))).to.deep.equal({ email: 'new@example.org' });
  });

  it('keeps to the limits, also after one was spent, and says when the next may be asked for', async () => {
    const of = (tokenHash: string) => confirmation({ personId: 'often', tokenHash });
    expect(await store().issue(of('a'), at(0), limits)).to.equal(null);
    expect(await store().issue(of('b'), at(5), limits)).to.deep.equal(at(10));
    expect(await store().spend('often', 'a', at(6)), 'the refused one did not void it').to.not.equal(null);
    expect(await store().issue(of('b'), at(7), limits)).to.deep.equal(at(10));
    expect(await store().issue(of('c'), at(10), limits)).to.equal(null);
    expect(await store().issue(of('d'), at(20), limits)).to.equal(null);
    expect(await store().issue(of('e'), at(40), limits)).to.deep.equal(at(1000));
    expect(await store().issue(of('e'), at(1000), limits)).to.equal(null);
  });

  it('issues one of several asked for at the same moment, and it is the one that works', async () => {
    const tokens = ['r1', 'r2', 'r3', 'r4'];
    const answers = await Promise.all(
      tokens.map((tokenHash) => store().issue(confirmation({ personId: 'race', tokenHash }), at(0), limits)),
    );
    expect(answers.filter((answer) => answer === null)).to.have.length(1);
    const winner = tokens[answers.indexOf(null)] ?? '';
    expect(await store().spend('race', winner, at(1))).to.not.equal(null);
  });

  it('forgets a person, and what has expired', async () => {
    await store().issue(confirmation({ personId: 'gone' }), at(0), limits);
    await store().forget('gone');
    expect(await store().spend('gone', 'hash-1', at(1))).to.equal(null);
    await store().issue(confirmation({ personId: 'stays', expiresAt: at(5000) }), at(0), limits);
    expect(await store().deleteExpired(at(4999))).to.be.greaterThan(0);
    expect(await store().deleteExpired(at(4999))).to.equal(0);
    expect(await store().spend('stays', 'hash-1', at(1))).to.not.equal(null);
  });
});

onEveryEngine('IdentityStore: confirming an e-mail', ({ storage }) => {
  it('marks the address that was confirmed, and no other that took its place', async () => {
    const { createPeople } = await import('../../src/identity/people.ts');
    const { createIdNumberVault } = await import('../../src/identity/id-numbers.ts');
    const { TestClock } = await import('../support/clock.ts');
    const store = storage().identity;
    const people = createPeople({
      store,
      vault: createIdNumberVault(Buffer.alloc(32)),
      clock: new TestClock(),
    });
    const { id } = await people.create({
      name: '信',
      accountKind: 'local',
      roles: [],
      email: 'a@example.org',
    });
    expect(await store.confirmEmail(id, 'b@example.org')).to.equal(false);
    expect(await store.confirmEmail('nobody', 'a@example.org')).to.equal(false);
    expect((await store.byId(id))?.emailConfirmed).to.equal(false);
    await Promise.all([
      store.confirmEmail(id, 'a@example.org'),
      people.update(id, { email: 'c@example.org', emailConfirmed: false }),
    ]);
    const after = await store.byId(id);
    expect([after?.email, after?.emailConfirmed]).to.deep.equal(['c@example.org', false]);
    expect(await store.confirmEmail(id, 'c@example.org')).to.equal(true);
    expect((await store.byId(id))?.emailConfirmed).to.equal(true);
  });
});

onEveryEngine('OutboxStore', ({ storage }) => {
  it('gives the newest first and keeps no more than it should', async () => {
    const { outbox } = storage();
    const mail = (n: number) => ({
      id: `m${n}`,
      to: 'a@example.org',
      subject: `第 ${n} 封`,
      text: '內容\n',
      at: at(n),
    });
    for (const n of [1, 2, 3, 4]) await outbox.add(mail(n), 3);
    expect(await outbox.latest(10)).to.deep.equal([mail(4), mail(3), mail(2)]);
    expect(await outbox.latest(1)).to.deep.equal([mail(4)]);
  });
});
