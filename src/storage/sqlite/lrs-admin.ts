import type { Problem } from '../../base/errors.ts';
import type {
  DeadLetter,
  Erasure,
  ForwardingRule,
  ForwardingState,
  LrsAdminStore,
  Rejection,
} from '../../lrs/admin/store.ts';
import type { Sqlite, SqliteSchema } from './open.ts';

export const lrsAdminSchema: SqliteSchema = {
  module: 'lrs-admin',
  steps: [
    `CREATE TABLE lrs_rejections (
      id TEXT PRIMARY KEY, at INTEGER NOT NULL, credential_id TEXT NOT NULL, method TEXT NOT NULL,
      resource TEXT NOT NULL, status INTEGER NOT NULL, message TEXT NOT NULL, problems TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX lrs_rejections_credential ON lrs_rejections (credential_id, at);
    CREATE INDEX lrs_rejections_at ON lrs_rejections (at);
    CREATE TABLE lrs_forwarding (
      id TEXT PRIMARY KEY, rule TEXT NOT NULL, position INTEGER NOT NULL, failures INTEGER NOT NULL,
      next_attempt_at INTEGER NOT NULL, last_error TEXT, holder TEXT NOT NULL, held_until INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE lrs_dead_letters (
      id TEXT PRIMARY KEY, rule_id TEXT NOT NULL, statement_id TEXT NOT NULL, at INTEGER NOT NULL, reason TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX lrs_dead_letters_rule ON lrs_dead_letters (rule_id, at);
    CREATE TABLE lrs_erasures (
      id TEXT PRIMARY KEY, identity TEXT NOT NULL, reason TEXT NOT NULL, requested_by TEXT NOT NULL,
      requested_at INTEGER NOT NULL, confirmed_by TEXT, confirmed_at INTEGER, finished_at INTEGER,
      statements INTEGER NOT NULL, documents INTEGER NOT NULL
    ) WITHOUT ROWID;`,
  ],
};

type RejectionRow = Omit<Rejection, 'at' | 'credentialId' | 'problems'> & {
  at: number;
  credential_id: string;
  problems: string;
};
interface StateRow {
  position: number;
  failures: number;
  next_attempt_at: number;
  last_error: string | null;
}
interface ErasureRow {
  id: string;
  identity: string;
  reason: string;
  requested_by: string;
  requested_at: number;
  confirmed_by: string | null;
  confirmed_at: number | null;
  finished_at: number | null;
  statements: number;
  documents: number;
}

const instant = (ms: number | null): Date | null => (ms === null ? null : new Date(ms));
const toRejection = ({ at, credential_id, problems, ...rest }: RejectionRow): Rejection => ({
  ...rest,
  at: new Date(at),
  credentialId: credential_id,
  problems: JSON.parse(problems) as Problem[],
});
const toState = (row: StateRow): ForwardingState => ({
  position: row.position,
  failures: row.failures,
  nextAttemptAt: new Date(row.next_attempt_at),
  lastError: row.last_error,
});
const toErasure = (row: ErasureRow): Erasure => ({
  id: row.id,
  identity: row.identity,
  reason: row.reason,
  requestedBy: row.requested_by,
  requestedAt: new Date(row.requested_at),
  confirmedBy: row.confirmed_by,
  confirmedAt: instant(row.confirmed_at),
  finishedAt: instant(row.finished_at),
  statements: row.statements,
  documents: row.documents,
});
const toRule = (text: string): ForwardingRule =>
  JSON.parse(text, (name, value: unknown) =>
    name === 'createdAt' ? new Date(value as string) : value,
  ) as ForwardingRule;

