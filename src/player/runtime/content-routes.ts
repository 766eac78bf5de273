import express, { type Request, type Router } from 'express';
import { z } from 'zod';
import { DomainError } from '../../base/errors.ts';
import { parse } from '../../http/validate.ts';
import { contentOriginOf, type PlayerSessionService } from '../sessions/player-sessions.ts';
import type { PlayerLaunch } from '../sessions/store.ts';
import type { PackageVersion } from '../types.ts';
import type { TokenKind } from '../sessions/tokens.ts';
import { commitRequestSchema } from './commit.ts';
import type { ServePackageFile } from './file-routes.ts';
import { framePage } from './frame-page.ts';
import type { Runtime } from './runtime.ts';

export interface ContentRouteDeps {
  sessions: PlayerSessionService;
  runtime: Runtime;
  servePackageFile: ServePackageFile;
  /** Where `npm run build` put the browser's scripts. */
  clientDir: string;
  publicOrigin: string;
  contentOrigin: string;
}

const launchForm = z.object({ token: z.string().max(200) });
const openRequest = z.object({ token: z.string().max(200), item: z.string().max(4000) });
const progressRequest = launchForm;

/** Whatever answers here is for the content's origin alone, never cached by others, never framed by strangers. */
const isolate = (publicOrigin: string): express.RequestHandler => {
  const ancestors = `frame-ancestors 'self' ${publicOrigin}`;
  return (_req, res, next) => {
    res.set({
      'X-Content-Type-Options': 'nosniff',
      'Referrer-Policy': 'no-referrer',
      'Cross-Origin-Resource-Policy': 'same-origin',
      'Permissions-Policy': 'geolocation=(), payment=(), usb=(), serial=(), bluetooth=()',
      'Content-Security-Policy': ancestors,
    });
    next();
  };
};

/** The frame runs nothing but our script; the content below it is a document with a policy of its own. */
const framePolicy = (publicOrigin: string): string =>
  [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'unsafe-inline'",
    "connect-src 'self'",
    "frame-src 'self' https: data: blob:",
    "base-uri 'none'",
    "form-action 'none'",
    `frame-ancestors ${publicOrigin}`,
  ].join('; ');

/** Vendors' pages: inline scripts and eval as authoring tools write them; outside only what is served over https. */
const contentPolicy = (publicOrigin: string): string =>
  [
    "default-src 'self' https: data: blob: 'unsafe-inline' 'unsafe-eval'",
    "object-src 'self'",
    "base-uri 'self'",
    "form-action 'self' https:",
    `frame-ancestors 'self' ${publicOrigin}`,
  ].join('; ');

/**
 * Everything at the content's origin: the launch frame, its script, the run-time API and the package's files. No cookie is
 * read or set; each request proves itself by a token of its launch (docs/decisions/0003).
 */
export function createContentRoutes(deps: ContentRouteDeps): Router {
  const { sessions, runtime } = deps;
  const router = express.Router();
  router.use(isolate(deps.publicOrigin));
  const json = express.json({ limit: '8mb', type: ['application/json', 'text/plain'] });

  /** The launch behind a token, on the origin of its own package. */
  const launchOf = async (req: Request, kind: TokenKind, token: string): Promise<PlayerLaunch> => {
    const launch = await sessions.authenticate(kind, token);
    const own = new URL(contentOriginOf(deps.contentOrigin, launch.packageId)).host;
    if ((req.headers.host ?? '').toLowerCase() !== own.toLowerCase())
      throw new DomainError('not-found', 'There is nothing at this address.', { code: 'not-found' });
    return launch;
  };

  router.post('/launch', express.urlencoded({ extended: false, limit: '4kb' }), async (req, res) => {
    const { token } = parse(launchForm, req.body);
    const launch = await launchOf(req, 'launch', token);
    const version = await runtime.version(launch);
    const { api, files } = sessions.tokens(launch);
    res
      .set({ 'Content-Security-Policy': framePolicy(deps.publicOrigin), 'Cache-Control': 'no-store' })
      .type('html')
      .send(
        framePage({
          token: api,
          launchId: launch.id,
          registration: launch.registration,
          filesPath: `/s/${files}/`,
          portalOrigin: deps.publicOrigin,
          standard: version.standard,
          title: version.title,
          items: version.items,
          extra: version.extra,
          language: launch.learner.language,
          browse: launch.browse,
          window: ownWindow(launch, version) ? 'popup' : 'frame',
        }),
      );
  });

  router.post('/runtime/progress', json, async (req, res) => {
    const { token } = parse(progressRequest, req.body);
    const launch = await launchOf(req, 'api', token);
    res.set('Cache-Control', 'no-store').json({ progress: await runtime.progress(launch) });
  });

  router.post('/runtime/open', json, async (req, res) => {
    const { token, item } = parse(openRequest, req.body);
    const launch = await launchOf(req, 'api', token);
    res.set('Cache-Control', 'no-store').json(await runtime.open(launch, item));
  });

  router.post('/runtime/commit', json, async (req, res) => {
    const { token, commits, from, preview } = parse(commitRequestSchema, req.body);
    const launch = await launchOf(req, 'api', token);
    const result = await runtime.commit(launch, commits, from);
    res.set('Cache-Control', 'no-store').json({
      ...result,
      progress: await runtime.progress(launch),
      ...(launch.browse ? { rehearsal: await runtime.rehearse(launch, commits, preview ?? {}) } : {}),
    });
  });

  router.get(/^\/s\/([^/]+)\/(.+)$/, async (req, res) => {
    const [, handle = '', path = ''] = /^\/s\/([^/]+)\/(.+)$/.exec(req.path) ?? [];
    const launch = await launchOf(req, 'files', handle);
    res.set({
      'Content-Security-Policy': contentPolicy(deps.publicOrigin),
      'Cache-Control': 'private, no-cache',
    });
    await deps.servePackageFile(req, res, launch.packageVersionId, decodePath(path));
  });

  router.use('/client', clientScripts(deps.clientDir));
  return router;
}

/** The course asks for it, or the package breaks out of frames (the checker has seen it). */
const ownWindow = (launch: PlayerLaunch, version: PackageVersion): boolean =>
  launch.course.contentWindow === 'popup' || version.extra['ownWindow'] === true;

/** The bundled browser scripts; a chunk's name holds its hash, the entries are revalidated by ETag. */
export const clientScripts = (clientDir: string): express.RequestHandler =>
  express.static(clientDir, {
    index: false,
    redirect: false,
    setHeaders: (res, path) =>
      res.setHeader(
        'Cache-Control',
        /-[A-Z0-9]{8}\.js$/.test(path) ? 'public, max-age=31536000, immutable' : 'no-cache',
      ),
  });

/** The path as the package library knows it; DomainError `not-found` for what no package can hold. */
function decodePath(path: string): string {
  const nowhere = new DomainError('not-found', 'The package has no such file.', { code: 'not-found' });
  let decoded: string;
  try {
    decoded = decodeURIComponent(path);
  } catch {
    throw nowhere;
  }
  const parts = decoded.split('/');

  if (parts.some((part) => part === '..' || part === '.' || /[\\\u0000-\u001f]/.test(part))) throw nowhere;
  return decoded;
}
