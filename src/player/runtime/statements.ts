import { toIsoDuration } from '../../base/durations.ts';
import { uuidFrom } from '../../base/ids.ts';
import type { Activity, Agent, Context, Result, Statement, Verb } from '../../xapi/types.ts';
import { activityTypes, verbs } from '../../xapi/verbs.ts';
import { localized, readInteraction } from './interactions.ts';
import { membersOf, outcomeOf, scoreAt, type CmiValues, type Outcome } from './values.ts';

/** The xAPI SCORM profile (https://w3id.org/xapi/scorm). */
export const scormProfile = 'https://w3id.org/xapi/scorm';

/** Whose data, of what, in which attempt: the same for all Statements of a commit. */
export interface StatementFrame {
  standard: '1.2' | '2004';
  actor: Agent;
  registration: string;
  course: { activityId: string; title: string };
  item: { activityId: string; title: string };
  attemptId: string;
  /** The package version that was played. */
  revision: string;
  platform: string;
  /** The language of the material as its metadata say it, else the one that the learner reads. */
  language: string;
  /** IRI of the platform's category for practice inside content; such questions are never scored (requirements W10). */
  practice: string;
  timestamp: string;
  /** Makes the Statements' ids: the same commit gives the same ids. */
  seed: string;
}

/** One commit as the translator sees it. */
export interface Step {
  before: CmiValues;
  after: CmiValues;
  start: 'ab-initio' | 'resume' | null;
  end: { exit: string } | null;
}

const lesson = (item: StatementFrame['item']): Activity => ({
  objectType: 'Activity',
  id: item.activityId,
  definition: { type: activityTypes.lesson, name: { und: item.title } },
});

function contextOf(frame: StatementFrame, extra: Partial<Pick<Context, 'contextActivities'>> = {}): Context {
  const { category = [], ...more } = extra.contextActivities ?? {};
  return {
    registration: frame.registration,
    revision: frame.revision,
    platform: frame.platform,
    language: frame.language,
    contextActivities: {
      grouping: [
        {
          id: frame.course.activityId,
          definition: { type: activityTypes.course, name: { und: frame.course.title } },
        },
        {
          id: frame.attemptId,
          definition: { type: activityTypes.attempt, name: { und: frame.item.title } },
        },
      ],
      category: [{ id: scormProfile, definition: { type: activityTypes.profile } }, ...category],
      ...more,
    },
  };
}

const outcomeResult = (outcome: Outcome): Result => ({
  ...(outcome.score === null ? {} : { score: outcome.score }),
  ...(outcome.success === null ? {} : { success: outcome.success }),
  ...(outcome.completion === null ? {} : { completion: outcome.completion }),
});
const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
const touched = (step: Step, prefix: string): boolean =>
  Object.keys(step.after).some(
    (name) => name.startsWith(`${prefix}.`) && step.after[name] !== step.before[name],
  );

/**
 * What a commit says, in the verbs of the SCORM profile (its section 6), in the order things happen: entry, responses,
 * objectives, score, progress, completion, success, comments, exit. Pure; a commit that changes nothing says nothing.
 */
