import type { Sqlite } from './open.ts';

const most = 200_000;
const rowsAtOnce = 40;

/** The dictionary of terms: a text to a small integer, cached. */
export interface TermKeys {
  /** Inside a transaction: gives it a key if it has none. */
  keyOf(term: string): number;
  /** Notes that a Statement has a term; written by `flush`. */
  add(key: number, seq: number): void;
  /** Inside a transaction: writes what was noted, in the order of the table, many rows at a time. */
  flush(): void;
  /** Null: no Statement ever had it. */
  find(term: string): number | null;
  /** The transaction held or failed: what it made becomes common knowledge or is forgotten. */
  settle(committed: boolean): void;
}

export function createTermKeys(db: Sqlite): TermKeys {
  const values = (rows: number): string => Array.from({ length: rows }, () => '(?,?)').join(',');
  const insertMany = db.prepare<number[]>(
    `INSERT OR IGNORE INTO lrs_terms (key, seq) VALUES ${values(rowsAtOnce)}`,
  );
  const insertOne = db.prepare<number[]>('INSERT OR IGNORE INTO lrs_terms (key, seq) VALUES (?, ?)');
  let noted: { key: number; seq: number }[] = [];
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
    add(key, seq) {
      noted.push({ key, seq });
    },
    flush() {
      noted.sort((a, b) => a.key - b.key || a.seq - b.seq);
      let at = 0;
      for (; at + rowsAtOnce <= noted.length; at += rowsAtOnce) {
        const row: number[] = [];
        for (let next = at; next < at + rowsAtOnce; next++) {
          const entry = noted[next];
          if (entry) row.push(entry.key, entry.seq);
        }
        insertMany.run(...row);
      }
      for (const { key, seq } of noted.slice(at)) insertOne.run(key, seq);
      noted = [];
    },
    settle(committed) {
      noted = [];
      if (committed) for (const [term, key] of fresh) remember(term, key);
      fresh.clear();
    },
  };
}
