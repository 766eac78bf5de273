import { join } from 'node:path';
import { createAssessments } from './assessment/assessments.ts';
import { systemClock, type Clock } from './base/clock.ts';
import { isDomainError, type Problem } from './base/errors.ts';
import { createIris } from './base/iris.ts';
import type { Logger } from './base/logger.ts';
import { createCertificateRoutes } from './certificates/routes.ts';
import { createCompletion } from './completion/completion.ts';
import type { Config } from './config.ts';
import { demoGreeting, ensureDemo } from './context-demo.ts';
import { createHandover } from './context-handover.ts';
import { createCertification } from './context-certificates.ts';
import { createIdentity } from './context-identity.ts';
import { createLrs } from './context-lrs.ts';
import { createPrivacy } from './context-privacy.ts';
import { createCourseBoard } from './courses/board.ts';
import { createCatalogue } from './courses/catalogue.ts';
import { courseActivity, createEnrolments } from './courses/enrolments.ts';
import { createCoursePublishing } from './courses/for-programs.ts';
import { createPublishing } from './courses/publishing.ts';
import { checkIdKey } from './id-key.ts';
import { createRateLimits } from './http/rate-limit.ts';
import { ensureAdministrator, isPresent } from './identity/people.ts';
import { allows, organisationFor } from './identity/policy.ts';
import {
  createForwardingHold,
  createProcessingGate,
  createRestrictionGuard,
} from './identity/privacy/gate.ts';
import { allowed, currentPerson } from './identity/routes-access.ts';
import { createFeed } from './lrs/feed.ts';
import { createLrsListener } from './lrs/handler.ts';
import { createLrsAdminRoutes } from './lrs/routes-admin.ts';
import { createLrsRoutes } from './lrs/routes.ts';
import type { Authority } from './lrs/types.ts';
import { createPackageLibrary } from './player/packages/library.ts';
import { createPreviewLinks } from './player/packages/preview-links.ts';
import { createPackageApi } from './player/packages/routes-api.ts';
import { createTokenRoutes } from './player/packages/routes-tokens.ts';
import { createPackageRoutes } from './player/packages/routes.ts';
import { createVendorTokens } from './player/packages/tokens.ts';
import { clientScripts, createContentRoutes } from './player/runtime/content-routes.ts';
import { createPackageFileServer } from './player/runtime/file-routes.ts';
import { createRuntime } from './player/runtime/runtime.ts';
import { createBeatListener } from './player/sessions/listener.ts';
import { createPlayerSessions } from './player/sessions/player-sessions.ts';
import { createReaper } from './player/sessions/reaper.ts';
import { createPlayerRoutes } from './player/sessions/routes.ts';
import { createPageLocals } from './portal/page-locals.ts';
import { createPortalRoutes } from './portal/routes.ts';
import { openStorage } from './storage/open.ts';
import { createAssetRoutes } from './views/routes-assets.ts';

export interface Overrides {
  logger: Logger;
  clock?: Clock;
  /** Where demo mode's identity providers will answer; null: there are none. */
  demoIdpOrigin?: string | null;
}

const contentDir = join(import.meta.dirname, '../build/content');
const clientDir = join(import.meta.dirname, '../build/client');
/** Browser sessions, rate limits and the like that have run out are removed this often. */
const housekeepingSeconds = 600;

