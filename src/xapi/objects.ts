import { identityOf, isGroup } from './actor.ts';
import type { JsonObject } from './check.ts';
import { type ExactJson, ExactNumber, parseExact } from './json.ts';

/** An Activity that a Statement defines, by the path (slash-joined) of its definition. */
export interface DefinedActivity {
  id: string;
  path: string;
  definition: JsonObject;
}

const kinds = ['parent', 'grouping', 'category', 'other'] as const;

/** Every Activity in a valid Statement that carries a definition. */
export function definedActivities(statement: object): DefinedActivity[] {
  const found: DefinedActivity[] = [];
  addDefined(found, statement as JsonObject, '');
  return found;
}

function addDefined(found: DefinedActivity[], value: JsonObject, below: string): void {
  const object = value['object'] as JsonObject;
  const type = object['objectType'];
  if (type === undefined || type === 'Activity') addActivity(found, object, `${below}object`);
  else if (type === 'SubStatement') addDefined(found, object, `${below}object/`);
  const context = value['context'] as JsonObject | undefined;
  const activities = context?.['contextActivities'] as JsonObject | undefined;
  if (!activities) return;
  for (const kind of kinds) {
    const entry = activities[kind];
    const path = `${below}context/contextActivities/${kind}`;
    if (Array.isArray(entry))
      entry.forEach((item, at) => addActivity(found, item as JsonObject, `${path}/${at}`));
    else if (typeof entry === 'object' && entry !== null) addActivity(found, entry as JsonObject, path);
  }
}

function addActivity(found: DefinedActivity[], value: JsonObject, path: string): void {
  const definition = value['definition'];
  if (typeof value['id'] === 'string' && typeof definition === 'object' && definition !== null)
    found.push({ id: value['id'], path: `${path}/definition`, definition: definition as JsonObject });
}

export interface NamedAgent {
  identity: string;
  name: string;
}

/** Names under which identified Agents and Groups appear (for GET agents; 1.0.3 Communication 2.4). */
export function namedAgents(statement: object): NamedAgent[] {
  const found: NamedAgent[] = [];
  addNamedIn(found, statement as JsonObject);
  return found;
}

function addNamedIn(found: NamedAgent[], value: JsonObject): void {
  addNamed(found, value['actor']);
  const object = value['object'] as JsonObject;
  if (object['objectType'] === 'Agent' || object['objectType'] === 'Group') addNamed(found, object);
  else if (object['objectType'] === 'SubStatement') addNamedIn(found, object);
  const context = value['context'] as JsonObject | undefined;
  if (!context) return;
  addNamed(found, context['instructor']);
  addNamed(found, context['team']);
}

function addNamed(found: NamedAgent[], value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  const actor = value as JsonObject;
  if (typeof actor['name'] === 'string') {
    const identity = identityOf(actor);
    if (identity !== null) found.push({ identity, name: actor['name'] });
  }
  if (isGroup(actor) && Array.isArray(actor['member']))
    for (const member of actor['member']) addNamed(found, member);
}

/** Writes exact JSON again; numbers keep their digits. */
export function stringifyExact(value: ExactJson): string {
  if (value instanceof ExactNumber) return value.text;
  if (Array.isArray(value)) return `[${value.map(stringifyExact).join(',')}]`;
  if (value instanceof Map)
    return `{${[...value].map(([key, member]) => `${JSON.stringify(key)}:${stringifyExact(member)}`).join(',')}}`;
  return JSON.stringify(value);
}

/**
 * The LRS's definition of an Activity after one more Statement spoke of it: newer properties replace older ones,
 * language maps and extensions gain entries. JSON texts in and out.
 */
export function mergeDefinitions(older: string | null, newer: string): string {
  if (older === null) return newer;
  const left = parseExact(older);
  const right = parseExact(newer);
  if (!(left instanceof Map) || !(right instanceof Map)) return newer;
  const merged = new Map(left);
  for (const [key, value] of right) {
    const before = merged.get(key);
    const joins = key === 'name' || key === 'description' || key === 'extensions';
    merged.set(
      key,
      joins && before instanceof Map && value instanceof Map ? new Map([...before, ...value]) : value,
    );
  }
  return stringifyExact(merged);
}

/** The texts at these slash-joined paths. */
export function textsAt(text: string, paths: ReadonlySet<string>): Map<string, string> {
  const result = new Map<string, string>();
  if (paths.size > 0)
    parseExact(text, (path, { start, end }) => {
      const name = path.join('/');
      if (paths.has(name)) result.set(name, text.slice(start, end));
    });
  return result;
}
