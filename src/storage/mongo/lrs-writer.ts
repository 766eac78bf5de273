import type { Clock } from '../../base/clock.ts';
import { newUuid } from '../../base/ids.ts';
import { conflictingId, type NewStatement, repeatedId, type StatementStore } from '../../lrs/store.ts';
import { statementDifference } from '../../xapi/equality.ts';
import { sealBody } from '../../xapi/raw.ts';
import { isInherited } from '../../xapi/terms.ts';
import { learnt } from '../derived-statement.ts';
import type { Knowledge } from './lrs-knowledge.ts';
import { createLinks } from './lrs-links.ts';
import { hashed, inRange, type Row, type StatementRows } from './lrs-rows.ts';
import { isDead, type Sequence, type SequenceState, visibleBefore } from './lrs-sequence.ts';

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

/**
 * The write path without transactions (docs/decisions/0004): a range of seqs, its rows, the decision, what it changes in
 * others, then visible; requests that arrive together share a range.
 */
export function createStatementWriter(
  rows: StatementRows,
  sequence: Sequence,
  knowledge: Knowledge,
): Pick<StatementStore, 'add'> {
  const { model, byIds } = rows;
  const { link } = createLinks(rows);

  const close = (batch: string): Promise<SequenceState | null> =>
    sequence.change((state) => ({ ...state, open: state.open.filter((range) => range.batch !== batch) }));

  const learnFrom = async (row: Row): Promise<void> => {
    const { definitions, agentNames } = learnt(row.body);
    const defined = definitions
      .filter(({ activityId }) => row.defines?.includes(activityId))
      .map(({ activityId, text }) => ({ activityId, mark: text, text: () => text }));
    await knowledge.learn({ definitions: defined, agentNames: row.names ? agentNames : [] });
  };

  /** Undoes crashed batches that were not decided, completes those that were. */
  const recover = async (now: number): Promise<void> => {
    const state = await sequence.read();
    for (const range of state.open) {
      if (range.until > now) continue;
      if (range.phase === 'committed') {
        const rows = await model
          .find({ ...inRange(range.first, range.count), batch: range.batch })
          .lean<Row[]>();
        await link(rows);
        for (const row of rows) await learnFrom(row);
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
    ...(statement.definitions.length > 0
      ? { defines: [...new Set(statement.definitions.map(({ activityId }) => activityId))] }
      : {}),
    ...(statement.agentNames.length > 0 ? { names: true } : {}),
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
    const written = statements.map((statement, at) =>
      toNewRow(statement, range.first + at, range.stored, batch),
    );
    let kept = written;
    try {
      await model.insertMany(written, { ordered: false, lean: true });
    } catch (error) {
      if ((error as { code?: number }).code !== 11000) throw error;
      kept = (await byIds(written.map((row) => row._id))).filter((row) => row.batch === batch);
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
    for (const { fresh } of won) for (const statement of fresh) await knowledge.learn(statement);
    await close(batch);
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

  return {
    add: (batch, clock) =>
      new Promise((resolve, reject) => {
        queue.push({ batch, clock, tries: 0, resolve, reject });
        if (!running) void run();
      }),
  };
}
