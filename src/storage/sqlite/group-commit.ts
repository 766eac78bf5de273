import type { Sqlite } from './open.ts';

/** At most so much goes into one transaction, so that nobody waits long behind it. */
const mostWeight = 500;

interface Waiting<T> {
  work: T;
  resolve: () => void;
  reject: (error: unknown) => void;
}

/**
 * Everything that arrives in one turn of the event loop, or within `gatherMilliseconds` of the first, shares a transaction
 * and its fsync. `apply` must throw before
 * it has written anything when it refuses its work; whatever fails later undoes the transaction, and then each work is
 * tried alone, so that one cannot fail the others. `finish` runs once at the end of each transaction.
 */
export function createGroupCommit<T>(
  db: Sqlite,
  use: {
    weight?(work: T): number;
    apply(work: T): void;
    finish?(): void;
    settle?(committed: boolean): void;
    gatherMilliseconds?: number;
  },
): { add(work: T): Promise<void> } {
  const begin = db.prepare('BEGIN IMMEDIATE');
  const commit = db.prepare('COMMIT');
  const totalChanges = db.prepare<[], number>('SELECT total_changes()').pluck();
  let queue: Waiting<T>[] = [];
  let scheduled = false;

  const transaction = (group: Waiting<T>[]): boolean => {
    const refused = new Map<Waiting<T>, unknown>();
    try {
      begin.run();
      for (const entry of group) {
        const changes = totalChanges.get();
        try {
          use.apply(entry.work);
        } catch (error) {
          if (totalChanges.get() !== changes) throw error;
          refused.set(entry, error);
        }
      }
      use.finish?.();
      commit.run();
    } catch (error) {
      if (db.inTransaction) db.exec('ROLLBACK');
      use.settle?.(false);
      if (group.length === 1) group[0]?.reject(error);
      return group.length === 1;
    }
    use.settle?.(true);
    for (const entry of group)
      if (refused.has(entry)) entry.reject(refused.get(entry));
      else entry.resolve();
    return true;
  };

  const drain = (): void => {
    let weight = 0;
    let count = 0;
    while (count < queue.length && (count === 0 || weight < mostWeight)) {
      const entry = queue[count];
      if (entry) weight += use.weight?.(entry.work) ?? 1;
      count++;
    }
    const group = queue.slice(0, count);
    queue = queue.slice(count);
    if (!transaction(group)) for (const entry of group) transaction([entry]);
    if (queue.length > 0) setImmediate(drain);
    else scheduled = false;
  };

  return {
    add: (work) =>
      new Promise((resolve, reject) => {
        queue.push({ work, resolve, reject });
        if (!scheduled) {
          scheduled = true;
          if (use.gatherMilliseconds === undefined) setImmediate(drain);
          else setTimeout(drain, use.gatherMilliseconds);
        }
      }),
  };
}

/** Compare-and-set statements in shared transactions: resolves, once it is durable, to whether the statement changed a row. */
export function createGroupedChanges(
  db: Sqlite,
  options: { gatherMilliseconds?: number } = {},
): (statement: () => { changes: number }) => Promise<boolean> {
  const commits = createGroupCommit<{ statement: () => { changes: number }; changed: boolean }>(db, {
    ...options,
    apply(work) {
      work.changed = work.statement().changes > 0;
    },
  });
  return async (statement) => {
    const work = { statement, changed: false };
    await commits.add(work);
    return work.changed;
  };
}
