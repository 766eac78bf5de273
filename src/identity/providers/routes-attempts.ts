import { randomBytes } from 'node:crypto';
import type { Request } from 'express';
import type { Clock } from '../../base/clock.ts';
import { newToken } from '../../base/ids.ts';
import { signInFailure } from './failures.ts';
import type { Attempt, Purpose } from './protocol.ts';
import type { OnceStore } from './store.ts';

declare module 'express-session' {
  interface SessionData {
    /** Sign-ins begun in this browser and not ended, by state. */
    attempts?: Record<string, Attempt>;
    /** LogoutFacts, sealed. */
    external?: string;
    /** The nickname that the provider knows the person by. */
    suggestedNickname?: string;
  }
}

/** So many tabs may be at a provider at once; the oldest is forgotten. */
const mostAttempts = 5;
/** So long somebody may take at the provider: passwords are looked for, cards are fetched. */
const attemptSeconds = 30 * 60;

/** The sign-ins begun in a browser. They live in its web session, so an answer is worth nothing in another browser. */
export interface Attempts {
  begin(req: Request, provider: string, returnTo: string, purpose?: Purpose): Attempt;
  /** Takes the attempt out for good; null when this browser has begun none by this state. */
  take(req: Request, provider: string, state: string): Promise<Attempt | null>;
}

export function createAttempts({ once, clock }: { once: OnceStore; clock: Clock }): Attempts {
  return {
    begin(req, provider, returnTo, purpose) {
      const attempt: Attempt = {
        provider,
        state: newToken(),
        nonce: newToken(),
        codeVerifier: newToken(48),
        // xs:ID: begins with a letter or underscore.
        requestId: `_${randomBytes(20).toString('hex')}`,
        returnTo,
        startedAt: clock.now().getTime(),
        ...(purpose ? { purpose } : {}),
      };
      const open = Object.values(req.session.attempts ?? {})
        .toSorted((a, b) => b.startedAt - a.startedAt)
        .slice(0, mostAttempts - 1);
      req.session.attempts = Object.fromEntries([...open, attempt].map((one) => [one.state, one]));
      return attempt;
    },
    async take(req, provider, state) {
      const kept = req.session.attempts ?? {};
      const attempt = Object.hasOwn(kept, state) ? kept[state] : undefined;
      if (!attempt) return null;
      delete kept[state];
      req.session.attempts = kept;
      const now = clock.now().getTime();
      // Two answers at the same moment: the session is read by both, but the store lets one through.
      const first = await once.remember(`attempt:${state}`, new Date(now + attemptSeconds * 1000));
      if (!first) throw signInFailure('used', 'this attempt has been answered already');
      if (attempt.provider !== provider)
        throw signInFailure('unverified', `an answer for ${attempt.provider} came from ${provider}`);
      if (now - attempt.startedAt > attemptSeconds * 1000)
        throw signInFailure('expired', 'the attempt was begun too long ago');
      return attempt;
    },
  };
}
