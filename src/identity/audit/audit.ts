import type { Clock } from '../../base/clock.ts';
import type { RecordAudit } from '../types.ts';
import { type AuditEvent, type AuditHead, type AuditStore, hashOf, noHead } from './store.ts';

export interface Audit {
  /** Resolves when the line is kept. What must not happen unseen waits for it. */
  record: RecordAudit;
  /**
   * Reads the chain from line `from` (the first unless told) to its end. `expected`: a last line noted elsewhere; then lines
   * that were cut off behind are noticed too.
   */
  verify(options?: { from?: number; expected?: AuditHead }): Promise<AuditCheck>;
}

export type AuditCheck =
  | { intact: true; lines: number; head: AuditHead }
  | { intact: false; lines: number; seq: number; fault: 'missing' | 'changed' | 'unlinked' | 'cut-off' };

const pageSize = 1000;

export function createAudit({ store, clock }: { store: AuditStore; clock: Clock }): Audit {
  type Waiting = {
    at: number;
    event: AuditEvent;
    resolve: () => void;
    reject: (error: unknown) => void;
  };
  const waiting: Waiting[] = [];
  let writing = false;

  /** Events of one moment share a write: the chain has one end, and everyone who writes must hold it for a moment. */
  const write = async (): Promise<void> => {
    writing = true;
    while (waiting.length > 0) {
      const group = waiting.splice(0, 200);
      try {
        await store.append(group.map(({ at, event }) => ({ at, event })));
        for (const { resolve } of group) resolve();
      } catch (error) {
        for (const { reject } of group) reject(error);
      }
    }
    writing = false;
  };

  return {
    record: (event) =>
      new Promise((resolve, reject) => {
        waiting.push({ at: clock.now().getTime(), event, resolve, reject });
        if (!writing) void write();
      }),
    async verify({ from = 1, expected } = {}) {
      let lines = 0;
      let last: AuditHead = noHead;
      if (from > 1) {
        const [before] = await store.after(from - 2, 1);
        if (before?.seq !== from - 1) return { intact: false, lines, seq: from - 1, fault: 'missing' };
        last = before;
      }
      for (;;) {
        const page = await store.after(last.seq, pageSize);
        for (const entry of page) {
          if (entry.seq !== last.seq + 1)
            return { intact: false, lines, seq: last.seq + 1, fault: 'missing' };
          if (entry.previous !== last.hash)
            return { intact: false, lines, seq: entry.seq, fault: 'unlinked' };
          if (hashOf(entry) !== entry.hash) return { intact: false, lines, seq: entry.seq, fault: 'changed' };
          if (entry.seq === expected?.seq && entry.hash !== expected.hash)
            return { intact: false, lines, seq: entry.seq, fault: 'changed' };
          last = { seq: entry.seq, hash: entry.hash };
          lines++;
        }
        if (page.length === 0) break;
      }
      if (expected && last.seq < expected.seq)
        return { intact: false, lines, seq: last.seq + 1, fault: 'cut-off' };
      return { intact: true, lines, head: last };
    },
  };
}
