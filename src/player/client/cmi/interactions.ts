import { identifier2004, localizedString, real, type Verdict } from './formats.ts';

/** cmi.interactions.n.type, RTE 4.2.9.1 */
export const interactionTypes = [
  'true-false',
  'choice',
  'fill-in',
  'long-fill-in',
  'likert',
  'matching',
  'performance',
  'sequencing',
  'numeric',
  'other',
];

const ok = (fine: boolean): Verdict => (fine ? 'ok' : 'type');
const isId = (text: string): boolean => identifier2004(text) === 'ok';
const isNumber = (text: string): boolean => real()(text) === 'ok';
const parts = (text: string): string[] => (text === '' ? [] : text.split('[,]'));
const distinct = (list: string[]): boolean => new Set(list).size === list.length;
const pairs = (text: string, right: (part: string) => boolean, left = isId): boolean =>
  parts(text).every((pair) => {
    const [source, target, ...rest] = pair.split('[.]');
    return source !== undefined && target !== undefined && rest.length === 0 && left(source) && right(target);
  });

/** The delimiters in braces that may stand before a pattern, in any order; null when one is malformed. */
function withoutDelimiters(text: string, allowed: string[]): string | null {
  let rest = text;
  for (;;) {
    const found = /^\{(case_matters|order_matters)=([^}]*)\}/.exec(rest);
    // `{lang=…}` begins the text itself: what looks like a delimiter behind it is text (so ADL's test package).
    if (!found) return rest;
    const [whole, name = '', value = ''] = found;
    if (!allowed.includes(name) || !/^(true|false)$/.test(value)) return null;
    rest = rest.slice(whole.length);
  }
}

/** cmi.interactions.n.learner_response, RTE 4.2.9.2 */
export function learnerResponse(type: string, value: string): Verdict {
  switch (type) {
    case 'true-false':
      return ok(value === 'true' || value === 'false');
    case 'choice':
      return ok(parts(value).every(isId) && distinct(parts(value)));
    case 'fill-in':
      return ok(value.split('[,]').every((part) => localizedString(part) === 'ok'));
    case 'long-fill-in':
      return localizedString(value);
    case 'likert':
      return ok(isId(value));
    case 'matching':
      return ok(pairs(value, isId));
    case 'performance':
      return ok(
        value !== '' &&
          parts(value).every((step) => {
            const [name, answer, ...rest] = step.split('[.]');
            return (
              name !== undefined &&
              answer !== undefined &&
              rest.length === 0 &&
              (name !== '' || answer !== '') &&
              (name === '' || isId(name))
            );
          }),
      );
    case 'sequencing':
      return ok(value !== '' && parts(value).every(isId));
    case 'numeric':
      return ok(isNumber(value));
    default:
      return 'ok';
  }
}

const range = (text: string): boolean => {
  const [min, max, ...rest] = text.split('[:]');
  if (min === undefined || max === undefined || rest.length > 0) return false;
  if ((min !== '' && !isNumber(min)) || (max !== '' && !isNumber(max))) return false;
  return min === '' || max === '' || Number(min) <= Number(max);
};

/** cmi.interactions.n.correct_responses.m.pattern, RTE 4.2.9.1 */
export function correctResponse(type: string, value: string): Verdict {
  switch (type) {
    case 'fill-in': {
      const text = withoutDelimiters(value, ['case_matters', 'order_matters']);
      return text === null ? 'type' : learnerResponse(type, text);
    }
    case 'long-fill-in': {
      const text = withoutDelimiters(value, ['case_matters']);
      return text === null ? 'type' : localizedString(text);
    }
    case 'performance': {
      const text = withoutDelimiters(value, ['order_matters']);
      return text === null ? 'type' : learnerResponse(type, text);
    }
    case 'numeric':
      return ok(range(value));
    default:
      return learnerResponse(type, value);
  }
}

/** Of these types no two patterns may be alike (RTE 4.2.9.1; ADL's tests let matching and performance repeat theirs). */
export const distinctPatterns = ['choice', 'sequencing'];

/** Of these types there is one correct response at most. */
export const singlePattern = ['true-false', 'likert', 'numeric', 'other'];
