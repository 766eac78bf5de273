import type { Request, Response } from 'express';
import type { SessionData } from 'express-session';
import type { Person, RecordAudit } from './types.ts';

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
  /** Gives the session a new id (a planted one is worth nothing: session fixation), writes the audit line, redirects. */
  complete(req: Request, res: Response, person: Person, end: SignInEnd): Promise<void>;
  /** The audit line of a sign-in that did not succeed; `subjectId` where the account is known. */
  failed(
    req: Request,
    failure: { method: string; reason: string; subjectId: string | null; detail?: Record<string, string> },
  ): Promise<void>;
}

/** Only a path of our own: no scheme, no host, no backslash that a browser would take for a slash. */
export const ownPath = (given: unknown): string => {
  if (typeof given !== 'string' || !/^\/(?![/\\])[^\\\s]*$/.test(given)) return '/';
  const url = new URL(given, 'http://portal.invalid');
  return url.host === 'portal.invalid' ? `${url.pathname}${url.search}` : '/';
};

export const createSignIns = ({ audit }: { audit: RecordAudit }): SignIns => ({
  async complete(req, res, person, { method, returnTo, keep }) {
    await new Promise<void>((resolve, reject) =>
      req.login(person, (error: unknown) => (error ? reject(error) : resolve())),
    );
    Object.assign(req.session, keep);
    await audit({
      action: 'sign-in',
      actorId: person.id,
      subjectId: person.id,
      outcome: 'success',
      reason: null,
      address: req.ip ?? null,
      detail: { method },
    });
    res.redirect(303, returnTo);
  },
  failed: (req, { method, reason, subjectId, detail }) =>
    audit({
      action: 'sign-in',
      actorId: null,
      subjectId,
      outcome: 'failure',
      reason,
      address: req.ip ?? null,
      detail: { method, ...detail },
    }),
});
