import type { Sqlite } from './open.ts';

const most = 200_000;

/** The dictionary of terms: a text to a small integer, cached. */
export interface TermKeys {
  /** Inside a transaction: gives it a key if it has none. */
  keyOf(term: string): number;
  /** Null: no Statement ever had it. */
  find(term: string): number | null;
  /** The transaction held or failed: what it made becomes common knowledge or is forgotten. */
  settle(committed: boolean): void;
}

export function createTermKeys(db: Sqlite): TermKeys {
  const known = new Map<string, number>();
  const fresh = new Map<string, number>();
  const read = db.prepare<[string], number>('SELECT key FROM lrs_term_keys WHERE term = ?').pluck();
  const insert = db.prepare<[string]>('INSERT INTO lrs_term_keys (term) VALUES (?)');
  const remember = (term: string, key: number): number => {
    if (known.size >= most) known.clear();
    known.set(term, key);
    return key;
  };
  return {
    keyOf(term) {
      const cached = known.get(term) ?? fresh.get(term);
      if (cached !== undefined) return cached;
      const stored = read.get(term);
      if (stored !== undefined) return remember(term, stored);
      const key = Number(insert.run(term).lastInsertRowid);
      fresh.set(term, key);
      return key;
    },
    find(term) {
      const cached = known.get(term);
      if (cached !== undefined) return cached;
      const stored = read.get(term);
      return stored === undefined ? null : remember(term, stored);
    },
    settle(committed) {
      if (committed) for (const [term, key] of fresh) remember(term, key);
      fresh.clear();
    },
  };
}
