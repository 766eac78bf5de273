import { createHash } from 'node:crypto';
import session from 'express-session';
import type { Request, RequestHandler } from 'express';
import type { Clock } from '../base/clock.ts';
import type { WebSessionStore } from './store.ts';

export interface SessionOptions {
  store: WebSessionStore;
  clock: Clock;
  secret: string;
  /** The portal's origin: https makes the cookie Secure. */
  publicOrigin: string;
  /** Signed out after so many seconds without a request. */
  idleSeconds: number;
  /** Signed out so many seconds after the sign-in, whatever happens. */
  maxSeconds: number;
}

declare module 'express-session' {
  interface SessionData {
    /** Of a signed-in person's session: since when (milliseconds), and from where. */
    signedIn?: { at: number; device: string | null; address: string | null };
  }
}

export const sessionCookie = 'zhixing';

/** The store keeps a hash of the cookie's value, so that a stolen table opens no session. */
const hashed = (sid: string): string => createHash('sha256').update(sid).digest('base64url');

/** The id under which the store knows the session of this request. */
export const storedSessionId = (req: Request): string => hashed(req.sessionID);

/** When a session ends at the latest; null before sign-in. */
export const endOf = ({ signedIn }: session.SessionData, maxSeconds: number): Date | null =>
  signedIn ? new Date(signedIn.at + maxSeconds * 1000) : null;

class PortStore extends session.Store {
  readonly #store: WebSessionStore;
  readonly #clock: Clock;
  readonly #idleSeconds: number;
  readonly #maxSeconds: number;

  constructor({ store, clock, idleSeconds, maxSeconds }: SessionOptions) {
    super();
    this.#store = store;
    this.#clock = clock;
    this.#idleSeconds = idleSeconds;
    this.#maxSeconds = maxSeconds;
  }

  #times(data: session.SessionData): { seenAt: Date; expiresAt: Date; endsAt: Date | null } {
    const seenAt = this.#clock.now();
    const idle = new Date(seenAt.getTime() + this.#idleSeconds * 1000);
    const endsAt = endOf(data, this.#maxSeconds);
    return { seenAt, endsAt, expiresAt: endsAt && endsAt < idle ? endsAt : idle };
  }

  override get(sid: string, done: (error: unknown, data?: session.SessionData | null) => void): void {
    this.#store.get(hashed(sid), this.#clock.now()).then(
      (found) => done(null, found ? (JSON.parse(found.data) as session.SessionData) : null),
      (error: unknown) => done(error),
    );
  }

  override set(
    sid: string,
    data: session.SessionData,
    done: (error?: unknown) => void = () => undefined,
  ): void {
    const personId = (data as { passport?: { user?: string } }).passport?.user ?? null;
    this.#store
      .put({ id: hashed(sid), data: JSON.stringify(data), personId, ...this.#times(data) })
      .then(() => done(), done);
  }

  override touch(sid: string, data: session.SessionData, done: () => void = () => undefined): void {
    // A failed touch shortens a session at worst; the request itself has succeeded.
    this.#store.touch(hashed(sid), this.#times(data)).then(done, done);
  }

  override destroy(sid: string, done: (error?: unknown) => void = () => undefined): void {
    this.#store.delete(hashed(sid)).then(() => done(), done);
  }
}

/** Browser sessions of the portal's origin. Written only once something is kept in them: a guest leaves no row. */
export function createSessions(options: SessionOptions): RequestHandler {
  return session({
    name: sessionCookie,
    secret: options.secret,
    store: new PortStore(options),
    resave: false,
    saveUninitialized: false,
    rolling: false,
    cookie: {
      httpOnly: true,
      sameSite: 'lax',
      secure: options.publicOrigin.startsWith('https:'),
      path: '/',
    },
  });
}
