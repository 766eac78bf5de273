import type { Clock } from './base/clock.ts';
import type { Logger } from './base/logger.ts';
import type { Config } from './config.ts';
import type { RateLimits } from './http/rate-limit.ts';
import { createIdNumberVault } from './identity/id-numbers.ts';
import { createPeople } from './identity/people.ts';
import { createProviderAccess } from './identity/providers/routes-access.ts';
import { createPassport } from './identity/routes-access.ts';
import { createSignIns } from './identity/routes-sign-in.ts';
import { createIdentityRoutes } from './identity/routes.ts';
import type { RecordAudit } from './identity/types.ts';
import type { Storage } from './storage/open.ts';

export interface IdentityWiring {
  config: Config;
  storage: Storage;
  clock: Clock;
  logger: Logger;
  rateLimit: RateLimits;
}

/** The wiring of identity: people, ways of signing in, and their pages. */
export function createIdentity({ config, storage, clock, logger, rateLimit }: IdentityWiring) {
  const vault = createIdNumberVault(config.secrets.idNumberKey);
  const people = createPeople({ store: storage.identity, vault, clock });
  const audit: RecordAudit = async (event) => void logger.info({ audit: event }, 'audit');
  const signIns = createSignIns({ audit });
  const { passport, middleware } = createPassport(people);
  const access = createProviderAccess({
    passport,
    ...{
      identity: storage.identity,
      once: storage.once,
      people,
      vault,
      clock,
      logger,
      audit,
      signIns,
      rateLimit,
    },
    set: config.secrets.providers,
    publicOrigin: config.publicOrigin,
    secret: config.secrets.session,
  });
  return {
    people,
    vault,
    audit,
    passport,
    /** Who sends this request; right after the session. */
    middleware: [...middleware],
    /** Answers of identity providers that come from their site: before the CSRF fence (routes-cross-site.ts). */
    crossSite: access.crossSite,
    routes: [
      createIdentityRoutes({ people, signIns, audit, demo: config.mode === 'demo', rateLimit }),
      access.routes,
    ],
  };
}
