import { Worker } from 'node:worker_threads';
import type { Sqlite } from './open.ts';

/** What the thread understands. */
type Ask = 'checkpoint' | 'stop';

/** Rows changed since the last checkpoint that make the next one worth its while. */
const enoughRows = 5000;
const everyMs = 500;
/** Where a commit does it after all. */
const lastResortBytes = 192 * 1024 * 1024;

/**
 * Brings the write-ahead log into the database from a thread of its own while there is much to write, so that no commit
 * has to. The connection's own `wal_autocheckpoint` stays as the last resort: it finishes what is left and lets the log
 * begin anew, and does everything should the thread fail.
 */
export interface Checkpoints {
  /** One now; resolves when it is done. */
  checkpoint(): Promise<void>;
  stop(): Promise<void>;
}

export function startCheckpoints(db: Sqlite): Checkpoints {
  const pageSize = db.pragma('page_size', { simple: true }) as number;
  db.pragma(`wal_autocheckpoint = ${Math.floor(lastResortBytes / pageSize)}`);
  const changed = db.prepare<[], number>('SELECT total_changes()').pluck();
  let seen = changed.get() ?? 0;
  let worker: Worker | null = null;
  let failed = false;
  let running: Promise<void> | null = null;

  /** Not before it is needed: most databases are small and never see it. */
  const started = (): Worker => {
    if (worker) return worker;
    worker = new Worker(new URL('./checkpoint-worker.js', import.meta.url), {
      workerData: { file: db.name },
    });
    worker.unref();
    worker.on('error', () => (failed = true));
    return worker;
  };
  /** Resolves at the answer, or when the thread has ended. */
  const ask = (what: Ask, answer: 'message' | 'exit'): Promise<void> =>
    new Promise((resolve) => {
      const thread = started();
      const done = (): void => {
        thread.off(answer, done);
        thread.off('exit', done);
        thread.unref();
        resolve();
      };
      thread.once(answer, done);
      thread.once('exit', done);
      // Whoever waits for an answer, and for nothing else, must not see the process end.
      thread.ref();
      thread.postMessage(what);
    });
  const checkpoint = (): Promise<void> => {
    seen = changed.get() ?? 0;
    return (running ??= ask('checkpoint', 'message').finally(() => (running = null)));
  };
  const timer = setInterval(() => {
    if (!failed && !running && (changed.get() ?? 0) - seen >= enoughRows) void checkpoint();
  }, everyMs).unref();
  return {
    checkpoint,
    async stop() {
      clearInterval(timer);
      await running;
      if (worker && !failed) await ask('stop', 'exit');
    },
  };
}
