import { csrfSync } from 'csrf-sync';
import type { RequestHandler } from 'express';
import { DomainError } from '../base/errors.ts';

/**
 * Two fences for every unsafe request of a browser: the browser's own word on where it comes from, and a token of the
 * session, as the form field `_csrf` or the header `X-CSRF-Token`. A guest whose session has ended, or was ended by a
 * sign-in whose answer got lost, has no token any more and nothing that could be misused: there the first one decides,
 * so that a sign-in page left open for an hour still signs in.
 */
export function createCsrf(publicOrigin: string): RequestHandler[] {
  const refused = new DomainError(
    'forbidden',
    'This form has expired or was not sent by this site. Load the page again and retry.',
    {
      code: 'csrf',
    },
  );
  const { generateToken, getTokenFromState, isRequestValid } = csrfSync({
    getTokenFromRequest: (req) => {
      const header = req.headers['x-csrf-token'];
      if (typeof header === 'string') return header;
      const body: unknown = req.body;
      return typeof body === 'object' && body !== null && '_csrf' in body && typeof body._csrf === 'string'
        ? body._csrf
        : undefined;
    },
  });
  const tokens: RequestHandler = (req, res, next) => {
    // A function, called by the template that needs it: pages without a form leave no session.
    res.locals['csrfToken'] = () => generateToken(req);
    next();
  };
  const check: RequestHandler = (req, _res, next) => {
    if (['GET', 'HEAD', 'OPTIONS'].includes(req.method)) return next();
    const { origin } = req.headers;
    const site = req.headers['sec-fetch-site'];
    if (
      (origin !== undefined && origin !== publicOrigin) ||
      (site !== undefined && site !== 'same-origin' && site !== 'none')
    )
      return next(refused);
    // A form with a file is read as a stream, after this check: there the browser's own word, which must be there, decides.
    if (req.is('multipart/form-data') && origin === publicOrigin) return next();
    const ended = getTokenFromState(req) === undefined && req.user === undefined;
    return isRequestValid(req) || (ended && origin === publicOrigin) ? next() : next(refused);
  };
  return [tokens, check];
}
