import { expect } from 'chai';
import fc from 'fast-check';
import { createRuntimeClient, Refused } from '../../src/player/client/api-client.ts';
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

  describe('a step that the server refuses for good', () => {
    const aside = (kept: ReturnType<typeof storage>): Commit[] =>
      JSON.parse(kept.getItem('zhixing.refused.r1') ?? '[]') as Commit[];
    /** A server that knows what a step's values may be called, and notices a missing step. */
    const server = (bad: (commit: Commit) => string[] | null, last = new Map<string, number>()) => {
      const taken: Commit[] = [];
      return {
        taken,
        async send(commits: Commit[]): Promise<CommitAnswer> {
          const answer: CommitAnswer = { acknowledged: [], refused: [] };
          for (const commit of commits) {
            const paths = bad(commit);
            if (paths) throw new Refused('400', { forGood: true, paths });
            const before = last.get(commit.item) ?? 0;
            if (commit.sequence > before + 1)
              answer.refused.push({ item: commit.item, reason: 'gap', expected: before + 1 });
            else {
              if (commit.sequence === before + 1) taken.push(commit);
              last.set(commit.item, Math.max(before, commit.sequence));
              answer.acknowledged.push({ item: commit.item, sequence: commit.sequence });
            }
          }
          return answer;
        },
      };
    };
    const drained = async (queue: CommitQueue): Promise<void> => {
      for (let n = 0; n < 40 && !queue.empty; n++) await settled();
    };

    it('loses what is named, is set aside and said; those behind it are saved', async () => {
      const kept = storage();
      const wrong = ({ set }: Commit) => (set.some(([name]) => name === 'cmi.wrong') ? ['cmi.wrong'] : null);
      const { taken, send } = server(wrong);
      const { queue, states } = queueOn(kept, 'l1', send);
      for (let n = 1; n <= 9; n++)
        queue.add({
          item: n % 2 ? 'A' : 'B',
          set: [['cmi.location', `p${n}`], ...(n === 5 ? [['cmi.wrong', 'x'] as [string, string]] : [])],
        });
      await drained(queue);
      expect(queue.empty).to.equal(true);
      expect(states.at(-1)).to.equal('refused');
      expect(taken.flatMap(({ set }) => set.map(([, value]) => value)).toSorted()).to.deep.equal(
        Array.from({ length: 9 }, (_, n) => `p${n + 1}`),
      );
      expect(aside(kept)).to.deep.equal([{ item: 'A', sequence: 3, set: [['cmi.wrong', 'x']] }]);
      expect([...Array(kept.length).keys()].map((n) => kept.key(n))).to.deep.equal(['zhixing.refused.r1']);
    });

    it('goes on as its bare number when nothing is named, whatever the order; the end of a session stays if it can', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.record({ bad: fc.boolean(), item: fc.constantFrom('A', 'B'), ends: fc.boolean() }), {
            maxLength: 20,
          }),
          async (steps) => {
            const kept = storage();
            const { taken, send } = server(({ set }) =>
              set.some(([, value]) => value === 'bad') ? [] : null,
            );
            const { queue, states } = queueOn(kept, 'l1', send);
            for (const { bad, item, ends } of steps)
              queue.add({
                item,
                set: [['cmi.location', bad ? 'bad' : 'good']],
                ...(ends ? { end: { exit: '' } } : {}),
              });
            for (let n = 0; n < 400 && !queue.empty; n++) await settled();
            expect(taken.length).to.equal(steps.length);
            expect(taken.filter(({ set }) => set.length > 0).length).to.equal(
              steps.filter(({ bad }) => !bad).length,
            );
            expect(taken.filter(({ end }) => end).length).to.equal(steps.filter(({ ends }) => ends).length);
            expect(aside(kept).length).to.equal(steps.filter(({ bad }) => bad).length);
            if (steps.length > 0)
              expect(states.at(-1)).to.equal(steps.some(({ bad }) => bad) ? 'refused' : 'saved');
          },
        ),
        { numRuns: 50 },
      );
    });

    it('takes the other pieces of its value along, and nothing else', async () => {
      const kept = storage();
      const { taken, send } = server(({ set }) =>
        set.some(([name]) => name === 'cmi.wrong') ? ['cmi.wrong'] : null,
      );
      const { queue } = queueOn(kept, 'l1', send);
      queue.add({
        item: 'A',
        set: [
          ['cmi.wrong', 'x'.repeat(50_000)],
          ['cmi.suspend_data', 'y'.repeat(50_000)],
        ],
        end: { exit: 'suspend' },
      });
      await drained(queue);
      expect(queue.empty).to.equal(true);
      const text = taken.flatMap(({ set }) => set.map(([, value]) => value)).join('');
      expect(text).to.equal('y'.repeat(50_000));
      expect(taken.at(-1)?.end).to.deep.equal({ exit: 'suspend' });
    });

    it('an item of which nothing is taken holds up no other one', async () => {
      const kept = storage();
      const { taken, send } = server(({ item }) => (item === 'gone' ? [] : null));
      const { queue, states } = queueOn(kept, 'l1', send);
      queue.add({ item: 'gone', start: true, set: [['cmi.location', 'p1']] });
      queue.add({ item: 'gone', set: [['cmi.location', 'p2']] });
      queue.add({ item: 'A', set: [['cmi.location', 'p3']] });
      await drained(queue);
      queue.add({ item: 'gone', set: [['cmi.location', 'p4']] });
      queue.add({ item: 'A', set: [['cmi.location', 'p5']] });
      await drained(queue);
      await settled();
      expect(taken.map(({ set }) => set[0]?.[1])).to.deep.equal(['p3', 'p5']);
      expect(aside(kept).flatMap(({ set }) => set.map(([, value]) => value))).to.deep.equal([
        'p1',
        'p2',
        'p4',
      ]);
      expect(states.at(-1)).to.equal('refused');
    });

    it('does not hold up the next window either', async () => {
      const kept = storage();
      const first = queueOn(kept, 'l1', () => Promise.reject(new Error('no network')));
      first.queue.add({ item: 'A', set: [['cmi.location', 'bad']] });
      first.queue.add({ item: 'A', set: [['cmi.location', 'good']] });
      await settled();
      const { taken, send } = server(({ set }) => (set[0]?.[1] === 'bad' ? [] : null));
      const second = queueOn(kept, 'l2', send);
      await second.queue.sendLeftovers();
      expect(taken.map(({ set }) => set)).to.deep.equal([[], [['cmi.location', 'good']]]);
      expect(second.states).to.deep.equal(['refused']);
      expect(aside(kept)).to.have.length(1);
      expect(kept.getItem('zhixing.commits.r1.l1')).to.equal(null);
    });

    it('is told from what may pass: a proxy, too many requests, a fault, a restriction', async () => {
      const real = globalThis.fetch;
      const ours = JSON.stringify({
        error: { kind: 'invalid', problems: [{ path: 'cmi.x', message: 'm' }] },
      });
      const outcome = async (status: number, body: string): Promise<unknown> => {
        globalThis.fetch = async () => new Response(body, { status });
        try {
          return await createRuntimeClient('t')
            .commit([], null)
            .catch((error: unknown) => error);
        } finally {
          globalThis.fetch = real;
        }
      };
      for (const status of [400, 404, 413, 422])
        expect(await outcome(status, ours), String(status)).to.deep.include({
          forGood: true,
          paths: ['cmi.x'],
        });
      expect(await outcome(413, '<html>')).to.deep.include({ forGood: true, paths: [] });
      for (const status of [403, 404]) expect(await outcome(status, '<html>')).to.include({ forGood: false });
      for (const [status, body] of [
        [400, '<html>'],
        [429, ours],
        [500, ours],
        [503, ours],
      ] as const)
        expect(await outcome(status, body))
          .to.be.an('error')
          .and.not.instanceOf(Refused);
    });
  });
});
