import helmet from 'helmet';
import type { RequestHandler } from 'express';

/** A CSP source for the content's origin; `{package}` becomes a wildcard label. */
export const contentSource = (contentOrigin: string): string => contentOrigin.replace('{package}', '*');

/** Headers of the portal's pages: scripts, styles and fonts of our own only; frames and launch forms to the content's origin only. */
export function createSecurityHeaders(publicOrigin: string, contentOrigin: string): RequestHandler {
  const content = contentSource(contentOrigin);
  const secure = publicOrigin.startsWith('https:');
  return helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'self'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'", 'data:'],
        fontSrc: ["'self'"],
        connectSrc: ["'self'"],
        frameSrc: [content],
        formAction: ["'self'", content],
        frameAncestors: ["'none'"],
        baseUri: ["'none'"],
        objectSrc: ["'none'"],
        ...(secure ? { upgradeInsecureRequests: [] } : {}),
      },
    },
    strictTransportSecurity: secure,
    crossOriginEmbedderPolicy: false,
    crossOriginResourcePolicy: { policy: 'same-origin' },
    referrerPolicy: { policy: 'same-origin' },
    xFrameOptions: { action: 'deny' },
  });
}
