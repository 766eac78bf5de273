import type { Clock } from './base/clock.ts';
import type { Logger } from './base/logger.ts';
import { createSealer } from './base/sealing.ts';
import type { Config } from './config.ts';
import type { RateLimits } from './http/rate-limit.ts';
import { createSessionEnds } from './http/session-ends.ts';
import { createAgencies } from './identity/agencies/agencies.ts';
import { createAgencyRoutes } from './identity/agencies/routes.ts';
import { createClaims } from './identity/claims/claims.ts';
import type { Handover } from './identity/claims/claims.ts';
import { createClaimRoutes } from './identity/claims/routes.ts';
import { createPeopleAdministration } from './identity/administration/administration.ts';
import { createPasswordLinks } from './identity/administration/password-links.ts';
import { createPeopleRoutes } from './identity/administration/routes.ts';
import { createAudit } from './identity/audit/audit.ts';
import { createAuditRoutes } from './identity/audit/routes.ts';
import { createDemoIdp } from './identity/demo-idp/routes.ts';
import { createHelpRoutes } from './identity/help/routes.ts';
import { createSignInFailures } from './identity/help/sign-in-failures.ts';
import { createIdNumberVault } from './identity/id-numbers.ts';
import { createEmailConfirmations } from './identity/mail/confirmations.ts';
import { createOutboxMailer } from './identity/mail/outbox.ts';
import { createOutboxRoutes } from './identity/mail/routes-outbox.ts';
import { createSmtpMailer } from './identity/mail/smtp.ts';
import { createOwnSignIns } from './identity/own-sign-ins.ts';
import { createPeople } from './identity/people.ts';
import type { CaseWorker } from './identity/privacy/worker.ts';
import { createProfiles } from './identity/profile/profiles.ts';
import { createProfileRoutes } from './identity/profile/routes.ts';
import { createProviderAccess } from './identity/providers/routes-access.ts';
import { createPassport } from './identity/routes-access.ts';
import { createConfirmRoutes } from './identity/routes-confirm.ts';
import { createOwnSignInRoutes, createProven } from './identity/routes-own-sign-ins.ts';
import { createFirstLoginRoutes } from './identity/routes-first-login.ts';
import { createSignIns } from './identity/routes-sign-in.ts';
import { createWelcomeGate, socialReminder } from './identity/routes-welcome-gate.ts';
import { createWelcomeRoutes } from './identity/routes-welcome.ts';
import { createIdentityRoutes } from './identity/routes.ts';
import { createSecondFactorGate } from './identity/second-factor/routes-gate.ts';
import { createSecondFactorRoutes } from './identity/second-factor/routes.ts';
import { createSecondFactor } from './identity/second-factor/second-factor.ts';
import { createOwnSessions } from './identity/sessions/own-sessions.ts';
import { createSessionEnd, createSessionRoutes } from './identity/sessions/routes.ts';
import { createTerms } from './identity/terms.ts';
import { createWelcome } from './identity/welcome.ts';
import type { Storage } from './storage/open.ts';

export interface IdentityWiring {
  /** Works on claims; made later. */
  worker(): Pick<CaseWorker, 'work'>;
  /** What the rest of the platform does when one account takes over another's record. */
  handover: Handover;
  config: Config;
  storage: Storage;
  clock: Clock;
  logger: Logger;
  rateLimit: RateLimits;
  /** Where demo mode's identity providers answer; null: there are none. */
  demoIdpOrigin: string | null;
}

