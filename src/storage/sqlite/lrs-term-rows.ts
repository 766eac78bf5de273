import type { Sqlite } from './open.ts';

const rowsAtOnce = 40;
/** So many rows are gathered before they go to the table: some twelve thousand Statements' worth. */
export const gatheredRows = 120_000;
/** A transaction takes at least so many along. */
const leastMoved = 40;
/** And in proportion to what it brings, so that the older rows are gone before the newer ones are as many. */
const movedPerRow = 1.5;
/** What moves at once where nothing else is written. */
const mostMoved = 5000;

/** Of a term's key, the seqs that have it, in order. */
type Lists = Map<number, number[]>;
/** Of a seq, its verb's key; absent for 0. */
type Verbs = Map<number, number>;

export interface Bounds {
  /** Exclusive. */
  low: number;
  /** Inclusive. */
  high: number;
}

/**
 * Which Statement has which term. A row of the table costs most where the table is large, for its leaves lie all over. So
 * the rows of the newest Statements are kept in memory, where queries find them, and go to the table later in the order
 * of its keys, a share with each transaction: a leaf then takes many rows at once. They say no more than the Statements'
 * texts and are derived from these again when a process begins (docs/decisions/0022). Every row says its Statement's verb
 * too, so that a verb beside another term is answered from that term's rows alone.
 *
 * The table is whole up to `through`; memory has what lies beyond, in two generations: the newer one grows, the older one
 * is on its way to the table.
 */
export interface TermRows {
  /**
   * Inside a transaction: notes that a Statement has a term.
   * @param verb the key of the one verb that it is found by; 0 where it may be found by several, as it refers to another
   */
  add(key: number, seq: number, verb: number): void;
  /** Inside a transaction, at its end: brings a share of the older rows into the table. */
  moveSome(): void;
  /** The transaction held or failed. */
  settle(committed: boolean): void;
  /** Outside a transaction: brings rows into the table; says how many are left, 0 if none are. */
  moveMore(): number;
  /** The greatest seq whose terms are known, with those that the open transaction has noted. */
  head(): number;
  /** The table is whole up to this seq. */
  through(): number;
  /** Gives, call by call, the next seqs (so many at most) that have all of the keys beyond `through`; none: that was all. */
  recent(keys: readonly number[], bounds: Bounds, ascending: boolean): (most: number) => number[];
}

/** The place of the first entry greater than `value`. */
function above(list: readonly number[], value: number): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((list[middle] ?? 0) > value) high = middle;
    else low = middle + 1;
  }
  return low;
}

const has = (list: readonly number[], value: number): boolean => list[above(list, value) - 1] === value;

function enter(lists: Lists, key: number, seq: number): void {
  const list = lists.get(key);
  if (!list) lists.set(key, [seq]);
  else if (seq > (list.at(-1) ?? 0)) list.push(seq);
  else if (!has(list, seq)) list.splice(above(list, seq), 0, seq);
}

