import { createHash } from 'node:crypto';
import { Schema } from 'mongoose';
import type { Clock } from '../../base/clock.ts';
import { newUuid } from '../../base/ids.ts';
import {
  conflictingId,
  type NewStatement,
  pageBytes,
  repeatedId,
  type StatementQuery,
  type StatementRow,
  type StatementStore,
  toTextPage,
} from '../../lrs/store.ts';
import { statementDifference } from '../../xapi/equality.ts';
import { sealBody } from '../../xapi/raw.ts';
import { isInherited, term, termsOf, wellFormed } from '../../xapi/terms.ts';
import { derived } from '../derived-statement.ts';
import { createKnowledge } from './lrs-knowledge.ts';
import { createSequence, isDead, type SequenceState, visibleBefore } from './lrs-sequence.ts';
import { type Connection, isDuplicateKey } from './open.ts';

interface Row {
  /** The Statement's id. */
  _id: string;
  seq: number;
  stored: number;
  authorityId: string;
  body: string;
  /** Hashes of its terms and of those inherited from what it refers to. */
  terms: string[];
  /** Those of them that what refers to it inherits. */
  passed: string[];
  batch: string;
  refersTo: string | null;
  voiding: boolean;
  voided: boolean;
}

const schema = new Schema(
  {
    _id: { type: String, required: true },
    seq: Number,
    stored: Number,
    authorityId: String,
    body: String,
    terms: [String],
    passed: [String],
    batch: String,
    refersTo: { type: String, default: null },
    voiding: Boolean,
    voided: Boolean,
  },
  { versionKey: false, collection: 'lrs_statements' },
);
schema.index({ terms: 1, seq: -1 });
schema.index({ seq: 1 });
schema.index({ stored: -1, seq: -1 });

/** What refers to a Statement, under the target's id, so that it is found before and after the target is there. */
const referenceSchema = new Schema(
  { _id: { type: String, required: true }, sources: [String], voiders: [String] },
  { versionKey: false, collection: 'lrs_references' },
);
interface Reference {
  _id: string;
  sources?: string[];
  voiders?: string[];
}

/** 96 bits of SHA-256: short in the index, and no client can make two terms meet. */
const hashed = (term: string): string => createHash('sha256').update(term).digest('base64url').slice(0, 16);

const toRow = (row: Row): StatementRow => ({
  seq: row.seq,
  id: row._id,
  stored: row.stored,
  body: row.body,
  authorityId: row.authorityId,
  voided: row.voided,
  voiding: row.voiding,
});

interface Request {
  batch: NewStatement[];
  clock: Clock;
  tries: number;
  resolve: () => void;
  reject: (error: unknown) => void;
}