/** The only wiring: every module made once, from the storage upwards. */
export async function createContext(
  config: Config,
  { logger, clock = systemClock, demoIdpOrigin = null }: Overrides,
) {
  const storage = await openStorage({
    ...config,
    waitSeconds: config.mongodbWaitSeconds,
    onWaiting: (reason) => logger.warn({ reason }, 'waiting for MongoDB'),
  });
  await checkIdKey(storage.once, config.secrets.idNumberKey, clock).catch((error: unknown) => {
    // Demo mode makes its key under DATA_DIR: a store that has moved has another one, and nothing to lose by it.
    if (config.mode === 'production' || !isDomainError(error, 'conflict') || error.code === 'id-key-rotation')
      throw error;
    logger.warn({ reason: error.message }, 'another key');
  });
  const iris = createIris(config.publicOrigin);
  const platform: Authority = {
    id: 'platform',
    agent: {
      objectType: 'Agent',
      name: '知行 Zhixing',
      account: { homePage: config.publicOrigin, name: 'platform' },
    },
  };

  let kick = (): void => undefined;
  const gate = createProcessingGate(storage.identity);
  const lrs = createLrs({
    ...{ config, storage, clock, logger },
    guards: [createRestrictionGuard({ identity: storage.identity, iris, platformId: platform.id })],
    held: createForwardingHold({ identity: storage.identity, iris }),
    onStored: () => kick(),
  });
  const { door } = lrs;

  // People
  const rateLimit = createRateLimits(storage.rateCounters, clock);
  const handover = createHandover({
    storage,
    completion: { progressOfAll: (registrations) => completion.progressOfAll(registrations) },
    iris,
    clock,
  });
  const identity = createIdentity({
    ...{ config, storage, clock, logger, rateLimit, handover, demoIdpOrigin },
    worker: () => privacy.worker,
  });
  const { people } = identity;

  // Courses, and what is answered in them
  const enrolments = createEnrolments({ store: storage.courses, door, platform, iris, clock, gate });
  const assessments = createAssessments({
    store: storage.assessment,
    door,
    platform,
    iris,
    clock,
    gate,
    async takerOf(registration) {
      const found = await registered(registration);
      const record = found && (await storage.identity.byId(found.enrolment.personId));
      // Who was erased meanwhile is told of no more.
      if (!found || !record || !isPresent(record)) return null;
      const { id, code, title, conditions } = found.course;
      return {
        personId: record.id,
        registration,
        course: { id, code, title, passScore: conditions.passScore },
      };
    },
  });
  const library = createPackageLibrary({
    store: storage.packages,
    blobs: storage.blobs,
    clock,
    limits: config.limits,
    tempDir: join(config.dataDir, 'uploads'),
  });
  const catalogue = createCatalogue({
    store: storage.courses,
    clock,
    checks: [
      async ({ id, conditions }): Promise<Problem[]> => [
        ...(conditions.passScore !== null && !(await assessments.quizOf(id))
          ? [{ path: 'quiz', message: 'quiz' }]
          : []),
        ...(conditions.survey && !(await assessments.surveyOf(id))
          ? [{ path: 'survey', message: 'survey' }]
          : []),
      ],
    ],
  });
  const registered = async (registration: string) => {
    const enrolment = await enrolments.byRegistration(registration);
    const course = enrolment && (await catalogue.byId(enrolment.courseId));
    return enrolment && course && enrolment.withdrawnAt === null ? { enrolment, course } : null;
  };

  // The player
  const sessions = createPlayerSessions({
    store: storage.playerSessions,
    clock,
    secret: config.secrets.session,
    contentOrigin: config.contentOrigin,
    packages: library,
    statements: door,
    authority: platform,
    iris,
    logger,
    onStarted: (registration) => enrolments.markStarted(registration),
    gate,
  });
  const beats = createBeatListener({
    sessions,
    clock,
    publicOrigin: config.publicOrigin,
    sessionIdleSeconds: config.sessionIdleSeconds,
  });
  const runtime = createRuntime({
    store: storage.runtimeStates,
    clock,
    packages: library,
    statements: door,
    documents: lrs.documents,
    authority: platform,
    iris,
    logger,
  });
  const reaper = createReaper(async () => {
    await sessions.reap();
    await runtime.settle();
    await enrolments.completeUnrecorded();
    await assessments.completeUnrecorded();
  }, logger);

  // Completion follows the feed
  const completion = createCompletion({
    store: storage.completion,
    door,
    platform,
    iris,
    async courseOf(registration) {
      const found = await registered(registration);
      return (
        found && {
          personId: found.enrolment.personId,
          code: found.course.code,
          activity: courseActivity(found.course, iris),
          rules: found.course.conditions,
        }
      );
    },
  });
  const feed = createFeed({
    statements: storage.lrs.statements,
    feed: storage.lrs.feed,
    clock,
    logger,
    consumers: [completion.consumer],
  });
  kick = () => feed.kick();

  const certification = createCertification({
    ...{ config, storage, clock, logger },
    ...{ people, completion, feed, registered },
  });

  const privacy = createPrivacy({
    ...{ config, storage, clock, logger, rateLimit, handover, completion, door, platform, iris },
    people,
    vault: identity.vault,
    audit: identity.audit,
    claims: identity.claims,
  });

  const demo = config.mode === 'demo';
  const pageLocals = createPageLocals({ demo, publicOrigin: config.publicOrigin });

  const publishing = createPublishing({
    store: storage.courses,
    catalogue,
    packages: library,
    async passed(registrations) {
      const progress = await completion.progressOfAll(registrations);
      return new Set(registrations.filter((each) => progress.get(each)?.completedAt));
    },
    learnersByItem: (versionId) => storage.runtimeStates.countByItem(versionId),
  });
  const board = createCourseBoard({ store: storage.board, clock, gate });
  const previews = createPreviewLinks({ store: storage.once, clock, publicOrigin: config.publicOrigin });
  const forPrograms = createCoursePublishing({ publishing, catalogue });
  const vendorTokens = createVendorTokens({
    store: storage.packages,
    clock,
    // A token is worth no more than the role of whoever made it.
    holds: async ({ personId, organisation }) =>
      allows(await people.byId(personId), 'package.upload', { organisation }),
  });
  const routes = {
    lrs: createLrsRoutes(lrs.handler),
    lrsAdmin: createLrsAdminRoutes({
      statements: storage.lrs.statements,
      personas: storage.lrs.personas,
      credentials: lrs.credentials,
      rejections: lrs.rejections,
      forwarding: lrs.forwarding,
      erasures: lrs.erasures,
      people,
      coursesNamed: (title) => catalogue.codesTitled(title),
      clock,
      audit: identity.audit,
      homePage: config.publicOrigin,
    }),
    assets: createAssetRoutes(),
    client: clientScripts(clientDir),
    content: createContentRoutes({
      sessions,
      runtime,
      servePackageFile: createPackageFileServer(library),
      clientDir,
      publicOrigin: config.publicOrigin,
      contentOrigin: config.contentOrigin,
    }),
    player: createPlayerRoutes({ sessions, currentPerson, listener: beats }),
    identity: [...identity.routes, privacy.routes],
    identityAnswers: identity.crossSite,
    packageApi: createPackageApi({
      tokens: vendorTokens,
      rateLimit: rateLimit({ name: 'package-api', limit: 300, windowSeconds: 60 }),
      library,
      store: storage.packages,
      clock,
      logger,
      publishing: forPrograms,
      previews,
    }),
    vendorTokens: createTokenRoutes({
      tokens: vendorTokens,
      owner(req) {
        const person = allowed(req, 'package.upload');
        const organisation = organisationFor(person, 'package.upload') ?? person.name;
        return { personId: person.id, organisation };
      },
    }),
    packages: createPackageRoutes({
      library,
      store: storage.packages,
      clock,
      logger,
      publishing: forPrograms,
      previews,
      uploader(req) {
        const person = allowed(req, 'package.upload');
        const organisation = organisationFor(person, 'package.upload') ?? person.name;
        return { person, organisation };
      },
    }),
    certificates: createCertificateRoutes({
      certificates: certification.certificates,
      audit: identity.audit,
      rateLimit,
    }),
    portal: createPortalRoutes({
      catalogue,
      enrolments,
      assessments,
      completion,
      library,
      sessions,
      publishing,
      previews,
      board,
      async cardHolders(personIds) {
        const records = await storage.identity.byIds(personIds);
        return records.flatMap((record) =>
          isPresent(record) &&
          record.restrictedAt === null &&
          record.nickname !== null &&
          record.profile.shownOnCard.length > 0
            ? [{ nickname: record.nickname }]
            : [],
        );
      },
      people,
      agencies: identity.agencies,
      directory: storage.identity,
      audit: identity.audit,
      jobs: storage.packages,
      feed,
      iris,
      clock,
      publicOrigin: config.publicOrigin,
      limits: config.limits,
    }),
  };

  // What a first start needs, and what a crash may have left half done.
  if (config.secrets.lrs) await lrs.credentials.ensure(config.secrets.lrs);
  await library.cleanUp();
  await storage.blobs.cleanUp(new Date(clock.now().getTime() - 24 * 3600_000));
  await enrolments.completeUnrecorded();
  await assessments.completeUnrecorded();
  if (config.secrets.admin) await ensureAdministrator(people, config.secrets.admin);
  if (demo)
    await ensureDemo({
      ...{ people, catalogue, assessments, library, clock, contentDir },
      agencies: identity.agencies,
      terms: identity.terms,
    });

  let housekeeping: NodeJS.Timeout | null = null;
  return {
    config,
    logger,
    clock,
    storage,
    passport: identity.middleware,
    pageLocals,
    routes,
    /** Answers at `demoIdpOrigin`. */
    demoIdp: identity.demoIdp?.handler ?? null,
    /** Answers requests to /xapi ahead of express. */
    lrsListener: createLrsListener(lrs.handler, '/xapi', config.publicOrigin),
    /** Answers most beats of players ahead of express. */
    beatListener: beats.answers,
    /** Begins what runs by itself: feed, reaper, housekeeping, a warm browser. */
    start(): void {
      feed.start();
      lrs.forwarding.start();
      reaper.start();
      privacy.worker.start();
      if (config.certificateBrowser === 'ready') void certification.prewarm();
      housekeeping = setInterval(() => {
        const now = clock.now();
        Promise.all([
          storage.webSessions.deleteExpired(now),
          storage.rateCounters.deleteExpired(now),
          storage.once.deleteExpired(now),
          storage.lrs.credentials.deleteExpiredTokens(now),
          lrs.rejections.tidy(),
          identity.tidy(now),
          storage.playerSessions.deleteLaunches(new Date(now.getTime() - 7 * 24 * 3600_000)),
        ]).catch((error: unknown) => logger.warn({ err: error }, 'housekeeping failed; tried again later'));
      }, housekeepingSeconds * 1000);
      housekeeping.unref();
    },
    /** What a person at the terminal reads first. */
    greeting(): string[] {
      return [
        '',
        `知行 Zhixing  ${config.publicOrigin}   (${storage.place})`,
        `LRS           ${config.publicOrigin}/xapi`,
        ...(demo ? demoGreeting(config.publicOrigin, demoIdpOrigin) : []),
        '',
      ];
    },
    async close(): Promise<void> {
      if (housekeeping) clearInterval(housekeeping);
      await reaper.stop();
      await feed.stop();
      await lrs.forwarding.stop();
      await lrs.rejections.stop();
      await privacy.worker.stop();
      await identity.close();
      await certification.close();
      await storage.close();
    },
  };
}

export type Context = Awaited<ReturnType<typeof createContext>>;
