import {
  mostLookedAt,
  pageBytes,
  type StatementQuery,
  type StatementRow,
  type StatementStore,
  toTextPage,
} from '../../lrs/store.ts';
import { isInherited, term, termsOf, wellFormed } from '../../xapi/terms.ts';
import { derived } from '../derived-statement.ts';
import { createKnowledge } from './lrs-knowledge.ts';
import { createLinks } from './lrs-links.ts';
import { hashed, inRange, openStatementRows, type Row, toRow } from './lrs-rows.ts';
import { createSequence, isDead, type SequenceState, visibleBefore } from './lrs-sequence.ts';
import { createStatementWriter } from './lrs-writer.ts';
import { type Connection, isDuplicateKey } from './open.ts';

/** @param looked rows that have the rarest term of a query, of which a page looks at so many */
export async function createMongoStatementStore(
  connection: Connection,
  { looked = mostLookedAt }: { looked?: number } = {},
): Promise<StatementStore> {
  /** So many rows of a term tell how rare it is. */
  const sampleRows = Math.min(100, looked);
  const statementRows = await openStatementRows(connection);
  const { model, references, byIds, referencesTo } = statementRows;
  const sequence = await createSequence(connection);
  const knowledge = await createKnowledge(connection);
  const writer = createStatementWriter(statementRows, sequence, knowledge);

  const seqAt = async (instant: number): Promise<number> => {
    const row = await model
      .findOne({ stored: { $lte: instant } }, { seq: 1 })
      .sort({ stored: -1, seq: -1 })
      .lean<{ seq: number } | null>();
    return row?.seq ?? 0;
  };

  const alive = (state: SequenceState): object =>
    state.dead.length === 0 ? {} : { $nor: state.dead.map(({ first, count }) => inRange(first, count)) };

  /** The place of the nth row of the range with the term in the query's order; null: there are not so many. */
  const placeOf = async (terms: string | undefined, seq: object, nth: number, order: 1 | -1) => {
    const row = await model
      .findOne({ ...(terms === undefined ? {} : { terms }), seq }, { _id: 0, seq: 1 })
      .sort({ seq: order })
      .skip(nth - 1)
      .lean<{ seq: number } | null>();
    return row?.seq ?? null;
  };
  /** The terms, the rarest first: told by how far its rows reach that come first. */
  const rarestFirst = async (terms: string[], seq: { $gt: number; $lte: number }, order: 1 | -1) => {
    if (terms.length < 2) return terms;
    const reaches = await Promise.all(
      terms.map(async (term): Promise<[string, number]> => {
        const place = await placeOf(term, seq, sampleRows, order);
        return [term, place === null ? Infinity : order === 1 ? place - seq.$gt : seq.$lte - place];
      }),
    );
    return reaches.toSorted((a, b) => (a[1] === b[1] ? 0 : b[1] - a[1])).map(([term]) => term);
  };

  /** What a query selects, and the last seq that it sees. */
  const selection = async (query: StatementQuery) => {
    const state = await sequence.read();
    const through = query.through ?? visibleBefore(state) - 1;
    let low = query.since === null ? 0 : await seqAt(query.since);
    let high = query.until === null ? through : Math.min(through, await seqAt(query.until));
    if (query.after !== null) {
      if (query.ascending) low = Math.max(low, query.after);
      else high = Math.min(high, query.after - 1);
    }
    const visible = { ...(query.withVoided ? {} : { voided: false }), ...alive(state) };
    return { terms: query.terms.map(hashed), seq: { $gt: low, $lte: high }, visible, through };
  };
  /** By equality rather than $all, which means the same: servers that look through rows do so sooner. */
  const having = ([first, ...others]: string[]): object => ({
    ...(first === undefined ? {} : { terms: first }),
    ...(others.length === 0 ? {} : { $and: others.map((terms) => ({ terms })) }),
  });

  const find = async (query: StatementQuery) => {
    const { terms, seq, visible, through } = await selection(query);
    const order: 1 | -1 = query.ascending ? 1 : -1;
    // A range of no more seqs than a page looks at is bounded as it is.
    const bounded = seq.$lte - seq.$gt <= looked;
    const [driver, ...others] = bounded ? [] : await rarestFirst(terms, seq, order);
    const cursor = model
      .aggregate<Row>([
        ...(bounded
          ? [{ $match: { ...having(terms), seq, ...visible } }, { $sort: { seq: order } }]
          : [
              // The limit before the condition bounds what is looked at, and has the rarest term lead whatever the planner thinks.
              { $match: { ...(driver === undefined ? {} : { terms: driver }), seq } },
              { $sort: { seq: order } },
              { $limit: looked },
              { $match: { ...having(others), ...visible } },
            ]),
        { $limit: query.limit + 1 },
      ])
      .cursor({ batchSize: 100 });
    const rows: StatementRow[] = [];
    let bytes = 0;
    for await (const row of cursor as AsyncIterable<Row>) {
      bytes += row.body.length;
      const last = rows.at(-1)?.seq;
      if (last !== undefined && (rows.length === query.limit || bytes > pageBytes)) {
        await cursor.close();
        return { rows, next: last, through };
      }
      rows.push(toRow(row));
    }
    return { rows, next: bounded ? null : await placeOf(driver, seq, looked, order), through };
  };

  /** Statements that name the actor themselves: those that only inherited the term are passed over. */
  async function* rowsNaming(identity: string): AsyncIterable<Row> {
    const text = wellFormed(term.relatedAgent(identity));
    const cursor = model
      .find({ terms: hashed(text) })
      .lean<Row[]>()
      .cursor({ batchSize: 100 });
    for await (const row of cursor as AsyncIterable<Row>) {
      const statement = JSON.parse(row.body) as { authority: object };
      if (termsOf(statement, statement.authority, row.authorityId).includes(text)) yield row;
    }
  }

  return {
    add: writer.add,
    async byId(id) {
      const [row, state] = await Promise.all([
        model.findOne({ _id: id }).lean<Row | null>(),
        sequence.read(),
      ]);
      if (!row || isDead(state, row.seq) || state.open.some(({ batch }) => batch === row.batch)) return null;
      return toRow(row);
    },
    async referring(id) {
      const [reference] = await referencesTo([id]);
      const [rows, state] = await Promise.all([byIds(reference?.sources ?? []), sequence.read()]);
      return rows
        .filter(({ seq, refersTo }) => refersTo === id && seq < visibleBefore(state) && !isDead(state, seq))
        .sort((a, b) => a.seq - b.seq)
        .slice(0, 50)
        .map(({ _id }) => _id);
    },
    find,
    findText: async (query) => toTextPage(await find(query)),
    async count(query) {
      const { terms, seq, visible } = await selection({ ...query, after: null });
      return model.countDocuments({ ...having(terms), seq, ...visible }, { limit: query.limit });
    },
    async after(seq, limit) {
      const state = await sequence.read();
      // Whoever polls is answered from the one document nearly always.
      if (visibleBefore(state) <= seq + 1) return [];
      const rows = await model
        .find({ seq: { $gt: seq, $lt: visibleBefore(state) }, ...alive(state) })
        .sort({ seq: 1 })
        .limit(limit)
        .lean<Row[]>();
      return rows.map(toRow);
    },
    async head() {
      return visibleBefore(await sequence.read()) - 1;
    },
    async consistentThrough(now) {
      const { open } = await sequence.read();
      return open.reduce((least, { stored }) => Math.min(least, stored - 1), now);
    },
    definitions: knowledge.definitions,
    agentNames: knowledge.agentNames,
    async countOf(identity) {
      let count = 0;
      for await (const _ of rowsNaming(identity)) count++;
      return count;
    },
    async restore(given) {
      const rows = given.map(({ id, voided, ...row }): Row => {
        const { terms, refersTo } = derived(row.body, row.authorityId);
        const passed = terms.filter(isInherited).map(hashed);
        return { ...row, _id: id, terms: terms.map(hashed), passed, batch: '', refersTo, voided };
      });
      const last = rows.at(-1);
      if (!last) return;
      try {
        await model.insertMany(rows, { ordered: false, lean: true });
      } catch (error) {
        if (!isDuplicateKey(error)) throw error;
      }
      await createLinks(statementRows).link(rows);
      await sequence.change((state) => ({
        ...state,
        next: Math.max(state.next, last.seq + 1),
        stored: Math.max(state.stored, last.stored),
      }));
    },
    async erase(identity, limit) {
      let erased = 0;
      for await (const row of rowsNaming(identity)) {
        if (erased === limit) return erased;
        await references.updateMany(
          { _id: row.refersTo ?? '' },
          { $pull: { sources: row._id, voiders: row._id } },
        );
        await model.deleteOne({ _id: row._id });
        erased++;
      }
      // What only refers to them stays, and is no longer found by the person.
      const broad = hashed(wellFormed(term.relatedAgent(identity)));
      const gone = [broad, hashed(wellFormed(term.agent(identity)))];
      await model.updateMany({ terms: broad }, { $pullAll: { terms: gone, passed: gone } });
      await knowledge.forget(identity);
      return erased;
    },
  };
}
