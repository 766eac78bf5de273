import { DomainError } from '../../base/errors.ts';
import { isIri, isUuidText } from '../../xapi/scalars.ts';
import type { Agent } from '../../xapi/types.ts';
import { readAgent } from '../statement-params.ts';
import type { StatementFilter } from '../types.ts';

/** A form's fields or a query's parameters, trimmed; empty ones are left out. */
export type Fields = Record<string, string | undefined>;

export const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined;

export function fieldsOf(source: unknown): Fields {
  const fields: Fields = {};
  for (const [name, value] of Object.entries((source ?? {}) as Record<string, unknown>))
    fields[name] = textOf(value);
  return fields;
}

export const wrong = (path: string, message: string): DomainError =>
  new DomainError('invalid', message, { code: 'invalid-fields', problems: [{ path, message }] });

const isDay = (value: string): boolean => /^\d{4}-\d\d-\d\d$/.test(value);
/** A date of a form is that day in Taipei, from its beginning; anything longer is an instant. */
export const fromDay = (value: string): string => (isDay(value) ? `${value}T00:00:00+08:00` : value);
/** To the end of that day. */
export const toDay = (value: string): string => (isDay(value) ? `${value}T23:59:59.999+08:00` : value);

export interface SearchDeps {
  /** `actor.account.homePage` of the platform's own learners, and where its courses' IRIs begin. */
  homePage: string;
  /** Whoever signs in by this name or is called so: ids, each with what tells one from another. */
  peopleNamed: (text: string) => Promise<{ id: string; told: string }[]>;
  /** Codes of the published courses that are called so. */
  coursesNamed: (title: string) => Promise<string[]>;
}

/** The only one of them; DomainError `invalid` that names them where there are several. */
function onlyOne<T>(field: string, found: readonly T[], told: (one: T) => string): T | null {
  const [only = null, ...others] = found;
  if (others.length === 0) return only;
  const choices = found.map(told).join('、');
  throw new DomainError('invalid', `Several are called so: ${choices}. Enter one of these.`, {
    code: `lrs-several-${field}`,
    params: { choices },
    problems: [{ path: field, message: `stands for several: ${choices}` }],
  });
}

/** The words of the administration's forms as questions to the store. */
export function createSearch({ homePage, peopleNamed, coursesNamed }: SearchDeps) {
  /** A learner as people write one: an xAPI agent, a mailbox, the platform's own id, a login name or a name. */
  const agentOf = async (learner: string): Promise<Agent> => {
    if (learner.startsWith('{')) return readAgent(learner, 'learner', true);
    if (learner.startsWith('mailto:')) return { mbox: learner };
    if (learner.includes('@')) return { mbox: `mailto:${learner}` };
    const found = isUuidText(learner) ? [] : await peopleNamed(learner);
    const one = onlyOne('learner', found, ({ told }) => told);
    return { account: { homePage, name: one?.id ?? learner } };
  };

  /** An Activity by its IRI, or a course by its code or its title. */
  const activityOf = async (activity: string): Promise<string> => {
    if (isIri(activity)) return activity;
    const code = onlyOne('activity', await coursesNamed(activity), (one) => one);
    if (code !== null || /^[\w.-]+$/.test(activity)) return `${homePage}/courses/${code ?? activity}`;
    throw wrong('activity', 'activity must be an IRI, or the code or title of a course.');
  };

  const filterOf = async (fields: Fields): Promise<StatementFilter> => {
    const { learner, activity, verb, registration, since, until } = fields;
    if (verb !== undefined && !isIri(verb)) throw wrong('verb', 'verb must be an IRI.');
    if (registration !== undefined && !isUuidText(registration))
      throw wrong('registration', 'registration must be a UUID.');
    return {
      ...(learner === undefined ? {} : { agent: await agentOf(learner), relatedAgents: true }),
      ...(activity === undefined ? {} : { activity: await activityOf(activity), relatedActivities: true }),
      ...(verb === undefined ? {} : { verb }),
      ...(registration === undefined ? {} : { registration }),
      ...(since === undefined ? {} : { since: fromDay(since) }),
      ...(until === undefined ? {} : { until: toDay(until) }),
    };
  };

  return { agentOf, filterOf };
}

export type Search = ReturnType<typeof createSearch>;
