import type { Request, Response } from 'express';
import type { SessionData } from 'express-session';
import type { Clock } from '../base/clock.ts';
import { deviceOf } from '../base/device.ts';
import type { SecondFactorMeans } from './second-factor/second-factor.ts';
import type { Person, RecordAudit } from './types.ts';

/** A sign-in whose first step is done, waiting for the second. */
export interface PendingSignIn {
  personId: string;
  end: SignInEnd;
  /** Milliseconds since 1970. */
  until: number;
}
declare module 'express-session' {
  interface SessionData {
    pendingSignIn?: PendingSignIn;
    /** When the person last showed who they are: by signing in, or by doing so again (milliseconds). */
    provenAt?: number;
  }
}

/** So long the second step may take. */
const pendingMinutes = 10;

export interface SignInEnd {
  /** How the person came: `local`, or a provider's key. */
  method: string;
  /** A path of the portal, from `ownPath`. */
  returnTo: string;
  /** What the new session keeps beside the person, e.g. what signing out at the provider needs. */
  keep?: Partial<SessionData>;
}

/** The one end of every way of signing in. */
export interface SignIns {
  /**
   * The first step is done: finishes, or asks for the second factor where the person has one. Either way the session
   * gets a new id (a planted one is worth nothing: session fixation).
   */
  complete(req: Request, res: Response, person: Person, end: SignInEnd): Promise<void>;
  /** The sign-in of this session that waits for its second step; null when there is none, or it has waited too long. */
  pending(req: Request): PendingSignIn | null;
  /** Every step is done: signs in, writes the audit line, redirects. */
  finish(
    req: Request,
    res: Response,
    person: Person,
    end: SignInEnd & { secondFactor?: SecondFactorMeans },
  ): Promise<void>;
  /**
   * The audit line of a sign-in that did not succeed; `subjectId` where the account is known. Gives the reference by which
   * the person and support can look it up; `detail.reference` where one was shown already.
   */
  failed(
    req: Request,
    failure: { method: string; reason: string; subjectId: string | null; detail?: Record<string, string> },
  ): Promise<string>;
}

/** Only a path of our own: no scheme, no host, no backslash that a browser would take for a slash. */
export const ownPath = (given: unknown): string => {
  if (typeof given !== 'string' || !/^\/(?![/\\])[^\\\s]*$/.test(given)) return '/';
  const url = new URL(given, 'http://portal.invalid');
  return url.host === 'portal.invalid' ? `${url.pathname}${url.search}` : '/';
};

/** What the list of one's own sessions says of this one, and from when its end is counted. */
export const noteSignIn = (req: Request, clock: Clock): void => {
  req.session.signedIn = {
    at: clock.now().getTime(),
    device: deviceOf(req.headers['user-agent']),
    address: req.ip ?? null,
  };
};

export function createSignIns({
  audit,
  clock,
  noteFailure,
  hasSecondFactor,
}: {
  audit: RecordAudit;
  clock: Clock;
  /** Keeps why it failed, and gives the reference (help/sign-in-failures.ts). */
  noteFailure(failure: { reference?: string; method: string; reason: string }): Promise<string>;
  hasSecondFactor(personId: string): Promise<boolean>;
}): SignIns {
  const settled = (act: (done: (error: unknown) => void) => void): Promise<void> =>
    new Promise((resolve, reject) => act((error) => (error ? reject(error) : resolve())));

  const finish: SignIns['finish'] = async (req, res, person, end) => {
    const { method, returnTo, keep, secondFactor } = end;
    await settled((done) => req.login(person, done));
    Object.assign(req.session, keep, { provenAt: clock.now().getTime() });
    noteSignIn(req, clock);
    if (secondFactor) req.session.secondFactorOf = person.id;
    await audit({
      action: 'sign-in',
      actorId: person.id,
      subjectId: person.id,
      outcome: 'success',
      reason: null,
      address: req.ip ?? null,
      detail: { method, ...(secondFactor ? { secondFactor } : {}) },
    });
    res.redirect(303, returnTo);
  };

  return {
    finish,
    async complete(req, res, person, end) {
      if (!(await hasSecondFactor(person.id))) return finish(req, res, person, end);
      await settled((done) => req.session.regenerate(done));
      const until = clock.now().getTime() + pendingMinutes * 60_000;
      req.session.pendingSignIn = { personId: person.id, end, until };
      return res.redirect(303, '/sign-in/code');
    },
    pending(req) {
      const pending = req.session.pendingSignIn;
      return pending && pending.until > clock.now().getTime() ? pending : null;
    },
    async failed(req, { method, reason, subjectId, detail }) {
      const given = detail?.['reference'];
      const reference = await noteFailure({
        method,
        reason,
        ...(given === undefined ? {} : { reference: given }),
      });
      await audit({
        action: 'sign-in',
        actorId: null,
        subjectId,
        outcome: 'failure',
        reason,
        address: req.ip ?? null,
        detail: { method, ...detail, reference },
      });
      return reference;
    },
  };
}
