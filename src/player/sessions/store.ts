import type { Agent } from '../../xapi/types.ts';
import type { AttemptPolicy, ContentWindow, SessionEnding } from '../types.ts';

export type { ContentWindow, SessionEnding };

/** One opening of the player: who, what, for which registration. Its tokens are derived, never stored. */
export interface PlayerLaunch {
  id: string;
  learner: { id: string; name: string; agent: Agent; language: string };
  registration: string;
  packageId: string;
  packageVersionId: string;
  course: {
    activityId: string;
    title: string;
    requiredSeconds: number | null;
    inactivitySeconds: number | null;
    contentWindow?: ContentWindow;
    attempts?: AttemptPolicy;
  };
  /** A preview: nothing is recorded. */
  browse: boolean;
  /** Absent: unknown. */
  device?: string;
  createdAt: Date;
  /** From then on its tokens open nothing. */
  expiresAt: Date;
}

/** A stretch of reading time. One runs per learner; an ended one never changes except for `recordedAt`. */
export interface StoredReadingSession {
  id: string;
  launchId: string;
  learnerId: string;
  registration: string;
  packageVersionId: string;
  startedAt: Date;
  lastBeatAt: Date;
  /** Hidden since the last beat: the gap that follows does not count. */
  paused: boolean;
  /** The course's inactivity rule has stopped the time: the learner was asked 還在閱讀嗎 and has not answered. Absent: no. */
  asked?: boolean;
  endedAt: Date | null;
  ending: SessionEnding | null;
  /** Counted so far. */
  milliseconds: number;
  /** What ended sessions of the registration had counted when this one began. */
  priorMilliseconds: number;
  /** When its Statement was stored; null: still to be done once it has ended. */
  recordedAt: Date | null;
  /** Grows with each change. */
  revision: number;
  /** Absent: unknown. */
  device?: string;
}

/** Port: launches and reading sessions, shared by every process. */
export interface PlayerSessionStore {
  putLaunch(launch: PlayerLaunch): Promise<void>;
  launch(id: string): Promise<PlayerLaunch | null>;
  /** Starts a session; false, and nothing stored, when the learner has a running one. */
  start(session: StoredReadingSession): Promise<boolean>;
  running(learnerId: string): Promise<StoredReadingSession | null>;
  /** Replaces the session if it still has `revision`, raising it by one; false when someone else was faster. */
  change(session: StoredReadingSession): Promise<boolean>;
  /** Ended sessions get their Statement's time, once. */
  markRecorded(session: Pick<StoredReadingSession, 'id' | 'learnerId'>, at: Date): Promise<void>;
  /** Running sessions whose last beat is before the instant, oldest first. */
  silentSince(instant: Date, limit: number): Promise<StoredReadingSession[]>;
  /** Ended sessions without a Statement, oldest first. */
  unrecorded(limit: number): Promise<StoredReadingSession[]>;
  /** In the order they started. */
  ofRegistration(registration: string): Promise<StoredReadingSession[]>;
  /** Deletes the registration's sessions and the launches that they belong to; says how many sessions. */
  forget(registration: string): Promise<number>;
  /** Deletes every launch of the learner, also those that never counted; says how many. */
  forgetLaunches(learnerId: string): Promise<number>;
  /** Deletes launches that expired before the instant; says how many. */
  deleteLaunches(before: Date): Promise<number>;
}