export function statementsOf(step: Step, frame: StatementFrame): Statement[] {
  const { standard } = frame;
  const statements: Statement[] = [];
  const say = (
    verb: Verb,
    object: Activity,
    result?: Result,
    context?: Context,
    timestamp?: string,
  ): void => {
    statements.push({
      id: uuidFrom('commit', frame.seed, String(statements.length)),
      actor: frame.actor,
      verb,
      object,
      ...(result && Object.keys(result).length > 0 ? { result } : {}),
      context: context ?? contextOf(frame),
      timestamp: timestamp ?? frame.timestamp,
    });
  };
  const sco = lesson(frame.item);
  const was = outcomeOf(step.before, standard);
  const is = outcomeOf(step.after, standard);

  if (step.start) say(step.start === 'resume' ? verbs.resumed : verbs.initialized, sco);

  for (const at of membersOf(step.after, 'cmi.interactions')) {
    if (!touched(step, at)) continue;
    const interaction = readInteraction(step.after, at, standard);
    // A response or a result makes it an event; a question that is only described is none yet.
    if (!interaction || Object.keys(interaction.result).length === 0) continue;
    const before = readInteraction(step.before, at, standard);
    if (before && same(before, interaction)) continue;
    say(
      verbs.responded,
      {
        objectType: 'Activity',
        id: `${frame.item.activityId}/interactions/${encodeURIComponent(interaction.id)}`,
        definition: interaction.definition,
      },
      interaction.result,
      contextOf(frame, {
        contextActivities: {
          parent: [sco, ...interaction.objectives.map((id) => objectiveActivity(frame, id))],
          category: [{ id: frame.practice, definition: { type: activityTypes.profile } }],
        },
      }),
      interaction.timestamp ?? undefined,
    );
  }

  for (const at of membersOf(step.after, 'cmi.objectives')) {
    const id = step.after[`${at}.id`];
    if (id === undefined || !touched(step, at)) continue;
    const object = objectiveActivity(frame, id, step.after[`${at}.description`]);
    const context = contextOf(frame, { contextActivities: { parent: [sco] } });
    const score = scoreAt(step.after, `${at}.score`, standard);
    const now = objectiveOutcome(step.after, at, standard);
    const then = objectiveOutcome(step.before, at, standard);
    if (score && !same(score, scoreAt(step.before, `${at}.score`, standard)))
      say(verbs.scored, object, { score }, context);
    if (now.completed && !then.completed) say(verbs.completed, object, { completion: true }, context);
    if (now.success !== null && now.success !== then.success)
      say(
        now.success ? verbs.passed : verbs.failed,
        object,
        { ...(score ? { score } : {}), success: now.success },
        context,
      );
  }

  if (is.score && !same(is.score, was.score)) say(verbs.scored, sco, { score: is.score });
  if (is.progress !== null && is.progress !== was.progress)
    say(verbs.progressed, sco, { score: { scaled: is.progress } });
  // In 1.2 `failed` ends the SCO too, but the profile writes `completed` for a SCO that was gone through.
  const completed = (outcome: Outcome): boolean =>
    outcome.completion === true && (standard === '2004' || outcome.success !== false);
  if (completed(is) && !completed(was)) say(verbs.completed, sco, { completion: true });
  if (is.success !== null && is.success !== was.success)
    say(is.success ? verbs.passed : verbs.failed, sco, {
      ...(is.score ? { score: is.score } : {}),
      success: is.success,
    });

  for (const comment of newComments(step, standard))
    say(verbs.commented, sco, { response: comment.text }, undefined, comment.timestamp ?? undefined);

  if (step.end)
    say(step.end.exit === 'suspend' ? verbs.suspended : verbs.terminated, sco, {
      ...outcomeResult(is),
      ...(is.sessionSeconds === null ? {} : { duration: toIsoDuration(is.sessionSeconds) }),
    });
  return statements;
}

const objectiveActivity = (frame: StatementFrame, id: string, description?: string): Activity => ({
  objectType: 'Activity',
  id: `${frame.item.activityId}/objectives/${encodeURIComponent(id)}`,
  definition: {
    type: activityTypes.objective,
    ...(description === undefined ? {} : { description: localized(description) }),
  },
});

function objectiveOutcome(
  cmi: CmiValues,
  at: string,
  standard: '1.2' | '2004',
): { completed: boolean; success: boolean | null } {
  const success = cmi[`${at}.${standard === '2004' ? 'success_status' : 'status'}`];
  const completion = cmi[`${at}.${standard === '2004' ? 'completion_status' : 'status'}`];
  return {
    completed: completion === 'completed' || (standard === '1.2' && completion === 'passed'),
    success: success === 'passed' ? true : success === 'failed' ? false : null,
  };
}

function newComments(step: Step, standard: '1.2' | '2004'): { text: string; timestamp: string | null }[] {
  if (standard === '1.2') {
    const text = step.after['cmi.comments'];
    const before = step.before['cmi.comments'] ?? '';
    if (text === undefined || text === '' || text === before) return [];
    // Content appends to what it has read: only the new part is a new comment.
    return [{ text: text.startsWith(before) ? text.slice(before.length) : text, timestamp: null }];
  }
  return membersOf(step.after, 'cmi.comments_from_learner').flatMap((at) => {
    const text = step.after[`${at}.comment`];
    if (text === undefined || text === '' || text === step.before[`${at}.comment`]) return [];
    const instant = Date.parse(step.after[`${at}.timestamp`] ?? '');
    return [
      {
        text: text.replace(/^\{lang=[^}]*\}/, ''),
        timestamp: Number.isNaN(instant) ? null : new Date(instant).toISOString(),
      },
    ];
  });
}
