import { setImmediate } from 'node:timers/promises';
import {
  pageBytes,
  type StatementPage,
  type StatementQuery,
  type StatementRow,
  type StatementTextPage,
  toTextPage,
} from '../../lrs/store.ts';
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
const sampleRows = 500;

/** To be awaited between steps: resolves at once while the query's time has not run out. */
function takingTurns(): () => Promise<void> {
  let since = performance.now();
  return async () => {
    if (performance.now() - since < turnMs) return;
    await setImmediate();
    since = performance.now();
  };
}

interface TextRow {
  text: Buffer | null;
  count: number;
  last: number | null;
  newest: number | null;
  bytes: number | null;
}

interface Bounds {
  low: number;
  high: number;
}

/** Reads of the Statement tables. Nothing here is linear in the store's size. */
export function createStatementQueries(db: Sqlite, terms: TermKeys) {
  const head = db.prepare<[], number | null>('SELECT max(seq) FROM lrs_statements').pluck();
  const nextAt = db.prepare<[number], { seq: number; stored: number }>(
    'SELECT seq, stored FROM lrs_statements WHERE seq >= ? ORDER BY seq LIMIT 1',
  );
  const sample = (order: string) =>
    db.prepare<[number, number, number], { rows: number; first: number | null; last: number | null }>(
      `SELECT count(*) AS rows, min(seq) AS first, max(seq) AS last FROM
        (SELECT seq FROM lrs_terms WHERE key = ? AND seq > ? AND seq <= ? ORDER BY seq ${order} LIMIT ${sampleRows})`,
    );
  const samples = { up: sample('ASC'), down: sample('DESC') };
  const after = db.prepare<[number, number], Row>(
    'SELECT * FROM lrs_statements WHERE seq > ? ORDER BY seq LIMIT ?',
  );

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

  /** How many rows of the range have the term: counted when few, else by how densely the nearest ones lie. */
  const rarity = (key: number, { low, high }: Bounds, ascending: boolean): number => {
    const found = (ascending ? samples.up : samples.down).get(key, low, high);
    if (!found || found.rows < sampleRows || found.first === null || found.last === null)
      return found?.rows ?? 0;
    const span = ascending ? found.last - low : high - found.first + 1;
    return (found.rows * (high - low)) / span;
  };

  const statements = new Map<string, ReturnType<typeof prepareStep>>();
  /** One step: the driving term's next rows, those kept that have the other terms and are not voided. */
  const prepareStep = (others: number, ascending: boolean) => {
    const order = ascending ? 'ASC' : 'DESC';
    // Loops of their own before the Statement's row: as EXISTS they would be asked after it has been read.
    const probes = Array.from(
      { length: Math.max(0, others) },
      (_, at) => `CROSS JOIN lrs_terms p${at} ON p${at}.key = @other${at} AND p${at}.seq = d.seq`,
    ).join(' ');
    const driver =
      others < 0
        ? `SELECT seq FROM lrs_statements WHERE seq > @low AND seq <= @high ORDER BY seq ${order} LIMIT ${stepRows}`
        : `SELECT seq FROM lrs_terms WHERE key = @driver AND seq > @low AND seq <= @high ORDER BY seq ${order} LIMIT ${stepRows}`;
    const chosen = (columns: string): string =>
      `SELECT ${columns} FROM (${driver}) d ${probes} CROSS JOIN lrs_statements s ON s.seq = d.seq
       WHERE s.flags & @hidden = 0 ORDER BY d.seq ${order} LIMIT @limit`;
    return {
      rows: db.prepare<[Record<string, number>], Row>(chosen('s.*')),
      // The page put together where it lies: no row crosses into JavaScript, and its text is never decoded.
      text: db.prepare<[Record<string, number>], TextRow>(
        `SELECT CAST(group_concat(body, ',' ORDER BY seq ${order}) AS BLOB) AS text, count(*) AS count,
           ${ascending ? 'max' : 'min'}(seq) AS last, max(stored) AS newest, sum(length(body)) AS bytes
         FROM (${chosen('s.seq, s.body, s.stored')})`,
      ),
      /** Whether anything follows a seq within the step's rows. */
      follows: db
        .prepare<[Record<string, number>], number>(
          `SELECT 1 FROM (${driver}) d ${probes} CROSS JOIN lrs_statements s ON s.seq = d.seq WHERE s.flags & @hidden = 0 LIMIT 1`,
        )
        .pluck(),
      count: db
        .prepare<[Record<string, number>], number>(
          `SELECT count(*) FROM (${driver}) d ${probes} CROSS JOIN lrs_statements s ON s.seq = d.seq WHERE s.flags & @hidden = 0`,
        )
        .pluck(),
      /** Where the step ended, when it used up all its rows. */
      end: db
        .prepare<[Record<string, number>], number>(
          `SELECT seq FROM (${driver}) LIMIT 1 OFFSET ${stepRows - 1}`,
        )
        .pluck(),
    };
  };
  const step = (others: number, ascending: boolean) => {
    const name = `${others} ${ascending}`;
    let prepared = statements.get(name);
    if (!prepared) statements.set(name, (prepared = prepareStep(others, ascending)));
    return prepared;
  };

  const bounds = (query: StatementQuery, through: number): Bounds => {
    let low = query.since === null ? 0 : seqAt(query.since, through);
    let high = query.until === null ? through : seqAt(query.until, through);
    if (query.after !== null) {
      if (query.ascending) low = Math.max(low, query.after);
      else high = Math.min(high, query.after - 1);
    }
    return { low, high };
  };

  /** The query made ready: its statements and their values; null when a term was never seen. */
  const plan = (query: StatementQuery, through: number) => {
    const { low, high } = bounds(query, through);
    const keys: number[] = [];
    for (const term of query.terms) {
      const key = terms.find(term);
      if (key === null) return null;
      keys.push(key);
    }
    const ordered =
      keys.length < 2
        ? keys
        : keys
            .map((key) => ({ key, rows: rarity(key, { low, high }, query.ascending) }))
            .sort((a, b) => a.rows - b.rows)
            .map(({ key }) => key);
    const [driver, ...others] = ordered;
    const values: Record<string, number> = { low, high, hidden: query.withVoided ? 0 : 1 };
    if (driver !== undefined) values['driver'] = driver;
    others.forEach((key, at) => (values[`other${at}`] = key));
    return { prepared: step(driver === undefined ? -1 : others.length, query.ascending), values };
  };

  const findText = async (query: StatementQuery): Promise<StatementTextPage> => {
    const through = query.through ?? head.get() ?? 0;
    const planned = plan(query, through);
    if (planned) {
      const { prepared, values } = planned;
      const row = prepared.text.get({ ...values, limit: query.limit });
      // Found whole in the first step and of an ordinary size: nearly always.
      if (row?.text && row.last !== null && row.count === query.limit && (row.bytes ?? 0) <= pageBytes) {
        const { last } = row;
        const rest = query.ascending ? { ...values, low: last } : { ...values, high: last - 1 };
        const more = prepared.follows.get(rest) !== undefined || prepared.end.get(rest) !== undefined;
        return { text: row.text, last, newest: row.newest ?? 0, more, through };
      }
      if (row && (row.bytes ?? 0) <= pageBytes && prepared.end.get(values) === undefined)
        return {
          text: row.text ?? Buffer.alloc(0),
          last: row.last,
          newest: row.newest ?? 0,
          more: false,
          through,
        };
    }
    return toTextPage(await find({ ...query, through }));
  };

  const find = async (query: StatementQuery): Promise<StatementPage> => {
    const through = query.through ?? head.get() ?? 0;
    const planned = plan(query, through);
    if (!planned) return { rows: [], more: false, through };
    const { prepared, values } = planned;
    const wanted = query.limit + 1;
    const turn = takingTurns();
    const rows: StatementRow[] = [];
    let bytes = 0;
    for (;;) {
      values['limit'] = wanted - rows.length;
      for (const row of prepared.rows.iterate(values)) {
        rows.push(toRow(row));
        bytes += row.body.length;
        if (bytes > pageBytes && rows.length > 1) break;
      }
      if (bytes > pageBytes && rows.length > 1)
        return { rows: rows.slice(0, Math.min(query.limit, rows.length - 1)), more: true, through };
      if (rows.length >= wanted) break;
      const end = prepared.end.get(values);
      if (end === undefined) break;
      if (query.ascending) values['low'] = end;
      else values['high'] = end - 1;
      await turn();
    }
    return { rows: rows.slice(0, query.limit), more: rows.length > query.limit, through };
  };

  const count = async (query: StatementQuery): Promise<number> => {
    const planned = plan({ ...query, ascending: true, after: null }, query.through ?? head.get() ?? 0);
    if (!planned) return 0;
    const { prepared, values } = planned;
    let total = 0;
    const turn = takingTurns();
    for (;;) {
      total += prepared.count.get(values) ?? 0;
      if (total >= query.limit) return query.limit;
      const end = prepared.end.get(values);
      if (end === undefined) return total;
      values['low'] = end;
      await turn();
    }
  };

  return {
    find,
    findText,
    count,
    async after(seq: number, limit: number): Promise<StatementRow[]> {
      return after.all(seq, limit).map(toRow);
    },
    head: (): number => head.get() ?? 0,
  };
}
