import type { Clock } from './base/clock.ts';
import type { Logger } from './base/logger.ts';
import type { Config } from './config.ts';
import type { RateLimits } from './http/rate-limit.ts';
import { createAgencies } from './identity/agencies/agencies.ts';
import { createAgencyRoutes } from './identity/agencies/routes.ts';
import { createIdNumberVault } from './identity/id-numbers.ts';
import { createPeople } from './identity/people.ts';
import { createProfiles } from './identity/profile/profiles.ts';
import { createProfileRoutes } from './identity/profile/routes.ts';
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
  const agencies = createAgencies({ store: storage.agencies, clock });
  const profiles = createProfiles({
    store: storage.identity,
    people,
    agencies,
    audit,
    emailChanged: async ({ id }) =>
      void logger.info({ personId: id }, 'an e-mail address awaits confirmation'),
  });
  const { passport, middleware } = createPassport(people);
  return {
    people,
    vault,
    audit,
    agencies,
    passport,
    /** Who sends this request; right after the session. */
    middleware: [...middleware],
    routes: [
      createIdentityRoutes({ people, signIns, audit, demo: config.mode === 'demo', rateLimit }),
      createAgencyRoutes({ agencies, audit, rateLimit }),
      createProfileRoutes({ profiles, agencies, providerLabel: () => null }),
    ],
  };
}
