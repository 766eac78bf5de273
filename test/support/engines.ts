import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openOnMongo } from '../../src/storage/mongo/storage.ts';
import { openOnSqlite } from '../../src/storage/sqlite/storage.ts';
import type { Storage, StorageOptions } from '../../src/storage/open.ts';
import { type MongoForTests, startMongoForTests } from './mongo-server.ts';

export type EngineName = 'sqlite' | 'mongodb';

let mongo: Promise<MongoForTests> | null = null;
/** One MongoDB-compatible server for the whole run, started when first asked for. */
export const mongoForTests = (): Promise<MongoForTests> => (mongo ??= startMongoForTests());

export async function stopMongoForTests(): Promise<void> {
  const server = await mongo;
  mongo = null;
  if (server && 'stop' in server) await server.stop();
}

/** An empty store of the engine: its options (to open it again, or to start a server on it) and its removal. */
export interface EmptyStore {
  options: StorageOptions;
  remove(): void;
}

/** Null, with the reason printed once, when the engine is not to be had here; an error in CI. */
export async function emptyStore(engine: EngineName): Promise<EmptyStore | null> {
  const dataDir = mkdtempSync(join(tmpdir(), 'zhixing-data-'));
  const remove = (): void => rmSync(dataDir, { recursive: true, force: true });
  if (engine === 'sqlite') return { options: { mongodbUri: null, dataDir, sqliteSync: 'normal' }, remove };
  const server = await mongoForTests();
  if ('missing' in server) {
    remove();
    if (process.env['CI']) throw new Error(`The MongoDB engine cannot be tested: ${server.missing}`);
    sayOnce(`MongoDB tests skipped: ${server.missing}`);
    return null;
  }
  const url = new URL(server.uri);
  url.pathname = `/zhixing_${randomBytes(6).toString('hex')}`;
  return { options: { mongodbUri: url.href, dataDir, sqliteSync: 'normal' }, remove };
}

/**
 * As src/storage/open.ts opens a store, but with the engines imported ahead: mocha loads tests by require(), and what is
 * imported later would be another copy of every module, with errors that are not instances of the test's classes.
 */
export const openStorage = async (options: StorageOptions): Promise<Storage> =>
  options.mongodbUri === null ? openOnSqlite(options) : openOnMongo(options.mongodbUri, options);

const said = new Set<string>();
function sayOnce(line: string): void {
  if (said.has(line)) return;
  said.add(line);
  console.log(`  ! ${line}`);
}

/**
 * Declares the suite once per engine, on a fresh store for each suite. `storage()` gives the opened ports inside tests;
 * `reopen()` closes and opens the same store again, as a restart would.
 */
export function onEveryEngine(
  title: string,
  suite: (use: {
    engine: EngineName;
    storage: () => Storage;
    reopen: () => Promise<Storage>;
    options: () => StorageOptions;
  }) => void,
): void {
  for (const engine of ['sqlite', 'mongodb'] as const) {
    describe(`${title} on ${engine}`, function () {
      let store: EmptyStore | null = null;
      let storage: Storage | null = null;
      before(async function () {
        this.timeout(600_000); // the first run builds the server
        store = await emptyStore(engine);
        if (!store) return this.skip();
        storage = await openStorage(store.options);
      });
      const need = <T>(value: T | null): T => {
        if (value === null) throw new Error('used outside a test');
        return value;
      };
      suite({
        engine,
        storage: () => need(storage),
        options: () => need(store).options,
        async reopen() {
          await need(storage).close();
          storage = await openStorage(need(store).options);
          return storage;
        },
      });
      // After the suite's own hooks: they may still need the store.
      after(async () => {
        await storage?.close();
        store?.remove();
      });
    });
  }
}
