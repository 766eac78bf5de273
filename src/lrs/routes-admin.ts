import { type Request, type RequestHandler, Router } from 'express';
import type { Clock } from '../base/clock.ts';
import type { People } from '../identity/people.ts';
import { requireAction } from '../identity/routes-access.ts';
import type { RecordAudit } from '../identity/types.ts';
import { isUuidText } from '../xapi/scalars.ts';
import { createStatementBrowser } from './admin/browse.ts';
import type { Erasures } from './admin/erasure.ts';
import type { Forwarding } from './admin/forwarding.ts';
import type { RejectionLog } from './admin/rejections.ts';
import { createSearch, fieldsOf, textOf } from './admin/search.ts';
import type { Credentials } from './credentials.ts';
import { createCredentialRoutes } from './routes-admin-credentials.ts';
import { createErasureRoutes } from './routes-admin-erasures.ts';
import { createForwardingRoutes } from './routes-admin-forwarding.ts';
import { createRejectionRoutes } from './routes-admin-rejections.ts';
import { createStatementRoutes } from './routes-admin-statements.ts';
import { createExportRoutes } from './routes-export.ts';
import type { PersonaStore, StatementStore } from './store.ts';

export interface LrsAdminDeps {
  statements: StatementStore;
  personas: Pick<PersonaStore, 'joined'>;
  credentials: Credentials;
  rejections: RejectionLog;
  forwarding: Forwarding;
  erasures: Erasures;
  people: Pick<People, 'byIds' | 'named'>;
  /** Codes of the published courses with this title. */
  coursesNamed: (title: string) => Promise<string[]>;
  clock: Clock;
  audit: RecordAudit;
  /** `actor.account.homePage` of the platform's own learners: a bare id in the search means one of them. */
  homePage: string;
}

/** Writes down what an administrator did here: who, whose, and facts that are no secret. */
export type Note = (
  req: Request,
  action: string,
  facts?: { subjectId?: string | null; detail?: Record<string, string> },
) => Promise<void>;

/** The administration of the LRS: pages under /admin/lrs, the same as JSON and streams under /api/lrs. Mounted at the root. */
export function createLrsAdminRoutes(deps: LrsAdminDeps): Router {
  const { statements, personas, credentials, rejections, forwarding, erasures, people, clock } = deps;
  const search = createSearch({
    homePage: deps.homePage,
    peopleNamed: async (text) =>
      (await people.named(text)).map(({ id, email, agencyName }) => ({
        id,
        told: [id, agencyName ?? email].filter((each) => each !== null).join(' '),
      })),
    coursesNamed: deps.coursesNamed,
  });
  const browser = createStatementBrowser({ statements, personas, search });

  const note: Note = (req, action, { subjectId = null, detail } = {}) =>
    deps.audit({
      action,
      actorId: req.user?.id ?? null,
      subjectId,
      outcome: 'success',
      reason: null,
      address: req.ip ?? null,
      ...(detail === undefined ? {} : { detail }),
    });
  /** Statements are personal data: who looked at whose is written down. The live view's polls belong to the page's opening. */
  const noted =
    (action: 'statements.read' | 'statements.export'): RequestHandler =>
    async (req, _res, next) => {
      const learner = textOf(req.query['learner']);
      const subjectId = learner !== undefined && isUuidText(learner) ? learner : null;
      if (req.query['after'] === undefined)
        await note(req, action, { subjectId, detail: { path: req.path } });
      next();
    };

  const routes = Router();
  routes.use(['/admin/lrs', '/api/lrs'], requireAction('lrs.browse'));
  routes.get(['/admin/lrs', '/admin/lrs/statements/:id', '/api/lrs/statements'], noted('statements.read'));
  routes.get('/api/lrs/statements/:id', noted('statements.read'));
  routes.get('/api/lrs/export.:format', noted('statements.export'));
  routes.use(
    createStatementRoutes({ browser, statements, credentials }),
    createExportRoutes({
      statements,
      personas,
      clock,
      async search(query) {
        const fields = fieldsOf(query);
        return { filter: await search.filterOf(fields), word: fields['text'] };
      },
    }),
    createCredentialRoutes({ credentials, clock, note }),
    createRejectionRoutes({ rejections, credentials }),
    createForwardingRoutes({ forwarding, statements, search, note }),
    createErasureRoutes({ erasures, search, people, note }),
  );
  return routes;
}
