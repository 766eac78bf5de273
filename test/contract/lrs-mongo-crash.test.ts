import { expect } from 'chai';
import mongoose, { type Connection } from 'mongoose';
import { newUuid } from '../../src/base/ids.ts';
import type { Storage } from '../../src/storage/open.ts';
import { createStatementDoor, toQuery } from '../../src/lrs/door.ts';
import { TestClock } from '../support/clock.ts';
import { emptyStore, type EmptyStore, openStorage } from '../support/engines.ts';
import { agentNamed, aStatement, platform } from '../support/statements.ts';

interface Sequence {
  _id: string;
  next: number;
  stored: number;
  open: object[];
  rev: number;
}

// What a process that dies between two writes leaves behind is made by hand, from a finished batch.
describe('StatementStore after a crash on mongodb', () => {
  const clock = new TestClock();
  let empty: EmptyStore | null = null;
  let storage: Storage;
  let raw: Connection;
  before(async function () {
    this.timeout(600_000); // the first run builds the server
    empty = await emptyStore('mongodb');
    if (!empty) return this.skip();
    storage = await openStorage(empty.options);
    raw = await mongoose.createConnection(empty.options.mongodbUri ?? '').asPromise();
  });
  after(async () => {
    await raw?.close();
    await storage?.close();
    empty?.remove();
  });

  const store = () => storage.lrs.statements;
  const door = () => createStatementDoor({ store: store(), clock });
  const idsOf = async (name: string): Promise<string[]> =>
    (await store().find(toQuery({ agent: agentNamed(name) }, 10))).rows.map(({ id }) => id);

  /** Turns the last batch back into one that is not finished. */
  const reopen = async (ids: string[], phase: 'writing' | 'committed'): Promise<void> => {
    const statements = raw.collection<{ _id: string; seq: number; batch: string }>('lrs_statements');
    const rows = await statements.find({ _id: { $in: ids } }).toArray();
    const first = Math.min(...rows.map(({ seq }) => seq));
    const sequence = raw.collection<Sequence>('lrs_sequence');
    const [state] = await sequence.find().toArray();
    await sequence.updateOne(
      { _id: 'statements' },
      {
        $set: {
          open: [
            {
              batch: rows[0]?.batch,
              first,
              count: ids.length,
              stored: state?.stored,
              phase,
              until: clock.now().getTime() + 10_000,
            },
          ],
          rev: (state?.rev ?? 0) + 1,
        },
      },
    );
  };

  it('a half-written batch is never visible, and is undone by whoever writes next', async () => {
    const actor = agentNamed('half');
    const ids = await door().store([aStatement({ actor }), aStatement({ actor })], platform);
    const seqs = (await store().find(toQuery({ agent: actor, ascending: true }, 10))).rows.map(
      ({ seq }) => seq,
    );
    await reopen(ids, 'writing');
    expect(await idsOf('half')).to.deep.equal([]);
    expect(await store().byId(ids[0] ?? '')).to.equal(null);
    expect(await store().after((seqs[0] ?? 0) - 1, 10)).to.deep.equal([]);
    expect(await store().consistentThrough(clock.now().getTime() + 1)).to.be.below(clock.now().getTime());
    clock.advance(11);
    await door().store([aStatement({ actor: agentNamed('next') })], platform);
    expect(await idsOf('half')).to.deep.equal([]);
    expect(await idsOf('next')).to.have.length(1);
    // The ids are free again.
    await door().store([aStatement({ id: ids[0] ?? '', actor })], platform);
    expect(await idsOf('half')).to.deep.equal([ids[0]]);
  });

  it('a decided batch is completed by whoever writes next, its references and voidings too', async () => {
    const target = newUuid();
    await door().store([aStatement({ id: target, actor: agentNamed('target') })], platform);
    const [reference = ''] = await door().store(
      [
        aStatement({
          verb: { id: 'http://adlnet.gov/expapi/verbs/voided' },
          object: { objectType: 'StatementRef', id: target },
        }),
      ],
      platform,
    );
    await raw
      .collection<{ _id: string }>('lrs_statements')
      .updateOne({ _id: target }, { $set: { voided: false } });
    await reopen([reference], 'committed');
    expect(await store().byId(reference)).to.equal(null);
    clock.advance(11);
    await door().store([aStatement()], platform);
    expect((await store().byId(reference))?.voiding).to.equal(true);
    expect((await store().byId(target))?.voided).to.equal(true);
    expect(await idsOf('target')).to.deep.equal([reference]);
  });
});
