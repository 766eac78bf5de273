import type { Clock } from '../base/clock.ts';
import { isDomainError } from '../base/errors.ts';
import { newUuid } from '../base/ids.ts';
import type { Logger } from '../base/logger.ts';
import { toStored } from './door.ts';
import type { FeedStore, StatementStore } from './store.ts';
import type { Feed, FeedConsumer } from './types.ts';

export interface FeedOptions {
  statements: StatementStore;
  feed: FeedStore;
  clock: Clock;
  logger: Logger;
  /** Run in this order on every batch. */
  consumers: readonly FeedConsumer[];
  /** Looks by itself this often, for what other processes stored. */
  pollSeconds?: number;
  batchSize?: number;
}

/** A dispatcher that falls silent is taken over after this long. */
const leaseMs = 20_000;

/**
 * Hands every stored Statement to the consumers: in order, at least once, one dispatcher at a time over all processes
 * (a lease that expires by comparing times). A batch is acknowledged only after the last consumer; a consumer that
 * throws holds the feed at that batch until it succeeds.
 */
export function createFeed({
  statements,
  feed,
  clock,
  logger,
  consumers,
  pollSeconds = 1,
  batchSize = 100,
}: FeedOptions): Feed {
  const holder = newUuid();
  let timer: NodeJS.Timeout | null = null;
  let running: Promise<void> | null = null;
  let again = false;
  let started = false;
  const waiters = new Set<{ head: number; until: number; resolve: (caughtUp: boolean) => void }>();
  let stuck = false;
  let watching: Promise<void> | null = null;

  const until = (): number => clock.now().getTime() + leaseMs;

  /** Works through everything there is. False when another process holds the lease. */
  const pump = async (): Promise<boolean> => {
    let position = await feed.take(holder, clock.now().getTime(), until());
    if (position === null) return false;
    for (;;) {
      const rows = await statements.after(position, batchSize);
      const last = rows.at(-1);
      if (!last) return true;
      const batch = rows.map(toStored);
      for (const consumer of consumers) {
        await consumer.consume(batch);
        // Renewed between consumers: only a single one that takes longer than the lease can lose it.
        if ((await feed.take(holder, clock.now().getTime(), until())) === null) return false;
      }
      if (!(await feed.acknowledge(holder, last.seq, until()))) return false;
      position = last.seq;
    }
  };

  const work = async (): Promise<void> => {
    do {
      again = false;
      try {
        await pump();
        stuck = false;
      } catch (error) {
        stuck = true;
        if (isDomainError(error, 'unavailable'))
          logger.warn({ reason: error.message }, 'the feed waits for the database');
        else logger.error({ err: error }, 'the feed stopped at a batch; it will be tried again');
        return;
      }
    } while (again);
  };

  const run = (): Promise<void> => {
    if (running) again = true;
    running ??= work().finally(() => {
      running = null;
    });
    return running;
  };

  /**
   * One watch per process for everyone who waits, ever slower: another process may be at the work, and a crowd that
   * asks the database in turn would only hold it up.
   */
  const watch = async (): Promise<void> => {
    for (let pause = 20; waiters.size > 0; pause = Math.min(pause * 1.5, 500)) {
      let position = -1;
      let failed = false;
      try {
        await run();
        failed = stuck;
        position = await feed.position();
      } catch (error) {
        failed = true;
        logger.warn({ err: error }, 'the feed cannot be asked how far it is');
      }
      for (const waiter of waiters) {
        const caughtUp = position >= waiter.head;
        if (!caughtUp && !failed && performance.now() < waiter.until) continue;
        waiters.delete(waiter);
        waiter.resolve(caughtUp);
      }
      if (waiters.size > 0) await new Promise((resolve) => setTimeout(resolve, pause));
    }
  };

  return {
    start() {
      if (started) return;
      started = true;
      timer = setInterval(() => void run(), pollSeconds * 1000);
      timer.unref();
      void run();
    },
    kick() {
      if (started) void run();
    },
    async drain(withinMs = 30_000) {
      const head = await statements.head();
      if ((await feed.position()) >= head) return true;
      return new Promise((resolve) => {
        const waiter = { head, until: performance.now() + withinMs, resolve };
        waiters.add(waiter);
        watching ??= watch().finally(() => {
          watching = null;
        });
      });
    },
    async stop() {
      if (timer) clearInterval(timer);
      timer = null;
      started = false;
      await running;
      await feed.release(holder);
    },
  };
}
