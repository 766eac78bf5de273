import mongoose, { type Connection } from 'mongoose';
import { DomainError } from '../../base/errors.ts';
import { unfinishedMove } from '../unfinished-move.ts';

export type { Connection };

/**
 * Connects and waits until the server answers. Writes are acknowledged by a majority and retried once by the driver;
 * no multi-document transaction is used anywhere, so one path serves a standalone server, a replica set and shards.
 * @throws DomainError `unavailable` when it has not answered within `waitSeconds` (by default: at the first try)
 */
export async function openMongo(
  uri: string,
  {
    waitSeconds = 0,
    onWaiting = () => undefined,
  }: { waitSeconds?: number; onWaiting?: (reason: string) => void } = {},
): Promise<Connection> {
  const giveUp = performance.now() + waitSeconds * 1000;
  for (;;) {
    const connection = mongoose.createConnection(uri, {
      autoIndex: false,
      autoCreate: false,
      bufferCommands: false,
      serverSelectionTimeoutMS: 5000,
      socketTimeoutMS: 30_000,
      retryWrites: true,
      writeConcern: { w: 'majority' },
    });
    try {
      return await connection.asPromise();
    } catch (cause) {
      await connection.close().catch(() => undefined);
      const reason = (cause as Error).message;
      if (performance.now() >= giveUp)
        throw new DomainError('unavailable', `MongoDB does not answer: ${reason}`, { cause, retryAfter: 5 });
      onWaiting(reason);
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }
}

/** While it holds a row, the database is the unfinished target of a move (npm run migrate-store). */
export const transferCollection = 'store_transfer';

/** @throws DomainError `conflict` on the unfinished target of a move */
export async function refuseUnfinishedMove(connection: Connection): Promise<void> {
  if ((await connection.db?.collection(transferCollection).findOne({})) != null) {
    await connection.close();
    throw unfinishedMove(`the database ${connection.name}`);
  }
}

/** A unique index refused the write: E11000, or what a compatible server on SQLite says of an update. */
export const isDuplicateKey = (error: unknown): boolean =>
  error instanceof Error &&
  'code' in error &&
  (error.code === 11000 || error.message.includes('UNIQUE constraint failed'));
