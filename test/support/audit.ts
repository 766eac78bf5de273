import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { AuditEvent } from '../../src/identity/types.ts';

/** The audit lines that a server on SQLite has kept so far, oldest first. */
export function auditLines(dataDir: string): AuditEvent[] {
  const db = new Database(join(dataDir, 'zhixing.db'), { readonly: true });
  try {
    return db
      .prepare<[], Omit<AuditEvent, 'detail'> & { detail: string }>(
        `SELECT action, actor_id AS actorId, subject_id AS subjectId, outcome, reason, address, detail FROM audit_log ORDER BY seq`,
      )
      .all()
      .map((line) => ({ ...line, detail: JSON.parse(line.detail) as Record<string, string> }));
  } finally {
    db.close();
  }
}
