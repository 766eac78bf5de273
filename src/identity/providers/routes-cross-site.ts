import { createHash } from 'node:crypto';
import express, { Router } from 'express';
import type { Request, RequestHandler, Response } from 'express';
import type { Clock } from '../../base/clock.ts';
import { newToken } from '../../base/ids.ts';
import type { FailureReason } from './failures.ts';
import type { Answer } from './protocol.ts';
import type { Sealer } from './sealer.ts';
import type { OnceStore } from './store.ts';

/** The largest answer of a provider: a SAML response with its certificates and some attributes is some 10 KB. */
const largestForm = 256 * 1024;
const parcelSeconds = 120;
/** What the protocols define; anything else in the form is left behind. */
const fields = [
  ...['SAMLResponse', 'SAMLRequest', 'RelayState'],
  ...['code', 'state', 'iss', 'error', 'error_description', 'user'],
];

/** What came by a cross-site POST: the provider's answer, or why it was not even read. */
export type Parcel = { answer: Answer } | { failure: FailureReason };

export interface Parcels {
  keep(parcel: Parcel): Promise<string>;
  /** Once: null when it was taken or is older than two minutes. */
  take(token: string): Promise<Parcel | null>;
}

export function createParcels(deps: { once: OnceStore; sealer: Sealer; clock: Clock }): Parcels {
  const { once, sealer, clock } = deps;
  const keyOf = (token: string): string => `parcel:${createHash('sha256').update(token).digest('base64url')}`;
  return {
    async keep(parcel) {
      const token = newToken();
      const text = 'failure' in parcel ? `!${parcel.failure}` : parcel.answer.toString();
      const expiresAt = new Date(clock.now().getTime() + parcelSeconds * 1000);
      await once.keep(keyOf(token), sealer.seal(text), expiresAt);
      return token;
    },
    async take(token) {
      const sealed = await once.take(keyOf(token), clock.now());
      const text = sealed === null ? null : sealer.open(sealed);
      if (text === null) return null;
      return text.startsWith('!')
        ? { failure: text.slice(1) as FailureReason }
        : { answer: new URLSearchParams(text) };
    },
  };
}

/**
 * The one place where a form from another site is taken: the answers of identity providers that come by POST (the SAML
 * assertion consumer and logout services, OpenID Connect's `form_post`). It stands before the CSRF fence, and is no hole
 * in it, because nothing is done here: the known fields are sealed, kept for two minutes, and the browser is sent on to
 * the same address by GET with a one-time token.
 *
 * That also brings the session back. Our cookie is SameSite=Lax, so a browser does not send it with a POST from another
 * site, and a `SameSite=None` cookie would be open to every site and is blocked as a third-party cookie by some
 * browsers. With the top-level GET that follows, the Lax cookie comes, and the attempt that is kept in the session
 * (routes-attempts.ts) decides whether this browser has asked for the answer.
 * @param takes whether the provider of this key answers by POST at this address
 */
export function createCrossSiteRoutes(deps: {
  parcels: Parcels;
  takes(provider: string, address: 'callback' | 'logout'): boolean;
  limit: RequestHandler;
}): Router {
  const routes = Router();
  const read = express.urlencoded({ extended: false, limit: largestForm, parameterLimit: 20 });
  const form = (req: Request, res: Response): Promise<Parcel> =>
    new Promise((resolve) =>
      read(req, res, (error?: unknown) => {
        if (error) {
          const status = (error as { status?: unknown }).status;
          return resolve({ failure: status === 413 ? 'too-large' : 'malformed' });
        }
        const body = (req.body ?? {}) as Record<string, unknown>;
        const answer = new URLSearchParams();
        for (const field of fields) {
          const value = Object.hasOwn(body, field) ? body[field] : undefined;
          // A field that is there twice is passed on twice: the protocol refuses it.
          for (const one of Array.isArray(value) ? value : [value])
            if (typeof one === 'string') answer.append(field, one);
        }
        return resolve({ answer });
      }),
    );

  for (const address of ['callback', 'logout'] as const)
    routes.post(`/sign-in/:provider/${address}`, deps.limit, async (req, res, next) => {
      const provider = String(req.params['provider']);
      if (!deps.takes(provider, address)) return next('router');
      const token = await deps.parcels.keep(await form(req, res));
      res.set('Cache-Control', 'no-store');
      return res.redirect(303, `/sign-in/${provider}/${address}?parcel=${token}`);
    });
  return routes;
}
