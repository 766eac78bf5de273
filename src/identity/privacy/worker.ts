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
  renewSeconds?: number;
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

/** A worker that falls silent is taken over after this long, and half a minute with the poll that finds it. */
const leaseMs = 25_000;
/** The lease is renewed while the handler works, unless it has kept nothing for so long: then it hangs. */
const longestSilenceMs = 15 * 60_000;
const longestPauseMs = 30 * 60_000;

class Lost extends Error {}

/** Takes up cases that are due, over all processes one at a time each; a failed one is tried again with growing pauses. */
export function createCaseWorker(deps: CaseWorkerDeps): CaseWorker {
  const { store, clock, logger, handlers, pollSeconds = 5, renewSeconds = 8 } = deps;
  let timer: NodeJS.Timeout | null = null;
  let running: Promise<number> | null = null;
  let stopping = false;

  const inMs = (milliseconds: number): Date => new Date(clock.now().getTime() + milliseconds);

  const hold = (taken: Case) => {
    let current = taken;
    let lost = false;
    let over = false;
    let keptAt = clock.now().getTime();
    let queue: Promise<unknown> = Promise.resolve();
    // One change after the other: each rests on the revision of the one before.
    const change = (next: () => Case | null): Promise<void> => {
      const done = queue.then(async () => {
        const wanted = next();
        if (!wanted) return;
        if (lost || stopping || !(await store.change(wanted))) {
          lost = true;
          throw new Lost('the case is in other hands');
        }
        current = { ...wanted, revision: wanted.revision + 1 };
      });
      queue = done.catch(() => undefined);
      return done;
    };
    const silent = (): boolean => clock.now().getTime() - keptAt > longestSilenceMs;
    const renewal = setInterval(() => {
      void change(() => (over || lost || silent() ? null : { ...current, dueAt: inMs(leaseMs) })).catch(
        (error: unknown) => {
          // Lost: the next keep says so. Otherwise the next renewal, or keep, tries again.
          if (!(error instanceof Lost)) logger.warn({ err: error, case: taken.id }, 'a lease is not renewed');
        },
      );
    }, renewSeconds * 1000).unref();
    const held: HeldCase<unknown> = {
      id: taken.id,
      personId: taken.personId,
      body: JSON.parse(taken.body) as unknown,
      async keep(body) {
        await change(() => ({ ...current, body: JSON.stringify(body), dueAt: inMs(leaseMs) }));
        keptAt = clock.now().getTime();
        held.body = body;
      },
      async leave(body, { open, dueAt }) {
        await change(() => ({
          ...current,
          body: JSON.stringify(body),
          openKey: open ? current.openKey : null,
          dueAt: dueAt ?? null,
        }));
        over = true;
        held.body = body;
      },
    };
    return {
      held: held as HeldCase<never>,
      /** Ends the renewals; gives the case as it then is. */
      async end(): Promise<Case> {
        over = true;
        clearInterval(renewal);
        await queue;
        return current;
      },
    };
  };

  const workOn = async (due: Case): Promise<boolean> => {
    const handler = handlers[due.kind];
    if (!handler) return false;
    const mine: Case = { ...due, dueAt: inMs(leaseMs) };
    if (!(await store.change(mine))) return false;
    const { held, end } = hold({ ...mine, revision: mine.revision + 1 });
    try {
      await handler(held);
    } catch (error) {
      if (error instanceof Lost) return true;
      const left = await end();
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
    } finally {
      await end();
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
