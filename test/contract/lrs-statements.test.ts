import { expect } from 'chai';
import { newUuid } from '../../src/base/ids.ts';
import { systemClock } from '../../src/base/clock.ts';
import { isDomainError } from '../../src/base/errors.ts';
import { createStatementDoor, toQuery } from '../../src/lrs/door.ts';
import { prepareStatements } from '../../src/lrs/intake.ts';
import type { NewStatement } from '../../src/lrs/store.ts';
import type { Statement } from '../../src/xapi/types.ts';
import { TestClock } from '../support/clock.ts';
import { emptyStore, onEveryEngine, openStorage } from '../support/engines.ts';
import { agentNamed, aStatement, platform } from '../support/statements.ts';

const prepared = (...statements: Statement[]): NewStatement[] =>
  prepareStatements(
    statements.map((value) => ({ text: JSON.stringify(value), value })),
    true,
    { version: '2.0.0', authority: platform, define: true },
  );

const refTo = (id: string) => ({ objectType: 'StatementRef' as const, id });
const voided = { id: 'http://adlnet.gov/expapi/verbs/voided' };

onEveryEngine('StatementStore', ({ storage, reopen, options }) => {
  const store = () => storage().lrs.statements;
  const door = () => createStatementDoor({ store: store(), clock: systemClock });
  const add = (...statements: Statement[]) => store().add(prepared(...statements), systemClock);
  const idsOf = async (filter: Parameters<typeof toQuery>[0]): Promise<string[]> =>
    (await store().find(toQuery(filter, 100))).rows.map(({ id }) => id);

  it('gives back what was stored with id, stored, timestamp, authority and version', async () => {
    const given = aStatement();
    await add(given);
    const found = await door().byId(given.id ?? '');
    expect(found?.statement).to.include({ id: given.id, version: '2.0.0' });
    expect(found?.statement.timestamp).to.equal(found?.statement.stored);
    expect(found?.statement.authority).to.deep.equal(platform.agent);
    expect(found?.authorityId).to.equal('platform');
  });

  it('orders by seq in both directions and pages without loss while others arrive', async () => {
    const agent = agentNamed('pager');
    const first = Array.from({ length: 5 }, () => aStatement({ actor: agent }));
    await add(...first);
    const query = toQuery({ agent }, 2);
    const page = await store().find(query);
    expect(page.next).to.equal(page.rows.at(-1)?.seq);
    await add(aStatement({ actor: agent }));
    const seen = page.rows.map(({ id }) => id);
    let { next } = page;
    while (next !== null) {
      const further = await store().find({ ...query, after: next, through: page.through });
      seen.push(...further.rows.map(({ id }) => id));
      ({ next } = further);
    }
    expect(seen).to.deep.equal(first.map(({ id }) => id).reverse());
    expect((await idsOf({ agent, ascending: true })).slice(0, 5)).to.deep.equal(first.map(({ id }) => id));
  });

  it('finds by every term and by all of them together', async () => {
    const registration = newUuid();
    const actor = agentNamed('terms');
    const verb = { id: 'http://example.org/verbs/tried' };
    const object = { id: 'http://example.org/activities/tried' };
    const given = aStatement({
      actor,
      verb,
      object,
      context: {
        registration,
        contextActivities: { parent: [{ id: 'http://example.org/activities/parent' }] },
      },
    });
    await add(given);
    const [id] = [given.id];
    expect(await idsOf({ agent: actor, verb: verb.id, activity: object.id, registration })).to.deep.equal([
      id,
    ]);
    expect(await idsOf({ activity: 'http://example.org/activities/parent' })).to.deep.equal([]);
    expect(
      await idsOf({ activity: 'http://example.org/activities/parent', relatedActivities: true }),
    ).to.deep.equal([id]);
    expect(await idsOf({ verb: verb.id, agent: agentNamed('somebody else') })).to.deep.equal([]);
  });

  it('since is exclusive, until inclusive, also at equal instants', async () => {
    const clock = new TestClock('2031-01-01T00:00:00.000Z');
    const actor = agentNamed('instants');
    const batch = [aStatement({ actor }), aStatement({ actor })];
    await store().add(prepared(...batch), clock);
    clock.advance(1);
    const later = aStatement({ actor });
    await store().add(prepared(later), clock);
    expect(await idsOf({ agent: actor, since: '2031-01-01T00:00:00Z' })).to.deep.equal([later.id]);
    expect(await idsOf({ agent: actor, until: '2031-01-01T00:00:00Z' })).to.have.length(2);
    expect(
      await idsOf({ agent: actor, since: '2031-01-01T00:00:00Z', until: '2031-01-01T00:00:01Z' }),
    ).to.deep.equal([later.id]);
    expect(await idsOf({ agent: actor, since: '2030-12-31T23:59:59.999Z' })).to.have.length(3);
  });

  it('a clock that steps back never makes stored fall', async () => {
    const clock = new TestClock('2032-01-01T00:00:00.000Z');
    const [a, b] = [aStatement(), aStatement()];
    await store().add(prepared(a), clock);
    clock.set('2020-01-01T00:00:00.000Z');
    await store().add(prepared(b), clock);
    const [first, second] = await Promise.all([store().byId(a.id ?? ''), store().byId(b.id ?? '')]);
    expect(second?.stored).to.be.at.least(first?.stored ?? Infinity);
    expect(second?.seq).to.be.above(first?.seq ?? Infinity);
  });

  describe('immutability (1.0.3 Data 2.3.1)', () => {
    it('takes the same Statement again and changes nothing', async () => {
      const given = aStatement();
      await add(given);
      const before = await store().byId(given.id ?? '');
      await add({ ...given, verb: { id: given.verb.id } });
      expect(await store().byId(given.id ?? '')).to.deep.equal(before);
    });

    it('refuses another Statement of the same id, naming the path, and the rest of its batch', async () => {
      const given = aStatement();
      await add(given);
      const other = aStatement();
      const error = await add(other, { ...given, result: { success: true } }).then(
        () => null,
        (thrown: unknown) => thrown,
      );
      expect(isDomainError(error, 'conflict')).to.equal(true);
      expect(isDomainError(error) && error.problems[0]?.path).to.equal('$.result');
      expect(await store().byId(other.id ?? '')).to.equal(null);
    });

    it('refuses a batch with one id twice', async () => {
      const given = aStatement();
      const error = await add(given, given).then(
        () => null,
        (thrown: unknown) => thrown,
      );
      expect(isDomainError(error, 'invalid')).to.equal(true);
      expect(await store().byId(given.id ?? '')).to.equal(null);
    });

    it('of two writers of one id with different bodies one wins, and all of the other batch is refused', async () => {
      const id = newUuid();
      const stores = await openStorage(options());
      try {
        const batches = ['one', 'two'].map((name) => [
          aStatement(),
          aStatement({ id, actor: agentNamed(name) }),
        ]);
        const outcomes = await Promise.allSettled([
          store().add(prepared(...(batches[0] ?? [])), systemClock),
          stores.lrs.statements.add(prepared(...(batches[1] ?? [])), systemClock),
        ]);
        expect(outcomes.map(({ status }) => status).sort()).to.deep.equal(['fulfilled', 'rejected']);
        for (const [at, outcome] of outcomes.entries()) {
          const companion = await store().byId(batches[at]?.[0]?.id ?? '');
          expect(companion !== null).to.equal(outcome.status === 'fulfilled');
        }
      } finally {
        await stores.close();
      }
    });

    it('of many writers of one id with equal bodies all succeed and it is there once', async () => {
      const given = aStatement({ actor: agentNamed('race') });
      const stores = await openStorage(options());
      try {
        await Promise.all([
          add(given),
          add(given),
          stores.lrs.statements.add(prepared(given), systemClock),
          stores.lrs.statements.add(prepared(given), systemClock),
        ]);
        expect(await idsOf({ agent: agentNamed('race') })).to.deep.equal([given.id]);
      } finally {
        await stores.close();
      }
    });
  });

  describe('voiding (1.0.3 Data 2.3.2)', () => {
    it('hides its target from queries, whichever of the two comes first', async () => {
      const actor = agentNamed('void');
      const [early, late] = [aStatement({ actor }), aStatement({ actor })];
      await add(early);
      const voids = [early, late].map(({ id }) => aStatement({ verb: voided, object: refTo(id ?? '') }));
      await add(...voids);
      await add(late);
      expect((await store().byId(early.id ?? ''))?.voided).to.equal(true);
      expect((await store().byId(late.id ?? ''))?.voided).to.equal(true);
      // The voiding Statements refer to them and are found by what they voided.
      expect(await idsOf({ agent: actor, ascending: true })).to.deep.equal(voids.map(({ id }) => id));
    });

    it('a voiding Statement cannot be voided', async () => {
      const target = aStatement();
      const first = aStatement({ verb: voided, object: refTo(target.id ?? '') });
      await add(target, first);
      await add(aStatement({ verb: voided, object: refTo(first.id ?? '') }));
      expect((await store().byId(first.id ?? ''))?.voided).to.equal(false);
      expect((await store().byId(target.id ?? ''))?.voided).to.equal(true);
    });

    it('through the door it is idempotent', async () => {
      const target = aStatement();
      await add(target);
      await door().void([target.id ?? ''], platform);
      await door().void([target.id ?? ''], platform);
      expect(await door().byId(target.id ?? '')).to.equal(null);
    });
  });

  describe('StatementRef (1.0.3 Communication 2.1.3)', () => {
    it('what refers to a match matches, at any depth and in any order of arrival, under every filter', async () => {
      const actor = agentNamed('chain');
      const registration = newUuid();
      const target = aStatement({
        actor,
        context: { registration },
        object: { id: 'http://example.org/chain' },
      });
      const one = aStatement({ object: refTo(target.id ?? '') });
      const two = aStatement({ object: refTo(one.id ?? '') });
      const three = aStatement({ object: refTo(two.id ?? '') });
      await add(three);
      await add(one, two);
      await add(target);
      const all = [three, one, two, target].map(({ id }) => id);
      for (const filter of [
        { agent: actor },
        { registration },
        { activity: 'http://example.org/chain' },
        { activity: 'http://example.org/chain', relatedActivities: true, agent: actor, relatedAgents: true },
      ])
        expect(await idsOf({ ...filter, ascending: true })).to.deep.equal(all);
    });

    it('tells what refers to a Statement, directly, also before it arrives', async () => {
      const target = aStatement();
      const one = aStatement({ object: refTo(target.id ?? '') });
      const voiding = aStatement({ verb: voided, object: refTo(target.id ?? '') });
      await add(one, aStatement({ object: refTo(one.id ?? '') }));
      expect(await store().referring(target.id ?? '')).to.deep.equal([one.id]);
      await add(target, voiding);
      expect(await store().referring(target.id ?? '')).to.deep.equal([one.id, voiding.id]);
      expect(await store().referring(voiding.id ?? '')).to.deep.equal([]);
    });

    it('a circle of references ends', async () => {
      const [a, b] = [newUuid(), newUuid()];
      await add(aStatement({ id: a, actor: agentNamed('circle'), object: refTo(b) }));
      await add(aStatement({ id: b, object: refTo(a) }));
      expect(await idsOf({ agent: agentNamed('circle'), ascending: true })).to.deep.equal([a, b]);
    });
  });

  it('keeps the newest definition of an Activity, languages joined, and the names of agents', async () => {
    const id = 'http://example.org/defined';
    const object = (definition: object) => ({ id, definition });
    await add(aStatement({ object: object({ name: { en: 'One' }, type: 'http://example.org/t1' }) }));
    await add(aStatement({ object: object({ name: { 'zh-TW': '一' }, type: 'http://example.org/t2' }) }));
    const definition = JSON.parse((await store().definitions([id])).get(id) ?? 'null') as object;
    expect(definition).to.deep.equal({ name: { en: 'One', 'zh-TW': '一' }, type: 'http://example.org/t2' });
    await add(aStatement({ actor: { mbox: 'mailto:a@example.org', name: 'A' } }));
    await add(aStatement({ actor: { mbox: 'mailto:a@example.org', name: 'B' } }));
    expect(await store().agentNames('mailto:a@example.org')).to.deep.equal(['A', 'B']);
  });

  it('hands out everything in order, voided ones too, and keeps it over a restart', async () => {
    const head = await store().head();
    const given = [aStatement(), aStatement(), aStatement()];
    for (const statement of given) await add(statement);
    await reopen();
    const rows = await store().after(head, 10);
    expect(rows.map(({ id }) => id)).to.deep.equal(given.map(({ id }) => id));
    expect(await store().head()).to.equal(rows.at(-1)?.seq);
  });

  it('many writers at once: every Statement once, seqs unique and ordered', async () => {
    const actor = agentNamed('many');
    const stores = await openStorage(options());
    try {
      const given = Array.from({ length: 12 }, () => aStatement({ actor }));
      await Promise.all(
        given.map((statement, at) =>
          (at % 2 ? store() : stores.lrs.statements).add(prepared(statement), systemClock),
        ),
      );
      const { rows } = await store().find(toQuery({ agent: actor, ascending: true }, 100));
      expect(rows.map(({ id }) => id).sort()).to.deep.equal(given.map(({ id }) => id).sort());
      expect(new Set(rows.map(({ seq }) => seq)).size).to.equal(12);
    } finally {
      await stores.close();
    }
  });

  it('puts rows back as they were: seq, stored, text, references, voiding; those that are there stay', async () => {
    const other = await emptyStore(storage().engine);
    if (!other) throw new Error('no second store');
    const copy = await openStorage(other.options);
    try {
      const agent = agentNamed('moved');
      const target = aStatement({ actor: agent });
      const hidden = aStatement({ actor: agent });
      const pointing = aStatement({ object: refTo(target.id ?? '') });
      await add(pointing);
      await add(target, hidden);
      const voiding = aStatement({ verb: voided, object: refTo(hidden.id ?? '') });
      await add(voiding);
      const all = await store().after(0, 10_000);
      await copy.lrs.statements.restore(all);
      await copy.lrs.statements.restore(all.slice(-3));
      expect(await copy.lrs.statements.after(0, 10_000)).to.deep.equal(all);
      expect(await copy.lrs.statements.head()).to.equal(await store().head());
      const query = toQuery({ agent }, 100);
      const found = await copy.lrs.statements.find(query);
      expect(found.rows.map(({ id }) => id)).to.deep.equal([voiding.id, target.id, pointing.id]);
      expect(found.rows).to.deep.equal((await store().find(query)).rows);
      // What arrives next goes on behind them.
      await copy.lrs.statements.add(prepared(aStatement()), systemClock);
      expect(await copy.lrs.statements.head()).to.be.greaterThan(all.at(-1)?.seq ?? 0);
    } finally {
      await copy.close();
      other.remove();
    }
  });
});
