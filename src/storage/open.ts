import type { RateCounterStore, WebSessionStore } from '../http/store.ts';
import type { LrsStores } from '../lrs/store.ts';
import { createMongoLrsStores } from './mongo/lrs.ts';
import { createMongoRateCounterStore } from './mongo/rate-counters.ts';
import { openMongo } from './mongo/open.ts';
import { createMongoWebSessionStore } from './mongo/web-sessions.ts';
import { createSqliteLrsStores, lrsSchemas } from './sqlite/lrs.ts';
import { createSqliteRateCounterStore, rateCountersSchema } from './sqlite/rate-counters.ts';
import { openSqlite } from './sqlite/open.ts';
import { createSqliteWebSessionStore, webSessionsSchema } from './sqlite/web-sessions.ts';

export interface StorageOptions {
  /** Set: MongoDB. Null: SQLite under dataDir. */
  mongodbUri: string | null;
  dataDir: string;
  sqliteSync: 'full' | 'normal';
}

/** Every port, on one engine. */
export interface Storage {
  engine: 'sqlite' | 'mongodb';
  webSessions: WebSessionStore;
  rateCounters: RateCounterStore;
  lrs: LrsStores;
  /** Resolves when the engine answers; rejects with DomainError `unavailable`. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

export async function openStorage(options: StorageOptions): Promise<Storage> {
  return options.mongodbUri === null ? openOnSqlite(options) : openOnMongo(options.mongodbUri);
}

async function openOnSqlite(options: StorageOptions): Promise<Storage> {
  const db = openSqlite(options.dataDir, options.sqliteSync, [webSessionsSchema, rateCountersSchema, ...lrsSchemas]);
  return {
    engine: 'sqlite',
    webSessions: createSqliteWebSessionStore(db),
    rateCounters: createSqliteRateCounterStore(db),
    lrs: createSqliteLrsStores(db),
    async ping() {
      db.prepare('SELECT 1').get();
    },
    async close() {
      db.close();
    },
  };
}

async function openOnMongo(uri: string): Promise<Storage> {
  const connection = await openMongo(uri);
  return {
    engine: 'mongodb',
    webSessions: await createMongoWebSessionStore(connection),
    rateCounters: await createMongoRateCounterStore(connection),
    lrs: await createMongoLrsStores(connection),
    async ping() {
      await connection.db?.admin().ping();
    },
    async close() {
      await connection.close();
    },
  };
}
