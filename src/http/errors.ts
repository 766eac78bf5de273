import type { ErrorRequestHandler, Request, RequestHandler, Response } from 'express';
import { DomainError, isDomainError, type ErrorKind, type Problem } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';

/** The one table from what went wrong to what HTTP says. */
export const statusOfKind: Record<ErrorKind, number> = {
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  'not-found': 404,
  conflict: 409,
  precondition: 412,
  'too-large': 413,
  'unsupported-media': 415,
  unprocessable: 422,
  'rate-limited': 429,
  unavailable: 503,
  timeout: 504,
};

/** What an answer may say of an error. */
export interface PublicError {
  status: number;
  /** The domain's kind; null for a fault of ours, which says nothing of itself. */
  kind: ErrorKind | null;
  /** English. */
  message: string;
  /** Message key under `errors.`; null when there is none. */
  code: string | null;
  params: Record<string, string | number>;
  problems: Problem[];
  retryAfter: number | null;
}

/** Errors of express and its parsers carry a status of their own: a 4xx is the client's to know. */
const ownStatus = (error: unknown): number | null => {
  if (typeof error !== 'object' || error === null || !('status' in error)) return null;
  return typeof error.status === 'number' && error.status >= 400 && error.status < 500 ? error.status : null;
};

export function toPublicError(error: unknown): PublicError {
  if (isDomainError(error)) {
    const { kind, message, code, params, problems, retryAfter } = error;
    return { status: statusOfKind[kind], kind, message, code, params, problems, retryAfter };
  }
  const status = ownStatus(error);
  const known = Object.entries(statusOfKind).find(([, code]) => code === status)?.[0] as
    ErrorKind | undefined;
  return {
    status: status ?? 500,
    kind: status === null ? null : (known ?? 'invalid'),
    message: status === null ? 'The server failed to answer. Please try again.' : (error as Error).message,
    code: status === null ? 'internal' : null,
    params: {},
    problems: [],
    retryAfter: null,
  };
}

/** Path and query of this site's page that a form was on, by the browser's word; null when it does not say. */
export function pageOfForm(req: Request): string | null {
  const { referer } = req.headers;
  if (referer === undefined || !URL.canParse(referer)) return null;
  const { host, pathname, search } = new URL(referer);
  return host === req.headers.host ? `${pathname}${search}` : null;
}

/** HTML for people, JSON for programs: by path first, then by what the request accepts. */
export const wantsJson = (req: Request): boolean =>
  /^\/(api|xapi|runtime)(\/|$)/.test(req.originalUrl) || req.accepts(['html', 'json']) === 'json';

export const notFound: RequestHandler = (_req, _res, next) => {
  next(new DomainError('not-found', 'There is nothing at this address.', { code: 'not-found' }));
};

/**
 * The last handler. A 5xx is logged whole and answered without detail.
 * @param page what the page `pages/error` is given; null where there are no pages (the content's origin): plain text then
 */
export function createErrorHandler(
  logger: Logger,
  page: ((res: Response, error: PublicError) => { text: string }) | null,
): ErrorRequestHandler {
  return (error, req, res, next) => {
    const shown = toPublicError(error);
    if (shown.status >= 500)
      logger.error({ err: error, method: req.method, path: req.path }, 'request failed');
    if (res.headersSent) return next(error);
    if (page && shown.status === 401 && !wantsJson(req) && req.method === 'GET')
      return res.redirect(303, `/sign-in?returnTo=${encodeURIComponent(req.originalUrl)}`);
    res.status(shown.status);
    if (shown.retryAfter !== null) res.set('Retry-After', String(shown.retryAfter));
    res.set('Cache-Control', 'no-store');
    if (wantsJson(req)) {
      const { kind, code, problems } = shown;
      // A page's own script shows the message to its reader; where no page's language is set, programs get English.
      const message = page && res.locals['language'] !== undefined ? page(res, shown).text : shown.message;
      return res.json({ error: { kind: kind ?? 'internal', code, message, problems } });
    }
    if (!page) return res.type('text').send(`${shown.status} ${shown.message}`);
    return res.render('pages/error', { error: page(res, shown) }, (failed: Error | null, html?: string) => {
      if (failed) {
        logger.error({ err: failed }, 'the error page failed');
        return res.type('text').send(`${shown.status} ${shown.message}`);
      }
      return res.send(html);
    });
  };
}
