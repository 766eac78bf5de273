/** A browser session as express-session keeps it. `id` is a hash: the cookie's value itself is never stored. */
export interface WebSession {
  id: string;
  /** JSON text. */
  data: string;
  /** The signed-in person, for "my sessions" and sign-out everywhere; null before sign-in. */
  personId: string | null;
  expiresAt: Date;
}

/** Port: browser sessions, shared by every process. An expired one is never handed out. */
export interface WebSessionStore {
  get(id: string, now: Date): Promise<WebSession | null>;
  /** Creates or replaces. */
  put(session: WebSession): Promise<void>;
  /** Moves the expiry of an existing session; nothing when it is gone. */
  touch(id: string, expiresAt: Date): Promise<void>;
  delete(id: string): Promise<void>;
  ofPerson(personId: string, now: Date): Promise<WebSession[]>;
  /** Deletes what expired before `now`; says how many. */
  deleteExpired(now: Date): Promise<number>;
}

/** Port: counters of rate limits, shared by every process. */
export interface RateCounterStore {
  /** Adds one to the counter of this key and window and gives the new count; atomic. */
  add(key: string, windowStart: Date, expiresAt: Date): Promise<number>;
  deleteExpired(now: Date): Promise<number>;
}
