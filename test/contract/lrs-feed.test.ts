import { expect } from 'chai';
import { createLogger } from '../../src/base/logger.ts';
import { createStatementDoor } from '../../src/lrs/door.ts';
import { createFeed } from '../../src/lrs/feed.ts';
import type { FeedConsumer, StoredStatement } from '../../src/lrs/types.ts';
import type { Storage } from '../../src/storage/open.ts';
import { TestClock } from '../support/clock.ts';
import { onEveryEngine, openStorage } from '../support/engines.ts';
import { aStatement, platform } from '../support/statements.ts';

const logger = createLogger('silent');

/** Remembers what it was given. */
const recorder = (name: string, seen: string[], fail: () => boolean = () => false): FeedConsumer => ({
  name,
  async consume(batch: StoredStatement[]) {
    if (fail()) throw new Error(`${name} fails`);
    seen.push(...batch.map(({ id }) => id));
  },
});

onEveryEngine('Feed', ({ storage, options }) => {
  const clock = new TestClock();
  const feedOn = (on: Storage, consumers: FeedConsumer[]) =>
    createFeed({ statements: on.lrs.statements, feed: on.lrs.feed, clock, logger, consumers, batchSize: 3 });
  const door = () => createStatementDoor({ store: storage().lrs.statements, clock });
  const store = async (count: number): Promise<string[]> =>
    door().store(
      Array.from({ length: count }, () => aStatement()),
      platform,
    );

  it('hands every Statement to every consumer, in order, and acknowledges it', async () => {
    const [first, second]: [string[], string[]] = [[], []];
    const feed = feedOn(storage(), [recorder('one', first), recorder('two', second)]);
    const ids = await store(7);
    await feed.drain();
    expect(first).to.deep.equal(ids);
    expect(second).to.deep.equal(ids);
    await feed.drain();
    expect(first).to.have.length(7);
    expect(await storage().lrs.feed.position()).to.equal(await storage().lrs.statements.head());
    await feed.stop();
  });

  it('a failing consumer holds the feed at its batch; nothing is skipped', async () => {
    const seen: string[] = [];
    let failing = true;
    const feed = feedOn(storage(), [recorder('fails', seen, () => failing)]);
    const ids = await store(2);
    expect(await feed.drain()).to.equal(false);
    expect(seen).to.deep.equal([]);
    failing = false;
    expect(await feed.drain()).to.equal(true);
    expect(seen).to.deep.equal(ids);
    await feed.stop();
  });

  it('who waits is told when the feed does not catch up in time: a dispatcher that died holds the lease', async () => {
    const now = Date.now();
    expect(await storage().lrs.feed.take('died', now, now + 60_000)).to.be.a('number');
    await store(1);
    const feed = feedOn(storage(), [recorder('waits', [])]);
    expect(await Promise.all([feed.drain(50), feed.drain(100)])).to.deep.equal([false, false]);
    await storage().lrs.feed.release('died');
    expect(await feed.drain()).to.equal(true);
    await feed.stop();
  });

  it('two dispatchers at once: each batch is run by one of them', async () => {
    const other = await openStorage(options());
    try {
      const seen: string[] = [];
      const feeds = [feedOn(storage(), [recorder('a', seen)]), feedOn(other, [recorder('b', seen)])];
      const ids = await store(10);
      await Promise.all(feeds.map((feed) => feed.drain()));
      expect(seen).to.deep.equal(ids);
      for (const feed of feeds) await feed.stop();
    } finally {
      await other.close();
    }
  });

  it('the lease of a dispatcher that fell silent is taken over once its time is over', async () => {
    const feed = storage().lrs.feed;
    const now = clock.now().getTime();
    expect(await feed.take('silent', now, now + 20_000)).to.be.a('number');
    expect(await feed.take('next', now + 19_999, now + 40_000)).to.equal(null);
    expect(await feed.take('next', now + 20_000, now + 40_000)).to.be.a('number');
    expect(await feed.acknowledge('silent', 1_000_000, now + 60_000)).to.equal(false);
    await feed.release('silent');
    expect(await feed.take('third', now + 20_001, now + 40_000)).to.equal(null);
    await feed.release('next');
    expect(await feed.take('third', now + 20_001, now + 40_000)).to.be.a('number');
    await feed.release('third');
  });

  it('started, it notices what is stored without being asked', async () => {
    const seen: string[] = [];
    const feed = feedOn(storage(), [recorder('live', seen)]);
    feed.start();
    const ids = await store(2);
    feed.kick();
    await feed.drain();
    await feed.stop();
    expect(seen).to.deep.equal(ids);
  });
});
