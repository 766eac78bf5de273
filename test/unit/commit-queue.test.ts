import { expect } from 'chai';
import fc from 'fast-check';
import { CommitQueue, pieces, type CommitAnswer, type Step } from '../../src/player/client/commit-queue.ts';
import { applyCommit } from '../../src/player/runtime/apply.ts';
import type { Commit } from '../../src/player/runtime/commit.ts';
import { emptyItemState, type ItemState } from '../../src/player/runtime/item-state.ts';
import type { StatementFrame } from '../../src/player/runtime/statements.ts';

const beaconBytes = 65_536;
const bytesOf = (commits: Commit[]): number => Buffer.byteLength(JSON.stringify(commits));

/** A browser's storage, which outlives its windows. */
function storage(kept = new Map<string, string>()) {
  return {
    get length() {
      return kept.size;
    },
    key: (n: number) => [...kept.keys()][n] ?? null,
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
  };
}
const accepted = (commits: Commit[]): CommitAnswer => ({
  acknowledged: commits.map(({ item, sequence }) => ({ item, sequence })),
  refused: [],
});
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function queueOn(
  kept: ReturnType<typeof storage>,
  launchId: string,
  send: (commits: Commit[], from: string | null) => Promise<CommitAnswer | null>,
) {
  const beacons: Commit[][] = [];
  const states: string[] = [];
  const queue = new CommitQueue({
    storage: kept,
    send,
    beacon: (commits) => beacons.push(commits) > 0,
    registration: 'r1',
    launchId,
    onState: (state) => void states.push(state),
    later: () => undefined,
  });
  return { queue, beacons, states };
}

describe('commits on their way from the browser', () => {
  it('a step of any size goes in pieces that each fit a beacon, and comes to the same on the server', () => {
    const frame: StatementFrame = {
      standard: '2004',
      actor: { mbox: 'mailto:learner@example.org' },
      registration: '11111111-1111-4111-8111-111111111111',
      course: { activityId: 'http://localhost/c', title: '課' },
      item: { activityId: 'http://localhost/i', title: '單元' },
      attemptId: 'http://localhost/a',
      revision: '1',
      platform: 'Zhixing',
      language: 'zh-TW',
      practice: 'http://localhost/practice',
      timestamp: '2026-11-23T08:00:00.000Z',
      seed: 's',
    };
    const after = (commits: Commit[]): ItemState =>
      commits.reduce<ItemState>(
        (state, commit) => applyCommit(state, commit, () => frame, '2004').state,
        emptyItemState,
      );
    const long = fc
      .tuple(fc.constantFrom('記', 'a', '"', '𠮷', '\u0001'), fc.integer({ min: 0, max: 40_000 }))
      .map(([letter, times]) => letter.repeat(times));
    const step = fc.record({
      item: fc.constant('A'),
      start: fc.constant(true),
      set: fc.array(
        fc.tuple(
          fc.constantFrom('cmi.suspend_data', 'cmi.location', 'cmi.comments_from_learner.0.comment'),
          long,
        ),
        { maxLength: 4 },
      ),
    });
    fc.assert(
      fc.property(step, fc.boolean(), (given, ends) => {
        const whole: Step = { ...given, ...(ends ? { end: { exit: 'suspend' } } : {}) };
        const cut = pieces(whole, 7);
        expect(cut.map(({ sequence }) => sequence)).to.deep.equal(cut.map((_, n) => n + 7));
        for (const piece of cut) expect(bytesOf([piece])).to.be.below(beaconBytes - 1000);
        expect(after(cut)).to.deep.equal(after([{ ...whole, sequence: 7 }]));
      }),
      { numRuns: 40 },
    );
  });

  it('when the page goes away everything unsent is handed over, each beacon below 64 KB', async () => {
    const { queue, beacons } = queueOn(storage(), 'l1', () => Promise.reject(new Error('no network')));
    queue.add({ item: 'A', set: [['cmi.suspend_data', '記'.repeat(60_000)]] });
    queue.add({ item: 'A', set: [['cmi.location', 'last']], end: { exit: 'suspend' } });
    await settled();
    queue.sendByBeacon();
    expect(beacons.length).to.be.above(2);
    for (const one of beacons) expect(bytesOf(one) + 300).to.be.below(beaconBytes);
    expect(beacons.flat().map(({ sequence }) => sequence)).to.deep.equal(beacons.flat().map((_, n) => n + 1));
    expect(beacons.flat().at(-1)?.end).to.deep.equal({ exit: 'suspend' });
  });

  it('keeps a step until it is acknowledged; the next window sends it before anything is read', async () => {
    const kept = storage();
    const first = queueOn(kept, 'l1', () => Promise.reject(new Error('no network')));
    first.queue.add({ item: 'A', set: [['cmi.location', 'p1']] });
    await settled();
    expect(first.states.at(-1)).to.equal('offline');
    const sent: [number, string | null][] = [];
    const second = queueOn(kept, 'l2', async (commits, from) => {
      for (const { sequence } of commits) sent.push([sequence, from]);
      return accepted(commits);
    });
    await second.queue.sendLeftovers();
    expect(sent).to.deep.equal([[1, 'l1']]);
    expect(kept.length).to.equal(0);
  });

  it('leaves them for the next window when this one may not send, and when sending fails', async () => {
    const kept = storage();
    const first = queueOn(kept, 'l1', () => Promise.reject(new Error('no network')));
    first.queue.add({ item: 'A', set: [['cmi.location', 'p1']] });
    await settled();
    await queueOn(kept, 'l2', async () => null).queue.sendLeftovers();
    expect(kept.length).to.equal(1);
    const failed = await queueOn(kept, 'l3', () => Promise.reject(new Error('no network')))
      .queue.sendLeftovers()
      .catch((error: Error) => error.message);
    expect(failed).to.equal('no network');
    expect(kept.length).to.equal(1);
  });

  it('a window whose lesson was opened elsewhere since drops its steps and says so', async () => {
    const { queue, states } = queueOn(storage(), 'l1', async (commits) => ({
      acknowledged: [],
      refused: commits.map(({ item }) => ({ item, reason: 'stale' as const, expected: 0 })),
    }));
    queue.add({ item: 'A', set: [['cmi.location', 'old']] });
    await settled();
    expect(queue.empty).to.equal(true);
    expect(states.at(-1)).to.equal('stale');
  });

  it('an answer that was lost is asked for again, in the same numbers', async () => {
    const seen: number[][] = [];
    let again = (): void => undefined;
    const queue = new CommitQueue({
      storage: storage(),
      async send(commits) {
        seen.push(commits.map(({ sequence }) => sequence));
        if (seen.length === 1) throw new Error('the answer is lost');
        return accepted(commits);
      },
      beacon: () => true,
      registration: 'r1',
      launchId: 'l1',
      onState: () => undefined,
      later: (act) => void (again = act),
    });
    queue.add({ item: 'A', set: [['cmi.location', 'p1']] });
    await settled();
    queue.add({ item: 'A', set: [['cmi.location', 'p2']] });
    again();
    await settled();
    await settled();
    expect(seen).to.deep.equal([[1], [1, 2]]);
    expect(queue.empty).to.equal(true);
  });
});
