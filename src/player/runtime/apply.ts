import type { Statement } from '../../xapi/types.ts';
import type { Commit } from './commit.ts';
import { opened, entryOf, type ItemState } from './item-state.ts';
import { sessionSeconds } from './seeds.ts';
import { statementsOf, type StatementFrame } from './statements.ts';
import { isSharedElement } from './shared-data.ts';
import type { PackageItem } from '../types.ts';
import { outcomeOf, type CmiValues } from './values.ts';

/** What a commit comes to. */
export interface Applied {
  state: ItemState;
  statements: Statement[];
  /** Values for data stores that are not the item's alone (`adl.data`). */
  shared: [string, string][];
}

/** The state after a commit and what it says. Pure; the caller has checked the commit's place in the sequence. */
export function applyCommit(
  state: ItemState,
  commit: Commit,
  frameFor: (attempt: number) => StatementFrame,
  standard: '1.2' | '2004',
  /** The item counts as completed when it ends without having said anything of its completion (`countsWhenSilent`). */
  silentCounts = false,
): Applied {
  if (state.review) return { state, statements: [], shared: [] };
  if (commit.partial)
    return { state: { ...state, staged: stage(state.staged, commit) }, statements: [], shared: [] };

  const start = commit.start ? (entryOf(standard, state) === 'ab-initio' ? 'ab-initio' : 'resume') : null;
  const begun = commit.start ? opened(standard, state, sessionSeconds(standard)) : state;
  const after = { ...begun.cmi };
  const set = stage(commit.start ? [] : state.staged, commit);
  for (const [name, value] of set) if (!isSharedElement(name)) after[name] = value;
  const end = commit.end ?? null;
  const outcome = outcomeOf(after, standard);
  const scaled = outcome.score?.scaled ?? null;
  const silent = silentCounts && end !== null && end.exit !== 'suspend' && !saidCompletion(after);
  const next: ItemState = {
    ...begun,
    cmi: after,
    open: end === null && begun.open,
    exit: end ? end.exit : begun.exit,
    totalSeconds: begun.totalSeconds + (end && begun.open ? (outcome.sessionSeconds ?? 0) : 0),
    best: {
      completed: begun.best.completed || outcome.completion === true || silent,
      passed: begun.best.passed || outcome.success === true,
      scaled: scaled === null ? begun.best.scaled : Math.max(scaled, begun.best.scaled ?? -1),
    },
    staged: [],
  };
  const step = { before: begun.cmi, after, start, end } as const;
  const shared = set.filter(([name]) => isSharedElement(name));
  return { state: next, statements: statementsOf(step, frameFor(next.attempt)), shared };
}

const saidCompletion = (cmi: CmiValues): boolean =>
  cmi['cmi.completion_status'] !== undefined || cmi['cmi.progress_measure'] !== undefined;

/**
 * SN UP.4: an SCO of SCORM 2004 that does not say whether it is completed is completed when it ends, unless the manifest
 * leaves that to it (completionSetByContent) or to a measure. 1.2 says so of itself at LMSFinish. Pure.
 */
export const countsWhenSilent = (standard: '1.2' | '2004', item: PackageItem): boolean => {
  const controls = item.sequencing?.['deliveryControls'] as { completionSetByContent?: unknown } | undefined;
  return standard === '2004' && !item.completionThreshold && controls?.completionSetByContent !== true;
};

/** An asset was shown: that is all there is to complete in it. Pure. */
export const visit = (state: ItemState): ItemState => ({
  ...state,
  attempt: Math.max(1, state.attempt),
  best: { ...state.best, completed: true },
});

function stage(staged: [string, string][], commit: Commit): [string, string][] {
  const all = [...staged];
  for (const [name, value] of commit.set) {
    const last = all.at(-1);
    if (commit.append && last?.[0] === name) all[all.length - 1] = [name, last[1] + value];
    else all.push([name, value]);
  }
  return all;
}
