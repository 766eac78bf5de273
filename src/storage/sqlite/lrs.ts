import type { BlobStore } from '../../base/blobs.ts';
import type { FeedStore, LrsStores } from '../../lrs/store.ts';
import { createBlobAttachments } from '../blob-attachments.ts';
import { createSqliteLrsAdminStore, lrsAdminSchema } from './lrs-admin.ts';
import { createSqliteCredentialStore, lrsCredentialsSchema } from './lrs-credentials.ts';
import { createSqliteDocumentStore, lrsDocumentsSchema } from './lrs-documents.ts';
import { createSqlitePersonaStore, lrsPersonasSchema } from './lrs-personas.ts';
import { createSqliteStatementStore, lrsStatementsSchema } from './lrs-statements.ts';
import type { Sqlite, SqliteSchema } from './open.ts';

const cacheKiB = 24 * 1024;

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
  lrsFeedSchema,
  lrsCredentialsSchema,
  lrsAdminSchema,
  lrsPersonasSchema,
];

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

export function createSqliteLrsStores(db: Sqlite, blobs: BlobStore): LrsStores {
  // Room for the upper pages of the tables; more brings nothing, the operating system's cache serves as well.
  db.pragma(`cache_size = -${cacheKiB}`);
  return {
    statements: createSqliteStatementStore(db),
    documents: createSqliteDocumentStore(db),
    attachments: createBlobAttachments(blobs),
    feed: createSqliteFeedStore(db),
    credentials: createSqliteCredentialStore(db),
    personas: createSqlitePersonaStore(db),
    admin: createSqliteLrsAdminStore(db),
  };
}
