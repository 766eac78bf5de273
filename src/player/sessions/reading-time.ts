import type { PlayerLaunch, SessionEnding, StoredReadingSession } from './store.ts';

/** The rules of the clock. Milliseconds. */
export interface ReadingRules {
  /** A gap between two beats counts up to this long; beyond it the session has lapsed at the earlier one. */
  lapseAfter: number;
  /** A session this long is recorded and followed by the next, so that long learning reaches the record before its end. */
  splitAfter: number;
}

export const readingRules: ReadingRules = { lapseAfter: 45_000, splitAfter: 15 * 60_000 };

/** A session that begins now for this launch. Pure. */
export const begin = (
  id: string,
  launch: PlayerLaunch,
  now: Date,
  priorMilliseconds: number,
): StoredReadingSession => ({
  id,
  launchId: launch.id,
  learnerId: launch.learner.id,
  registration: launch.registration,
  packageVersionId: launch.packageVersionId,
  startedAt: now,
  lastBeatAt: now,
  paused: false,
  endedAt: null,
  ending: null,
  milliseconds: 0,
  priorMilliseconds,
  recordedAt: null,
  revision: 0,
  ...(launch.device === undefined ? {} : { device: launch.device }),
});

export const hasLapsed = (session: StoredReadingSession, now: Date, rules: ReadingRules): boolean =>
  now.getTime() - session.lastBeatAt.getTime() > rules.lapseAfter;

/** What a beat says of the learner. */
export interface Attention {
  visible: boolean;
  /** How long ago the course's inactivity limit was passed; 0: it was not. */
  overMilliseconds: number;
  /** The learner has answered 還在閱讀嗎. */
  answered: boolean;
}

/** What a beat says, by the course's rule. Pure. */
export const attentionOf = (
  beat: { visible: boolean; idleSeconds?: number; present?: boolean },
  inactivitySeconds: number | null,
): Attention => ({
  visible: beat.visible,
  overMilliseconds:
    inactivitySeconds === null || beat.present === true
      ? 0
      : Math.max(0, ((beat.idleSeconds ?? 0) - inactivitySeconds) * 1000),
  answered: beat.present === true,
});

/**
 * A beat at `now`: the gap since the last one counts unless the page was hidden in it, and only up to where the inactivity
 * limit was passed; from then on nothing counts until the learner has answered. A clock that stepped back gives nothing
 * and takes nothing: counting goes on from where the clock is now. Pure; the caller has asked `hasLapsed` first.
 */
export function advance(
  { asked: before, ...session }: StoredReadingSession,
  now: Date,
  { visible, overMilliseconds, answered }: Attention,
): StoredReadingSession {
  const gap = Math.max(0, now.getTime() - session.lastBeatAt.getTime() - overMilliseconds);
  const asked = !answered && (before === true || overMilliseconds > 0);
  return {
    ...session,
    lastBeatAt: now,
    paused: !visible || asked,
    ...(asked ? { asked } : {}),
    milliseconds: session.milliseconds + (session.paused ? 0 : gap),
  };
}

/** Ends where the last beat was; what has counted stays. Pure. */
export const end = (session: StoredReadingSession, ending: SessionEnding): StoredReadingSession => ({
  ...session,
  endedAt: new Date(Math.max(session.lastBeatAt.getTime(), session.startedAt.getTime())),
  ending,
});

/** Time to record it although learning goes on: it is long, or the course's requirement has just been met. Pure. */
export function isMilestone(
  before: StoredReadingSession,
  after: StoredReadingSession,
  requiredSeconds: number | null,
  rules: ReadingRules,
): boolean {
  if (after.milliseconds >= rules.splitAfter) return true;
  if (requiredSeconds === null) return false;
  const total = (session: StoredReadingSession): number => session.priorMilliseconds + session.milliseconds;
  const required = requiredSeconds * 1000;
  return total(before) < required && total(after) >= required;
}
