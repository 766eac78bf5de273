import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../../base/clock.ts';
import {
  conflictingId,
  type NewStatement,
  repeatedId,
  type StatementRow,
  type StatementStore,
} from '../../lrs/store.ts';
import { derived } from '../derived-statement.ts';
import { statementDifference } from '../../xapi/equality.ts';
import { mergeDefinitions } from '../../xapi/objects.ts';
import {
  fromWellFormed,
  isInherited,
  isVerb,
  term,
  termsOf,
  toWellFormed,
  wellFormed,
} from '../../xapi/terms.ts';
import { sealBody } from '../../xapi/raw.ts';
import { createGroupCommit } from './group-commit.ts';
import { createStatementQueries, type Row, toRow, unplanned } from './lrs-queries.ts';
import { createTermRows, gatheredRows } from './lrs-term-rows.ts';
import { createTermKeys } from './lrs-terms.ts';
import type { Sqlite, SqliteSchema } from './open.ts';

export const lrsStatementsSchema: SqliteSchema = {
  module: 'lrs-statements',
  steps: [
    `CREATE TABLE lrs_statements (
      seq INTEGER PRIMARY KEY AUTOINCREMENT,
      id BLOB NOT NULL UNIQUE,
      stored INTEGER NOT NULL,
      authority_id TEXT NOT NULL,
      flags INTEGER NOT NULL DEFAULT 0,
      body TEXT NOT NULL
    );
    CREATE TABLE lrs_term_keys (key INTEGER PRIMARY KEY, term TEXT NOT NULL UNIQUE);
    CREATE TABLE lrs_terms (key INTEGER NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (key, seq)) WITHOUT ROWID;
    CREATE TABLE lrs_references (
      target BLOB NOT NULL,
      source INTEGER NOT NULL,
      voiding INTEGER NOT NULL,
      keys TEXT NOT NULL,
      PRIMARY KEY (target, source)
    ) WITHOUT ROWID;
    CREATE INDEX lrs_references_source ON lrs_references (source);
    CREATE TABLE lrs_activities (id TEXT PRIMARY KEY, definition TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE lrs_agent_names (
      identity TEXT NOT NULL,
      name TEXT NOT NULL,
      seq INTEGER NOT NULL,
      PRIMARY KEY (identity, name)
    ) WITHOUT ROWID;`,
    // What was stored before has its terms in the table; what comes next is told in lrs-term-rows.ts.
    `CREATE TABLE lrs_terms_through (seq INTEGER NOT NULL);
    INSERT INTO lrs_terms_through SELECT coalesce(max(seq), 0) FROM lrs_statements;`,
    // 0: not known, or more than one; the verb's own row tells.
    'ALTER TABLE lrs_terms ADD COLUMN verb INTEGER NOT NULL DEFAULT 0',
  ],
};

/** Texts held at the same moment while terms are derived again: each may be as large as a request may be. */
const rereadAtOnce = 50;
/** Terms that an erasure moves without a pause. */
const mostAtOnce = 5000;

const voidedFlag = 1;
const voidingFlag = 2;

export const idBytes = (id: string): Buffer => Buffer.from(id.replaceAll('-', ''), 'hex');

/** A Statement has one of its own. */
const verbOf = (own: readonly string[]): string => own.find(isVerb) ?? '';

/** What is written of a Statement; `seq` null: the next. */
interface Placed extends Pick<NewStatement, 'terms' | 'authorityId' | 'refersTo' | 'voiding'> {
  seq: number | null;
  id: Buffer;
  stored: number;
  body: string;
  voided: boolean;
}

/** A Map that forgets everything when it grows too large, and takes nothing in before the transaction has held. */
function createMemory(most: number) {
  const memory = new Map<string, string>();
  let waiting: [string, string][] = [];
  return {
    get: (key: string) => memory.get(key),
    has: (key: string) => memory.has(key),
    clear: () => memory.clear(),
    later: (key: string, value: string) => void waiting.push([key, value]),
    settle(committed: boolean): void {
      if (memory.size > most) memory.clear();
      if (committed) for (const [key, value] of waiting) memory.set(key, value);
      waiting = [];
    },
  };
}

