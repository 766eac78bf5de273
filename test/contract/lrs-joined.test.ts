import { expect } from 'chai';
import { systemClock } from '../../src/base/clock.ts';
import { newUuid } from '../../src/base/ids.ts';
import { allRows } from '../../src/lrs/admin/export.ts';
import { createErasures } from '../../src/lrs/admin/erasure.ts';
import { createStatementDoor } from '../../src/lrs/door.ts';
import { countAny, findAny, queriesOf } from '../../src/lrs/joined.ts';
import { agentOf, identityOf } from '../../src/xapi/actor.ts';
import type { Agent, Statement } from '../../src/xapi/types.ts';
import { onEveryEngine } from '../support/engines.ts';
import { agentNamed, aStatement, platform } from '../support/statements.ts';

onEveryEngine('Agents that are one person', ({ storage }) => {
  const lrs = () => storage().lrs;
  const add = (...statements: Statement[]) =>
    createStatementDoor({ store: lrs().statements, clock: systemClock }).store(statements, platform);
  const identity = (agent: Agent): string => identityOf(agent) ?? '';
  const idsOf = async (rows: AsyncIterable<{ id: string }>): Promise<string[]> => {
    const ids: string[] = [];
    for await (const { id } of rows) ids.push(id);
    return ids;
  };

  /** Statements of two Agents in turn, one that names both, and one of somebody else. */
  const story = async () => {
    const [one, two, other] = [agentNamed(newUuid()), agentNamed(newUuid()), agentNamed(newUuid())];
    const written: Statement[] = [];
    for (let n = 0; n < 7; n++) written.push(aStatement({ actor: n % 3 === 0 ? two : one }));
    written.push(aStatement({ actor: one, object: two }));
    for (const statement of written) await add(statement);
    await add(aStatement({ actor: other }));
    await lrs().personas.link(identity(two), identity(one), new Date());
    return { one, two, other, ids: written.map(({ id }) => id) };
  };

  it('are read as one, from either of them, each Statement once and in order, on pages of any size', async () => {
    const { one, two, other, ids } = await story();
    for (const agent of [one, two])
      for (const ascending of [true, false])
        for (const limit of [1, 2, 3, 100]) {
          let queries = await queriesOf(lrs().personas, { agent, ascending }, limit);
          const seen: (string | undefined)[] = [];
          for (;;) {
            const { rows, next, through } = await findAny(lrs().statements, queries);
            expect(rows.length).to.be.at.most(limit);
            seen.push(...rows.map(({ id }) => id));
            if (next === null) break;
            queries = queries.map((query) => ({ ...query, after: next, through }));
          }
          expect(seen).to.deep.equal(ascending ? ids : ids.toReversed());
        }
    expect(await idsOf(allRows(lrs(), { agent: two }))).to.deep.equal(ids);
    expect(await countAny(lrs().statements, await queriesOf(lrs().personas, { agent: two }, 100))).to.equal(
      ids.length,
    );
    expect(await idsOf(allRows(lrs(), { agent: other }))).to.have.length(1);
  });

  it("leave xAPI's own agent parameter what it is", async () => {
    const { one } = await story();
    const found = await createStatementDoor({ store: lrs().statements, clock: systemClock }).find({
      agent: one,
    });
    expect(found).to.have.length(5);
  });

  it('are apart again once the link is undone', async () => {
    const { one, two } = await story();
    await lrs().personas.unlink(identity(two), identity(one));
    expect(await idsOf(allRows(lrs(), { agent: two }))).to.have.length(4);
  });

  it('are erased together', async () => {
    const { one, two, other } = await story();
    const erasures = createErasures({ ...lrs(), store: lrs().admin, clock: systemClock });
    expect((await erasures.dryRun(two)).statements).to.equal(9);
    const { id } = await erasures.request(two, '本人請求', 'admin-1');
    await erasures.confirm(id, 'admin-2');
    for (const agent of [one, two]) {
      expect(await idsOf(allRows(lrs(), { agent }))).to.deep.equal([]);
      expect(await lrs().personas.joined(identity(agent))).to.deep.equal([identity(agent)]);
    }
    expect(await idsOf(allRows(lrs(), { agent: other }))).to.have.length(1);
  });

  it('an identity is the Agent again', () => {
    const agents: Agent[] = [
      { account: { homePage: 'https://example.org/a', name: 'with space 字' } },
      { mbox: 'mailto:a@example.org' },
      { mbox_sha1sum: 'f'.repeat(40) },
      { openid: 'https://example.org/me' },
    ];
    for (const agent of agents) expect(agentOf(identity(agent))).to.deep.equal(agent);
    expect(agentOf('something else')).to.equal(null);
  });
});
