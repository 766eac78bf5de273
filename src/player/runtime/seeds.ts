import { toIsoDuration } from '../../base/durations.ts';
import type { Access } from '../client/cmi/ledger.ts';
import type { PackageItem } from '../types.ts';
import { entryOf, opened, resumes, withoutSession, type ItemState } from './item-state.ts';
import type { SharedStore } from './shared-data.ts';
import { outcomeOf, toTimespan, type CmiValues } from './values.ts';

/** What the frame needs to open an item. */
export interface ItemOpening {
  item: string;
  attempt: number;
  /** The last step of this launch that is kept; the next one is numbered one more. */
  sequence: number;
  /** Everything the ledger starts with: what the platform says and what the content had set. */
  seed: CmiValues;
  /** Elements that this item may use less freely than the standard says. */
  access: Record<string, Access>;
  rules: {
    masteryScore: number | null;
    scaledPassingScore: number | null;
    completionThreshold: number | null;
    completionByMeasure: boolean;
    credit: boolean;
    browse: boolean;
  };
  /** `cmi.mode` */
  mode: 'normal' | 'browse' | 'review';
}

export const sessionSeconds =
  (standard: '1.2' | '2004') =>
  (cmi: CmiValues): number =>
    outcomeOf(cmi, standard).sessionSeconds ?? 0;

/** The primary objective's passing score where it is satisfied by measure (SN 3.10, RTE 4.2.20). */
function passingScore(item: PackageItem): number | null {
  const primary = item.sequencing?.['primaryObjective'] as
    { satisfiedByMeasure?: unknown; minNormalizedMeasure?: unknown } | undefined;
  if (primary?.satisfiedByMeasure !== true) return null;
  const measure = primary.minNormalizedMeasure;
  return typeof measure === 'number' ? measure : 1;
}

const durationLimit = (item: PackageItem): string | undefined => {
  const limit = item.sequencing?.['attemptAbsoluteDurationLimit'];
  return typeof limit === 'string' ? limit : undefined;
};

/** The run-time data that Initialize of this item begins with. Pure. */
export function openingOf(
  standard: '1.2' | '2004',
  item: PackageItem,
  state: ItemState,
  learner: { id: string; name: string },
  browse: boolean,
  shared: readonly SharedStore[] = [],
): ItemOpening {
  const mode = browse ? 'browse' : state.review ? 'review' : 'normal';
  const next = mode === 'review' ? state : opened(standard, state, sessionSeconds(standard));
  const kept = mode === 'review' || resumes(standard, state) ? withoutSession(next.cmi) : {};
  const credit = mode === 'normal' ? 'credit' : 'no-credit';
  const entry = mode === 'review' ? '' : entryOf(standard, state);
  const masteryScore = item.masteryScore ?? null;
  const threshold =
    item.completionThreshold?.completedByMeasure === true
      ? item.completionThreshold.minProgressMeasure
      : null;
  const scaledPassingScore = passingScore(item);
  const given = (name: string, value: string | number | null | undefined): CmiValues =>
    value === undefined || value === null || value === '' ? {} : { [name]: String(value) };
  const seed: CmiValues =
    standard === '1.2'
      ? {
          ...kept,
          'cmi.core.student_id': learner.id,
          'cmi.core.student_name': learner.name,
          'cmi.core.credit': credit,
          'cmi.core.lesson_mode': mode,
          'cmi.core.entry': entry,
          'cmi.core.total_time': toTimespan(next.totalSeconds),
          ...given('cmi.launch_data', item.dataFromLms),
          ...given('cmi.student_data.mastery_score', masteryScore),
          ...given('cmi.student_data.max_time_allowed', item.maxTimeAllowed),
          ...given('cmi.student_data.time_limit_action', item.timeLimitAction),
        }
      : {
          ...kept,
          'cmi.learner_id': learner.id,
          'cmi.learner_name': learner.name,
          'cmi.credit': credit,
          'cmi.mode': mode,
          'cmi.entry': entry,
          'cmi.total_time': toIsoDuration(next.totalSeconds),
          ...given('cmi.launch_data', item.dataFromLms),
          ...given('cmi.completion_threshold', threshold),
          ...given('cmi.scaled_passing_score', scaledPassingScore),
          // SN 3.5 and RTE 4.2.15: in SCORM 2004 the limit stands with the sequencing.
          ...given('cmi.max_time_allowed', item.maxTimeAllowed ?? durationLimit(item)),
          ...given('cmi.time_limit_action', item.timeLimitAction),
        };
  // RTE 4.3.1: a store keeps its value over sessions and attempts of every item that maps it.
  const access: Record<string, Access> = {};
  for (const [n, { targetId, read, write, value }] of shared.entries()) {
    seed[`adl.data.${n}.id`] = targetId;
    // Emptied, a store reads as never set (ADL's test package DDM).
    if (value && read) seed[`adl.data.${n}.store`] = value;
    access[`adl.data.${n}.store`] = { read, write };
  }
  return {
    item: item.identifier,
    attempt: next.attempt,
    sequence: 0,
    seed,
    access,
    rules: {
      masteryScore,
      scaledPassingScore,
      completionThreshold: threshold,
      completionByMeasure: item.completionThreshold?.contentDecides !== true,
      credit: mode === 'normal',
      browse,
    },
    mode,
  };
}