export function createTermRows(db: Sqlite, gathered: number): TermRows {
  const insertMany = db.prepare<[number[]]>(
    `INSERT OR IGNORE INTO lrs_terms (key, seq, verb) VALUES ${Array.from({ length: rowsAtOnce }, () => '(?,?,?)').join(',')}`,
  );
  const insertOne = db.prepare<[number, number, number]>(
    'INSERT OR IGNORE INTO lrs_terms (key, seq, verb) VALUES (?, ?, ?)',
  );
  const noteThrough = db.prepare<[number]>('UPDATE lrs_terms_through SET seq = ?');
  let through = db.prepare<[], number>('SELECT seq FROM lrs_terms_through').pluck().get() ?? 0;

  let newer: Lists = new Map();
  let newerRows = 0;
  let newest = through;
  let newerVerbs: Verbs = new Map();
  let older: Lists = new Map();
  let olderThrough = through;
  let olderVerbs: Verbs = new Map();
  /** The older rows' keys in order, and how far they are in the table: the place of a key, and within its list. */
  let order = new Float64Array(0);
  let moved = { key: 0, row: 0, left: 0 };

  /** What the open transaction has noted (key, seq and verb in turn), how far it has moved, whether nothing is left to move. */
  let noted: number[] = [];
  let notedHead = 0;
  let moving = moved;
  let emptied = false;

  const write = (rows: readonly number[]): void => {
    const width = rowsAtOnce * 3;
    let at = 0;
    for (; at + width <= rows.length; at += width) insertMany.run(rows.slice(at, at + width));
    for (; at < rows.length; at += 3) insertOne.run(rows[at] ?? 0, rows[at + 1] ?? 0, rows[at + 2] ?? 0);
  };
  const move = (most: number): void => {
    if (older.size === 0 || emptied) return;
    const rows: number[] = [];
    let { key, row, left } = moving;
    while (key < order.length && rows.length < most * 3) {
      const number = order[key] ?? 0;
      const list = older.get(number) ?? [];
      for (; row < list.length && rows.length < most * 3; row++) {
        const seq = list[row] ?? 0;
        rows.push(number, seq, olderVerbs.get(seq) ?? 0);
      }
      if (row < list.length) break;
      key++;
      row = 0;
    }
    write(rows);
    left -= rows.length / 3;
    moving = { key, row, left };
    if (key < order.length) return;
    emptied = true;
    noteThrough.run(olderThrough);
  };
  /** Between transactions: the newer rows become the older ones. */
  const age = (): void => {
    older = newer;
    olderThrough = newest;
    olderVerbs = newerVerbs;
    order = Float64Array.from(older.keys()).sort();
    moved = moving = { key: 0, row: 0, left: newerRows };
    newer = new Map();
    newerRows = 0;
    newerVerbs = new Map();
  };
  const settle = (committed: boolean): void => {
    if (committed) {
      if (emptied) {
        through = olderThrough;
        older = new Map();
        olderVerbs = new Map();
        order = new Float64Array(0);
      }
      moved = moving;
      for (let at = 0; at < noted.length; at += 3) {
        const [key = 0, seq = 0, verb = 0] = [noted[at], noted[at + 1], noted[at + 2]];
        if (seq > olderThrough) {
          enter(newer, key, seq);
          if (verb !== 0) newerVerbs.set(seq, verb);
          newerRows++;
        } else if (seq > through) enter(older, key, seq);
      }
      newest = Math.max(newest, notedHead);
      if (older.size === 0 && newerRows >= gathered) age();
    }
    moving = moved;
    emptied = false;
    noted = [];
    notedHead = 0;
  };

  return {
    add(key, seq, verb) {
      // What is in the table already, or on its way, does not wait: it may have been passed by.
      if (seq <= olderThrough) insertOne.run(key, seq, verb);
      if (seq > through) noted.push(key, seq, verb);
      if (seq > notedHead) notedHead = seq;
    },
    moveSome() {
      move(Math.max(leastMoved, Math.ceil((noted.length / 3) * movedPerRow)));
    },
    settle,
    moveMore() {
      if (older.size === 0) age();
      if (older.size === 0) return 0;
      try {
        db.transaction(() => move(mostMoved)).immediate();
        settle(true);
      } catch (error) {
        settle(false);
        throw error;
      }
      // Rows that came in late may make it more than was counted.
      return older.size === 0 ? newerRows : Math.max(1, moved.left);
    },
    head: () => Math.max(newest, notedHead),
    through: () => through,
    recent(keys, { low, high }, ascending) {
      const sources: { driver: number[]; others: number[][] }[] = [];
      for (const lists of ascending ? [older, newer] : [newer, older]) {
        const [driver, ...others] = keys
          .map((key) => lists.get(key) ?? [])
          .sort((a, b) => a.length - b.length);
        if (driver && driver.length > 0) sources.push({ driver, others });
      }
      // By value and not by place: a list may gain entries between two calls.
      let last = ascending ? low : high + 1;
      return (most) => {
        const seqs: number[] = [];
        for (const { driver, others } of sources) {
          const step = ascending ? 1 : -1;
          for (
            let at = ascending ? above(driver, last) : above(driver, last - 1) - 1;
            at >= 0 && at < driver.length && seqs.length < most;
            at += step
          ) {
            const seq = driver[at] ?? 0;
            if (ascending ? seq > high : seq <= low) break;
            last = seq;
            if (others.every((list) => has(list, seq))) seqs.push(seq);
          }
        }
        return seqs;
      };
    },
  };
}
