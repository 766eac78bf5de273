import { expect } from 'chai';
import { onEveryEngine } from '../support/engines.ts';

const at = (seconds: number): Date => new Date(Date.UTC(2026, 10, 23, 8, 0, seconds));

onEveryEngine('RateCounterStore', ({ storage }) => {
  const store = () => storage().rateCounters;

  it('counts per key and window', async () => {
    expect(await store().add('a', at(0), at(60))).to.equal(1);
    expect(await store().add('a', at(0), at(60))).to.equal(2);
    expect(await store().add('b', at(0), at(60))).to.equal(1);
    expect(await store().add('a', at(60), at(120))).to.equal(1);
  });

  it('loses no count when many add at once', async () => {
    const counts = await Promise.all(Array.from({ length: 20 }, () => store().add('race', at(0), at(60))));
    expect(counts.toSorted((x, y) => x - y)).to.deep.equal(Array.from({ length: 20 }, (_, i) => i + 1));
  });

  it('deletes the windows that have passed', async () => {
    expect(await store().deleteExpired(at(60))).to.equal(3);
    expect(await store().add('a', at(60), at(120))).to.equal(2);
  });
});
