import type { Clock } from './base/clock.ts';
import type { Iris } from './base/iris.ts';
import type { Logger } from './base/logger.ts';
import type { Completion } from './completion/types.ts';
import type { Config } from './config.ts';
import { createErasureSteps } from './context-privacy-erasure.ts';
import { createKept } from './context-privacy-kept.ts';
import { createReach } from './context-privacy-reach.ts';
import type { RateLimits } from './http/rate-limit.ts';
import type { Claims, Handover } from './identity/claims/claims.ts';
import type { IdNumberVault } from './identity/id-numbers.ts';
import type { People } from './identity/people.ts';
import { createCorrections } from './identity/privacy/corrections.ts';
import { createPersonalErasures } from './identity/privacy/erasure.ts';
import { createDataExports } from './identity/privacy/export.ts';
import { createRestrictions } from './identity/privacy/restriction.ts';
import { createPrivacyRoutes } from './identity/privacy/routes.ts';
import { createCaseWorker, type CaseWorker } from './identity/privacy/worker.ts';
import type { RecordAudit } from './identity/types.ts';
import type { Authority, StatementDoor } from './lrs/types.ts';
import type { Storage } from './storage/open.ts';

export interface PrivacyWiring {
  config: Pick<Config, 'privacy'>;
  storage: Storage;
  clock: Clock;
  logger: Logger;
  rateLimit: RateLimits;
  people: People;
  vault: IdNumberVault;
  audit: RecordAudit;
  claims: Claims;
  handover: Handover;
  completion: Pick<Completion, 'progressOfAll'>;
  door: StatementDoor;
  platform: Authority;
  iris: Iris;
}

/** The wiring of personal data rights: see, correct, restrict, erase. */
export function createPrivacy(deps: PrivacyWiring) {
  const { config, storage, clock, logger, claims, handover, audit, iris, door, platform } = deps;
  const policy = config.privacy;
  const reach = createReach(storage, claims, iris);
  const { idsOf } = reach;

  const lazily = (): CaseWorker => worker;
  const corrections = createCorrections({ cases: storage.cases, audit, clock });
  const { sections, statements } = createKept({
    storage,
    clock,
    vault: deps.vault,
    claims,
    corrections,
    completion: deps.completion,
    reach,
  });
  const exports = createDataExports({
    cases: storage.cases,
    blobs: storage.blobs,
    clock,
    audit,
    worker: lazily,
    idsOf,
    sections,
    statements,
    days: policy.exportDays,
  });
  const erasures = createPersonalErasures({
    cases: storage.cases,
    identity: storage.identity,
    clock,
    audit,
    worker: lazily,
    idsOf,
    steps: createErasureSteps({ policy, storage, clock, door, platform, exports, handover, reach }),
    signOutEverywhere: (personId) => handover.signOutEverywhere(personId),
    graceDays: policy.graceDays,
  });
  const restrictions = createRestrictions({
    identity: storage.identity,
    erasureWaits: async (personId) => (await erasures.pending(personId)) !== null,
    audit,
    clock,
  });
  const worker = createCaseWorker({
    store: storage.cases,
    clock,
    logger,
    handlers: { claim: claims.handler, export: exports.handler, erasure: erasures.handler },
  });

  return {
    worker,
    exports,
    erasures,
    restrictions,
    corrections,
    routes: createPrivacyRoutes({
      identity: storage.identity,
      people: deps.people,
      exports,
      erasures,
      restrictions,
      corrections,
      audit,
      clock,
      policy: {
        graceDays: policy.graceDays,
        exportDays: policy.exportDays,
        statements: policy.erasedStatements,
        certificates: policy.erasedCertificates,
      },
      rateLimit: deps.rateLimit,
    }),
  };
}
