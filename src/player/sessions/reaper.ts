import type { Logger } from '../../base/logger.ts';

/** A task that runs again and again while the server lives, one run at a time. */
export interface Reaper {
  start(): void;
  /** Waits for the run under way. */
  stop(): Promise<void>;
}

/**
 * Every process runs one: whoever comes first does the work, the others find it done. A failed run (the database is
 * away) is logged and tried again.
 */
export function createReaper(task: () => Promise<unknown>, logger: Logger, everySeconds = 15): Reaper {
  let timer: NodeJS.Timeout | null = null;
  let running: Promise<void> = Promise.resolve();
  let stopped = true;
  const schedule = (): void => {
    if (stopped) return;
    timer = setTimeout(() => {
      running = task()
        .then(
          () => undefined,
          (error: unknown) =>
            logger.warn(
              { err: error },
              'closing silent sessions and paying what is owed failed; tried again soon',
            ),
        )
        .then(schedule);
    }, everySeconds * 1000);
    timer.unref();
  };
  return {
    start() {
      if (!stopped) return;
      stopped = false;
      schedule();
    },
    async stop() {
      stopped = true;
      if (timer) clearTimeout(timer);
      await running;
    },
  };
}
