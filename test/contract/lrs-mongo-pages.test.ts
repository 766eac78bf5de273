import { expect } from 'chai';
import { newUuid } from '../../src/base/ids.ts';
import { toQuery } from '../../src/lrs/door.ts';
import { prepareStatements } from '../../src/lrs/intake.ts';
import type { StatementStore } from '../../src/lrs/store.ts';
import type { StatementFilter } from '../../src/lrs/types.ts';
import { createMongoStatementStore } from '../../src/storage/mongo/lrs-statements.ts';
import { type Connection, openMongo } from '../../src/storage/mongo/open.ts';
import type { Statement } from '../../src/xapi/types.ts';
import { TestClock } from '../support/clock.ts';
import { emptyStore, type EmptyStore } from '../support/engines.ts';
import { agentNamed, aStatement, platform } from '../support/statements.ts';

const looked = 20;
const verbs = ['a', 'b', 'rare'].map((name) => ({ id: `http://example.org/verbs/${name}` }));
const activities = ['1', '2', '3'].map((name) => `http://example.org/activities/${name}`);
const agents = ['x', 'y'].map(agentNamed);
const voided = { id: 'http://adlnet.gov/expapi/verbs/voided' };

describe('A page of Statements on MongoDB', function () {
  this.timeout(120_000);
  const clock = new TestClock();
  let empty: EmptyStore | null = null;
  let connection: Connection;
  let store: StatementStore;
  const all: Statement[] = [];
  const hidden = new Set<string | undefined>();

  before(async function () {
    this.timeout(600_000); // the first run builds the server
    empty = await emptyStore('mongodb');
    if (!empty) return this.skip();
    connection = await openMongo(empty.options.mongodbUri ?? '');
    store = await createMongoStatementStore(connection, { looked });
    for (let n = 0; n < 150; n++)
      all.push(
        aStatement({
          id: newUuid(),
          actor: agents[n % 2],
          // The second verb only with the second agent, so that some conjunctions are long and empty; the third is rare.
          verb: n % 31 === 0 ? verbs[2] : verbs[n % 2],
          object: { objectType: 'Activity', id: activities[n % 3] },
        } as Partial<Statement>),
      );
    for (const target of all.filter((_, n) => n % 10 < 3)) {
      hidden.add(target.id);
      all.push(
        aStatement({
          actor: agents[0],
          verb: voided,
          object: { objectType: 'StatementRef', id: target.id },
        } as Partial<Statement>),
      );
    }
    for (let at = 0; at < all.length; at += 50) {
      clock.advance(1);
      const sent = all.slice(at, at + 50).map((value) => ({ text: JSON.stringify(value), value }));
      const prepared = prepareStatements(sent, true, { version: '2.0.0', authority: platform, define: true });
      await store.add(prepared, clock);
    }
  });
  after(async () => {
    await connection?.close();
    empty?.remove();
  });

  const nameOf = ({ actor }: Statement): string => JSON.stringify(actor);
  /** The Statement's own words; what refers to one is found by that one's too (Communication 2.1.3). */
  const matches = (statement: Statement, filter: StatementFilter): boolean => {
    const object = statement.object as { objectType: string; id: string };
    const target = object.objectType === 'StatementRef' ? all.find(({ id }) => id === object.id) : undefined;
    const of = [statement, ...(target ? [target] : [])];
    return (
      (!filter.agent || of.some((one) => nameOf(one) === JSON.stringify(filter.agent))) &&
      (!filter.verb || of.some(({ verb }) => verb.id === filter.verb)) &&
      (!filter.activity || of.some((one) => (one.object as { id: string }).id === filter.activity))
    );
  };

  const [[x, y], [a, b, rare], [first]] = [agents, verbs.map(({ id }) => id), activities];
  const filters = [
    {},
    { agent: x },
    { verb: rare },
    { agent: y, verb: a },
    { agent: x, activity: first },
    { agent: y, verb: b, activity: first },
  ] as StatementFilter[];

  it('looks at so many that have the rarest term, and leads on from there until everything is found', async () => {
    let short = 0;
    for (const filter of filters)
      for (const ascending of [true, false]) {
        const query = toQuery({ ...filter, ascending }, 7);
        const found: string[] = [];
        let { after, through } = query;
        for (let pages = 0; ; pages++) {
          expect(pages).to.be.below(40);
          const page = await store.find({ ...query, after, through });
          found.push(...page.rows.map(({ id }) => id));
          if (page.next === null) break;
          if (page.rows.length < 7) short++;
          expect(page.next).to.not.equal(after);
          ({ next: after, through } = page);
        }
        const expected = all.filter((one) => !hidden.has(one.id) && matches(one, filter)).map(({ id }) => id);
        expect(found, JSON.stringify(query)).to.deep.equal(ascending ? expected : expected.reverse());
        expect(await store.count({ ...query, limit: 1000 })).to.equal(expected.length);
      }
    // Long runs of what does not match, or is voided, end a page early.
    expect(short).to.be.above(5);
  });

  it('has the rarest term lead: a rare verb beside a common agent is one page, however many the agent has', async () => {
    for (const agent of agents) {
      const filter = { agent, verb: rare ?? '' };
      const page = await store.find(toQuery(filter, 50));
      expect(page.next).to.equal(null);
      expect(page.rows.map(({ id }) => id)).to.deep.equal(
        all
          .filter((one) => !hidden.has(one.id) && matches(one, filter))
          .map(({ id }) => id)
          .reverse(),
      );
    }
  });
});
