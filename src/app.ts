import compression from 'compression';
import express, { type Express } from 'express';
import type { Context } from './context.ts';
import { createCsrf } from './http/csrf.ts';
import { createErrorHandler, notFound, pageOfForm } from './http/errors.ts';
import { byHost } from './http/hosts.ts';
import { createPolicyGate } from './identity/routes-access.ts';
import { createLanguage } from './http/language.ts';
import { createRequestLog } from './http/request-log.ts';
import { createSecurityHeaders } from './http/security.ts';
import { createSessions } from './http/sessions.ts';
import { createViewEngine, viewsFolder } from './views/engine.ts';
import { errorModel } from './views/error-model.ts';

/** Every mount on one screen. */
export function createApp(context: Context): Express {
  const { config, logger, routes, storage } = context;

  const portal = express.Router();
  // The LRS has credentials, parsers and headers of its own: before everything that belongs to browsers.
  portal.use('/xapi', routes.lrs);
  portal.use(createSecurityHeaders(config.publicOrigin, config.contentOrigin), compression());
  portal.use(routes.assets);
  portal.use(routes.packageApi); // programs with a token of their own: no session, no CSRF fence
  portal.use('/client', routes.client);
  // First without knowing who asks: a page that says that the database is away has its language and its banner too.
  portal.use(
    createLanguage(() => null),
    context.pageLocals,
  );
  portal.use(
    createSessions({
      store: storage.webSessions,
      clock: context.clock,
      secret: config.secrets.session,
      publicOrigin: config.publicOrigin,
      idleSeconds: config.sessionIdleSeconds,
      maxSeconds: config.sessionMaxSeconds,
    }),
  );
  portal.use(context.passport);
  portal.use(createLanguage((req) => req.user?.language ?? null));
  portal.use(context.pageLocals);
  portal.use(createPolicyGate());
  portal.use(routes.player); // beacons prove themselves by a token of their own, so before the CSRF fence
  portal.use(routes.identityAnswers); // posted by identity providers' sites: only kept here, see the file
  portal.use(
    express.urlencoded({ extended: true, limit: '1mb', parameterLimit: 5000 }),
    express.json({ limit: '1mb' }),
  );
  portal.use(createCsrf(config.publicOrigin));
  portal.use(
    routes.identity,
    routes.packages,
    routes.vendorTokens,
    routes.certificates,
    routes.portal,
    routes.lrsAdmin,
  );
  portal.use(
    notFound,
    createErrorHandler(logger, (res, error) =>
      errorModel(res.locals['language'] ?? 'zh-TW', error, pageOfForm(res.req)),
    ),
  );

  const content = express.Router();
  content.use(compression());
  content.use(routes.content);
  content.use(notFound, createErrorHandler(logger, null));

  const app = express();
  app.disable('x-powered-by');
  app.set('trust proxy', config.trustProxy);
  app.engine('hbs', createViewEngine());
  app.set('view engine', 'hbs');
  app.set('views', viewsFolder);
  app.use(createRequestLog(logger));
  app.get('/healthz', (_req, res) => void res.json({ ok: true }));
  app.get('/readyz', async (_req, res) => {
    await storage.ping();
    res.json({ ok: true, engine: storage.engine });
  });
  app.use(
    byHost({ publicOrigin: config.publicOrigin, contentOrigin: config.contentOrigin, portal, content }),
  );
  app.use(notFound, createErrorHandler(logger, null));
  return app;
}
