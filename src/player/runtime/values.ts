import { fromIsoDuration } from '../../base/durations.ts';

/** Run-time data as content set it: element name → value. */
export type CmiValues = Record<string, string>;

/** The two standards' names and units, read into one form. */
export interface Outcome {
  completion: boolean | null;
  success: boolean | null;
  score: { scaled?: number; raw?: number; min?: number; max?: number } | null;
  progress: number | null;
  sessionSeconds: number | null;
}

const numeric = (value: string | undefined): number | null => {
  if (value === undefined || value === '') return null;
  const number = Number(value);
  return Number.isFinite(number) ? number : null;
};

/** HHHH:MM:SS.SS */
export function fromTimespan(text: string): number | null {
  const parts = /^(\d{1,4}):(\d{2}):(\d{2}(?:\.\d+)?)$/.exec(text);
  return parts ? Number(parts[1]) * 3600 + Number(parts[2]) * 60 + Number(parts[3]) : null;
}

/** Seconds as HHHH:MM:SS.SS, hours at least four digits (SCORM 1.2 `total_time`). */
export function toTimespan(seconds: number): string {
  const hundredths = Math.round(Math.max(0, seconds) * 100);
  const two = (n: number): string => String(n).padStart(2, '0');
  const hours = Math.min(9999, Math.floor(hundredths / 360000));
  return `${String(hours).padStart(4, '0')}:${two(Math.floor(hundredths / 6000) % 60)}:${two(Math.floor(hundredths / 100) % 60)}.${two(hundredths % 100)}`;
}

const member = (cmi: CmiValues, prefix: string, name: string): string | undefined => cmi[`${prefix}.${name}`];

/** A score as xAPI takes one: raw within min and max, scaled within −1 and 1; what does not fit is left out. */
export function scoreAt(cmi: CmiValues, prefix: string, standard: '1.2' | '2004'): Outcome['score'] {
  const raw = numeric(member(cmi, prefix, 'raw'));
  const min = numeric(member(cmi, prefix, 'min'));
  const max = numeric(member(cmi, prefix, 'max'));
  // The profile: scaled as reported, in 1.2 the raw score out of 100.
  const reported = numeric(member(cmi, prefix, 'scaled'));
  const scaled = standard === '2004' ? reported : raw === null ? null : raw / 100;
  if (raw === null && scaled === null) return null;
  const bounded = min !== null && max !== null && min < max;
  const fits = raw === null || !bounded || (raw >= min && raw <= max);
  return {
    ...(scaled !== null && scaled >= -1 && scaled <= 1 ? { scaled } : {}),
    ...(raw !== null ? { raw } : {}),
    ...(bounded && fits ? { min, max } : {}),
  };
}

/** What an item's data say of its outcome. Pure. */
export function outcomeOf(cmi: CmiValues, standard: '1.2' | '2004'): Outcome {
  if (standard === '2004') {
    const completion = cmi['cmi.completion_status'];
    const success = cmi['cmi.success_status'];
    return {
      completion: completion === 'completed' ? true : completion === 'incomplete' ? false : null,
      success: success === 'passed' ? true : success === 'failed' ? false : null,
      score: scoreAt(cmi, 'cmi.score', standard),
      progress: numeric(cmi['cmi.progress_measure']),
      sessionSeconds: fromIsoDuration(cmi['cmi.session_time'] ?? ''),
    };
  }
  const status = cmi['cmi.core.lesson_status'];
  return {
    completion:
      status === 'completed' || status === 'passed' || status === 'failed'
        ? true
        : status === 'incomplete'
          ? false
          : null,
    success: status === 'passed' ? true : status === 'failed' ? false : null,
    score: scoreAt(cmi, 'cmi.core.score', standard),
    progress: null,
    sessionSeconds: fromTimespan(cmi['cmi.core.session_time'] ?? ''),
  };
}

/** The members of a collection, in order: `membersOf(cmi, 'cmi.interactions')` → their paths. */
export function membersOf(cmi: CmiValues, collection: string): string[] {
  const found = new Set<number>();
  const prefix = `${collection}.`;
  for (const name of Object.keys(cmi)) {
    if (!name.startsWith(prefix)) continue;
    const index = /^(\d+)\./.exec(name.slice(prefix.length))?.[1];
    if (index !== undefined) found.add(Number(index));
  }
  return [...found].sort((a, b) => a - b).map((index) => `${prefix}${index}`);
}
