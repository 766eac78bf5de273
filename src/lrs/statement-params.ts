import { DomainError } from '../base/errors.ts';
import { checkActor } from '../xapi/actor.ts';
import { Checker } from '../xapi/check.ts';
import type { Format } from '../xapi/formats.ts';
import { parseJson } from '../xapi/json.ts';
import { instantOf, isIri, isRfcUuid } from '../xapi/scalars.ts';
import type { Agent } from '../xapi/types.ts';
import { toQuery } from './door.ts';
import { bad, type XapiRequest } from './exchange.ts';
import type { StatementQuery } from './store.ts';
import type { StatementFilter } from './types.ts';

/** Statements on one page at most, and when `limit` is 0 or absent. */
export const mostPerPage = 500;

export const singleParams = ['statementId', 'voidedStatementId', 'format', 'attachments'];
export const filterParams = [
  'agent',
  'verb',
  'activity',
  'registration',
  'related_activities',
  'related_agents',
  'since',
  'until',
  'limit',
  'format',
  'attachments',
  'ascending',
];

/** What a `more` link carries: the query as it was, and where to go on. */
export interface MoreState {
  query: [string, string][];
  after: number;
  through: number;
}

const flag = (request: XapiRequest, name: string): boolean => {
  const value = request.params.get(name);
  if (value === undefined || value === 'false') return false;
  if (value === 'true') return true;
  throw bad(`${name} must be true or false.`, name);
};

/** How a GET wants its Statements. */
export function readPresentation(request: XapiRequest): { format: Format; withAttachments: boolean } {
  const format = request.params.get('format') ?? 'exact';
  if (format !== 'exact' && format !== 'ids' && format !== 'canonical')
    throw bad('format must be ids, exact or canonical.', 'format');
  return { format, withAttachments: flag(request, 'attachments') };
}

/** The filters of GET Statements (1.0.3 Communication 2.1.3). */
export function readQuery(request: XapiRequest): StatementQuery {
  const { params } = request;
  const filter: StatementFilter = {
    relatedActivities: flag(request, 'related_activities'),
    relatedAgents: flag(request, 'related_agents'),
    ascending: flag(request, 'ascending'),
  };
  const agent = params.get('agent');
  if (agent !== undefined) filter.agent = readAgent(agent, 'agent', true);
  for (const name of ['verb', 'activity'] as const) {
    const value = params.get(name);
    if (value === undefined) continue;
    if (!isIri(value)) throw bad(`${name} is not an IRI.`, name);
    filter[name] = value;
  }
  const registration = params.get('registration');
  if (registration !== undefined) {
    if (!isRfcUuid(registration)) throw bad('registration is not a UUID.', 'registration');
    filter.registration = registration;
  }
  for (const name of ['since', 'until'] as const) {
    const value = params.get(name);
    if (value === undefined) continue;
    if (instantOf(value) === null) throw bad(`${name} is not an ISO 8601 timestamp.`, name);
    filter[name] = value;
  }
  const limit = params.get('limit') ?? '0';
  if (!/^\d{1,9}$/.test(limit)) throw bad('limit must be a non-negative integer.', 'limit');
  return toQuery(filter, Math.min(Number(limit) || mostPerPage, mostPerPage));
}

/** An Agent (or identified Group) in a parameter, by the data model's rules. */
export function readAgent(text: string, name: string, groups = false): Agent {
  const { value } = parseJson(text, 16);
  const c = new Checker('1.0.3');
  checkActor(c, value, name);
  const isGroup = (value as { objectType?: unknown } | null)?.objectType === 'Group';
  if (isGroup && !groups) c.fail(name, 'actor', 'must be an Agent');
  if (c.problems.length > 0)
    throw new DomainError('invalid', `${name} is not a valid Agent.`, {
      code: 'xapi-invalid',
      problems: c.problems,
    });
  return value as Agent;
}

export const writeMore = (state: MoreState): string =>
  Buffer.from(JSON.stringify(state)).toString('base64url');

/** DomainError `invalid` for anything that `writeMore` did not make. */
export function readMore(text: string): MoreState {
  try {
    const value = JSON.parse(Buffer.from(text, 'base64url').toString('utf8')) as MoreState;
    if (
      Number.isSafeInteger(value.after) &&
      Number.isSafeInteger(value.through) &&
      value.query.every(([name, entry]) => filterParams.includes(name) && typeof entry === 'string')
    )
      return value;
  } catch {
    // Answered below like any other broken link.
  }
  throw bad('This more link is not one of this LRS.', 'more');
}
