import { DomainError } from '../../base/errors.ts';

/** What the driver throws when no server can take the command just now; it reconnects by itself. */
const unreachable =
  /^(MongoNetwork\w*|Mongo(ose)?ServerSelection\w*|MongoNotConnectedError|MongoTopologyClosedError|MongoPool\w*|MongoWriteConcernError|MongoOperationTimeoutError)$/;

/** What a server says while another member takes its place, and what the driver's one retry did not outlast. */
const changingPlaces = new Set([
  91, // ShutdownInProgress
  189, // PrimarySteppedDown
  262, // ExceededTimeLimit
  6, // HostUnreachable, as mongos says of a shard; so too the next three
  7, // HostNotFound
  89, // NetworkTimeout
  9001, // SocketException
  64, // WriteConcernFailed: no majority in time
  133, // FailedToSatisfyReadPreference: no primary for mongos
  10107, // NotWritablePrimary
  11600, // InterruptedAtShutdown
  11602, // InterruptedDueToReplStateChange
  13435, // NotPrimaryNoSecondaryOk
  13436, // NotPrimaryOrSecondary
]);

const isUnreachable = (error: unknown): boolean =>
  error instanceof Error &&
  (unreachable.test(error.name) ||
    ((error.name === 'MongoServerError' || error.name === 'MongoBulkWriteError') &&
      changingPlaces.has((error as Error & { code?: number }).code ?? -1)));

const translated = (error: unknown): unknown =>
  isUnreachable(error)
    ? new DomainError('unavailable', 'The database does not answer at the moment. Please try again.', {
        code: 'database-away',
        retryAfter: 5,
        cause: error,
      })
    : error;

/**
 * The same port, but a lost connection becomes DomainError `unavailable` (503 with Retry-After) instead of a fault of ours.
 * Groups of ports (`lrs`) are wrapped member by member.
 */
export function whenAvailable<T extends object>(port: T): T {
  return new Proxy(port, {
    get(target, name, receiver) {
      const value: unknown = Reflect.get(target, name, receiver);
      if (typeof value === 'object' && value !== null) return whenAvailable(value);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]): unknown => {
        const result: unknown = Reflect.apply(value, target, args);
        if (!(result instanceof Promise)) return result;
        return result.catch((error: unknown) => {
          throw translated(error);
        });
      };
    },
  });
}
