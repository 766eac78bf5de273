import type { Ledger } from './ledger.ts';

/** The manifest's rules that decide a status together with what the SCO reports. */
export interface LaunchRules {
  /** adlcp:masteryscore, 0–100 (1.2). */
  masteryScore: number | null;
  /** minNormalizedMeasure of the primary objective when satisfied by measure, −1–1 (2004). */
  scaledPassingScore: number | null;
  /** minProgressMeasure when completed by measure, 0–1 (2004). */
  completionThreshold: number | null;
  /** The 4th Edition's threshold: without a measure the SCO's own word does not stand (RTE 4.2.4.1). */
  completionByMeasure?: boolean;
  credit: boolean;
  browse: boolean;
}

/** RTE 4.2.4.1 and 4.2.21.1: with a threshold or a passing score the LMS decides, else the SCO's word stands. */
export function evaluate2004(ledger: Ledger, rules: LaunchRules): { completion: string; success: string } {
  const number = (element: string): number | null => {
    const value = ledger.value(element);
    return value === null ? null : Number(value);
  };
  const progress = number('cmi.progress_measure');
  const scaled = number('cmi.score.scaled');
  let completion = ledger.value('cmi.completion_status') ?? 'unknown';
  if (rules.completionThreshold !== null) {
    if (progress !== null) completion = progress >= rules.completionThreshold ? 'completed' : 'incomplete';
    else if (rules.completionByMeasure) completion = 'unknown';
  }
  let success = ledger.value('cmi.success_status') ?? 'unknown';
  if (rules.scaledPassingScore !== null)
    success = scaled === null ? 'unknown' : scaled >= rules.scaledPassingScore ? 'passed' : 'failed';
  return { completion, success };
}

/**
 * 1.2 RTE 3.4.4, cmi.core.lesson_status: a mastery score and a raw score decide when the learner takes the SCO for
 * credit; a SCO that said nothing is completed when it finishes (browsed when it was only looked at).
 * Null: what is there stays.
 */
export function evaluate12(ledger: Ledger, rules: LaunchRules, ending: boolean): string | null {
  const status = ledger.value('cmi.core.lesson_status');
  const said = status !== null && status !== 'not attempted';
  if (rules.browse) return ending && !said ? 'browsed' : null;
  const raw = ledger.value('cmi.core.score.raw');
  if (ending && rules.credit && rules.masteryScore !== null && raw !== null && raw !== '')
    return Number(raw) >= rules.masteryScore ? 'passed' : 'failed';
  return ending && !said ? 'completed' : null;
}
