import { DomainError } from '../../base/errors.ts';
import type { BearerToken, Credential, CredentialStore } from '../../lrs/store.ts';
import type { Sqlite, SqliteSchema } from './open.ts';

export const lrsCredentialsSchema: SqliteSchema = {
  module: 'lrs-credentials',
  steps: [
    `CREATE TABLE lrs_credentials (
      id TEXT PRIMARY KEY,
      key TEXT NOT NULL UNIQUE,
      data TEXT NOT NULL,
      created_at INTEGER NOT NULL,
      last_used_at INTEGER
    ) WITHOUT ROWID;
    CREATE TABLE lrs_tokens (
      hash TEXT PRIMARY KEY,
      credential_id TEXT NOT NULL,
      scopes TEXT NOT NULL,
      expires_at INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX lrs_tokens_credential ON lrs_tokens (credential_id);
    CREATE INDEX lrs_tokens_expiry ON lrs_tokens (expires_at);`,
  ],
};

interface Row {
  id: string;
  key: string;
  data: string;
  created_at: number;
  last_used_at: number | null;
}

type Kept = Omit<Credential, 'id' | 'key' | 'createdAt' | 'lastUsedAt'>;

const dates = (_name: string, value: unknown): unknown =>
  _name === 'expiresAt' && typeof value === 'string' ? new Date(value) : value;

const toCredential = (row: Row): Credential => ({
  ...(JSON.parse(row.data, dates) as Kept),
  id: row.id,
  key: row.key,
  createdAt: new Date(row.created_at),
  lastUsedAt: row.last_used_at === null ? null : new Date(row.last_used_at),
});

const dataOf = ({ id: _id, key: _key, createdAt: _c, lastUsedAt: _l, ...kept }: Credential): string =>
  JSON.stringify(kept satisfies Kept);

const taken = (key: string): DomainError =>
  new DomainError('conflict', `There is a credential with the key ${key} already.`, {
    code: 'lrs-key-taken',
    params: { key },
  });

export function createSqliteCredentialStore(db: Sqlite): CredentialStore {
  const insert = db.prepare(
    'INSERT OR IGNORE INTO lrs_credentials (id, key, data, created_at, last_used_at) VALUES (?, ?, ?, ?, ?)',
  );
  const update = db.prepare('UPDATE OR IGNORE lrs_credentials SET key = ?, data = ? WHERE id = ?');
  const byKey = db.prepare<[string], Row>('SELECT * FROM lrs_credentials WHERE key = ?');
  const byId = db.prepare<[string], Row>('SELECT * FROM lrs_credentials WHERE id = ?');
  const all = db.prepare<[], Row>('SELECT * FROM lrs_credentials ORDER BY created_at, id');
  const remove = db.prepare('DELETE FROM lrs_credentials WHERE id = ?');
  const used = db.prepare(
    'UPDATE lrs_credentials SET last_used_at = max(coalesce(last_used_at, 0), ?) WHERE id = ?',
  );
  const putToken = db.prepare(
    'INSERT OR REPLACE INTO lrs_tokens (hash, credential_id, scopes, expires_at) VALUES (?, ?, ?, ?)',
  );
  const token = db.prepare<
    [string, number],
    { hash: string; credential_id: string; scopes: string; expires_at: number }
  >('SELECT * FROM lrs_tokens WHERE hash = ? AND expires_at > ?');
  const deleteTokens = db.prepare('DELETE FROM lrs_tokens WHERE credential_id = ?');
  const deleteExpired = db.prepare('DELETE FROM lrs_tokens WHERE expires_at <= ?');
  return {
    async create(credential) {
      const { id, key, createdAt, lastUsedAt } = credential;
      const { changes } = insert.run(
        id,
        key,
        dataOf(credential),
        createdAt.getTime(),
        lastUsedAt?.getTime() ?? null,
      );
      if (changes === 0) throw taken(key);
    },
    async update(credential) {
      if (!byId.get(credential.id))
        throw new DomainError('not-found', 'There is no such credential.', { code: 'lrs-no-credential' });
      if (update.run(credential.key, dataOf(credential), credential.id).changes === 0)
        throw taken(credential.key);
    },
    async byKey(key) {
      const row = byKey.get(key);
      return row ? toCredential(row) : null;
    },
    async byId(id) {
      const row = byId.get(id);
      return row ? toCredential(row) : null;
    },
    async all() {
      return all.all().map(toCredential);
    },
    async delete(id) {
      db.transaction(() => {
        deleteTokens.run(id);
        remove.run(id);
      })();
    },
    async used(id, at) {
      used.run(at.getTime(), id);
    },
    async putToken({ hash, credentialId, scopes, expiresAt }) {
      putToken.run(hash, credentialId, JSON.stringify(scopes), expiresAt.getTime());
    },
    async token(hash, now) {
      const row = token.get(hash, now.getTime());
      if (!row) return null;
      return {
        hash: row.hash,
        credentialId: row.credential_id,
        scopes: JSON.parse(row.scopes) as BearerToken['scopes'],
        expiresAt: new Date(row.expires_at),
      };
    },
    async deleteTokens(credentialId) {
      deleteTokens.run(credentialId);
    },
    async deleteExpiredTokens(now) {
      return deleteExpired.run(now.getTime()).changes;
    },
  };
}
