import {
  anyString,
  either,
  identifier2004,
  interval2004,
  languageOrEmpty,
  localizedString,
  oneOf,
  real,
  time2004,
  type Verdict,
} from './formats.ts';
import {
  correctResponse,
  distinctPatterns,
  interactionTypes,
  learnerResponse,
  singlePattern,
} from './interactions.ts';
import type { DataModel, ElementSpec, Neighbours } from './model.ts';

const completion = oneOf('completed', 'incomplete', 'not attempted', 'unknown');
const success = oneOf('passed', 'failed', 'unknown');
const id = ['id'];

const interactionOf = (element: string): string => element.split('.').slice(0, 3).join('.');

/** True when another member of the same collection has this id (or, for an objective, this one already has another). */
function takenId(collection: string, own: number, value: string, neighbours: Neighbours): boolean {
  for (let n = 0; n < neighbours.count(collection); n++)
    if (n !== own && neighbours.value(`${collection}.${n}.id`) === value) return true;
  return false;
}

const byType =
  (check: (type: string, value: string) => Verdict) =>
  (value: string, element: string, neighbours: Neighbours): Verdict =>
    check(neighbours.value(`${interactionOf(element)}.type`) ?? 'other', value);

const score = (prefix: string, needs?: string[]): Record<string, ElementSpec> => {
  const more = needs ? { needs } : {};
  return {
    [`${prefix}.scaled`]: { access: 'both', check: real(-1, 1), ...more },
    [`${prefix}.raw`]: { access: 'both', check: real(), ...more },
    [`${prefix}.min`]: { access: 'both', check: real(), ...more },
    [`${prefix}.max`]: { access: 'both', check: real(), ...more },
  };
};

const target = String.raw`\{target=[^}]+\}`;
const navigation = new RegExp(
  `^(continue|previous|exit|exitAll|abandon|abandonAll|suspendAll|_none_|${target}(choice|jump))$`,
);

