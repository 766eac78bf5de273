import { fromIsoDuration, toIsoDuration } from '../../base/durations.ts';
import type { ActivityDefinition, Result } from '../../xapi/types.ts';
import { activityTypes } from '../../xapi/verbs.ts';
import { fromTimespan, membersOf, type CmiValues } from './values.ts';

/** SCORM's `other` is xAPI's too; a type never set is `other`. */
const types = new Set([
  'true-false',
  'choice',
  'fill-in',
  'long-fill-in',
  'matching',
  'performance',
  'sequencing',
  'likert',
  'numeric',
]);

/**
 * A 1.2 response in xAPI's form: `a,b` or `{a,b}` → `a[,]b`; matching `1.a,2.b` → `1[.]a[,]2[.]b`; `t`/`f`/`1`/`0` of a
 * true-false → `true`/`false`.
 */
export function modernised(type: string, text: string): string {
  const bare = text.replace(/^\{(.*)\}$/s, '$1');
  if (type === 'true-false') {
    if (/^(t|true|1)$/i.test(bare)) return 'true';
    return /^(f|false|0)$/i.test(bare) ? 'false' : bare;
  }
  if (type === 'choice' || type === 'sequencing') return bare.split(',').join('[,]');
  if (type === 'matching')
    return bare
      .split(',')
      .map((pair) => pair.replace('.', '[.]'))
      .join('[,]');
  return text;
}

const idsIn = (responses: string[]): string[] => [
  ...new Set(responses.flatMap((response) => response.split('[,]')).filter((id) => id !== '')),
];
const components = (ids: string[]): { id: string }[] => ids.map((id) => ({ id }));
const sides = (responses: string[]): { source: string[]; target: string[] } => {
  const source = new Set<string>();
  const target = new Set<string>();
  for (const pair of idsIn(responses)) {
    const [left, right] = pair.split('[.]');
    if (left) source.add(left);
    if (right) target.add(right);
  }
  return { source: [...source], target: [...target] };
};

export interface Interaction {
  id: string;
  definition: ActivityDefinition;
  result: Result;
  timestamp: string | null;
  /** Ids of the objectives it serves. */
  objectives: string[];
}

/** cmi.interactions.n as an activity with its response (profile, "Interactions"); null while it has no id. Pure. */
export function readInteraction(cmi: CmiValues, at: string, standard: '1.2' | '2004'): Interaction | null {
  const id = cmi[`${at}.id`];
  if (id === undefined || id === '') return null;
  const said = cmi[`${at}.type`];
  const type = said !== undefined && types.has(said) ? said : 'other';
  const form = (text: string): string => (standard === '1.2' ? modernised(type, text) : text);
  const given = cmi[`${at}.${standard === '2004' ? 'learner_response' : 'student_response'}`];
  const response = given === undefined ? undefined : form(given);
  const patterns = membersOf(cmi, `${at}.correct_responses`)
    .map((path) => cmi[`${path}.pattern`])
    .filter((pattern): pattern is string => pattern !== undefined)
    .map(form);
  const all = [...patterns, ...(response === undefined ? [] : [response])];
  const description = cmi[`${at}.description`];
  const outcome = cmi[`${at}.result`];
  const score =
    outcome !== undefined && outcome !== '' && Number.isFinite(Number(outcome)) ? Number(outcome) : null;
  const latency = cmi[`${at}.latency`];
  const seconds =
    latency === undefined ? null : standard === '2004' ? fromIsoDuration(latency) : fromTimespan(latency);
  const when = standard === '2004' ? cmi[`${at}.timestamp`] : undefined;
  const instant = when === undefined ? Number.NaN : Date.parse(when);

  const definition: ActivityDefinition = {
    type: activityTypes.interaction,
    interactionType: type,
    ...(description === undefined ? {} : { description: localized(description) }),
    ...(patterns.length > 0 ? { correctResponsesPattern: patterns } : {}),
  };
  // xAPI wants the choices of the types that have them; SCORM never lists them, so they are those that are named.
  if (type === 'choice' || type === 'sequencing') definition.choices = components(idsIn(all));
  if (type === 'likert') definition.scale = components(idsIn(all));
  if (type === 'matching') {
    const { source, target } = sides(all);
    definition.source = components(source);
    definition.target = components(target);
  }
  if (type === 'performance') definition.steps = components(sides(all).source);

  return {
    id,
    definition,
    result: {
      ...(response === undefined ? {} : { response }),
      ...(outcome === 'correct'
        ? { success: true }
        : outcome === 'incorrect' || outcome === 'wrong'
          ? { success: false }
          : {}),
      ...(score === null ? {} : { score: { raw: score } }),
      ...(seconds === null ? {} : { duration: toIsoDuration(seconds) }),
    },
    timestamp: Number.isNaN(instant) ? null : new Date(instant).toISOString(),
    objectives: membersOf(cmi, `${at}.objectives`)
      .map((path) => cmi[`${path}.id`])
      .filter((objective): objective is string => objective !== undefined && objective !== ''),
  };
}

/** `{lang=zh-TW}文字` as a language map; untagged text has no language known (`und`). */
export function localized(text: string): Record<string, string> {
  const tagged = /^\{lang=([A-Za-z0-9-]+)\}(.*)$/s.exec(text);
  return tagged ? { [tagged[1] ?? 'und']: tagged[2] ?? '' } : { und: text };
}
