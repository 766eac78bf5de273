import type { Clock } from '../../base/clock.ts';
import { newSortableId } from '../../base/ids.ts';
import type { Logger } from '../../base/logger.ts';
import type { LrsAdminStore, Rejection } from './store.ts';

const keepDays = 30;
/** Between two writes at most so many are kept; a client that floods loses its later ones. */
const mostWaiting = 500;

export interface RejectionLog {
  /** Never blocks and never throws: one bad request must not slow the others. */
  note(rejection: Omit<Rejection, 'id' | 'at'>): void;
  list(credentialId: string | null, limit: number): Promise<Rejection[]>;
  /** Writes what waits. */
  flush(): Promise<void>;
  /** Deletes what is older than 30 days; call it on a schedule. */
  tidy(): Promise<number>;
  stop(): Promise<void>;
}

/** Refused requests of each partner with the reasons, for 30 days; written together once a second. */
export function createRejectionLog(store: LrsAdminStore, clock: Clock, logger: Logger): RejectionLog {
  let waiting: Rejection[] = [];
  let timer: NodeJS.Timeout | null = null;
  const flush = async (): Promise<void> => {
    if (timer) clearTimeout(timer);
    timer = null;
    const batch = waiting;
    waiting = [];
    if (batch.length > 0) await store.addRejections(batch);
  };
  return {
    note(rejection) {
      if (waiting.length >= mostWaiting) return;
      waiting.push({ ...rejection, id: newSortableId(), at: clock.now() });
      timer ??= setTimeout(() => {
        flush().catch((error: unknown) =>
          logger.error({ err: error }, 'rejected requests could not be kept'),
        );
      }, 1000).unref();
    },
    async list(credentialId, limit) {
      await flush();
      return store.rejections(credentialId, limit);
    },
    flush,
    tidy: () => store.deleteRejections(new Date(clock.now().getTime() - keepDays * 24 * 3600_000)),
    stop: flush,
  };
}
