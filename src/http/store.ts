/** A browser session as express-session keeps it. `id` is a hash: the cookie's value itself is never stored. */
export interface WebSession {
  id: string;
  /** JSON text. */
  data: string;
  /** The signed-in person, for "my sessions" and sign-out everywhere; null before sign-in. */
  personId: string | null;
  /** The last request. */
  seenAt: Date;
  /** Without a further request it ends then. */
  expiresAt: Date;
  /** It ends then whatever happens in it; null before sign-in. */
  endsAt: Date | null;
}

/** Port: browser sessions, shared by every process. One that is over, by either limit, is never handed out. */
export interface WebSessionStore {
  get(id: string, now: Date): Promise<WebSession | null>;
  /** Creates or replaces. */
  put(session: WebSession): Promise<void>;
  /** Moves the expiry of an existing session, never beyond its end; nothing when it is gone. */
  touch(id: string, seen: { seenAt: Date; expiresAt: Date }): Promise<void>;
  delete(id: string): Promise<void>;
  /** Those that are not over, last seen first. */
  ofPerson(personId: string, now: Date): Promise<WebSession[]>;
  /** Deletes what is over at `now`; says how many. */
  deleteExpired(now: Date): Promise<number>;
}

/** Port: counters of rate limits, shared by every process. */
export interface RateCounterStore {
  /** Adds one to the counter of this key and window and gives the new count; atomic. */
  add(key: string, windowStart: Date, expiresAt: Date): Promise<number>;
  deleteExpired(now: Date): Promise<number>;
}
