import { join } from 'node:path';
import type { RateCounterStore, WebSessionStore } from '../http/store.ts';
import type { LrsStores } from '../lrs/store.ts';
import { createMongoLrsStores } from './mongo/lrs.ts';
import { createMongoRateCounterStore } from './mongo/rate-counters.ts';
import type { AssessmentStore } from '../assessment/store.ts';
import type { CertificateStore } from '../certificates/store.ts';
import type { CompletionStore } from '../completion/store.ts';
import type { CourseBoardStore, CourseStore } from '../courses/store.ts';
import type { BlobStore } from '../base/blobs.ts';
import type { PackageStore } from '../player/packages/store.ts';
import type { OnceStore } from '../identity/providers/store.ts';
import type { IdentityStore } from '../identity/store.ts';
import type { AgencyStore } from '../identity/agencies/store.ts';
import { createMongoAgencyStore } from './mongo/agencies.ts';
import { agenciesSchema, createSqliteAgencyStore } from './sqlite/agencies.ts';
import { createMongoIdentityStore } from './mongo/identity.ts';
import { createMongoAssessmentStore } from './mongo/assessment.ts';
import { createMongoCertificateStore } from './mongo/certificates.ts';
import { createMongoCompletionStore } from './mongo/completion.ts';
import { createMongoCourseBoardStore } from './mongo/course-board.ts';
import { createMongoCourseStore } from './mongo/courses.ts';
import { createDiskBlobs } from './disk-blobs.ts';
import { createGridFsBlobs } from './mongo/gridfs-blobs.ts';
import { createMongoOnceStore } from './mongo/once.ts';
import { createMongoPackageStore } from './mongo/packages.ts';
import { createMongoEmailConfirmationStore, createMongoOutboxStore } from './mongo/mail.ts';
import type { AuditStore } from '../identity/audit/store.ts';
import { createMongoAuditStore } from './mongo/audit.ts';
import { auditSchema, createSqliteAuditStore } from './sqlite/audit.ts';
import type { CaseStore } from '../identity/privacy/store.ts';
import { createMongoCaseStore } from './mongo/cases.ts';
import { casesSchema, createSqliteCaseStore } from './sqlite/cases.ts';
import { whenAvailable } from './mongo/availability.ts';
import { type Connection, openMongo, refuseUnfinishedMove } from './mongo/open.ts';
import { createMongoPlayerSessionStore } from './mongo/player-sessions.ts';
import { createMongoRuntimeStateStore } from './mongo/runtime-state.ts';
import { createMongoWebSessionStore } from './mongo/web-sessions.ts';
import { createSqliteLrsStores, lrsSchemas } from './sqlite/lrs.ts';
import { createSqliteRateCounterStore, rateCountersSchema } from './sqlite/rate-counters.ts';
import { createSqliteIdentityStore, identitySchema } from './sqlite/identity.ts';
import { createSqliteAssessmentStore, assessmentSchema } from './sqlite/assessment.ts';
import { certificatesSchema, createSqliteCertificateStore } from './sqlite/certificates.ts';
import { createSqliteCompletionStore, completionSchema } from './sqlite/completion.ts';
import { courseBoardSchema, createSqliteCourseBoardStore } from './sqlite/course-board.ts';
import { createSqliteCourseStore, coursesSchema } from './sqlite/courses.ts';
import { createSqliteOnceStore, onceSchema } from './sqlite/once.ts';
import { createSqlitePackageStore, packagesSchema } from './sqlite/packages.ts';
import { createSqliteEmailConfirmationStore, createSqliteOutboxStore, mailSchema } from './sqlite/mail.ts';
import { startCheckpoints } from './sqlite/checkpoints.ts';
import { openSqlite, type Sqlite } from './sqlite/open.ts';
import { createSqlitePlayerSessionStore, playerSessionsSchema } from './sqlite/player-sessions.ts';
import { createSqliteRuntimeStateStore, runtimeStateSchema } from './sqlite/runtime-state.ts';
import { createSqliteWebSessionStore, webSessionsSchema } from './sqlite/web-sessions.ts';

