import { DomainError } from '../../base/errors.ts';

/** What the driver throws when no server can take the command just now; it reconnects by itself. */
const unreachable =
  /^(MongoNetwork\w*|Mongo(ose)?ServerSelection\w*|MongoNotConnectedError|MongoTopologyClosedError|MongoPool\w*|MongoWriteConcernError)$/;

const isUnreachable = (error: unknown): boolean => error instanceof Error && unreachable.test(error.name);

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
