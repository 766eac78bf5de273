import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { systemClock } from '../../src/base/clock.ts';
import { newUuid } from '../../src/base/ids.ts';
import { toQuery } from '../../src/lrs/door.ts';
import { prepareStatements } from '../../src/lrs/intake.ts';
import { mostLookedAt, type StatementQuery, type StatementStore } from '../../src/lrs/store.ts';
import type { StatementFilter } from '../../src/lrs/types.ts';
import { createSqliteStatementStore, lrsStatementsSchema } from '../../src/storage/sqlite/lrs-statements.ts';
import { openSqlite, type Sqlite } from '../../src/storage/sqlite/open.ts';
import { identityOf } from '../../src/xapi/actor.ts';
import { isInherited, term, termsOf } from '../../src/xapi/terms.ts';
import type { Statement } from '../../src/xapi/types.ts';
import { agentNamed, aStatement, platform } from '../support/statements.ts';

/** Repeats itself from one seed to the next run. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

interface Known {
  id: string;
  own: Set<string>;
  terms: Set<string>;
  refersTo: string | null;
  voiding: boolean;
  voided: boolean;
}

/** The same by the plain words of 1.0.3 Communication 2.1.3, with everything in one list. */
class Model {
  known: Known[] = [];
  #gain(target: Known, terms: Iterable<string>): void {
    const added = [...terms].filter((each) => isInherited(each) && !target.terms.has(each));
    if (added.length === 0) return;
    for (const each of added) target.terms.add(each);
    for (const source of this.known) if (source.refersTo === target.id) this.#gain(source, added);
  }
  add(statement: Statement): void {
    const object = statement.object as { objectType?: string; id: string };
    const voiding = statement.verb.id === voided.id;
    const own = new Set(termsOf(statement, platform.agent, platform.id));
    const id = statement.id ?? '';
    const refersTo = object.objectType === 'StatementRef' ? object.id : null;
    const sources = this.known.filter((source) => source.refersTo === id);
    const one = { id, own, terms: new Set(own), refersTo, voiding, voided: false };
    one.voided = !voiding && sources.some((source) => source.voiding);
    this.known.push(one);
    const target = this.known.find((each) => each.id === refersTo);
    if (target && voiding && !target.voiding) target.voided = true;
    for (const source of sources) this.#gain(source, one.terms);
    if (target) this.#gain(one, target.terms);
  }
  erase(identity: string): void {
    this.known = this.known.filter(({ own }) => !own.has(term.relatedAgent(identity)));
    for (const { terms } of this.known)
      for (const gone of [term.relatedAgent(identity), term.agent(identity)]) terms.delete(gone);
  }
  find(query: StatementQuery): string[] {
    const found = this.known
      .filter(({ voided: hidden, terms }) => !hidden && query.terms.every((each) => terms.has(each)))
      .map(({ id }) => id);
    return query.ascending ? found : found.reverse();
  }
}

const voided = { id: 'http://adlnet.gov/expapi/verbs/voided' };
const verbs = ['a', 'b', 'c'].map((name) => ({ id: `http://example.org/verbs/${name}` }));
const activities = ['1', '2', '3', '4'].map((name) => `http://example.org/activities/${name}`);
const registrations = [newUuid(), newUuid()];
const agents = ['x', 'y', 'z'].map(agentNamed);