export function createSqliteStatementStore(
  db: Sqlite,
  { gathered = gatheredRows }: { gathered?: number } = {},
): StatementStore {
  const terms = createTermKeys(db);
  const termRows = createTermRows(db, gathered);
  const latest = db.prepare<[], { seq: number; stored: number }>(
    'SELECT seq, stored FROM lrs_statements ORDER BY seq DESC LIMIT 1',
  );
  const afterSeq = db.prepare<[number, number], Row>(
    `SELECT * FROM lrs_statements WHERE seq > ? ORDER BY seq LIMIT ${unplanned('?')}`,
  );
  const byId = db.prepare<[Buffer], Row>('SELECT * FROM lrs_statements WHERE id = ?');
  const insert = db.prepare<[number | null, Buffer, number, string, number, string]>(
    'INSERT INTO lrs_statements (seq, id, stored, authority_id, flags, body) VALUES (?, ?, ?, ?, ?, ?)',
  );
  const insertReference = db.prepare<[Buffer, number, number, string]>(
    'INSERT INTO lrs_references (target, source, voiding, keys) VALUES (?, ?, ?, ?)',
  );
  const sourcesOf = db.prepare<[Buffer], { source: number; voiding: number }>(
    'SELECT source, voiding FROM lrs_references WHERE target = ?',
  );
  const referringTo = db.prepare<[Buffer], Row>(
    `SELECT s.* FROM lrs_references r CROSS JOIN lrs_statements s ON s.seq = r.source
     WHERE r.target = ? ORDER BY r.source LIMIT 50`,
  );
  const inheritedBy = db
    .prepare<[number], string>('SELECT keys FROM lrs_references WHERE source = ?')
    .pluck();
  const idOf = db.prepare<[number], Buffer>('SELECT id FROM lrs_statements WHERE seq = ?').pluck();
  const setInherited = db.prepare<[string, number]>('UPDATE lrs_references SET keys = ? WHERE source = ?');
  const setVoided = db.prepare<[Buffer]>(
    `UPDATE lrs_statements SET flags = flags | ${voidedFlag} WHERE id = ? AND flags & ${voidingFlag} = 0`,
  );
  const readDefinition = db
    .prepare<[string], string>('SELECT definition FROM lrs_activities WHERE id = ?')
    .pluck();
  const writeDefinition = db.prepare<[string, string]>(
    'INSERT OR REPLACE INTO lrs_activities (id, definition) VALUES (?, ?)',
  );
  const insertName = db.prepare<[string, string, number]>(
    'INSERT OR IGNORE INTO lrs_agent_names (identity, name, seq) VALUES (?, ?, ?)',
  );
  const names = db
    .prepare<[string], string>('SELECT name FROM lrs_agent_names WHERE identity = ? ORDER BY seq LIMIT 100')
    .pluck();

  /** What was last merged for an Activity, and names already written: most Statements repeat them. */
  const seen = createMemory(100_000);

  const inherited = (seq: number): number[] => JSON.parse(inheritedBy.get(seq) ?? '[]') as number[];

  /** A stored Statement's own terms, derived again from its text. */
  const ownTerms = (row: Row): string[] => {
    const statement = JSON.parse(row.body) as { authority: object };
    return termsOf(statement, statement.authority, row.authority_id);
  };

  /** What refers to it takes over these: its own and those it has inherited. */
  const keysOfStored = (row: Row): number[] => [
    ...new Set([
      ...ownTerms(row)
        .filter(isInherited)
        .map((term) => terms.keyOf(term)),
      ...inherited(row.seq),
    ]),
  ];

  /** Notes the terms of what is stored and not known of here: written by an earlier process, or by another one. */
  const readRecent = (): void => {
    for (let rows = afterSeq.all(termRows.head(), rereadAtOnce); rows.length > 0;) {
      for (const row of rows) {
        const own = ownTerms(row);
        const verb = inheritedBy.get(row.seq) === undefined ? terms.find(verbOf(own)) : 0;
        for (const key of [...own.map((text) => terms.find(text)), ...inherited(row.seq)])
          if (key !== null) termRows.add(key, row.seq, verb ?? 0);
      }
      rows = afterSeq.all(rows.at(-1)?.seq ?? 0, rereadAtOnce);
    }
  };
  /** Between transactions: the last seq, with everything up to it known. */
  const knownHead = (): number => {
    const seq = latest.get()?.seq ?? 0;
    if (seq > termRows.head()) {
      readRecent();
      termRows.settle(true);
    }
    return seq;
  };
  knownHead();
  const queries = createStatementQueries(db, terms, termRows, knownHead);

  /** Gives the keys to everything that refers to `target`, directly or through others. Ends where nothing is new. */
  const passOn = (target: Buffer, keys: readonly number[]): void => {
    const open: { target: Buffer; keys: readonly number[] }[] = [{ target, keys }];
    for (let next = open.pop(); next; next = open.pop())
      for (const { source } of sourcesOf.all(next.target)) {
        const known = new Set(inherited(source));
        const added = next.keys.filter((key) => !known.has(key));
        if (added.length === 0) continue;
        for (const key of added) termRows.add(key, source, 0);
        setInherited.run(JSON.stringify([...known, ...added]), source);
        const id = idOf.get(source);
        if (id) open.push({ target: id, keys: added });
      }
  };

  const learn = (statement: NewStatement, seq: number): void => {
    for (const { activityId, mark, text } of statement.definitions) {
      const name = `d ${activityId}`;
      if (seen.get(name) === mark) continue;
      const before = readDefinition.get(activityId) ?? null;
      const merged = mergeDefinitions(before, text());
      if (merged !== before) writeDefinition.run(activityId, merged);
      seen.later(name, mark);
    }
    for (const { identity, name } of statement.agentNames) {
      const memo = `n ${identity}\n${name}`;
      if (seen.has(memo)) continue;
      insertName.run(wellFormed(identity), toWellFormed(name), seq);
      seen.later(memo, '');
    }
  };

  /** Writes the row with its terms, and links it with what it refers to and what refers to it; gives its seq. */
  const place = (statement: Placed): number => {
    const { id, stored, body } = statement;
    const sources = sourcesOf.all(id);
    const voided = statement.voided || (!statement.voiding && sources.some(({ voiding }) => voiding === 1));
    const flags = (voided ? voidedFlag : 0) | (statement.voiding ? voidingFlag : 0);
    const given = insert.run(statement.seq, id, stored, statement.authorityId, flags, body);
    const seq = Number(given.lastInsertRowid);
    const verb = statement.refersTo === null ? terms.keyOf(verbOf(statement.terms)) : 0;
    for (const term of statement.terms) termRows.add(terms.keyOf(term), seq, verb);
    let gained: number[] = [];
    if (statement.refersTo !== null) {
      const target = idBytes(statement.refersTo);
      if (statement.voiding) setVoided.run(target);
      const row = byId.get(target);
      gained = row ? keysOfStored(row) : [];
      for (const key of gained) termRows.add(key, seq, 0);
      insertReference.run(target, seq, statement.voiding ? 1 : 0, JSON.stringify(gained));
    }
    if (sources.length > 0) {
      const own = statement.terms.filter(isInherited).map((term) => terms.keyOf(term));
      passOn(id, [...new Set([...own, ...gained])]);
    }
    return seq;
  };

  const store = (statement: NewStatement, id: Buffer, stored: number, iso: string): void => {
    const { terms: own, authorityId, refersTo, voiding } = statement;
    const body = sealBody(statement.body, iso, statement.stampTimestamp);
    const placed = { seq: null, id, stored, body, terms: own, authorityId, refersTo, voiding, voided: false };
    learn(statement, place(placed));
  };

  const restoreAll = db.transaction((rows: StatementRow[]): void => {
    for (const { id, ...row } of rows) {
      const bytes = idBytes(id);
      if (byId.get(bytes)) continue;
      const { terms: own, refersTo } = derived(row.body, row.authorityId);
      place({ ...row, id: bytes, terms: own, refersTo });
    }
    termRows.moveSome();
  });

  /** Decides first, then writes: a refused batch has changed nothing. */
  const addBatch = (batch: NewStatement[], clock: Clock): void => {
    const fresh: { statement: NewStatement; id: Buffer }[] = [];
    const within = new Set<string>();
    for (const statement of batch) {
      if (within.has(statement.id)) throw repeatedId(statement.id);
      within.add(statement.id);
      const id = idBytes(statement.id);
      const kept = byId.get(id);
      if (!kept) fresh.push({ statement, id });
      else {
        const difference = statementDifference(kept.body, `${statement.body}}`);
        if (difference !== null) throw conflictingId(statement.id, difference);
      }
    }
    if (fresh.length === 0) return;
    const last = latest.get();
    if ((last?.seq ?? 0) > termRows.head()) readRecent();
    const stored = Math.max(clock.now().getTime(), last?.stored ?? 0);
    const iso = new Date(stored).toISOString();
    for (const { statement, id } of fresh) store(statement, id, stored, iso);
  };

  const rowsOfTerm = db.prepare<[number, number, number], Row>(
    'SELECT s.* FROM lrs_terms t CROSS JOIN lrs_statements s ON s.seq = t.seq WHERE t.key = ? AND t.seq > ? AND t.seq <= ? ORDER BY t.seq LIMIT 200',
  );
  const bySeq = db.prepare<[number], Row>('SELECT * FROM lrs_statements WHERE seq = ?');
  const removeTerm = db.prepare('DELETE FROM lrs_terms WHERE key = ? AND seq = ?');
  const removeReference = db.prepare('DELETE FROM lrs_references WHERE source = ?');
  const removeRow = db.prepare('DELETE FROM lrs_statements WHERE seq = ?');
  const removeNames = db.prepare('DELETE FROM lrs_agent_names WHERE identity = ?');

  /** Statements that have the term themselves; those that only inherited it come along with `own: false`. */
  function* rowsWith(text: string): Iterable<{ row: Row; own: boolean; key: number }> {
    const key = terms.find(text);
    if (key === null) return;
    knownHead();
    const found = (row: Row) => ({ row, own: ownTerms(row).includes(text), key });
    const through = termRows.through();
    const recent = termRows.recent([key], { low: through, high: Infinity }, true);
    for (
      let rows = rowsOfTerm.all(key, 0, through);
      rows.length > 0;
      rows = rowsOfTerm.all(key, rows.at(-1)?.seq ?? 0, through)
    )
      yield* rows.map(found);
    for (let seqs = recent(200); seqs.length > 0; seqs = recent(200))
      yield* seqs.flatMap((seq) => bySeq.get(seq) ?? []).map(found);
  }

  const eraseSome = (identity: string, limit: number): number => {
    let erased = 0;
    for (const { row, own, key } of rowsWith(wellFormed(term.relatedAgent(identity)))) {
      if (erased === limit) return erased;
      if (!own) {
        // It only refers to one of them: it stays, and is no longer found by the person.
        const narrow = terms.find(wellFormed(term.agent(identity)));
        const gone = [key, narrow ?? key];
        for (const each of gone) removeTerm.run(each, row.seq);
        const left = inherited(row.seq).filter((each) => !gone.includes(each));
        setInherited.run(JSON.stringify(left), row.seq);
        continue;
      }
      const keys = [...ownTerms(row).map((text) => terms.keyOf(text)), ...inherited(row.seq), key];
      for (const each of new Set(keys)) removeTerm.run(each, row.seq);
      removeReference.run(row.seq);
      removeRow.run(row.seq);
      erased++;
    }
    removeNames.run(wellFormed(identity));
    seen.clear();
    return erased;
  };

  const commits = createGroupCommit<{ batch: NewStatement[]; clock: Clock }>(db, {
    weight: ({ batch }) => batch.length,
    apply: ({ batch, clock }) => addBatch(batch, clock),
    finish: () => termRows.moveSome(),
    settle(committed) {
      terms.settle(committed);
      termRows.settle(committed);
      seen.settle(committed);
    },
  });

  return {
    add: (batch, clock) => commits.add({ batch, clock }),
    async byId(id) {
      const row = byId.get(idBytes(id));
      return row ? toRow(row) : null;
    },
    async referring(id) {
      return referringTo.all(idBytes(id)).map((row) => toRow(row).id);
    },
    find: queries.find,
    findText: queries.findText,
    count: queries.count,
    async after(seq, limit) {
      return afterSeq.all(seq, limit).map(toRow);
    },
    async head() {
      return knownHead();
    },
    // A reader sees everything that was committed, at once.
    async consistentThrough(now) {
      return now;
    },
    async definitions(activityIds) {
      const result = new Map<string, string>();
      for (const id of activityIds) {
        const definition = readDefinition.get(id);
        if (definition !== undefined) result.set(id, definition);
      }
      return result;
    },
    async agentNames(identity) {
      return names.all(wellFormed(identity)).map(fromWellFormed);
    },
    async countOf(identity) {
      let count = 0;
      for (const { own } of rowsWith(wellFormed(term.relatedAgent(identity)))) if (own) count++;
      return count;
    },
    async restore(rows) {
      try {
        restoreAll.immediate(rows);
      } catch (error) {
        terms.settle(false);
        termRows.settle(false);
        throw error;
      }
      terms.settle(true);
      termRows.settle(true);
    },
    async erase(identity, limit) {
      knownHead();
      // Every term into the table, where it can be taken away; the last few without letting anything in between.
      for (let left = termRows.moveMore(); left > 0; left = termRows.moveMore())
        if (left > mostAtOnce) await setImmediate();
      return db.transaction(() => eraseSome(identity, limit)).immediate();
    },
  };
}