import type { EmailConfirmationStore, OutboxStore } from '../identity/mail/store.ts';
import type { PlayerSessionStore } from '../player/sessions/store.ts';
import type { RuntimeStateStore } from '../player/runtime/store.ts';

export interface StorageOptions {
  /** Set: MongoDB. Null: SQLite under dataDir. */
  mongodbUri: string | null;
  dataDir: string;
  sqliteSync: 'full' | 'normal';
  /** Told once each time that the database does not answer at the start yet. */
  onWaiting?: (reason: string) => void;
  /** Gives up after so long; by default at once. */
  waitSeconds?: number;
}

/** Every port, on one engine. */
export interface Storage {
  engine: 'sqlite' | 'mongodb';
  /** Where it lies, in a few words for whoever started it; holds no password. */
  place: string;
  webSessions: WebSessionStore;
  rateCounters: RateCounterStore;
  playerSessions: PlayerSessionStore;
  runtimeStates: RuntimeStateStore;
  identity: IdentityStore;
  emailConfirmations: EmailConfirmationStore;
  outbox: OutboxStore;
  audit: AuditStore;
  cases: CaseStore;
  agencies: AgencyStore;
  once: OnceStore;
  packages: PackageStore;
  blobs: BlobStore;
  courses: CourseStore;
  board: CourseBoardStore;
  completion: CompletionStore;
  assessment: AssessmentStore;
  certificates: CertificateStore;
  lrs: LrsStores;
  /** Resolves when the engine answers; rejects with DomainError `unavailable`. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

export async function openStorage(options: StorageOptions): Promise<Storage> {
  return options.mongodbUri === null ? openOnSqlite(options) : openOnMongo(options.mongodbUri, options);
}

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

async function openOnSqlite(options: StorageOptions): Promise<Storage> {
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

async function openOnMongo(uri: string, options: StorageOptions): Promise<Storage> {
  const connection = await openMongo(uri, options);
  await refuseUnfinishedMove(connection);
  return storageOnMongo(connection);
}

/** The ports over an open connection, collections and indexes made; `close` closes it. */
export async function storageOnMongo(connection: Connection): Promise<Storage> {
  const blobs = whenAvailable(createGridFsBlobs(connection));
  return {
    engine: 'mongodb',
    place: `MongoDB, database ${connection.name}`,
    webSessions: whenAvailable(await createMongoWebSessionStore(connection)),
    rateCounters: whenAvailable(await createMongoRateCounterStore(connection)),
    playerSessions: whenAvailable(await createMongoPlayerSessionStore(connection)),
    runtimeStates: whenAvailable(await createMongoRuntimeStateStore(connection)),
    identity: whenAvailable(await createMongoIdentityStore(connection)),
    emailConfirmations: whenAvailable(await createMongoEmailConfirmationStore(connection)),
    outbox: whenAvailable(await createMongoOutboxStore(connection)),
    audit: whenAvailable(await createMongoAuditStore(connection)),
    cases: whenAvailable(await createMongoCaseStore(connection)),
    agencies: whenAvailable(await createMongoAgencyStore(connection)),
    once: whenAvailable(await createMongoOnceStore(connection)),
    packages: whenAvailable(await createMongoPackageStore(connection)),
    blobs,
    courses: whenAvailable(await createMongoCourseStore(connection)),
    board: whenAvailable(await createMongoCourseBoardStore(connection)),
    completion: whenAvailable(await createMongoCompletionStore(connection)),
    assessment: whenAvailable(await createMongoAssessmentStore(connection)),
    certificates: whenAvailable(await createMongoCertificateStore(connection)),
    lrs: whenAvailable(await createMongoLrsStores(connection, blobs)),
    async ping() {
      await whenAvailable({ ping: async () => connection.db?.admin().ping() }).ping();
    },
    async close() {
      await connection.close();
    },
  };
}
