import type { RequestHandler } from 'express';
import { DomainError } from '../base/errors.ts';

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** Matches the Host header of the content's origin; `{package}` matches one label. Null for the port means "any" (PORT=0 in tests). */
export function contentHostPattern(contentOrigin: string): RegExp {
  const host = contentOrigin.replace(/^https?:\/\//, '').toLowerCase();
  return new RegExp(`^${host.split('{package}').map(escaped).join('[a-z0-9-]+')}$`);
}

/**
 * One server, two origins: what comes for the content's host goes to `content`, what comes for the portal's to `portal`,
 * and any other Host is refused, so that a forged one can never end in a link.
 */
export function byHost(options: {
  publicOrigin: string;
  contentOrigin: string;
  portal: RequestHandler;
  content: RequestHandler;
}): RequestHandler & { readonly behind: { portal: RequestHandler; content: RequestHandler } } {
  const contentHost = contentHostPattern(options.contentOrigin);
  const portalHost = new URL(options.publicOrigin).host.toLowerCase();
  const handler: RequestHandler = (req, res, next) => {
    const host = (req.headers.host ?? '').toLowerCase();
    if (contentHost.test(host)) return options.content(req, res, next);
    if (host === portalHost) return options.portal(req, res, next);
    return next(
      new DomainError(
        'invalid',
        `This server answers at ${options.publicOrigin}, not under the host name of this request.`,
        {
          code: 'wrong-host',
        },
      ),
    );
  };
  // Whoever lists the program's routes looks behind it.
  return Object.assign(handler, { behind: { portal: options.portal, content: options.content } });
}
