import type { Condition } from '../packages/prerequisites.ts';
import type { SavingState } from './commit-queue.ts';

/** What the launch frame and the portal page tell each other by postMessage. */
export interface TocEntry {
  identifier: string;
  title: string;
  depth: number;
  /** Can be opened now. */
  enabled: boolean;
  current: boolean;
  /** Why it cannot be opened: prerequisites (with titles for identifiers), or the package's sequencing. Null: it can be. */
  locked: Condition | 'sequence' | null;
  state: 'none' | 'started' | 'completed' | 'passed' | 'failed';
}

export type ToPortal =
  | { zhixing: 'ready' }
  | {
      zhixing: 'toc';
      entries: TocEntry[];
      previous: boolean;
      next: boolean;
      title: string;
      /** The item is open for review. */
      review: boolean;
    }
  | { zhixing: 'saving'; state: SavingState }
  | { zhixing: 'activity' }
  | { zhixing: 'visibility'; visible: boolean }
  | { zhixing: 'ended' }
  | { zhixing: 'left' }
  | { zhixing: 'trace'; lines: TraceLine[] }
  | { zhixing: 'problem'; problem: 'open' | 'popup' };

export interface TraceLine {
  at: string;
  kind: 'call' | 'statement' | 'sequencing';
  text: string;
  error: number;
  /** More of it, shown when asked for: a Statement's JSON. */
  detail?: string;
}

export type ToFrame =
  { zhixing: 'open'; item: string } | { zhixing: 'previous' } | { zhixing: 'next' } | { zhixing: 'leave' };

/** What the page's script is told by the template (pages/player.hbs). */
export interface PageConfiguration {
  sessionId: string;
  beatToken: string;
  contentOrigin: string;
  /** Where 離開課程 leads. */
  leaveUrl: string;
  requiredSeconds: number | null;
  /** After so long without a sign of the learner the page asks 還在閱讀嗎; null: never. */
  inactivitySeconds: number | null;
  browse: boolean;
}
