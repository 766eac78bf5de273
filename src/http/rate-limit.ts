import type { Request, RequestHandler } from 'express';
import type { Clock } from '../base/clock.ts';
import { DomainError } from '../base/errors.ts';
import type { RateCounterStore } from './store.ts';

export interface RateLimit {
  /** Names the counter, e.g. `sign-in`. */
  name: string;
  /** Requests allowed per window. */
  limit: number;
  windowSeconds: number;
  /** Who is counted; by default the client's address. Null: not counted. */
  key?: (req: Request) => string | null;
}

export type RateLimits = ReturnType<typeof createRateLimits>;

/** Counts in fixed windows over all processes; answers 429 with Retry-After beyond the limit. */
export const createRateLimits =
  (store: RateCounterStore, clock: Clock) =>
  ({ name, limit, windowSeconds, key = (req) => req.ip ?? 'unknown' }: RateLimit): RequestHandler =>
  async (req, res, next) => {
    const who = key(req);
    if (who === null) return next();
    const now = clock.now().getTime();
    const start = now - (now % (windowSeconds * 1000));
    const end = start + windowSeconds * 1000;
    const count = await store.add(`${name}:${who}`, new Date(start), new Date(end));
    const retryAfter = Math.max(1, Math.ceil((end - now) / 1000));
    res.set('RateLimit', `limit=${limit}, remaining=${Math.max(0, limit - count)}, reset=${retryAfter}`);
    if (count > limit)
      throw new DomainError('rate-limited', `Too many requests. Please try again in ${retryAfter} seconds.`, {
        code: 'rate-limited',
        params: { seconds: retryAfter },
        retryAfter,
      });
    next();
  };
