import { setImmediate } from 'node:timers/promises';
import {
  mostLookedAt,
  pageBytes,
  type StatementPage,
  type StatementQuery,
  type StatementRow,
  type StatementTextPage,
} from '../../lrs/store.ts';
import { isVerb } from '../../xapi/terms.ts';
import type { Bounds, TermRows } from './lrs-term-rows.ts';
import type { TermKeys } from './lrs-terms.ts';
import type { Sqlite } from './open.ts';

export interface Row {
  seq: number;
  id: Buffer;
  stored: number;
  authority_id: string;
  flags: number;
  body: string;
}

export const toRow = (row: Row): StatementRow => {
  const hex = row.id.toString('hex');
  return {
    seq: row.seq,
    id: `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`,
    stored: row.stored,
    body: row.body,
    authorityId: row.authority_id,
    voided: (row.flags & 1) === 1,
    voiding: (row.flags & 2) === 2,
  };
};

/** Rows of the driving term looked at in one go: under a millisecond when their pages are at hand, some when not. */
const stepRows = 1000;
/** A query that has kept the event loop so long lets others have their turn before its next step. */
const turnMs = 4;
/** So many rows of a term tell how rare it is. */
const sampleRows = 100;

/** To be awaited between steps: resolves at once while the query's time has not run out. */
function takingTurns(): () => Promise<void> {
  let since = performance.now();
  return async () => {
    if (performance.now() - since < turnMs) return;
    await setImmediate();
    since = performance.now();
  };
}

/**
 * A bound LIMIT that the planner takes no notice of: a plain one has the statement planned anew whenever it is bound
 * (SQLite with STAT4), which costs more than many a query.
 */
export const unplanned = (parameter: string): string => `${parameter} + 0`;

/** Where the rows come from that a query looks at. */
type Driver = 'seqs' | 'statements' | 'term' | 'term with verb';

/** What a step found: seqs and sizes (bytes), each joined by commas, and the texts if asked for, likewise. */
type Gathered = [seqs: string | null, sizes: string | null, text?: Buffer | null];
type Values = Record<string, number | string>;

const comma = Buffer.from(',');
const numbersOf = (joined: string | null | undefined): number[] =>
  joined ? (JSON.parse(`[${joined}]`) as number[]) : [];

/** Some of the rows that a query looks at, in its order. */
interface Step {
  /** @param textOf no text is read that is larger (bytes); null: none at all */
  found(limit: number, textOf: number | null): Gathered | undefined;
  count(limit: number): number;
  /** The last row that it looks at, or the bound that it looks up to. */
  end(): number;
  /** How many those are. */
  looked: number;
}