/** SCORM 2004 4th Edition, RTE 4.2 (`cmi`), SN 5.6 (`adl.nav`), RTE 4.3 (`adl.data`). */
export const model2004: DataModel = {
  codes: {
    undefinedElement: 401,
    readOnly: 404,
    writeOnly: 405,
    keyword: 404,
    noChildren: 301,
    noCount: 301,
    notSet: 403,
    type: 406,
    range: 407,
    dependency: 408,
    indexOnGet: 301,
    indexOnSet: 351,
    refusedSet: 351,
    emptyOnGet: 301,
    emptyOnSet: 351,
  },
  children: {
    'cmi.comments_from_learner': 'comment,location,timestamp',
    'cmi.comments_from_lms': 'comment,location,timestamp',
    'cmi.interactions':
      'id,type,objectives,timestamp,correct_responses,weighting,learner_response,result,latency,description',
    'cmi.learner_preference': 'audio_level,language,delivery_speed,audio_captioning',
    'cmi.objectives': 'id,score,success_status,completion_status,progress_measure,description',
    'cmi.objectives.n.score': 'scaled,raw,min,max',
    'cmi.score': 'scaled,raw,min,max',
    'adl.data': 'id,store',
  },
  collections: [
    'cmi.comments_from_learner',
    'cmi.comments_from_lms',
    'cmi.interactions',
    'cmi.interactions.n.objectives',
    'cmi.interactions.n.correct_responses',
    'cmi.objectives',
    'adl.data',
  ],
  fixed: ['cmi.comments_from_lms', 'adl.data'],
  elements: {
    'cmi._version': { access: 'read', initial: '1.0' },
    'cmi.comments_from_learner.n.comment': { access: 'both', check: localizedString },
    'cmi.comments_from_learner.n.location': { access: 'both', check: anyString },
    'cmi.comments_from_learner.n.timestamp': { access: 'both', check: time2004 },
    'cmi.comments_from_lms.n.comment': { access: 'read' },
    'cmi.comments_from_lms.n.location': { access: 'read' },
    'cmi.comments_from_lms.n.timestamp': { access: 'read' },
    'cmi.completion_status': { access: 'both', check: completion, initial: 'unknown' },
    'cmi.completion_threshold': { access: 'read' },
    'cmi.credit': { access: 'read', initial: 'credit' },
    'cmi.entry': { access: 'read', initial: 'ab-initio' },
    'cmi.exit': { access: 'write', check: oneOf('time-out', 'suspend', 'logout', 'normal', '') },
    'cmi.interactions.n.id': { access: 'both', check: identifier2004 },
    'cmi.interactions.n.type': { access: 'both', check: oneOf(...interactionTypes), needs: id },
    'cmi.interactions.n.objectives.n.id': {
      access: 'both',
      check: identifier2004,
      // RTE 4.2.9.1: an objective's identifier is unique within the interaction.
      refuse: (value, element, neighbours) =>
        takenId(`${interactionOf(element)}.objectives`, Number(element.split('.')[4]), value, neighbours),
    },
    'cmi.interactions.n.timestamp': { access: 'both', check: time2004, needs: id },
    'cmi.interactions.n.correct_responses.n.pattern': {
      access: 'both',
      checkAmong: byType(correctResponse),
      refuse: (value, element, neighbours) => {
        const interaction = interactionOf(element);
        const own = Number(element.split('.')[4]);
        const type = neighbours.value(`${interaction}.type`) ?? '';
        if (own > 0 && singlePattern.includes(type)) return true;
        if (!distinctPatterns.includes(type)) return false;
        const all = `${interaction}.correct_responses`;
        for (let n = 0; n < neighbours.count(all); n++)
          if (n !== own && neighbours.value(`${all}.${n}.pattern`) === value) return true;
        return false;
      },
    },
    'cmi.interactions.n.weighting': { access: 'both', check: real(), needs: id },
    'cmi.interactions.n.learner_response': {
      access: 'both',
      checkAmong: byType(learnerResponse),
      needs: ['id', 'type'],
    },
    'cmi.interactions.n.result': {
      access: 'both',
      check: either(oneOf('correct', 'incorrect', 'unanticipated', 'neutral'), real()),
      needs: id,
    },
    'cmi.interactions.n.latency': { access: 'both', check: interval2004, needs: id },
    'cmi.interactions.n.description': { access: 'both', check: localizedString, needs: id },
    'cmi.launch_data': { access: 'read' },
    'cmi.learner_id': { access: 'read' },
    'cmi.learner_name': { access: 'read' },
    'cmi.learner_preference.audio_level': { access: 'both', check: real(0), initial: '1' },
    'cmi.learner_preference.language': { access: 'both', check: languageOrEmpty, initial: '' },
    'cmi.learner_preference.delivery_speed': { access: 'both', check: real(0), initial: '1' },
    'cmi.learner_preference.audio_captioning': { access: 'both', check: oneOf('-1', '0', '1'), initial: '0' },
    'cmi.location': { access: 'both', check: anyString },
    'cmi.max_time_allowed': { access: 'read' },
    'cmi.mode': { access: 'read', initial: 'normal' },
    'cmi.objectives.n.id': {
      access: 'both',
      check: identifier2004,
      // RTE 4.2.17: set once, and unique.
      refuse: (value, element, neighbours) => {
        const kept = neighbours.value(element);
        return (
          (kept !== null && kept !== value) ||
          takenId('cmi.objectives', Number(element.split('.')[2]), value, neighbours)
        );
      },
    },
    ...score('cmi.objectives.n.score', id),
    'cmi.objectives.n.success_status': { access: 'both', check: success, needs: id, initial: 'unknown' },
    'cmi.objectives.n.completion_status': {
      access: 'both',
      check: completion,
      needs: id,
      initial: 'unknown',
    },
    'cmi.objectives.n.progress_measure': { access: 'both', check: real(0, 1), needs: id },
    'cmi.objectives.n.description': { access: 'both', check: localizedString, needs: id },
    'cmi.progress_measure': { access: 'both', check: real(0, 1) },
    'cmi.scaled_passing_score': { access: 'read' },
    ...score('cmi.score'),
    'cmi.session_time': { access: 'write', check: interval2004 },
    'cmi.success_status': { access: 'both', check: success, initial: 'unknown' },
    'cmi.suspend_data': { access: 'both', check: anyString },
    'cmi.time_limit_action': { access: 'read', initial: 'continue,no message' },
    'cmi.total_time': { access: 'read', initial: 'PT0S' },
    'adl.nav.request': {
      access: 'both',
      check: (value) => (navigation.test(value) ? 'ok' : 'type'),
      initial: '_none_',
    },
    'adl.nav.request_valid.continue': { access: 'read', initial: 'unknown' },
    'adl.nav.request_valid.previous': { access: 'read', initial: 'unknown' },
    'adl.data.n.id': { access: 'read' },
    'adl.data.n.store': { access: 'both', check: anyString, emptyIsUnset: true },
  },
};