describe('Terms on SQLite, in memory and in the table', () => {
  let dir = '';
  let db: Sqlite;
  let store: StatementStore;
  /** As after a kill: what memory had is gone. */
  const open = (gathered?: number): void => {
    if (db?.open) db.close();
    db = openSqlite(dir, 'normal', [lrsStatementsSchema]);
    store = createSqliteStatementStore(db, gathered === undefined ? {} : { gathered });
  };
  beforeEach(() => (dir = mkdtempSync(join(tmpdir(), 'zhixing-terms-'))));
  afterEach(() => {
    db.close();
    rmSync(dir, { recursive: true });
  });
  const add = (...statements: Statement[]): Promise<void> =>
    store.add(
      prepareStatements(
        statements.map((value) => ({ text: JSON.stringify(value), value })),
        true,
        { version: '2.0.0', authority: platform, define: true },
      ),
      systemClock,
    );
  const rowsInTable = (): number =>
    db.prepare<[], number>('SELECT count(*) FROM lrs_terms').pluck().get() ?? 0;
  /** Every page of the query, as rows and as text. */
  const pages = async (query: StatementQuery): Promise<string[]> => {
    const ids: string[] = [];
    let { after, through } = query;
    for (;;) {
      const page = await store.find({ ...query, after, through });
      const text = await store.findText({ ...query, after, through });
      expect(text.text.toString()).to.equal(page.rows.map(({ body }) => body).join(','));
      expect(text.next).to.equal(page.next);
      ids.push(...page.rows.map(({ id }) => id));
      if (page.next === null) return ids;
      ({ next: after, through } = page);
    }
  };

  for (const [seed, gathered] of [
    [1, 15],
    [2, 60],
    [3, 200],
    [4, 1_000_000],
  ] as const)
    it(`every query finds what it must, whatever has moved: ${gathered} rows gathered, restarts, erasures`, async () => {
      const random = randomFrom(seed);
      const one = <T>(of: readonly T[]): T => of[random(of.length)] as T;
      const model = new Model();
      const announced: string[] = [];
      open(gathered);
      const aRandom = (): Statement => {
        const id = announced.length > 0 && random(3) === 0 ? (announced.pop() ?? newUuid()) : newUuid();
        const what = random(10);
        const someone = one(model.known)?.id ?? newUuid();
        const context = random(2) === 0 ? { context: { registration: one(registrations) } } : {};
        if (what < 7)
          return aStatement({
            id,
            actor: one(agents),
            verb: one(verbs),
            object: { id: one(activities) },
            ...context,
          });
        // Of one that is there, or of one to come.
        const target = random(3) === 0 ? newUuid() : someone;
        if (target !== someone) announced.push(target);
        return aStatement({
          id,
          actor: one(agents),
          verb: what === 9 ? voided : one(verbs),
          object: { objectType: 'StatementRef', id: target },
          ...context,
        });
      };
      for (let round = 0; round < 120; round++) {
        const batch = Array.from({ length: 1 + random(6) }, aRandom);
        await add(...batch);
        for (const statement of batch) model.add(statement);
        if (random(15) === 0) open(gathered);
        if (random(40) === 0) {
          const identity = identityOf(one(agents)) ?? '';
          while ((await store.erase(identity, 7)) > 0);
          model.erase(identity);
          expect(await store.countOf(identity)).to.equal(0);
        }
        const filter: StatementFilter = {
          ascending: random(2) === 0,
          relatedAgents: random(2) === 0,
          relatedActivities: random(2) === 0,
          ...(random(2) === 0 ? { agent: one(agents) } : {}),
          ...(random(2) === 0 ? { verb: one(verbs).id } : {}),
          ...(random(2) === 0 ? { activity: one(activities) } : {}),
          ...(random(4) === 0 ? { registration: one(registrations) } : {}),
        };
        const query = toQuery(filter, 1 + random(20));
        expect(await pages(query), JSON.stringify(filter)).to.deep.equal(model.find(query));
        expect(await store.count({ ...query, limit: 1000 })).to.equal(model.find(query).length);
        const identity = identityOf(one(agents)) ?? '';
        const naming = model.known.filter(({ own }) => own.has(term.relatedAgent(identity)));
        expect(await store.countOf(identity)).to.equal(naming.length);
      }
      const total = model.known.reduce((sum, { terms }) => sum + terms.size, 0);
      if (gathered < 100) expect(rowsInTable()).to.be.greaterThan(total / 2);
      if (gathered > 100_000) expect(rowsInTable()).to.be.lessThan(total / 2);
    });

  it('memory stays bounded: with every transaction older rows go to the table', async () => {
    open(500);
    for (let at = 0; at < 60; at++)
      await add(...Array.from({ length: 20 }, () => aStatement({ actor: agentNamed(`a${at % 7}`) })));
    const all = 60 * 20 * termsOf(aStatement(), platform.agent, platform.id).length;
    // Two generations at most are not there yet.
    expect(rowsInTable()).to.be.greaterThan(all - 2 * 500 - 20 * 10);
  });

  it('what another process stores meanwhile is found, and it finds what this one stores', async () => {
    open(60);
    const other = openSqlite(dir, 'normal', [lrsStatementsSchema]);
    const others = createSqliteStatementStore(other, { gathered: 60 });
    const mine = store;
    const actor = agentNamed('both');
    for (let at = 0; at < 30; at++) {
      store = at % 2 === 0 ? mine : others;
      await add(aStatement({ actor }));
      for (const each of [mine, others]) {
        store = each;
        expect(await pages(toQuery({ agent: actor }, 7))).to.have.length(at + 1);
      }
    }
    store = mine;
    other.close();
  });

  it('a store from before memory had a part in it is whole in the table', async () => {
    open();
    const actor = agentNamed('of-old');
    await add(...Array.from({ length: 5 }, () => aStatement({ actor })));
    // As that version left it: every row in the table, without its verb, and no word of how far.
    db.exec(`DROP TABLE lrs_terms_through; ALTER TABLE lrs_terms DROP COLUMN verb;
      UPDATE schema_steps SET done = 1 WHERE module = 'lrs-statements'`);
    const seqs = db.prepare<[], number>('SELECT seq FROM lrs_statements').pluck().all();
    const key = db.prepare<[string], number>('SELECT key FROM lrs_term_keys WHERE term = ?').pluck();
    const both = { verb: aStatement().verb.id, agent: actor };
    for (const seq of seqs)
      for (const text of toQuery(both, 10).terms)
        db.prepare('INSERT INTO lrs_terms (key, seq) VALUES (?, ?)').run(key.get(text), seq);
    open();
    expect(db.prepare('SELECT seq FROM lrs_terms_through').pluck().get()).to.equal(5);
    expect(await pages(toQuery({ verb: both.verb }, 2))).to.have.length(5);
    expect(await pages(toQuery(both, 2))).to.have.length(5);
    // What comes now says its verb; both are found together.
    const [, other = verbs[0]] = verbs;
    await add(
      aStatement({ actor }),
      aStatement({ actor: agentNamed('another'), verb: other } as Partial<Statement>),
    );
    while ((await store.erase('nobody', 1)) > 0);
    expect(await pages(toQuery(both, 2))).to.have.length(6);
    expect(await pages(toQuery({ ...both, verb: other?.id ?? '' }, 2))).to.have.length(0);
  });

  it('a page ends after so many looked at, empty as it may be, and the next ones find the rest', async function () {
    this.timeout(60_000);
    open(2000);
    const [one, two] = [agentNamed('one'), agentNamed('two')];
    const both = async (): Promise<void> => add(aStatement({ actor: one, object: two }));
    const theirs = (actor: object, verb: { id: string }) =>
      Array.from({ length: 500 }, () => aStatement({ actor, verb } as Partial<Statement>));
    const filter = { agent: one, verb: verbs[0]?.id ?? '' };
    await add(aStatement({ actor: one, ...{ verb: verbs[0] } } as Partial<Statement>));
    // Two large terms that nothing has both of.
    for (let at = 0; at < mostLookedAt / 500 + 4; at++)
      await add(...theirs(one, verbs[1] ?? voided), ...theirs(two, verbs[0] ?? voided));
    await both();
    for (const ascending of [true, false]) {
      const query = toQuery({ ...filter, ascending }, 10);
      const first = await store.find(query);
      expect(first.next).to.not.equal(null);
      expect(first.rows).to.have.length(ascending ? 1 : 0);
      expect(await pages(query)).to.have.length(1);
      expect(await store.count({ ...query, limit: 10 })).to.equal(1);
    }
  });
});