/** Reads of the Statement tables. What one page looks at is bounded, however large the store is. */
export function createStatementQueries(db: Sqlite, terms: TermKeys, termRows: TermRows, head: () => number) {
  const nextAt = db.prepare<[number], { seq: number; stored: number }>(
    'SELECT seq, stored FROM lrs_statements WHERE seq >= ? ORDER BY seq LIMIT 1',
  );
  const sample = (order: string) =>
    db
      .prepare<[number, number, number], number>(
        `SELECT seq FROM lrs_terms WHERE key = ? AND seq > ? AND seq <= ? ORDER BY seq ${order} LIMIT 1 OFFSET ${sampleRows - 1}`,
      )
      .pluck();
  const samples = { up: sample('ASC'), down: sample('DESC') };
  /** The greatest seq stored at or before the instant: `stored` never falls as seq grows, so halving finds it. */
  const seqAt = (instant: number, last: number): number => {
    let low = 0; // known to be at or before the instant (or nothing)
    let high = last + 1; // known to be after it (or nothing)
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      const row = nextAt.get(middle);
      if (!row || row.seq >= high || row.stored > instant) high = middle;
      else low = row.seq;
    }
    return low;
  };

  /** How many rows of the range have the term, by how densely the nearest ones lie; 0: only a few. */
  const rarity = (key: number, { low, high }: Bounds, ascending: boolean): number => {
    const last = (ascending ? samples.up : samples.down).get(key, low, high);
    if (last === undefined) return 0;
    return (sampleRows * (high - low)) / (ascending ? last - low : high - last + 1);
  };

  /** The term that the others are looked up for: the first one with few rows, else the rarest. */
  const driverOf = (keys: readonly number[], bounds: Bounds, ascending: boolean): number => {
    let [driver = 0] = keys;
    let fewest = Infinity;
    for (const key of keys.length > 1 ? keys : []) {
      const rows = rarity(key, bounds, ascending);
      if (rows < fewest) [driver, fewest] = [key, rows];
      if (rows === 0) break;
    }
    return driver;
  };

  const prepareAsks = (driver: string, probes: string, condition: string, order: string) => {
    const found = (columns: string): string =>
      `SELECT ${columns} FROM (${driver}) d ${probes} CROSS JOIN lrs_statements s ON s.seq = d.seq
       WHERE ${condition} s.flags & @hidden = 0 ORDER BY d.seq ${order} LIMIT ${unplanned('@limit')}`;
    return {
      // Put together where it lies: no row crosses into JavaScript, and no text is decoded.
      found: db
        .prepare<[Values], Gathered>(
          `SELECT group_concat(seq), group_concat(size) FROM (${found('s.seq AS seq, octet_length(s.body) AS size')})`,
        )
        .raw(),
      foundText: db
        .prepare<[Values], Gathered>(
          `SELECT group_concat(seq), group_concat(size),
             CAST(group_concat(CASE WHEN size <= @textOf THEN body ELSE '' END) AS BLOB)
           FROM (${found('s.seq AS seq, octet_length(s.body) AS size, s.body AS body')})`,
        )
        .raw(),
      count: db.prepare<[Values], number>(`SELECT count(*) FROM (${found('1')})`).pluck(),
      /** Where the driver's rows end, when they are as many as a step's. */
      end: db.prepare<[Values], number>(`SELECT seq FROM (${driver}) LIMIT 1 OFFSET ${stepRows - 1}`).pluck(),
    };
  };
  const prepared = new Map<string, ReturnType<typeof prepareAsks>>();
  const asks = (driver: Driver, others: number, ascending: boolean) => {
    const name = `${driver} ${others} ${ascending}`;
    const ready = prepared.get(name);
    if (ready) return ready;
    const order = ascending ? 'ASC' : 'DESC';
    const within = `seq > @low AND seq <= @high ORDER BY seq ${order} LIMIT ${stepRows}`;
    const drivers = {
      seqs: `SELECT value AS seq FROM json_each(@seqs) ORDER BY value ${order} LIMIT ${stepRows}`,
      statements: `SELECT seq FROM lrs_statements WHERE ${within}`,
      term: `SELECT seq FROM lrs_terms WHERE key = @driver AND ${within}`,
      'term with verb': `SELECT seq, verb FROM lrs_terms WHERE key = @driver AND ${within}`,
    };
    const withVerb = driver === 'term with verb';
    // The driver's own row says the verb; only where it does not (no key is null) is the verb's row looked for.
    const verbProbe = withVerb
      ? 'LEFT JOIN lrs_terms v ON v.key = CASE d.verb WHEN 0 THEN @verb END AND v.seq = d.seq'
      : '';
    // Loops of their own before the Statement's row: as EXISTS they would be asked after it has been read.
    const probes = Array.from(
      { length: others },
      (_, at) => `CROSS JOIN lrs_terms p${at} ON p${at}.key = @other${at} AND p${at}.seq = d.seq`,
    ).join(' ');
    const condition = withVerb ? '(d.verb = @verb OR v.seq IS NOT NULL) AND' : '';
    const made = prepareAsks(drivers[driver], `${verbProbe} ${probes}`, condition, order);
    prepared.set(name, made);
    return made;
  };

  const bySeqs = (columns: string, order: string): string =>
    `SELECT ${columns} FROM (SELECT value AS seq FROM json_each(?) ORDER BY value ${order} LIMIT -1) d
     CROSS JOIN lrs_statements s ON s.seq = d.seq ORDER BY d.seq ${order} LIMIT -1`;
  const rowsOf = {
    up: db.prepare<[string], Row>(bySeqs('s.*', 'ASC')),
    down: db.prepare<[string], Row>(bySeqs('s.*', 'DESC')),
  };
  const texts = (order: string) =>
    db
      .prepare<[string], Buffer | null>(
        `SELECT CAST(group_concat(body, ',') AS BLOB) FROM (${bySeqs('s.body', order)})`,
      )
      .pluck();
  const textsOf = { up: texts('ASC'), down: texts('DESC') };

  const reads = (
    { found, foundText, count }: ReturnType<typeof prepareAsks>,
    values: Values,
  ): Pick<Step, 'found' | 'count'> => ({
    found: (limit, textOf) =>
      textOf === null ? found.get({ ...values, limit }) : foundText.get({ ...values, limit, textOf }),
    count: (limit) => count.get({ ...values, limit }) ?? 0,
  });

  /** Of Statements whose terms lie in memory, which has been asked already: those with these seqs. */
  const stepOfSeqs = (seqs: number[], hidden: number, ascending: boolean): Step => {
    const ready = asks('seqs', 0, ascending);
    const values = { hidden, seqs: JSON.stringify(seqs) };
    return {
      ...reads(ready, values),
      end: () => seqs.at(-1) ?? 0,
      looked: seqs.length,
    };
  };

  function* stepsOfTable(
    driver: Driver,
    others: number,
    given: Values,
    bounds: Bounds,
    ascending: boolean,
  ): Generator<Step> {
    const ready = asks(driver, others, ascending);
    let { low, high } = bounds;
    while (low < high) {
      const values = { ...given, low, high };
      let last: number | undefined;
      yield {
        ...reads(ready, values),
        end: () => (last ??= ready.end.get(values)) ?? (ascending ? high : low),
        looked: stepRows,
      };
      last ??= ready.end.get(values);
      if (last === undefined) return;
      if (ascending) low = last;
      else high = last - 1;
    }
  }

  const boundsOf = (query: StatementQuery, through: number): Bounds => {
    let low = query.since === null ? 0 : seqAt(query.since, through);
    let high = query.until === null ? through : seqAt(query.until, through);
    if (query.after !== null) {
      if (query.ascending) low = Math.max(low, query.after);
      else high = Math.min(high, query.after - 1);
    }
    return { low, high };
  };

  /** What the query has to look at, step by step, in its order. */
  function* stepsOf(query: StatementQuery, through: number): Generator<Step> {
    const { ascending, limit } = query;
    const bounds = boundsOf(query, through);
    const hidden = query.withVoided ? 0 : 1;
    const keys: number[] = [];
    let verb = 0;
    for (const term of query.terms) {
      const key = terms.find(term);
      // Never seen: no Statement has it.
      if (key === null) return;
      keys.push(key);
      if (isVerb(term)) verb = key;
    }
    if (keys.length === 0) return yield* stepsOfTable('statements', 0, { hidden }, bounds, ascending);

    const inTable: Bounds = { low: bounds.low, high: Math.min(bounds.high, termRows.through()) };
    const next = termRows.recent(keys, { ...bounds, low: Math.max(bounds.low, inTable.high) }, ascending);
    const ofMemory = function* (): Generator<Step> {
      const atOnce = Math.min(limit + 1, stepRows);
      for (let seqs = next(atOnce); seqs.length > 0; seqs = next(atOnce))
        yield stepOfSeqs(seqs, hidden, ascending);
    };
    const ofTable = function* (): Generator<Step> {
      if (inTable.low >= inTable.high) return;
      const driver = driverOf(keys, inTable, ascending);
      const others = keys.filter((key) => key !== driver && key !== verb);
      const values: Values = { hidden, driver };
      others.forEach((key, at) => (values[`other${at}`] = key));
      const withVerb = verb !== 0 && verb !== driver;
      if (withVerb) values['verb'] = verb;
      yield* stepsOfTable(withVerb ? 'term with verb' : 'term', others.length, values, inTable, ascending);
    };
    yield* ascending ? ofTable() : ofMemory();
    yield* ascending ? ofMemory() : ofTable();
  }

  /** The first ones of a step's texts: as it has gathered them, or read anew where one of them is too large for that. */
  const textOfStep = (
    seqs: readonly number[],
    sizes: readonly number[],
    gathered: Buffer,
    largest: number,
    ascending: boolean,
  ): Buffer =>
    sizes.some((size) => size > largest)
      ? (textsOf[ascending ? 'up' : 'down'].get(JSON.stringify(seqs)) ?? Buffer.alloc(0))
      : gathered.subarray(
          0,
          sizes.reduce((sum, size) => sum + size + 1, -1),
        );

  /** The seqs of a page, its texts if they are asked for, and where the next one begins. */
  const pageOf = async ({ limit, ...query }: StatementQuery, withText: boolean) => {
    const through = query.through ?? head();
    const turn = takingTurns();
    const page = { seqs: [] as number[], texts: [] as Buffer[], next: null as number | null, through };
    // So that what is gathered in one go is no more than a page.
    const largest = Math.floor(pageBytes / (limit + 1));
    let bytes = 0;
    let looked = 0;
    let before: Step | null = null;
    for (const step of stepsOf({ limit, ...query }, through)) {
      if (before && looked >= mostLookedAt) return { ...page, next: before.end() };
      // One more than there is room for tells whether there is more.
      const [found, sizes, text] = step.found(limit + 1 - page.seqs.length, withText ? largest : null) ?? [];
      const seqs = numbersOf(found);
      const sizeOf = numbersOf(sizes);
      let taken = 0;
      for (; taken < seqs.length; taken++) {
        bytes += sizeOf[taken] ?? 0;
        const has = page.seqs.length + taken;
        if (has > 0 && (has === limit || bytes > pageBytes)) break;
      }
      const kept = seqs.slice(0, taken);
      page.seqs.push(...kept);
      if (text && taken > 0)
        page.texts.push(textOfStep(kept, sizeOf.slice(0, taken), text, largest, query.ascending));
      if (taken < seqs.length) return { ...page, next: page.seqs.at(-1) ?? null };
      looked += step.looked;
      before = step;
      await turn();
    }
    return page;
  };

  const find = async (query: StatementQuery): Promise<StatementPage> => {
    const { seqs, next, through } = await pageOf(query, false);
    const rows = seqs.length === 0 ? [] : rowsOf[query.ascending ? 'up' : 'down'].all(JSON.stringify(seqs));
    return { rows: rows.map(toRow), next, through };
  };

  const findText = async (query: StatementQuery): Promise<StatementTextPage> => {
    const { seqs, texts: parts, next, through } = await pageOf(query, true);
    const latest = query.ascending ? seqs.at(-1) : seqs[0];
    const newest = latest === undefined ? 0 : (nextAt.get(latest)?.stored ?? 0);
    const [text = Buffer.alloc(0), ...more] = parts;
    return {
      text:
        more.length === 0
          ? text
          : Buffer.concat(parts.flatMap((part, at) => (at > 0 ? [comma, part] : part))),
      newest,
      next,
      through,
    };
  };

  const count = async (query: StatementQuery): Promise<number> => {
    let total = 0;
    const turn = takingTurns();
    const all = { ...query, ascending: true, after: null };
    for (const step of stepsOf(all, query.through ?? head())) {
      total += step.count(query.limit - total);
      if (total >= query.limit) return query.limit;
      await turn();
    }
    return total;
  };

  return {
    find,
    findText,
    count,
  };
}