/** The wiring of identity: people, ways of signing in, and their pages. */
export function createIdentity({
  config,
  storage,
  clock,
  logger,
  rateLimit,
  handover,
  worker,
  demoIdpOrigin,
}: IdentityWiring) {
  const vault = createIdNumberVault(config.secrets.idNumberKey);
  const people = createPeople({ store: storage.identity, vault, clock });
  const auditLog = createAudit({ store: storage.audit, clock });
  const audit = auditLog.record;
  const staffTotp = config.staffTotp === 'required';
  const secondFactor = createSecondFactor({
    store: storage.identity,
    sealer: createSealer(config.secrets.idNumberKey, 'totp/seal'),
    clock,
    audit,
    issuer: '知行 Zhixing',
    required: staffTotp,
  });
  const failures = createSignInFailures({ once: storage.once, audit: storage.audit, clock });
  const signIns = createSignIns({
    audit,
    clock,
    noteFailure: failures.note,
    hasSecondFactor: (id) => secondFactor.has(id),
  });
  const sessions = createSessionEnds({ store: storage.webSessions, clock });
  const { passport, middleware } = createPassport(people);
  const demoIdp =
    config.mode === 'demo' && demoIdpOrigin !== null
      ? createDemoIdp({
          origin: demoIdpOrigin,
          publicOrigin: config.publicOrigin,
          master: config.secrets.idNumberKey,
        })
      : null;
  const access = createProviderAccess({
    passport,
    ...{
      identity: storage.identity,
      once: storage.once,
      webSessions: storage.webSessions,
      people,
      vault,
      clock,
      logger,
      audit,
      signIns,
      rateLimit,
    },
    proven: (req, res, proof) => proven(req, res, proof),
    set: demoIdp ? { ...config.secrets.providers, providers: demoIdp.providers } : config.secrets.providers,
    publicOrigin: config.publicOrigin,
    secret: config.secrets.session,
  });

  const sessionLimits = { idleSeconds: config.sessionIdleSeconds, maxSeconds: config.sessionMaxSeconds };

  // Ways to sign in, and claiming the record of another account
  const { externals } = access;
  const proven = createProven({ externals, clock, audit });
  const claims = createClaims({
    cases: storage.cases,
    identity: storage.identity,
    handover,
    worker,
    audit,
    clock,
  });
  const ownSignIns = createOwnSignIns({
    store: storage.identity,
    claimed: async (personId) =>
      (await claims.of(personId)).flatMap(({ state, identities }) => (state === 'taken' ? identities : [])),
    audit,
  });

  // A first sign-in: wizard, terms, nickname, contact e-mail
  const demo = config.mode === 'demo';
  const outbox = demo && config.secrets.mailUrl === null;
  const mailer = outbox
    ? createOutboxMailer({ store: storage.outbox, clock })
    : config.secrets.mailUrl === null
      ? null
      : createSmtpMailer({ url: config.secrets.mailUrl, from: config.mailFrom });
  if (!mailer) logger.warn('MAIL_URL is not set: contact e-mails cannot be confirmed');
  const offeredProviders = access.offered;
  const terms = createTerms({ clock });
  const welcome = createWelcome({
    store: storage.identity,
    people,
    terms,
    audit,
    clock,
    localAgrees: !demo,
  });
  const confirmations = createEmailConfirmations({
    store: storage.emailConfirmations,
    identity: storage.identity,
    mailer,
    audit,
    clock,
    logger,
    publicOrigin: config.publicOrigin,
  });
  // What people say of themselves
  const agencies = createAgencies({ store: storage.agencies, clock });
  const profiles = createProfiles({
    store: storage.identity,
    people,
    agencies,
    audit,
    emailChanged: async ({ id }, language) => void (await confirmations.request(id, language)),
  });

  const links = createPasswordLinks({
    ...{ once: storage.once, store: storage.identity, people, audit, clock },
    publicOrigin: config.publicOrigin,
    endSessions: (personId) => sessions.end(personId),
  });
  const administration = createPeopleAdministration({
    ...{ store: storage.identity, people, vault, agencies, secondFactor, links, sessions, audit, clock },
    packageOrganisations: () => storage.packages.organisations(),
  });

  return {
    people,
    vault,
    audit,
    agencies,
    passport,
    /** Who sends this request; right after the session. */
    middleware: [
      ...middleware,
      createSessionEnd(sessionLimits, clock),
      createSecondFactorGate({ secondFactor, required: staffTotp }),
      createWelcomeGate({ welcome, open: ['/account/totp'] }),
      socialReminder,
    ],
    /** Answers of identity providers that come from their site: before the CSRF fence (routes-cross-site.ts). */
    crossSite: access.crossSite,
    routes: [
      createIdentityRoutes({
        ...{ people, signIns, audit, demo, offeredProviders, rateLimit },
        signedOut: access.signedOut,
      }),
      createSecondFactorRoutes({ secondFactor, people, signIns, clock, audit, rateLimit }),
      access.routes,
      createHelpRoutes({
        ...{ failures, people, audit, rateLimit },
        providers: access.providers,
        resetByMail: mailer !== null,
      }),
      createSessionRoutes({
        sessions: createOwnSessions({ store: storage.webSessions, clock, audit }),
        limits: sessionLimits,
        clock,
      }),
      createFirstLoginRoutes({ offeredProviders, publicOrigin: config.publicOrigin }),
      createWelcomeRoutes({ welcome, terms, confirmations, outbox, rateLimit }),
      createConfirmRoutes({ people, identity: storage.identity, offeredProviders, clock, audit, rateLimit }),
      createOwnSignInRoutes({ signIns: ownSignIns, externals, offeredProviders, clock, audit }),
      createClaimRoutes({ claims, offeredProviders, clock }),
      createAuditRoutes({ audit: auditLog, store: storage.audit, people, clock }),
      createAgencyRoutes({ agencies, audit, rateLimit }),
      createPeopleRoutes({ administration, links, agencies, providerLabel: access.labelOf, rateLimit }),
      createProfileRoutes({ profiles, agencies, providerLabel: access.labelOf }),
      ...(outbox ? [createOutboxRoutes(storage.outbox)] : []),
    ],
    demoIdp,
    terms,
    confirmations,
    claims,
    tidy: (now: Date) => storage.emailConfirmations.deleteExpired(now),
    close: () => mailer?.close(),
  };
}
