import { expect } from 'chai';
import type { WebSession } from '../../src/http/store.ts';
import { onEveryEngine } from '../support/engines.ts';

const at = (seconds: number): Date => new Date(Date.UTC(2026, 10, 23, 8, 0, seconds));
const session = (overrides: Partial<WebSession> = {}): WebSession => ({
  id: 's1',
  data: '{"a":1}',
  personId: null,
  seenAt: at(0),
  expiresAt: at(60),
  endsAt: null,
  ...overrides,
});

onEveryEngine('WebSessionStore', ({ storage }) => {
  const store = () => storage().webSessions;

  it('gives back what was put, until it expires', async () => {
    await store().put(session());
    expect(await store().get('s1', at(0))).to.deep.equal(session());
    expect(await store().get('s1', at(60))).to.equal(null);
  });

  it('replaces a session of the same id', async () => {
    await store().put(session({ data: '{"a":2}', personId: 'p1' }));
    expect((await store().get('s1', at(0)))?.data).to.equal('{"a":2}');
  });

  it('touch moves the expiry and brings nothing back to life', async () => {
    await store().touch('s1', { seenAt: at(50), expiresAt: at(120) });
    expect((await store().get('s1', at(100)))?.seenAt).to.deep.equal(at(50));
    await store().delete('s1');
    await store().touch('s1', { seenAt: at(90), expiresAt: at(500) });
    expect(await store().get('s1', at(100))).to.equal(null);
  });

  it("lists one person's living sessions, last seen first", async () => {
    await store().put(session({ id: 'a', personId: 'p2', seenAt: at(5), expiresAt: at(70) }));
    await store().put(session({ id: 'b', personId: 'p2', seenAt: at(9), expiresAt: at(90) }));
    await store().put(session({ id: 'c', personId: 'p2', expiresAt: at(10) }));
    expect((await store().ofPerson('p2', at(20))).map((s) => s.id)).to.deep.equal(['b', 'a']);
  });

  it('deletes the expired ones and counts them', async () => {
    expect(await store().deleteExpired(at(80))).to.equal(2);
    expect((await store().ofPerson('p2', at(0))).map((s) => s.id)).to.deep.equal(['b']);
  });

  it('has an end that no request moves', async () => {
    await store().put(session({ id: 'ends', personId: 'p3', expiresAt: at(30), endsAt: at(40) }));
    await store().touch('ends', { seenAt: at(35), expiresAt: at(95) });
    expect((await store().get('ends', at(39)))?.expiresAt).to.deep.equal(at(40));
    expect(await store().get('ends', at(40))).to.equal(null);
    // Also where a longer expiry was written.
    await store().put(session({ id: 'ends', personId: 'p3', expiresAt: at(300), endsAt: at(40) }));
    expect(await store().get('ends', at(40))).to.equal(null);
    expect(await store().ofPerson('p3', at(39))).to.have.length(1);
    expect(await store().ofPerson('p3', at(40))).to.deep.equal([]);
    expect(await store().deleteExpired(at(40))).to.be.greaterThan(0);
    expect(await store().get('ends', at(0))).to.equal(null);
  });
});
