import { expect } from 'chai';
import { newUuid } from '../../src/base/ids.ts';
import type { StoredItemState } from '../../src/player/runtime/store.ts';
import { onEveryEngine } from '../support/engines.ts';

const at = (seconds: number): Date => new Date(Date.UTC(2026, 10, 23, 8, 0, seconds));
const state = (overrides: Partial<StoredItemState> = {}): StoredItemState => ({
  registration: newUuid(),
  item: 'item-1',
  launchId: newUuid(),
  sequence: 1,
  body: '{"cmi":{"cmi.suspend_data":"a.b$c"}}',
  outbox: null,
  updatedAt: at(0),
  revision: 0,
  ...overrides,
});

onEveryEngine('RuntimeStateStore', ({ storage }) => {
  const store = () => storage().runtimeStates;

  it('gives back what was put, with the revision raised', async () => {
    const one = state({ item: '  a 中文 item with "marks" ' });
    expect(await store().put(one)).to.equal(true);
    expect(await store().get(one.registration, one.item)).to.deep.equal({ ...one, revision: 1 });
    expect(await store().get(one.registration, 'other')).to.equal(null);
  });

  it('lets one of two first writers win, and one of two next ones', async () => {
    const one = state();
    const first = await Promise.all([store().put(one), store().put({ ...one, sequence: 7 })]);
    expect(first.filter(Boolean)).to.have.length(1);
    const next = { ...one, revision: 1 };
    const second = await Promise.all([
      store().put({ ...next, sequence: 8 }),
      store().put({ ...next, sequence: 9 }),
    ]);
    expect(second.filter(Boolean)).to.have.length(1);
    const kept = await store().get(one.registration, one.item);
    expect(kept?.sequence).to.equal(second[0] ? 8 : 9);
    expect(kept?.revision).to.equal(2);
  });

  it('keeps an outbox until it is emptied at the same revision', async () => {
    const one = state({ outbox: '{"statements":[]}', updatedAt: at(5) });
    await store().put(one);
    const owing = async (before: number): Promise<boolean> =>
      (await store().withOutbox(at(before), 1000)).some(
        ({ registration }) => registration === one.registration,
      );
    expect(await owing(5)).to.equal(false);
    expect(await owing(6)).to.equal(true);
    expect(await store().clearOutbox({ ...one, revision: 9 })).to.equal(false);
    expect(await store().clearOutbox({ ...one, revision: 1 })).to.equal(true);
    expect(await owing(6)).to.equal(false);
    expect((await store().get(one.registration, one.item))?.revision).to.equal(2);
  });

  it('lists a registration by item', async () => {
    const registration = newUuid();
    for (const item of ['b', 'a', '']) await store().put(state({ registration, item }));
    expect((await store().ofRegistration(registration)).map(({ item }) => item)).to.deep.equal([
      '',
      'a',
      'b',
    ]);
  });

  it('counts the learners with data by item of a package version', async () => {
    const version = newUuid();
    for (const item of ['a', 'a', 'b']) await store().put(state({ item, packageVersionId: version }));
    const moving = state({ item: 'b', packageVersionId: newUuid() });
    await store().put(moving);
    expect(await store().countByItem(version)).to.deep.equal(
      new Map([
        ['a', 2],
        ['b', 1],
      ]),
    );
    await store().put({ ...moving, revision: 1, packageVersionId: version });
    expect((await store().countByItem(version)).get('b')).to.equal(2);
    expect((await store().get(moving.registration, 'b'))?.packageVersionId).to.equal(version);
    expect(await store().countByItem('none')).to.deep.equal(new Map());
  });

  it('holds a state of a megabyte', async () => {
    const one = state({ body: JSON.stringify({ value: '學'.repeat(400_000) }) });
    await store().put(one);
    expect((await store().get(one.registration, one.item))?.body).to.equal(one.body);
  });
});
