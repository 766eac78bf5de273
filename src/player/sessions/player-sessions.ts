import type { Clock } from '../../base/clock.ts';
import { DomainError } from '../../base/errors.ts';
import { newSortableId, newUuid } from '../../base/ids.ts';
import type { Iris } from '../../base/iris.ts';
import type { Logger } from '../../base/logger.ts';
import { recent } from '../../base/recent.ts';
import { isRestrictedError } from '../../identity/privacy/gate.ts';
import type { Authority, StatementDoor } from '../../lrs/types.ts';
import type { PackageLibrary, PlayerSessions, ReadingSession, SessionEnding } from '../types.ts';
import {
  advance,
  attentionOf,
  begin,
  end,
  hasLapsed,
  isMilestone,
  readingRules,
  type ReadingRules,
} from './reading-time.ts';
import { readingStatement } from './statement.ts';
import type { PlayerLaunch, PlayerSessionStore, StoredReadingSession } from './store.ts';
import { createLaunchTokens, type TokenKind } from './tokens.ts';

/** The first time that counts for a registration: the class period begins (wired to the courses' `markStarted`). */
export type OnStarted = (registration: string) => Promise<void>;

export interface PlayerSessionDeps {
  store: PlayerSessionStore;
  clock: Clock;
  /** Signs the launch's tokens. */
  secret: string;
  /** May hold `{package}`. */
  contentOrigin: string;
  packages: Pick<PackageLibrary, 'version'>;
  statements: StatementDoor;
  /** The platform's own: only its reading time counts. */
  authority: Authority;
  iris: Iris;
  logger: Logger;
  onStarted: OnStarted;
  /** Throws when nothing new is to be kept about the learner (identity/privacy/gate.ts). */
  gate?: (learnerId: string) => Promise<void>;
  rules?: ReadingRules;
}

/** What a page tells with a beat. */
export interface Beat {
  visible: boolean;
  /** Seconds since the learner's last sign (pointer, key, scroll, playing media). */
  idleSeconds?: number;
  /** Count here from now on, whatever other window counts. */
  takeOver?: boolean;
  /** The learner has answered 還在閱讀嗎. */
  present?: boolean;
}

/** What the player shows. */
export interface ReadingView {
  counting: boolean;
  /** The course that another window of this learner is counting for; null: none. */
  elsewhere: string | null;
  /** Counted for the registration, in seconds. */
  seconds: number;
  requiredSeconds: number | null;
  /** Time stands still until the learner answers 還在閱讀嗎 (the course's inactivity rule). */
  asked: boolean;
  /** The entry can still be undone: less than a minute, and nothing recorded. */
  undoable: boolean;
}

export interface PlayerSessionService extends PlayerSessions {
  /** The launch behind a token; DomainError `unauthenticated` when it is forged, of another kind or too old. */
  authenticate(kind: TokenKind, token: string): Promise<PlayerLaunch>;
  tokens(launch: PlayerLaunch): Record<'api' | 'files', string>;
  beat(launch: PlayerLaunch, beat: Beat): Promise<ReadingView>;
  /** Ends the running session of this launch; `undo` leaves nothing of it where that is still possible. */
  leave(launch: PlayerLaunch, how: 'left' | 'closed', options?: { undo?: boolean }): Promise<ReadingView>;
  /** Closes sessions whose beats stopped and stores Statements still owed; says how many it touched. */
  reap(): Promise<number>;
}

/** A launch serves a long day; a page left open longer is opened anew. */
const launchLifetime = 16 * 3600_000;
/** A launch token is used at once. */
const launchTokenLifetime = 10 * 60_000;
/** The page goes away. */
const gone = { visible: false, overMilliseconds: 0, answered: false };
/** Before so much has counted an entry may be an accident (requirements W9). */
const undoBelow = 60_000;

/** The content's origin for a package: its own where `{package}` stands in the configured one. */
export const contentOriginOf = (contentOrigin: string, packageId: string): string =>
  contentOrigin.replace('{package}', packageId.toLowerCase());

