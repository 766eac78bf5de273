import { Router } from 'express';
import type { PassportStatic } from 'passport';
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';
import type { RateLimits } from '../../http/rate-limit.ts';
import type { WebSessionStore } from '../../http/store.ts';
import { createExternalSignIns } from '../external.ts';
import type { IdNumberVault } from '../id-numbers.ts';
import type { People } from '../people.ts';
import type { SignIns } from '../routes-sign-in.ts';
import type { IdentityStore } from '../store.ts';
import type { RecordAudit } from '../types.ts';
import { offeredProvider, type OfferedProvider } from './directory.ts';
import { createDoors } from './doors.ts';
import { createNamedSessions, createNameHash } from './named-sessions.ts';
import { createAttempts } from './routes-attempts.ts';
import { createCrossSiteRoutes, createParcels } from './routes-cross-site.ts';
import { createSingleLogoutRoutes } from './routes-single-logout.ts';
import { createProviderRoutes, type Proven } from './routes.ts';
import { createSignOuts } from './routes-sign-out.ts';
import { createSealer } from './sealer.ts';
import type { OnceStore } from './store.ts';
import type { ProviderSet } from './types.ts';

export interface ProviderAccessDeps {
  /** The one that keeps people in web sessions. */
  passport: PassportStatic;
  set: ProviderSet;
  publicOrigin: string;
  /** The session secret: what waits in the store for a moment is sealed under a key of its own from it. */
  secret: string;
  identity: IdentityStore;
  once: OnceStore;
  webSessions: WebSessionStore;
  people: People;
  vault: IdNumberVault;
  clock: Clock;
  logger: Logger;
  audit: RecordAudit;
  signIns: SignIns;
  /** Takes over when somebody who is signed in comes back from a provider. */
  proven: Proven;
  rateLimit: RateLimits;
}

/** Everything about signing in elsewhere, put together. */
export function createProviderAccess(deps: ProviderAccessDeps) {
  const { set, publicOrigin, once, people, vault, clock, logger, audit, signIns } = deps;
  const sealer = createSealer(deps.secret);
  const hashName = createNameHash(deps.secret);
  const doors = createDoors({
    providers: set.providers,
    ...{ publicOrigin, once, sealer, hashName, clock, logger },
  });
  const named = createNamedSessions({ once, webSessions: deps.webSessions, sealer, clock });
  const parcels = createParcels({ once, sealer, clock });
  const attempts = createAttempts({ once, clock });
  const externals = createExternalSignIns({
    store: deps.identity,
    ...{ people, vault, clock, audit, policy: set.policy },
  });
  // Many people of an agency share one address: the limit only stops floods.
  const limit = deps.rateLimit({ name: 'sign-in-elsewhere', limit: 600, windowSeconds: 300 });
  const signOuts = createSignOuts({ doors, sealer, audit, logger });
  const routes = Router();
  routes.use(
    createSingleLogoutRoutes({ ...{ doors, parcels, named, hashName, signOuts, audit, logger, limit } }),
    signOuts.routes,
    createProviderRoutes({
      passport: deps.passport,
      doors,
      attempts,
      parcels,
      sealer,
      externals,
      named,
      signIns,
      proven: deps.proven,
      logger,
      limit,
    }),
  );
  const offered: readonly OfferedProvider[] = set.providers.map(offeredProvider);
  return {
    routes,
    signedOut: signOuts.after,
    crossSite: createCrossSiteRoutes({
      parcels,
      limit,
      takes(key, address) {
        const door = doors.get(key);
        return address === 'callback' ? door?.answersBy === 'post' : (door?.logout ?? null) !== null;
      },
    }),
    externals,
    /** The ways to sign in beside local accounts, for the sign-in panel and the first-login wizard. */
    offered: () => offered,
    providers: set.providers,
    labelOf: (key: string) => doors.get(key)?.provider.label ?? null,
  };
}
