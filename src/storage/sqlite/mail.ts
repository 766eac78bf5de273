import {
  nextIssueAt,
  type EmailConfirmationStore,
  type OutboxMail,
  type OutboxStore,
} from '../../identity/mail/store.ts';
import type { Sqlite, SqliteSchema } from './open.ts';

export const mailSchema: SqliteSchema = {
  module: 'mail',
  steps: [
    `CREATE TABLE email_confirmations (
      person_id TEXT PRIMARY KEY,
      email TEXT NOT NULL,
      token_hash TEXT,
      expires_at INTEGER NOT NULL,
      issued_at TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX email_confirmations_expiry ON email_confirmations (expires_at);
    CREATE TABLE outbox (
      id TEXT PRIMARY KEY,
      recipient TEXT NOT NULL,
      subject TEXT NOT NULL,
      text TEXT NOT NULL,
      at INTEGER NOT NULL
    ) WITHOUT ROWID;`,
  ],
};

export function createSqliteEmailConfirmationStore(db: Sqlite): EmailConfirmationStore {
  const issued = db.prepare<[string], { issued_at: string }>(
    'SELECT issued_at FROM email_confirmations WHERE person_id = ?',
  );
  const put = db.prepare(
    'INSERT OR REPLACE INTO email_confirmations (person_id, email, token_hash, expires_at, issued_at) VALUES (?, ?, ?, ?, ?)',
  );
  const spend = db.prepare<[string, string, number], { email: string }>(
    `UPDATE email_confirmations SET token_hash = NULL
      WHERE person_id = ? AND token_hash = ? AND expires_at > ? RETURNING email`,
  );
  const forget = db.prepare('DELETE FROM email_confirmations WHERE person_id = ?');
  const deleteExpired = db.prepare('DELETE FROM email_confirmations WHERE expires_at <= ?');

  const issueAll = db.transaction(
    (...[confirmation, at, limits]: Parameters<EmailConfirmationStore['issue']>): Date | null => {
      const { personId, email, tokenHash, expiresAt } = confirmation;
      const row = issued.get(personId);
      const before = row ? (JSON.parse(row.issued_at) as number[]).map((time) => new Date(time)) : [];
      const wait = nextIssueAt(before, at, limits);
      if (wait) return wait;
      const kept = [...before, at].slice(-limits.most).map((time) => time.getTime());
      put.run(personId, email, tokenHash, expiresAt.getTime(), JSON.stringify(kept));
      return null;
    },
  );
  return {
    async issue(confirmation, at, limits) {
      return issueAll.immediate(confirmation, at, limits);
    },
    async spend(personId, tokenHash, now) {
      return spend.get(personId, tokenHash, now.getTime()) ?? null;
    },
    async forget(personId) {
      forget.run(personId);
    },
    async deleteExpired(now) {
      return deleteExpired.run(now.getTime()).changes;
    },
  };
}

interface OutboxRow extends Omit<OutboxMail, 'to' | 'at'> {
  recipient: string;
  at: number;
}

export function createSqliteOutboxStore(db: Sqlite): OutboxStore {
  const insert = db.prepare('INSERT INTO outbox (id, recipient, subject, text, at) VALUES (?, ?, ?, ?, ?)');
  const trim = db.prepare(
    'DELETE FROM outbox WHERE id NOT IN (SELECT id FROM outbox ORDER BY at DESC, id DESC LIMIT ?)',
  );
  const latest = db.prepare<[number], OutboxRow>('SELECT * FROM outbox ORDER BY at DESC, id DESC LIMIT ?');
  const addAll = db.transaction((mail: OutboxMail, keep: number) => {
    insert.run(mail.id, mail.to, mail.subject, mail.text, mail.at.getTime());
    trim.run(keep);
  });
  return {
    async add(mail, keep) {
      addAll.immediate(mail, keep);
    },
    async latest(limit) {
      return latest
        .all(limit)
        .map(({ recipient, at, ...rest }) => ({ ...rest, to: recipient, at: new Date(at) }));
    },
  };
}
