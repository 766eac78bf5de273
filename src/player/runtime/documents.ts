import { toIsoDuration } from '../../base/durations.ts';
import type { Agent } from '../../xapi/types.ts';
import type { ItemState } from './item-state.ts';
import { scormProfile, type StatementFrame } from './statements.ts';

/** One document of the SCORM profile (its appendix, "xAPI SCORM data objects"), for the State resource. */
export interface ProfileDocument {
  key: { activityId: string; agent: Agent; registration: string; stateId: string };
  json: string;
}

/** What a finished session leaves beside its Statements: activity-state, attempt-state, suspend data. Pure. */
export function documentsOf(state: ItemState, frame: StatementFrame, attempts: string[]): ProfileDocument[] {
  const { cmi } = state;
  const is2004 = frame.standard === '2004';
  const at = (activityId: string, stateId: string, value: unknown): ProfileDocument => ({
    key: { activityId, agent: frame.actor, registration: frame.registration, stateId },
    json: JSON.stringify(value),
  });
  const prefix = is2004 ? 'cmi.learner_preference' : 'cmi.student_preference';
  const number = (name: string): number | undefined => {
    const value = cmi[`${prefix}.${name}`];
    return value === undefined || value === '' ? undefined : Number(value);
  };
  const preferences = {
    audio_level: number(is2004 ? 'audio_level' : 'audio'),
    language: cmi[`${prefix}.language`] || undefined,
    delivery_speed: number(is2004 ? 'delivery_speed' : 'speed'),
    audio_captioning: number(is2004 ? 'audio_captioning' : 'text'),
  };
  const location = cmi[is2004 ? 'cmi.location' : 'cmi.core.lesson_location'];
  const suspended = cmi['cmi.suspend_data'];
  return [
    at(frame.item.activityId, `${scormProfile}/activity-state`, { attempts }),
    at(frame.attemptId, `${scormProfile}/attempt-state`, {
      credit: 'credit',
      mode: 'normal',
      location,
      ...(Object.values(preferences).some((value) => value !== undefined) ? { preferences } : {}),
      total_time: toIsoDuration(state.totalSeconds),
    }),
    ...(suspended === undefined
      ? []
      : [at(frame.attemptId, `${scormProfile}/types/adl-suspend-data`, suspended)]),
  ];
}
