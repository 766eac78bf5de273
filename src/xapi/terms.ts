import { identityOf, isGroup } from './actor.ts';
import type { JsonObject } from './check.ts';

/**
 * What a query can ask for, as one text each. The letter says which parameter; upper case is the broad form
 * (`related_agents`, `related_activities`).
 */
export const term = {
  agent: (identity: string): string => `a ${identity}`,
  relatedAgent: (identity: string): string => `A ${identity}`,
  verb: (iri: string): string => `v ${iri}`,
  activity: (iri: string): string => `c ${iri}`,
  relatedActivity: (iri: string): string => `C ${iri}`,
  registration: (uuid: string): string => `r ${uuid.toLowerCase()}`,
  /** Who stored it: isolates `statements/read/mine`. */
  authority: (authorityId: string): string => `m ${authorityId}`,
};

const kinds = ['parent', 'grouping', 'category', 'other'] as const;
const each = (value: unknown): JsonObject[] =>
  Array.isArray(value) ? (value as JsonObject[]) : value === undefined ? [] : [value as JsonObject];

/**
 * Every term of a valid Statement (1.0.3 Communication 2.1.3; 2.0 4.1.6.1): the narrow agent is the actor or object
 * and a Group's members; the broad one adds authority, instructor, team, contextAgents and contextGroups, and all of
 * them in a SubStatement. Pure.
 */
export function termsOf(statement: object, authority: object, authorityId: string): string[] {
  const terms = new Set<string>();
  const whole = statement as JsonObject;
  addPart(terms, whole, true);
  terms.add(term.verb((whole['verb'] as JsonObject)['id'] as string));
  const registration = (whole['context'] as JsonObject | undefined)?.['registration'];
  if (typeof registration === 'string') terms.add(term.registration(registration));
  addAgent(terms, authority, false);
  terms.add(term.authority(authorityId));
  return Array.from(terms, wellFormed);
}

// Functions of the module rather than closures: this runs for every Statement.
function addAgent(terms: Set<string>, actor: unknown, narrow: boolean): void {
  if (actor === undefined) return;
  const identity = identityOf(actor);
  if (identity !== null) {
    if (narrow) terms.add(term.agent(identity));
    terms.add(term.relatedAgent(identity));
  }
  if (isGroup(actor))
    for (const member of each((actor as JsonObject)['member'])) addAgent(terms, member, narrow);
}

function addActivity(terms: Set<string>, id: unknown, narrow: boolean): void {
  if (typeof id !== 'string') return;
  if (narrow) terms.add(term.activity(id));
  terms.add(term.relatedActivity(id));
}

function addPart(terms: Set<string>, value: JsonObject, narrow: boolean): void {
  addAgent(terms, value['actor'], narrow);
  const object = value['object'] as JsonObject;
  const type = object['objectType'];
  if (type === undefined || type === 'Activity') addActivity(terms, object['id'], narrow);
  else if (type === 'Agent' || type === 'Group') addAgent(terms, object, narrow);
  else if (type === 'SubStatement') addPart(terms, object, false);
  const context = value['context'] as JsonObject | undefined;
  if (!context) return;
  addAgent(terms, context['instructor'], false);
  addAgent(terms, context['team'], false);
  for (const item of each(context['contextAgents'])) addAgent(terms, item['agent'], false);
  for (const item of each(context['contextGroups'])) addAgent(terms, item['group'], false);
  const activities = context['contextActivities'] as JsonObject | undefined;
  if (!activities) return;
  for (const kind of kinds) for (const item of each(activities[kind])) addActivity(terms, item['id'], false);
}

const surrogate = /\p{Surrogate}/u;

/** A lone surrogate cannot be stored as UTF-8: it is written as its escape, so that two of them stay two. */
export const wellFormed = (text: string): string => (surrogate.test(text) ? JSON.stringify(text) : text);

/** Any text as one that UTF-8 can hold, to be read back by `fromWellFormed`. */
export const toWellFormed = (text: string): string =>
  text.startsWith('"') || surrogate.test(text) ? JSON.stringify(text) : text;

export function fromWellFormed(kept: string): string {
  return kept.startsWith('"') ? (JSON.parse(kept) as string) : kept;
}

/** What refers to a Statement is found by that Statement's terms too (1.0.3 Communication 2.1.3), but stays its own author's. */
export const isInherited = (text: string): boolean => !text.startsWith('m ');

/** A verb's term, be it escaped or not. */
export const isVerb = (text: string): boolean => text.startsWith('v ') || text.startsWith('"v ');
