import { createMongoLrsStores } from './lrs.ts';
import { createMongoRateCounterStore } from './rate-counters.ts';
import { createMongoAgencyStore } from './agencies.ts';
import { createMongoIdentityStore } from './identity.ts';
import { createMongoAssessmentStore } from './assessment.ts';
import { createMongoCertificateStore } from './certificates.ts';
import { createMongoCompletionStore } from './completion.ts';
import { createMongoCourseBoardStore } from './course-board.ts';
import { createMongoCourseStore } from './courses.ts';
import { createGridFsBlobs } from './gridfs-blobs.ts';
import { createMongoOnceStore } from './once.ts';
import { createMongoPackageStore } from './packages.ts';
import { createMongoEmailConfirmationStore, createMongoOutboxStore } from './mail.ts';
import { createMongoAuditStore } from './audit.ts';
import { createMongoCaseStore } from './cases.ts';
import { whenAvailable } from './availability.ts';
import { type Connection, openMongo, refuseUnfinishedMove } from './open.ts';
import { createMongoPlayerSessionStore } from './player-sessions.ts';
import { createMongoRuntimeStateStore } from './runtime-state.ts';
import { createMongoWebSessionStore } from './web-sessions.ts';
import type { Storage, StorageOptions } from '../open.ts';

export async function openOnMongo(uri: string, options: StorageOptions): Promise<Storage> {
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