export function createSqliteLrsAdminStore(db: Sqlite): LrsAdminStore {
  const addRejection = db.prepare('INSERT OR IGNORE INTO lrs_rejections VALUES (?, ?, ?, ?, ?, ?, ?, ?)');
  const rejectionsOf = db.prepare<[string, number], RejectionRow>(
    'SELECT * FROM lrs_rejections WHERE credential_id = ? ORDER BY at DESC, id DESC LIMIT ?',
  );
  const allRejections = db.prepare<[number], RejectionRow>(
    'SELECT * FROM lrs_rejections ORDER BY at DESC, id DESC LIMIT ?',
  );
  const deleteRejections = db.prepare('DELETE FROM lrs_rejections WHERE at < ?');
  const putRule = db.prepare(
    `INSERT INTO lrs_forwarding VALUES (?, ?, ?, 0, 0, NULL, '', 0) ON CONFLICT (id) DO UPDATE SET rule = excluded.rule`,
  );
  const rules = db.prepare<[], StateRow & { rule: string }>('SELECT * FROM lrs_forwarding ORDER BY id');
  const deleteRule = db.prepare('DELETE FROM lrs_forwarding WHERE id = ?');
  const deleteLettersOf = db.prepare('DELETE FROM lrs_dead_letters WHERE rule_id = ?');
  const takeRule = db.prepare<[string, number, string, string, number], StateRow>(
    `UPDATE lrs_forwarding SET holder = ?, held_until = ? WHERE id = ? AND (holder = ? OR held_until <= ?) RETURNING *`,
  );
  const leaveRule = db.prepare(
    `UPDATE lrs_forwarding SET position = ?, failures = ?, next_attempt_at = ?, last_error = ?, holder = '', held_until = 0
     WHERE id = ? AND holder = ?`,
  );
  const addLetter = db.prepare('INSERT OR IGNORE INTO lrs_dead_letters VALUES (?, ?, ?, ?, ?)');
  const letters = db.prepare<
    [string, number],
    { id: string; rule_id: string; statement_id: string; at: number; reason: string }
  >('SELECT * FROM lrs_dead_letters WHERE rule_id = ? ORDER BY at, id LIMIT ?');
  const deleteLetter = db.prepare('DELETE FROM lrs_dead_letters WHERE id = ?');
  const addErasure = db.prepare('INSERT INTO lrs_erasures VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)');
  const erasures = db.prepare<[], ErasureRow>(
    'SELECT * FROM lrs_erasures ORDER BY requested_at DESC, id DESC',
  );
  const confirmErasure = db.prepare<[string, number, string, string], ErasureRow>(
    `UPDATE lrs_erasures SET confirmed_by = ?, confirmed_at = ?
     WHERE id = ? AND confirmed_by IS NULL AND requested_by <> ? RETURNING *`,
  );
  const finishErasure = db.prepare(
    'UPDATE lrs_erasures SET finished_at = ?, statements = ?, documents = ? WHERE id = ?',
  );
  return {
    async addRejections(rejections) {
      db.transaction(() => {
        for (const { id, at, credentialId, method, resource, status, message, problems } of rejections)
          addRejection.run(
            id,
            at.getTime(),
            credentialId,
            method,
            resource,
            status,
            message,
            JSON.stringify(problems),
          );
      })();
    },
    async rejections(credentialId, limit) {
      const rows = credentialId === null ? allRejections.all(limit) : rejectionsOf.all(credentialId, limit);
      return rows.map(toRejection);
    },
    async deleteRejections(before) {
      return deleteRejections.run(before.getTime()).changes;
    },
    async putRule(rule, position) {
      putRule.run(rule.id, JSON.stringify(rule), position);
    },
    async rules() {
      return rules.all().map((row) => ({ ...toRule(row.rule), ...toState(row) }));
    },
    async deleteRule(id) {
      db.transaction(() => {
        deleteLettersOf.run(id);
        deleteRule.run(id);
      })();
    },
    async takeRule(id, holder, now, until) {
      const row = takeRule.get(holder, until.getTime(), id, holder, now.getTime());
      return row ? toState(row) : null;
    },
    async leaveRule(id, holder, { position, failures, nextAttemptAt, lastError }) {
      return leaveRule.run(position, failures, nextAttemptAt.getTime(), lastError, id, holder).changes === 1;
    },
    async addDeadLetter({ id, ruleId, statementId, at, reason }) {
      addLetter.run(id, ruleId, statementId, at.getTime(), reason);
    },
    async deadLetters(ruleId, limit) {
      return letters.all(ruleId, limit).map((row): DeadLetter => ({
        id: row.id,
        ruleId: row.rule_id,
        statementId: row.statement_id,
        at: new Date(row.at),
        reason: row.reason,
      }));
    },
    async deleteDeadLetter(id) {
      deleteLetter.run(id);
    },
    async addErasure(erasure) {
      const { id, identity, reason, requestedBy, requestedAt, statements, documents } = erasure;
      addErasure.run(
        id,
        identity,
        reason,
        requestedBy,
        requestedAt.getTime(),
        null,
        null,
        null,
        statements,
        documents,
      );
    },
    async erasures() {
      return erasures.all().map(toErasure);
    },
    async confirmErasure(id, by, at) {
      const row = confirmErasure.get(by, at.getTime(), id, by);
      return row ? toErasure(row) : null;
    },
    async finishErasure(id, at, statements, documents) {
      finishErasure.run(at.getTime(), statements, documents, id);
    },
  };
}
