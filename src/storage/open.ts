import type { RateCounterStore, WebSessionStore } from '../http/store.ts';
import type { LrsStores } from '../lrs/store.ts';
import type { AssessmentStore } from '../assessment/store.ts';
import type { CertificateStore } from '../certificates/store.ts';
import type { CompletionStore } from '../completion/store.ts';
import type { CourseBoardStore, CourseStore } from '../courses/store.ts';
import type { BlobStore } from '../base/blobs.ts';
import type { PackageStore } from '../player/packages/store.ts';
import type { OnceStore } from '../identity/providers/store.ts';
import type { IdentityStore } from '../identity/store.ts';
import type { AgencyStore } from '../identity/agencies/store.ts';
import type { AuditStore } from '../identity/audit/store.ts';
import type { CaseStore } from '../identity/privacy/store.ts';
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

/** Only the engine that is used is loaded: MongoDB's driver costs a third of a second and tens of megabytes. */
export async function openStorage(options: StorageOptions): Promise<Storage> {
  if (options.mongodbUri === null) {
    const { openOnSqlite } = await import('./sqlite/storage.ts');
    return openOnSqlite(options);
  }
  const { openOnMongo } = await import('./mongo/storage.ts');
  return openOnMongo(options.mongodbUri, options);
}
