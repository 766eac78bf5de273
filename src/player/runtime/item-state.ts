import { z } from 'zod';
import type { LessonStatus } from '../packages/prerequisites.ts';
import type { AttemptPolicy } from '../types.ts';
import type { CmiValues } from './values.ts';

/** What is known of one item for one registration. */
export interface ItemState {
  /** Number of the attempt under way, or of the last one; 0: never opened. */
  attempt: number;
  /** Everything set in this attempt. */
  cmi: CmiValues;
  /** Between Initialize and Terminate. After a crash it stays so, and the next opening resumes. */
  open: boolean;
  /** The last Terminate's value of exit; null before the first one. */
  exit: string | null;
  /** Sessions of this attempt that have ended, in seconds as the content reported them. */
  totalSeconds: number;
  /** The best over all attempts: a new attempt takes nothing away from the learner. */
  best: { completed: boolean; passed: boolean; scaled: number | null };
  /** Values of partial commits, waiting for the last one. */
  staged: [string, string][];
  /** The attempt is over whatever the standard says: the next opening begins a new one. */
  closed?: boolean;
  /** Opened for review: what content sends changes nothing. */
  review?: boolean;
}

export const emptyItemState: ItemState = {
  attempt: 0,
  cmi: {},
  open: false,
  exit: null,
  totalSeconds: 0,
  best: { completed: false, passed: false, scaled: null },
  staged: [],
};

/** The state as a preview's browser carries it from commit to commit: nothing of a preview is kept here. */
export const itemStateSchema = z.object({
  attempt: z.number().int().min(0),
  cmi: z.record(z.string().max(4000), z.string()),
  open: z.boolean(),
  exit: z.string().max(20).nullable(),
  totalSeconds: z.number(),
  best: z.object({ completed: z.boolean(), passed: z.boolean(), scaled: z.number().nullable() }),
  staged: z.array(z.tuple([z.string(), z.string()])),
}) satisfies z.ZodType<ItemState>;

/** The item's status in the words of SCORM 1.2; what was passed or completed once stays so (a later fail is said). Pure. */
export function statusOf({ best, cmi, attempt }: ItemState): LessonStatus {
  const said = cmi['cmi.core.lesson_status'];
  if (best.passed) return 'passed';
  if (said === 'failed' || cmi['cmi.success_status'] === 'failed') return 'failed';
  if (best.completed) return 'completed';
  return said === 'browsed' ? 'browsed' : attempt > 0 ? 'incomplete' : 'not attempted';
}

/** SCORM 2004 RTE 4.2.1 and 2.1: a suspended (or broken-off) attempt goes on; one that ended normally gives way to a new one. */
export function resumes(standard: '1.2' | '2004', state: ItemState): boolean {
  if (state.attempt === 0 || state.closed) return false;
  if (state.open || state.exit === 'suspend') return true;
  // 1.2 knows no attempts: its data last as long as the registration.
  return standard === '1.2';
}

/** `cmi.entry` / `cmi.core.entry` of the next opening. */
export function entryOf(standard: '1.2' | '2004', state: ItemState): 'ab-initio' | 'resume' | '' {
  if (state.attempt === 0 || state.closed) return 'ab-initio';
  if (state.open || state.exit === 'suspend') return 'resume';
  return standard === '1.2' ? '' : 'ab-initio';
}

/** The state as the course's policy has it before the next opening. Pure. */
export function underPolicy(
  standard: '1.2' | '2004',
  { review: _before, ...state }: ItemState,
  policy: AttemptPolicy | undefined,
): ItemState {
  const ended = state.attempt > 0 && !state.open && state.exit !== 'suspend';
  if (!policy || !ended || state.closed) return state;
  const status = statusOf(state);
  const done = status === 'passed' || status === 'completed';
  if ((policy.review && done) || (policy.limit !== null && state.attempt >= policy.limit))
    return { ...state, review: true };
  // 1.2 knows no attempts: where they are counted, one that has come to a result is over.
  const decided = done || status === 'failed';
  return standard === '1.2' && policy.limit !== null && decided ? { ...state, closed: true } : state;
}

/** The data without what belongs to one session of the attempt. */
export function withoutSession(values: CmiValues): CmiValues {
  const {
    'cmi.session_time': _s,
    'cmi.core.session_time': _c,
    'cmi.exit': _e,
    'cmi.core.exit': _x,
    ...cmi
  } = values;
  return cmi;
}

/** The state as Initialize finds it: the same attempt with last time's session added, or a new one. Pure. */
export function opened(
  standard: '1.2' | '2004',
  state: ItemState,
  sessionSeconds: (cmi: CmiValues) => number,
): ItemState {
  if (!resumes(standard, state))
    return { ...emptyItemState, attempt: state.attempt + 1, open: true, best: state.best };
  const cmi = withoutSession(state.cmi);
  return {
    ...state,
    cmi,
    open: true,
    exit: null,
    // A session that never terminated is in the total only now.
    totalSeconds: state.totalSeconds + (state.open ? sessionSeconds(state.cmi) : 0),
    staged: [],
  };
}
