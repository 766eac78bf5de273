import type { AttachmentStore, FeedStore, LrsStores } from '../../lrs/store.ts';
import { createSqliteCredentialStore, lrsCredentialsSchema } from './lrs-credentials.ts';
import { createSqliteDocumentStore, lrsDocumentsSchema } from './lrs-documents.ts';
import { createSqliteStatementStore, lrsStatementsSchema } from './lrs-statements.ts';
import type { Sqlite, SqliteSchema } from './open.ts';

const lrsAttachmentsSchema: SqliteSchema = {
  module: 'lrs-attachments',
  steps: ['CREATE TABLE lrs_attachments (sha2 TEXT PRIMARY KEY, body BLOB NOT NULL);'],
};

const lrsFeedSchema: SqliteSchema = {
  module: 'lrs-feed',
  steps: [
    `CREATE TABLE lrs_feed (
      only INTEGER PRIMARY KEY CHECK (only = 1),
      position INTEGER NOT NULL,
      holder TEXT NOT NULL,
      held_until INTEGER NOT NULL
    );
    INSERT INTO lrs_feed VALUES (1, 0, '', 0);`,
  ],
};

export const lrsSchemas: readonly SqliteSchema[] = [
  lrsStatementsSchema,
  lrsDocumentsSchema,
  lrsAttachmentsSchema,
  lrsFeedSchema,
  lrsCredentialsSchema,
];

function createSqliteAttachmentStore(db: Sqlite): AttachmentStore {
  const put = db.prepare('INSERT OR IGNORE INTO lrs_attachments (sha2, body) VALUES (?, ?)');
  const get = db.prepare<[string], Buffer>('SELECT body FROM lrs_attachments WHERE sha2 = ?').pluck();
  const has = db.prepare<[string], number>('SELECT 1 FROM lrs_attachments WHERE sha2 = ?').pluck();
  return {
    async put(sha2, body) {
      put.run(sha2, body);
    },
    async get(sha2) {
      return get.get(sha2) ?? null;
    },
    async has(sha2) {
      return has.get(sha2) !== undefined;
    },
  };
}

function createSqliteFeedStore(db: Sqlite): FeedStore {
  const take = db
    .prepare<[{ holder: string; now: number; until: number }], number>(
      `UPDATE lrs_feed SET holder = @holder, held_until = @until
       WHERE holder = @holder OR held_until <= @now RETURNING position`,
    )
    .pluck();
  const acknowledge = db.prepare(
    'UPDATE lrs_feed SET position = max(position, ?), held_until = ? WHERE holder = ?',
  );
  const release = db.prepare('UPDATE lrs_feed SET held_until = 0, holder = ? WHERE holder = ?');
  const position = db.prepare<[], number>('SELECT position FROM lrs_feed').pluck();
  return {
    async take(holder, now, until) {
      return take.get({ holder, now, until }) ?? null;
    },
    async acknowledge(holder, seq, until) {
      return acknowledge.run(seq, until, holder).changes === 1;
    },
    async release(holder) {
      release.run('', holder);
    },
    async position() {
      return position.get() ?? 0;
    },
  };
}

export const createSqliteLrsStores = (db: Sqlite): LrsStores => ({
  statements: createSqliteStatementStore(db),
  documents: createSqliteDocumentStore(db),
  attachments: createSqliteAttachmentStore(db),
  feed: createSqliteFeedStore(db),
  credentials: createSqliteCredentialStore(db),
});
