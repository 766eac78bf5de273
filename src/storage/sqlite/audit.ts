import {
  type AuditEntry,
  type AuditEvent,
  type AuditHead,
  type AuditStore,
  chained,
  noHead,
} from '../../identity/audit/store.ts';
import type { Sqlite, SqliteSchema } from './open.ts';

export const auditSchema: SqliteSchema = {
  module: 'audit',
  steps: [
    `CREATE TABLE audit_log (
      seq INTEGER PRIMARY KEY,
      at INTEGER NOT NULL,
      action TEXT NOT NULL,
      actor_id TEXT,
      subject_id TEXT,
      outcome TEXT NOT NULL,
      reason TEXT,
      address TEXT,
      detail TEXT NOT NULL,
      previous TEXT NOT NULL,
      hash TEXT NOT NULL
    );
    CREATE INDEX audit_log_actor ON audit_log (actor_id, seq);
    CREATE INDEX audit_log_subject ON audit_log (subject_id, seq);
    CREATE INDEX audit_log_action ON audit_log (action, seq);
    CREATE INDEX audit_log_at ON audit_log (at, seq);
    CREATE TRIGGER audit_log_kept BEFORE DELETE ON audit_log BEGIN SELECT raise(ABORT, 'the audit log is only added to'); END;
    CREATE TRIGGER audit_log_fixed BEFORE UPDATE ON audit_log BEGIN SELECT raise(ABORT, 'the audit log is only added to'); END;`,
  ],
};

interface Row {
  seq: number;
  at: number;
  action: string;
  actor_id: string | null;
  subject_id: string | null;
  outcome: string;
  reason: string | null;
  address: string | null;
  detail: string;
  previous: string;
  hash: string;
}

const toEntry = ({ actor_id, subject_id, outcome, detail, ...rest }: Row): AuditEntry => ({
  ...rest,
  actorId: actor_id,
  subjectId: subject_id,
  outcome: outcome as AuditEvent['outcome'],
  detail: JSON.parse(detail) as Record<string, string>,
});

export function createSqliteAuditStore(db: Sqlite): AuditStore {
  const last = db.prepare<[], AuditHead>('SELECT seq, hash FROM audit_log ORDER BY seq DESC LIMIT 1');
  const insert = db.prepare(
    `INSERT OR IGNORE INTO audit_log VALUES
      (@seq, @at, @action, @actorId, @subjectId, @outcome, @reason, @address, @detail, @previous, @hash)`,
  );
  const after = db.prepare<[number, number], Row>(
    'SELECT * FROM audit_log WHERE seq > ? ORDER BY seq LIMIT ?',
  );
  const write = (entries: readonly AuditEntry[]): void => {
    for (const entry of entries) insert.run({ ...entry, detail: JSON.stringify(entry.detail ?? {}) });
  };
  const append = db.transaction((events: Parameters<AuditStore['append']>[0]) =>
    write(chained(last.get() ?? noHead, events)),
  );
  return {
    async append(events) {
      append.immediate(events);
    },
    async head() {
      return last.get() ?? noHead;
    },
    async find({ personId, action, outcome, from, to, before, limit }) {
      const conditions: string[] = [];
      if (personId !== null) conditions.push('(actor_id = @personId OR subject_id = @personId)');
      if (action !== null) conditions.push('action = @action');
      if (outcome !== null) conditions.push('outcome = @outcome');
      if (from !== null) conditions.push('at >= @from');
      if (to !== null) conditions.push('at < @to');
      if (before !== null) conditions.push('seq < @before');
      const where = conditions.length > 0 ? `WHERE ${conditions.join(' AND ')}` : '';
      return db
        .prepare<[object], Row>(`SELECT * FROM audit_log ${where} ORDER BY seq DESC LIMIT @limit`)
        .all({ personId, action, outcome, from, to, before, limit })
        .map(toEntry);
    },
    async after(seq, limit) {
      return after.all(seq, limit).map(toEntry);
    },
    async restore(entries) {
      db.transaction(() => write(entries)).immediate();
    },
  };
}