export function createPlayerSessions(deps: PlayerSessionDeps): PlayerSessionService {
  const { store, clock, statements, authority, iris, logger } = deps;
  const rules = deps.rules ?? readingRules;
  const tokens = createLaunchTokens(deps.secret);
  const gate = deps.gate ?? (async () => undefined);

  /** A launch never changes: one that was read serves all the beats and commits that follow. */
  const launchById = recent(5000, (id) => store.launch(id));

  const total = (sessions: StoredReadingSession[]): number =>
    sessions.reduce((sum, session) => sum + session.milliseconds, 0);

  const started = async (session: StoredReadingSession): Promise<void> => {
    // Once is enough, but again does no harm: the courses keep the first.
    if (session.priorMilliseconds === 0) await deps.onStarted(session.registration);
  };

  /** Stores what an ended session says, then remembers that it is done. Safe to run twice and anywhere. */
  const record = async (session: StoredReadingSession, launch: PlayerLaunch | null): Promise<void> => {
    const of = launch ?? (await launchById(session.launchId));
    const statement = of && readingStatement(session, of, iris);
    if (statement) {
      try {
        await statements.store([statement], authority);
        await started(session);
      } catch (error) {
        // Nothing more is told of who was erased meanwhile: it must not hold up what others are owed.
        if (!isRestrictedError(error)) throw error;
      }
    }
    await store.markRecorded(session, clock.now());
  };

  /** True when this call ended it. Its Statement may be owed for a while when the LRS does not answer: the reaper pays. */
  const finish = async (
    session: StoredReadingSession,
    ending: SessionEnding,
    launch: PlayerLaunch | null,
  ): Promise<boolean> => {
    const ended = end(session, ending);
    if (!(await store.change(ended))) return false;
    try {
      await record(ended, launch);
    } catch (error) {
      logger.warn(
        { err: error, session: ended.id },
        'reading time is kept; its Statement will be stored later',
      );
    }
    return true;
  };

  const startSession = async (launch: PlayerLaunch, prior: number): Promise<StoredReadingSession | null> => {
    const session = begin(newSortableId(), launch, clock.now(), prior);
    return (await store.start(session)) ? session : null;
  };

  const view = (
    launch: PlayerLaunch,
    milliseconds: number,
    state: Partial<Pick<ReadingView, 'counting' | 'elsewhere' | 'asked' | 'undoable'>> = {},
  ): ReadingView => ({
    counting: state.counting ?? false,
    elsewhere: state.elsewhere ?? null,
    seconds: milliseconds / 1000,
    requiredSeconds: launch.course.requiredSeconds,
    asked: state.asked ?? false,
    undoable: state.undoable ?? false,
  });
  const viewOf = (launch: PlayerLaunch, session: StoredReadingSession): ReadingView =>
    view(launch, session.priorMilliseconds + session.milliseconds, {
      counting: !session.paused,
      asked: session.asked ?? false,
      undoable: session.priorMilliseconds === 0 && session.milliseconds < undoBelow,
    });
  const viewStopped = async (
    launch: PlayerLaunch,
    state: { elsewhere?: string; asked?: boolean } = {},
  ): Promise<ReadingView> => view(launch, total(await store.ofRegistration(launch.registration)), state);

  /** One try; null: someone else moved the same session meanwhile, look again. */
  const tryBeat = async (
    launch: PlayerLaunch,
    beat: Beat,
    before: { overtaken: boolean },
  ): Promise<ReadingView | null> => {
    const now = clock.now();
    const attention = attentionOf(beat, launch.course.inactivitySeconds);
    const idle = attention.overMilliseconds > 0;
    const running = await store.running(launch.learner.id);
    if (!running) {
      if (!beat.visible || idle) return viewStopped(launch, { asked: idle });
      const sessions = await store.ofRegistration(launch.registration);
      // A beat that was on its way while its page was left or closed begins nothing anew: nobody would end that session.
      const last = sessions.findLast(({ launchId }) => launchId === launch.id);
      if (last?.ending === 'left' || (before.overtaken && last?.ending === 'closed'))
        return viewStopped(launch);
      const prior = total(sessions);
      const session = await startSession(launch, prior);
      return session && viewOf(launch, session);
    }
    if (hasLapsed(running, now, rules)) {
      await finish(running, 'lapsed', null);
      return null;
    }
    if (running.launchId !== launch.id) {
      if (beat.takeOver) {
        await finish(running, 'taken-over', null);
        return null;
      }
      return viewStopped(launch, {
        elsewhere: (await launchById(running.launchId))?.course.title ?? '',
      });
    }
    const next = advance(running, now, attention);
    if (isMilestone(running, next, launch.course.requiredSeconds, rules)) {
      if (!(await finish(next, 'split', launch))) return null;
      const session = await startSession(launch, next.priorMilliseconds + next.milliseconds);
      return session ? viewOf(launch, session) : viewStopped(launch);
    }
    if (!(await store.change(next))) {
      before.overtaken = true;
      return null;
    }
    if (running.milliseconds < undoBelow && next.milliseconds >= undoBelow) await started(next);
    return viewOf(launch, next);
  };

  const untilSettled = async (attempt: () => Promise<ReadingView | null>): Promise<ReadingView> => {
    for (let tries = 0; tries < 10; tries++) {
      const settled = await attempt();
      if (settled) return settled;
    }
    throw new DomainError('unavailable', 'The session is being changed by other windows. Try again.', {
      code: 'player.busy',
      retryAfter: 1,
    });
  };

  const toReadingSession = (session: StoredReadingSession): ReadingSession => ({
    id: session.id,
    registration: session.registration,
    learnerId: session.learnerId,
    packageVersionId: session.packageVersionId,
    startedAt: session.startedAt,
    lastBeatAt: session.lastBeatAt,
    endedAt: session.endedAt,
    ending: session.ending,
    seconds: session.milliseconds / 1000,
    device: session.device ?? null,
  });

  return {
    async launch(request) {
      if (request.browse !== true) await gate(request.learner.id);
      const version = await deps.packages.version(request.packageVersionId);
      if (!version)
        throw new DomainError('not-found', 'The course material is not there (any more).', {
          code: 'player.no-material',
        });
      const now = clock.now();
      const launch: PlayerLaunch = {
        id: newUuid(),
        learner: request.learner,
        registration: request.registration,
        packageId: version.packageId,
        packageVersionId: version.id,
        course: { ...request.course, inactivitySeconds: request.course.inactivitySeconds ?? null },
        browse: request.browse ?? false,
        ...(request.device ? { device: request.device } : {}),
        createdAt: now,
        expiresAt: new Date(now.getTime() + launchLifetime),
      };
      await store.putLaunch(launch);
      return {
        sessionId: launch.id,
        frameUrl: `${contentOriginOf(deps.contentOrigin, version.packageId)}/launch`,
        launchToken: tokens.make('launch', launch),
        beatToken: tokens.make('beat', launch),
      };
    },

    async authenticate(kind, token) {
      const id = tokens.launchIdIn(token);
      const launch = id === null ? null : await launchById(id);
      const now = clock.now().getTime();
      const tooOld =
        launch !== null &&
        (now >= launch.expiresAt.getTime() ||
          (kind === 'launch' && now > launch.createdAt.getTime() + launchTokenLifetime));
      if (!launch || tooOld || !tokens.proves(kind, token, launch))
        throw new DomainError('unauthenticated', 'This launch has expired. Open the course again.', {
          code: 'player.launch-expired',
        });
      // Files may be looked at; what would write is asked each time, since a launch lives for hours.
      if (kind !== 'files' && !launch.browse) await gate(launch.learner.id);
      return launch;
    },

    tokens: (launch) => ({ api: tokens.make('api', launch), files: tokens.make('files', launch) }),

    async beat(launch, beat) {
      if (launch.browse) return view(launch, 0);
      const before = { overtaken: false };
      return untilSettled(() => tryBeat(launch, beat, before));
    },

    async leave(launch, how, options = {}) {
      if (launch.browse) return view(launch, 0);
      return untilSettled(async () => {
        const running = await store.running(launch.learner.id);
        if (!running || running.launchId !== launch.id) return viewStopped(launch);
        const now = clock.now();
        const lapsed = hasLapsed(running, now, rules);
        const last = lapsed ? running : advance(running, now, gone);
        const undone = options.undo === true && last.priorMilliseconds === 0 && last.milliseconds < undoBelow;
        const done = await finish(
          undone ? { ...last, milliseconds: 0 } : last,
          lapsed ? 'lapsed' : how,
          launch,
        );
        return done ? viewStopped(launch) : null;
      });
    },

    async reap() {
      const limit = 200;
      const silent = await store.silentSince(new Date(clock.now().getTime() - rules.lapseAfter), limit);
      for (const session of silent) await finish(session, 'lapsed', null);
      const owed = await store.unrecorded(limit);
      for (const session of owed) await record(session, null);
      return silent.length + owed.length;
    },

    async readingSeconds(registration) {
      return total(await store.ofRegistration(registration)) / 1000;
    },

    async sessionsOf(registration) {
      return (await store.ofRegistration(registration)).map(toReadingSession);
    },
  };
}
