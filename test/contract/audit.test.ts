import { expect } from 'chai';
import { createAudit } from '../../src/identity/audit/audit.ts';
import { type AuditEntry, type AuditEvent, hashOf } from '../../src/identity/audit/store.ts';
import { TestClock } from '../support/clock.ts';
import { emptyStore, onEveryEngine, openStorage } from '../support/engines.ts';

const event = (action: string, more: Partial<AuditEvent> = {}): AuditEvent => ({
  action,
  actorId: 'actor',
  subjectId: 'subject',
  outcome: 'success',
  reason: null,
  address: '192.0.2.7',
  ...more,
});
const everything = {
  personId: null,
  action: null,
  outcome: null,
  from: null,
  to: null,
  before: null,
  limit: 100,
};

onEveryEngine('the audit log', ({ storage, options, engine }) => {
  const clock = new TestClock();
  const audit = () => createAudit({ store: storage().audit, clock });
  const all = (): Promise<AuditEntry[]> => storage().audit.after(0, 10_000);

  it('numbers its lines from 1 and links each to the one before', async () => {
    await audit().record(event('first', { detail: { b: '2', a: '1' } }));
    clock.advance(1);
    await audit().record(event('second', { outcome: 'failure', reason: 'wrong-password' }));
    const [first, second] = await all();
    expect(first).to.include({ seq: 1, action: 'first', previous: '0'.repeat(64) });
    expect(first?.detail).to.deep.equal({ a: '1', b: '2' });
    expect(second).to.include({ seq: 2, previous: first?.hash, reason: 'wrong-password' });
    expect(second?.at).to.equal((first?.at ?? 0) + 1000);
    expect(await audit().verify()).to.deep.equal({
      intact: true,
      lines: 2,
      head: { seq: 2, hash: second?.hash },
    });
  });

  it('keeps one chain when several processes write at once, and every line of them', async () => {
    const before = (await storage().audit.head()).seq;
    const other = await openStorage(options());
    try {
      const logs = [audit(), audit(), createAudit({ store: other.audit, clock })];
      await Promise.all(
        Array.from({ length: 60 }, (_, at) => logs[at % 3]?.record(event('race', { subjectId: `s${at}` }))),
      );
    } finally {
      await other.close();
    }
    const added = (await all()).filter(({ action }) => action === 'race');
    expect(new Set(added.map(({ subjectId }) => subjectId)).size).to.equal(60);
    expect(added).to.have.length(60);
    expect((await storage().audit.head()).seq).to.equal(before + 60);
    expect(await audit().verify()).to.include({ intact: true });
  });

  it('is found by person, action, outcome and time, newest first, page by page', async () => {
    clock.advance(60);
    const from = clock.now().getTime();
    await audit().record(event('look', { actorId: 'me', subjectId: 'you' }));
    await audit().record(event('look', { actorId: 'you', subjectId: 'me', outcome: 'failure' }));
    await audit().record(event('other', { actorId: 'someone', subjectId: 'someone' }));
    const find = (more: object) => storage().audit.find({ ...everything, ...more });
    const seqs = (entries: AuditEntry[]): number[] => entries.map(({ seq }) => seq);
    const mine = await find({ personId: 'me' });
    expect(mine).to.have.length(2);
    expect(seqs(mine)).to.deep.equal(seqs(mine).sort((a, b) => b - a));
    expect(await find({ personId: 'me', outcome: 'failure' })).to.have.length(1);
    expect(await find({ action: 'look', from })).to.have.length(2);
    expect(await find({ action: 'look', to: from })).to.have.length(0);
    expect(seqs(await find({ personId: 'me', before: mine[0]?.seq ?? 0 }))).to.deep.equal([mine[1]?.seq]);
    expect(await find({ limit: 1 })).to.have.length(1);
  });

  it('shows what was tampered with: changed, taken out, put in, cut off', async () => {
    const entries = await all();
    const reading = (lines: AuditEntry[]) =>
      createAudit({
        clock,
        store: {
          ...storage().audit,
          after: async (seq, limit) => lines.filter((line) => line.seq > seq).slice(0, limit),
        },
      });
    const changed = entries.map((line) => (line.seq === 3 ? { ...line, actorId: 'not me' } : line));
    expect(await reading(changed).verify()).to.deep.include({ intact: false, seq: 3, fault: 'changed' });
    const resealed = changed.map((line) => (line.seq === 3 ? { ...line, hash: hashOf(line) } : line));
    expect(await reading(resealed).verify()).to.deep.include({ intact: false, seq: 4, fault: 'unlinked' });
    const without = entries.filter(({ seq }) => seq !== 3);
    expect(await reading(without).verify()).to.deep.include({ intact: false, seq: 3, fault: 'missing' });
    const head = await storage().audit.head();
    const cut = entries.slice(0, -2);
    expect(await reading(cut).verify()).to.include({ intact: true });
    expect(await reading(cut).verify({ expected: head })).to.deep.include({
      fault: 'cut-off',
      seq: head.seq - 1,
    });
    expect(await audit().verify({ from: 4 })).to.include({ intact: true });
  });

  it('is put back as it was when a store moves, and goes on behind its last line', async () => {
    const other = await emptyStore(engine);
    if (!other) throw new Error('no second store');
    const copy = await openStorage(other.options);
    try {
      const entries = await all();
      await copy.audit.restore(entries);
      await copy.audit.restore(entries.slice(-2));
      expect(await copy.audit.after(0, 10_000)).to.deep.equal(entries);
      const moved = createAudit({ store: copy.audit, clock });
      await moved.record(event('afterwards'));
      expect(await moved.verify()).to.include({ intact: true, lines: entries.length + 1 });
    } finally {
      await copy.close();
      other.remove();
    }
  });
});
