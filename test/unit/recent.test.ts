import { expect } from 'chai';
import { recent } from '../../src/base/recent.ts';

describe('what was loaded lately', () => {
  it('is loaded once, forgets the one that was used longest ago, and asks again for what is not there', async () => {
    const asked: string[] = [];
    const get = recent(2, async (id) => {
      asked.push(id);
      return id === 'none' ? null : id.toUpperCase();
    });
    expect([await get('a'), await get('b'), await get('a')]).to.deep.equal(['A', 'B', 'A']);
    expect(asked).to.deep.equal(['a', 'b']);
    await get('c'); // b goes
    await get('a');
    await get('b');
    expect(asked).to.deep.equal(['a', 'b', 'c', 'b']);
    expect([await get('none'), await get('none')]).to.deep.equal([null, null]);
    expect(asked.slice(4)).to.deep.equal(['none', 'none']);
  });
});
