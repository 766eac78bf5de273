import { expect } from 'chai';
import { onEveryEngine } from '../support/engines.ts';

const at = (seconds: number): Date => new Date(Date.UTC(2026, 10, 23, 8, 0, seconds));

onEveryEngine('OnceStore', ({ storage, reopen }) => {
  const store = () => storage().once;

  it('remembers a key once, for one of many who name it at the same moment', async () => {
    const first = await Promise.all(Array.from({ length: 12 }, () => store().remember('seen', at(60))));
    expect(first.filter(Boolean)).to.have.length(1);
    expect(await store().remember('seen', at(60))).to.equal(false);
    expect(await store().remember('other.with$odd|characters', at(60))).to.equal(true);
  });

  it('gives a kept value to one taker only', async () => {
    await store().keep('parcel', 'text 內容', at(60));
    expect(await store().read('parcel', at(0))).to.equal('text 內容');
    const taken = await Promise.all(Array.from({ length: 12 }, () => store().take('parcel', at(0))));
    expect(taken.filter((value) => value !== null)).to.deep.equal(['text 內容']);
    expect(await store().read('parcel', at(0))).to.equal(null);
  });

  it('keeps the last of several values, and through a restart', async () => {
    await Promise.all(['a', 'a', 'a'].map((value) => store().keep('again', value, at(60))));
    await store().keep('again', 'b', at(60));
    await reopen();
    expect(await store().take('again', at(0))).to.equal('b');
  });

  it('hands out nothing that has expired, and tidies it away', async () => {
    await store().keep('old', 'x', at(10));
    expect(await store().read('old', at(10))).to.equal(null);
    expect(await store().take('old', at(10))).to.equal(null);
    expect(await store().deleteExpired(at(10))).to.equal(1);
    expect(await store().remember('old', at(20))).to.equal(true);
  });
});
