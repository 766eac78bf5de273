import { join } from 'node:path';
import { agenciesSchema, createSqliteAgencyStore } from './agencies.ts';
import { createDiskBlobs } from '../disk-blobs.ts';
import { auditSchema, createSqliteAuditStore } from './audit.ts';
import { casesSchema, createSqliteCaseStore } from './cases.ts';
import { createSqliteLrsStores, lrsSchemas } from './lrs.ts';
import { createSqliteRateCounterStore, rateCountersSchema } from './rate-counters.ts';
import { createSqliteIdentityStore, identitySchema } from './identity.ts';
import { createSqliteAssessmentStore, assessmentSchema } from './assessment.ts';
import { certificatesSchema, createSqliteCertificateStore } from './certificates.ts';
import { createSqliteCompletionStore, completionSchema } from './completion.ts';
import { courseBoardSchema, createSqliteCourseBoardStore } from './course-board.ts';
import { createSqliteCourseStore, coursesSchema } from './courses.ts';
import { createSqliteOnceStore, onceSchema } from './once.ts';
import { createSqlitePackageStore, packagesSchema } from './packages.ts';
import { createSqliteEmailConfirmationStore, createSqliteOutboxStore, mailSchema } from './mail.ts';
import { startCheckpoints } from './checkpoints.ts';
import { openSqlite, type Sqlite } from './open.ts';
import { createSqlitePlayerSessionStore, playerSessionsSchema } from './player-sessions.ts';
import { createSqliteRuntimeStateStore, runtimeStateSchema } from './runtime-state.ts';
import { createSqliteWebSessionStore, webSessionsSchema } from './web-sessions.ts';
import type { Storage, StorageOptions } from '../open.ts';

/** Every module's tables, in the order in which they are made. */
export const sqliteSchemas = [
  webSessionsSchema,
  rateCountersSchema,
  playerSessionsSchema,
  runtimeStateSchema,
  identitySchema,
  mailSchema,
  onceSchema,
  auditSchema,
  casesSchema,
  agenciesSchema,
  packagesSchema,
  coursesSchema,
  courseBoardSchema,
  assessmentSchema,
  completionSchema,
  certificatesSchema,
  ...lrsSchemas,
];

export async function openOnSqlite(options: StorageOptions): Promise<Storage> {
  const db = openSqlite(options.dataDir, options.sqliteSync, sqliteSchemas);
  const storage = storageOnSqlite(db, options.dataDir);
  const checkpoints = startCheckpoints(db);
  return {
    ...storage,
    async close() {
      await checkpoints.stop();
      await storage.close();
    },
  };
}

/** The ports over an opened database; `close` closes it. */
export function storageOnSqlite(db: Sqlite, dataDir: string): Storage {
  const blobs = createDiskBlobs(join(dataDir, 'blobs'));
  return {
    engine: 'sqlite',
    place: `SQLite, data in ${dataDir}`,
    webSessions: createSqliteWebSessionStore(db),
    rateCounters: createSqliteRateCounterStore(db),
    playerSessions: createSqlitePlayerSessionStore(db),
    runtimeStates: createSqliteRuntimeStateStore(db),
    identity: createSqliteIdentityStore(db),
    emailConfirmations: createSqliteEmailConfirmationStore(db),
    outbox: createSqliteOutboxStore(db),
    audit: createSqliteAuditStore(db),
    cases: createSqliteCaseStore(db),
    agencies: createSqliteAgencyStore(db),
    once: createSqliteOnceStore(db),
    packages: createSqlitePackageStore(db),
    blobs,
    courses: createSqliteCourseStore(db),
    board: createSqliteCourseBoardStore(db),
    completion: createSqliteCompletionStore(db),
    assessment: createSqliteAssessmentStore(db),
    certificates: createSqliteCertificateStore(db),
    lrs: createSqliteLrsStores(db, blobs),
    async ping() {
      db.prepare('SELECT 1').get();
    },
    async close() {
      db.close();
    },
  };
}
