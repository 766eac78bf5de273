import type { Clock } from '../../base/clock.ts';
import { isDomainError } from '../../base/errors.ts';
import type { Logger } from '../../base/logger.ts';
import type { Case, CaseKind, CaseStore } from './store.ts';

/** A case in this process's hands: nobody else works on it while the lease lasts. */
export interface HeldCase<Body> {
  readonly id: string;
  readonly personId: string;
  body: Body;
  /** Keeps the body and renews the lease; throws when the case was changed by someone else, so that the work stops. */
  keep(body: Body): Promise<void>;
  /** The work is over (for now): closes the case, or leaves it open for a person or a later instant. */
  leave(body: Body, how: { open: boolean; dueAt?: Date }): Promise<void>;
}

/** Works on a case from wherever an earlier try broke off: every step may run twice. */
export type CaseHandler<Body = never> = (held: HeldCase<Body>) => Promise<void>;

export interface CaseWorkerDeps {
  store: CaseStore;
  clock: Clock;
  logger: Logger;
  handlers: Partial<Record<CaseKind, CaseHandler>>;
  pollSeconds?: number;
}

export interface CaseWorker {
  start(): void;
  /** Something is due: look soon. */
  kick(): void;
  /** Works on this one now, unless another process does or it is not due; says whether it did. */
  work(id: string): Promise<boolean>;
  /** Works on all that is due; says how many. */
  run(): Promise<number>;
  stop(): Promise<void>;
}

/** A worker that falls silent is taken over after this long. */
const leaseMs = 60_000;
const longestPauseMs = 30 * 60_000;

class Lost extends Error {}

/** Takes up cases that are due, over all processes one at a time each; a failed one is tried again with growing pauses. */
export function createCaseWorker(deps: CaseWorkerDeps): CaseWorker {
  const { store, clock, logger, handlers, pollSeconds = 5 } = deps;
  let timer: NodeJS.Timeout | null = null;
  let running: Promise<number> | null = null;
  let stopping = false;

  const inMs = (milliseconds: number): Date => new Date(clock.now().getTime() + milliseconds);

  const hold = (taken: Case): { held: HeldCase<never>; now: () => Case } => {
    let current = taken;
    const change = async (next: Case): Promise<void> => {
      if (stopping || !(await store.change(next))) throw new Lost('the case is in other hands');
      current = { ...next, revision: next.revision + 1 };
    };
    const held: HeldCase<unknown> = {
      id: taken.id,
      personId: taken.personId,
      body: JSON.parse(taken.body) as unknown,
      async keep(body) {
        await change({ ...current, body: JSON.stringify(body), dueAt: inMs(leaseMs) });
        held.body = body;
      },
      async leave(body, { open, dueAt }) {
        await change({
          ...current,
          body: JSON.stringify(body),
          openKey: open ? current.openKey : null,
          dueAt: dueAt ?? null,
        });
        held.body = body;
      },
    };
    return { held: held as HeldCase<never>, now: () => current };
  };

  const workOn = async (due: Case): Promise<boolean> => {
    const handler = handlers[due.kind];
    if (!handler) return false;
    const mine: Case = { ...due, dueAt: inMs(leaseMs) };
    if (!(await store.change(mine))) return false;
    const { held, now } = hold({ ...mine, revision: mine.revision + 1 });
    try {
      await handler(held);
    } catch (error) {
      if (error instanceof Lost) return true;
      const left = now();
      const body = JSON.parse(left.body) as { failures?: number };
      const failures = (body.failures ?? 0) + 1;
      if (isDomainError(error, 'unavailable'))
        logger.warn({ case: due.id, kind: due.kind, reason: error.message }, 'a case waits');
      else
        logger.error(
          { err: error, case: due.id, kind: due.kind, failures },
          'a case failed; it is tried again',
        );
      const dueAt = inMs(Math.min(longestPauseMs, 10_000 * 2 ** Math.min(failures - 1, 10)));
      await store.change({ ...left, body: JSON.stringify({ ...body, failures }), dueAt });
    }
    return true;
  };

  const runAll = async (): Promise<number> => {
    let done = 0;
    for (;;) {
      const due = await store.due(clock.now(), 20);
      let moved = 0;
      for (const one of due) if (!stopping && (await workOn(one))) moved++;
      done += moved;
      if (moved === 0) return done;
    }
  };
  const run = (): Promise<number> =>
    (running ??= runAll().finally(() => {
      running = null;
    }));
  const quietly = (): void =>
    void run().catch((error: unknown) => {
      if (isDomainError(error, 'unavailable'))
        logger.warn({ reason: error.message }, 'cases wait for the database');
      else logger.error({ err: error }, 'cases cannot be read');
    });

  return {
    start() {
      timer ??= setInterval(quietly, pollSeconds * 1000).unref();
    },
    kick() {
      if (timer) quietly();
    },
    async work(id) {
      const one = await store.byId(id);
      return one?.dueAt != null && one.dueAt <= clock.now() ? workOn(one) : false;
    },
    run,
    async stop() {
      stopping = true;
      if (timer) clearInterval(timer);
      timer = null;
      await running?.catch(() => undefined);
    },
  };
}