/** A batch that takes longer than this is taken for crashed. */
const leaseMs = 10_000;
/** So long an undone range is looked out for: its writer may still be slow, but not that slow. */
const rememberedMs = 24 * 3600_000;
const mostPerGroup = 500;
const mostTries = 60;
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export async function createMongoStatementStore(connection: Connection): Promise<StatementStore> {
  const model = connection.model<Row>('LrsStatement', schema as never);
  const references = connection.model<Reference>('LrsReference', referenceSchema as never);
  await model.createCollection();
  await model.createIndexes();
  await references.createCollection();
  const sequence = await createSequence(connection);
  const knowledge = await createKnowledge(connection);

  const byIds = async (ids: string[]): Promise<Row[]> => model.find({ _id: { $in: ids } }).lean<Row[]>();
  const referencesTo = async (ids: string[]): Promise<Reference[]> =>
    references.find({ _id: { $in: ids } }).lean<Reference[]>();
  const inRange = (first: number, count: number) => ({ seq: { $gte: first, $lt: first + count } });

  /** Gives terms to everything that refers to `target`, directly or through others. Ends where nothing is new. */
  const passOn = async (target: string, terms: readonly string[]): Promise<void> => {
    const open = [{ target, terms }];
    for (let next = open.pop(); next; next = open.pop()) {
      const { terms: passing } = next;
      const [reference] = await referencesTo([next.target]);
      for (const source of await byIds(reference?.sources ?? [])) {
        const known = new Set(source.passed);
        const added = passing.filter((term) => !known.has(term));
        if (added.length === 0) continue;
        await model.updateOne(
          { _id: source._id },
          { $addToSet: { terms: { $each: added }, passed: { $each: added } } },
        );
        open.push({ target: source._id, terms: added });
      }
    }
  };

  /** What a decided batch changes in other Statements: references, inheritance, voiding. Idempotent. */
  const link = async (rows: Row[]): Promise<void> => {
    for (const row of rows) {
      if (row.refersTo === null) continue;
      const field = row.voiding ? { sources: row._id, voiders: row._id } : { sources: row._id };
      await references.updateOne({ _id: row.refersTo }, { $addToSet: field }, { upsert: true });
    }
    for (const row of rows) {
      if (row.refersTo === null) continue;
      if (row.voiding)
        await model.updateOne({ _id: row.refersTo, voiding: false }, { $set: { voided: true } });
      const [target] = await byIds([row.refersTo]);
      if (!target) continue;
      const added = target.passed.filter((term) => !row.passed.includes(term));
      if (added.length > 0)
        await model.updateOne(
          { _id: row._id },
          { $addToSet: { terms: { $each: added }, passed: { $each: added } } },
        );
    }
    for (const reference of await referencesTo(rows.map((row) => row._id))) {
      const [row] = await byIds([reference._id]);
      if (!row) continue;
      const voiders = reference.voiders ?? [];
      if (voiders.length > 0 && !row.voiding && (await byIds(voiders)).length > 0)
        await model.updateOne({ _id: row._id }, { $set: { voided: true } });
      await passOn(row._id, row.passed);
    }
  };

  const close = (batch: string): Promise<SequenceState | null> =>
    sequence.change((state) => ({ ...state, open: state.open.filter((range) => range.batch !== batch) }));

  /** Undoes crashed batches that were not decided, completes those that were. */
  const recover = async (now: number): Promise<void> => {
    const state = await sequence.read();
    for (const range of state.open) {
      if (range.until > now) continue;
      if (range.phase === 'committed') {
        await link(
          await model.find({ ...inRange(range.first, range.count), batch: range.batch }).lean<Row[]>(),
        );
        await close(range.batch);
        continue;
      }
      const ended = await sequence.change((newest) => {
        const still = newest.open.find((open) => open.batch === range.batch && open.phase === 'writing');
        if (!still || still.until > now) return null;
        const recent = newest.dead.filter((old) => old.at > now - rememberedMs);
        const dead = [...recent, { first: range.first, count: range.count, at: now }];
        return { ...newest, open: newest.open.filter((open) => open !== still), dead };
      });
      if (ended) await model.deleteMany({ ...inRange(range.first, range.count), batch: range.batch });
    }
  };

  const untilVisible = async (seq: number, clock: Clock): Promise<void> => {
    for (let tries = 0; tries < 400; tries++) {
      if (visibleBefore(await sequence.read()) > seq) return;
      await recover(clock.now().getTime());
      await pause(Math.min(50, 5 + tries));
    }
  };

  /** Which Statements of a request are new; null when it must wait for another writer. Throws what refuses it. */
  const decide = async (request: Request, claimed: Set<string>): Promise<NewStatement[] | null> => {
    const ids = new Set<string>();
    for (const { id } of request.batch) {
      if (ids.has(id)) throw repeatedId(id);
      ids.add(id);
    }
    if ([...ids].some((id) => claimed.has(id))) return null;
    const state = await sequence.read();
    const kept = new Map<string, Row>();
    for (const row of await byIds([...ids])) {
      if (isDead(state, row.seq)) await model.deleteOne({ _id: row._id, batch: row.batch });
      else if (state.open.some(({ batch }) => batch === row.batch)) {
        await recover(request.clock.now().getTime());
        return null;
      } else kept.set(row._id, row);
    }
    return request.batch.filter((statement) => {
      const row = kept.get(statement.id);
      if (!row) return true;
      const difference = statementDifference(row.body, `${statement.body}}`);
      if (difference !== null) throw conflictingId(statement.id, difference);
      return false;
    });
  };

  const toNewRow = (statement: NewStatement, seq: number, stored: number, batch: string): Row => ({
    _id: statement.id,
    seq,
    stored,
    authorityId: statement.authorityId,
    body: sealBody(statement.body, new Date(stored).toISOString(), statement.stampTimestamp),
    terms: statement.terms.map(hashed),
    passed: statement.terms.filter(isInherited).map(hashed),
    batch,
    refersTo: statement.refersTo,
    voiding: statement.voiding,
    voided: false,
  });

  /** One group: its requests share a range of seqs; each of them is stored whole or not at all. */
  const writeGroup = async (group: Request[], again: (request: Request) => void): Promise<void> => {
    const claimed = new Set<string>();
    const ready: { request: Request; fresh: NewStatement[] }[] = [];
    for (const request of group) {
      try {
        const fresh = await decide(request, claimed);
        if (fresh === null) again(request);
        else if (fresh.length === 0) request.resolve();
        else {
          for (const { id } of request.batch) claimed.add(id);
          ready.push({ request, fresh });
        }
      } catch (error) {
        request.reject(error);
      }
    }
    const [first] = ready;
    if (!first) return;
    const { clock } = first.request;
    const statements = ready.flatMap(({ fresh }) => fresh);
    const batch = newUuid();
    const now = clock.now().getTime();
    const state = await sequence.change((newest) => {
      const stored = Math.max(now, newest.stored);
      const range = { batch, first: newest.next, count: statements.length, stored, until: now + leaseMs };
      return {
        next: newest.next + statements.length,
        stored,
        open: [...newest.open, { ...range, phase: 'writing' as const }],
        dead: newest.dead,
      };
    });
    const range = state?.open.find((open) => open.batch === batch);
    if (!range) throw new Error('the range was not given');
    const rows = statements.map((statement, at) =>
      toNewRow(statement, range.first + at, range.stored, batch),
    );
    let kept = rows;
    try {
      await model.insertMany(rows, { ordered: false, lean: true });
    } catch (error) {
      if ((error as { code?: number }).code !== 11000) throw error;
      kept = (await byIds(rows.map((row) => row._id))).filter((row) => row.batch === batch);
    }
    const there = new Set(kept.map((row) => row._id));
    const lost = ready.filter(({ fresh }) => fresh.some(({ id }) => !there.has(id)));
    const won = ready.filter((entry) => !lost.includes(entry));
    if (lost.length > 0) {
      const undone = lost.flatMap(({ fresh }) => fresh.map(({ id }) => id));
      await model.deleteMany({ _id: { $in: undone }, batch });
      kept = kept.filter((row) => !undone.includes(row._id));
      for (const { request } of lost) again(request);
    }
    const decided = await sequence.change((newest) => {
      const mine = newest.open.find((open) => open.batch === batch);
      if (!mine) return null;
      const open = newest.open.map((entry) =>
        entry === mine ? { ...mine, phase: 'committed' as const } : entry,
      );
      return { ...newest, open };
    });
    if (!decided) {
      // It took too long and was undone: from the beginning.
      await model.deleteMany({ _id: { $in: kept.map((row) => row._id) }, batch });
      for (const { request } of won) again(request);
      return;
    }
    await link(kept);
    await close(batch);
    for (const { fresh } of won) for (const statement of fresh) await knowledge.learn(statement);
    await untilVisible(range.first + range.count - 1, clock);
    for (const { request } of won) request.resolve();
  };

  let queue: Request[] = [];
  let running = false;
  const run = async (): Promise<void> => {
    running = true;
    await pause(0);
    while (queue.length > 0) {
      const group: Request[] = [];
      let weight = 0;
      for (let next = queue[0]; next && (group.length === 0 || weight < mostPerGroup); next = queue[0]) {
        queue.shift();
        group.push(next);
        weight += next.batch.length;
      }
      const waiting: Request[] = [];
      try {
        await writeGroup(group, (request) => {
          if (++request.tries > mostTries)
            request.reject(new Error('another writer holds a Statement of this batch for too long'));
          else waiting.push(request);
        });
      } catch (error) {
        waiting.length = 0;
        for (const request of group) request.reject(error);
      }
      if (waiting.length > 0) {
        queue = [...waiting, ...queue];
        await pause(5 + Math.random() * 40);
      }
    }
    running = false;
  };

  const seqAt = async (instant: number): Promise<number> => {
    const row = await model
      .findOne({ stored: { $lte: instant } }, { seq: 1 })
      .sort({ stored: -1, seq: -1 })
      .lean<{ seq: number } | null>();
    return row?.seq ?? 0;
  };

  const alive = (state: SequenceState): object =>
    state.dead.length === 0 ? {} : { $nor: state.dead.map(({ first, count }) => inRange(first, count)) };

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
    const terms = query.terms.map(hashed);
    const filter = {
      ...(terms.length > 0 ? { terms: { $all: terms } } : {}),
      seq: { $gt: low, $lte: high },
      ...(query.withVoided ? {} : { voided: false }),
      ...alive(state),
    };
    return { filter, through };
  };

  const find = async (query: StatementQuery) => {
    const { filter, through } = await selection(query);
    const cursor = model
      .find(filter)
      .sort({ seq: query.ascending ? 1 : -1 })
      .limit(query.limit + 1)
      .lean<Row[]>()
      .cursor({ batchSize: 100 });
    const rows: StatementRow[] = [];
    let bytes = 0;
    for await (const row of cursor as AsyncIterable<Row>) {
      bytes += row.body.length;
      if (rows.length === query.limit || (bytes > pageBytes && rows.length > 0)) {
        await cursor.close();
        return { rows, more: true, through };
      }
      rows.push(toRow(row));
    }
    return { rows, more: false, through };
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
    add: (batch, clock) =>
      new Promise((resolve, reject) => {
        queue.push({ batch, clock, tries: 0, resolve, reject });
        if (!running) void run();
      }),
    async byId(id) {
      const [row, state] = await Promise.all([
        model.findOne({ _id: id }).lean<Row | null>(),
        sequence.read(),
      ]);
      if (!row || isDead(state, row.seq) || state.open.some(({ batch }) => batch === row.batch)) return null;
      return toRow(row);
    },
    find,
    findText: async (query) => toTextPage(await find(query)),
    async count(query) {
      const { filter } = await selection({ ...query, after: null });
      return model.countDocuments(filter, { limit: query.limit });
    },
    async after(seq, limit) {
      const state = await sequence.read();
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
      await link(rows);
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
