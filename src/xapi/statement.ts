import type { Problem } from '../base/errors.ts';
import { checkActivity } from './activity.ts';
import { checkActor, checkAgent, checkAuthority, checkGroup } from './actor.ts';
import { checkAttachments } from './attachments.ts';
import { Checker, found, type JsonObject } from './check.ts';
import type { Rewrites } from './raw.ts';
import {
  checkExtensions,
  checkIri,
  checkLanguageMap,
  checkLanguageTag,
  checkTimestamp,
  checkUuid,
  isDuration,
} from './scalars.ts';
import type { XapiVersion } from './versions.ts';
import { isStatementVersion } from './versions.ts';

export const voidedVerb = 'http://adlnet.gov/expapi/verbs/voided';

const statementKeys = new Set([
  'id',
  'actor',
  'verb',
  'object',
  'result',
  'context',
  'timestamp',
  'stored',
  'authority',
  'version',
  'attachments',
]);
const subStatementKeys = new Set([
  'objectType',
  'actor',
  'verb',
  'object',
  'result',
  'context',
  'timestamp',
  'attachments',
]);
const verbKeys = new Set(['id', 'display']);
const refKeys = new Set(['objectType', 'id']);
const resultKeys = new Set(['score', 'success', 'completion', 'response', 'duration', 'extensions']);
const scoreKeys = new Set(['scaled', 'raw', 'min', 'max']);
const contextKeys = new Set([
  'registration',
  'instructor',
  'team',
  'contextActivities',
  'revision',
  'platform',
  'language',
  'statement',
  'extensions',
]);
const contextKeys2 = new Set([...contextKeys, 'contextAgents', 'contextGroups']);
const contextActivityKeys = new Set(['parent', 'grouping', 'category', 'other']);

export interface CheckedStatement {
  problems: Problem[];
  rewrites: Rewrites;
}

/**
 * The whole data model of one Statement, by the rules of the edition (1.0.3 part 2; 2.0 §4.2). The problems' paths
 * begin with `path`. Pure; the Statement is not changed.
 */
export function checkStatement(value: unknown, version: XapiVersion, path = '$'): CheckedStatement {
  const c = new Checker(version);
  const drop: string[] = [];
  if (c.object(value, path, 'statement')) {
    c.keys(value, statementKeys, path, 'statement');
    if (value['id'] !== undefined) checkUuid(c, value['id'], `${path}.id`);
    checkCommon(c, value, path, '');
    checkStatementObject(c, value, path);
    checkVoiding(c, value, path);
    if (value['authority'] !== undefined) {
      checkAuthority(c, value['authority'], `${path}.authority`);
      drop.push('authority');
    }
    if (value['stored'] !== undefined) {
      checkTimestamp(c, value, 'stored', `${path}.stored`, 'stored');
      c.replace.delete('stored');
      drop.push('stored');
    }
    if (value['version'] !== undefined && !isStatementVersion(value['version'], version))
      c.fail(
        `${path}.version`,
        'version',
        `must be ${version === '1.0.3' ? '1.0.x' : '1.0.x or 2.0.x'}, found ${found(value['version'])}`,
      );
  }
  return { problems: c.problems, rewrites: { drop, wrap: c.wrap, replace: c.replace } };
}

/** What Statement and SubStatement share. `below`: slash-joined path with a trailing slash, for rewriting. */
function checkCommon(c: Checker, value: JsonObject, path: string, below: string): void {
  checkActor(c, value['actor'], `${path}.actor`);
  checkVerb(c, value['verb'], `${path}.verb`);
  if (value['result'] !== undefined) checkResult(c, value['result'], `${path}.result`);
  if (value['context'] !== undefined) checkContext(c, value, path, below);
  if (value['timestamp'] !== undefined)
    checkTimestamp(c, value, 'timestamp', `${path}.timestamp`, `${below}timestamp`);
  if (value['attachments'] !== undefined) checkAttachments(c, value['attachments'], `${path}.attachments`);
}

function checkVerb(c: Checker, value: unknown, path: string): void {
  if (!c.object(value, path, 'verb')) return;
  c.keys(value, verbKeys, path, 'verb');
  checkIri(c, value['id'], `${path}.id`, 'verb');
  if (value['display'] !== undefined) checkLanguageMap(c, value['display'], `${path}.display`);
}

function checkStatementObject(c: Checker, statement: JsonObject, path: string): void {
  const object = statement['object'];
  const at = `${path}.object`;
  if (
    typeof object === 'object' &&
    object !== null &&
    (object as JsonObject)['objectType'] === 'SubStatement'
  ) {
    const sub = object as JsonObject;
    c.keys(sub, subStatementKeys, at, 'subStatement');
    checkCommon(c, sub, at, 'object/');
    const inner = sub['object'];
    if (typeof inner === 'object' && inner !== null && (inner as JsonObject)['objectType'] === 'SubStatement')
      c.fail(`${at}.object`, 'subStatement', 'must not be a SubStatement within a SubStatement');
    else checkPlainObject(c, inner, `${at}.object`);
  } else checkPlainObject(c, object, at);
}

function checkPlainObject(c: Checker, object: unknown, path: string): void {
  if (!c.object(object, path, 'object')) return;
  const type = object['objectType'];
  if (type === undefined || type === 'Activity') checkActivity(c, object, path);
  else if (type === 'Agent') checkAgent(c, object, path, 'object');
  else if (type === 'Group') checkGroup(c, object, path, 'object');
  else if (type === 'StatementRef') checkStatementRef(c, object, path);
  else
    c.fail(
      `${path}.objectType`,
      'object',
      `must be Activity, Agent, Group, StatementRef or SubStatement; found ${found(type)}`,
    );
}

function checkStatementRef(c: Checker, value: unknown, path: string): void {
  if (!c.object(value, path, 'statementRef')) return;
  c.keys(value, refKeys, path, 'statementRef');
  if (value['objectType'] !== 'StatementRef')
    c.fail(
      `${path}.objectType`,
      'statementRef',
      `must be "StatementRef", found ${found(value['objectType'])}`,
    );
  checkUuid(c, value['id'], `${path}.id`);
}

function checkVoiding(c: Checker, value: JsonObject, path: string): void {
  const verb = value['verb'] as JsonObject | undefined;
  if (verb?.['id'] !== voidedVerb) return;
  const object = value['object'] as JsonObject | undefined;
  if (object?.['objectType'] !== 'StatementRef')
    c.fail(`${path}.object`, 'voiding', 'must be a StatementRef when the verb is voided');
}

function checkResult(c: Checker, value: unknown, path: string): void {
  if (!c.object(value, path, 'result')) return;
  c.keys(value, resultKeys, path, 'result');
  if (value['score'] !== undefined) checkScore(c, value['score'], `${path}.score`);
  for (const key of ['success', 'completion'])
    if (value[key] !== undefined) c.flag(value[key], `${path}.${key}`, 'result');
  if (value['response'] !== undefined) c.text(value['response'], `${path}.response`, 'result');
  if (value['duration'] !== undefined && !isDuration(value['duration']))
    c.fail(
      `${path}.duration`,
      'duration',
      `must be an ISO 8601 duration such as PT1H30M, found ${found(value['duration'])}`,
    );
  if (value['extensions'] !== undefined) checkExtensions(c, value['extensions'], `${path}.extensions`);
}

function checkScore(c: Checker, value: unknown, path: string): void {
  if (!c.object(value, path, 'score')) return;
  c.keys(value, scoreKeys, path, 'score');
  for (const key of scoreKeys)
    if (value[key] !== undefined && typeof value[key] !== 'number')
      c.fail(`${path}.${key}`, 'score', `must be a number, found ${found(value[key])}`);
  const { scaled, raw, min, max } = value as Record<string, number | undefined>;
  if (typeof scaled === 'number' && (scaled < -1 || scaled > 1))
    c.fail(`${path}.scaled`, 'score', `must lie between -1 and 1, found ${scaled}`);
  if (typeof min === 'number' && typeof max === 'number' && min >= max)
    c.fail(`${path}.min`, 'score', `must be less than max (${max}), found ${min}`);
  if (typeof raw === 'number' && typeof min === 'number' && raw < min)
    c.fail(`${path}.raw`, 'score', `must not be less than min (${min}), found ${raw}`);
  if (typeof raw === 'number' && typeof max === 'number' && raw > max)
    c.fail(`${path}.raw`, 'score', `must not be greater than max (${max}), found ${raw}`);
}

function checkContext(c: Checker, owner: JsonObject, ownerPath: string, below: string): void {
  const value = owner['context'];
  const path = `${ownerPath}.context`;
  if (!c.object(value, path, 'context')) return;
  c.keys(value, c.version === '1.0.3' ? contextKeys : contextKeys2, path, 'context');
  if (value['registration'] !== undefined) checkUuid(c, value['registration'], `${path}.registration`);
  if (value['instructor'] !== undefined) checkActor(c, value['instructor'], `${path}.instructor`, 'context');
  if (value['team'] !== undefined) checkGroup(c, value['team'], `${path}.team`, 'context');
  const object = owner['object'] as JsonObject | undefined;
  const aboutActivity = object?.['objectType'] === undefined || object['objectType'] === 'Activity';
  for (const key of ['revision', 'platform'])
    if (value[key] !== undefined) {
      c.text(value[key], `${path}.${key}`, 'context');
      if (!aboutActivity)
        c.fail(`${path}.${key}`, 'context', 'is allowed only when the object is an Activity');
    }
  if (value['language'] !== undefined) checkLanguageTag(c, value['language'], `${path}.language`, 'context');
  if (value['statement'] !== undefined) checkStatementRef(c, value['statement'], `${path}.statement`);
  if (value['extensions'] !== undefined) checkExtensions(c, value['extensions'], `${path}.extensions`);
  if (value['contextActivities'] !== undefined)
    checkContextActivities(
      c,
      value['contextActivities'],
      `${path}.contextActivities`,
      `${below}context/contextActivities/`,
    );
  if (c.version === '2.0.0')
    for (const [key, type, part] of contextLists)
      if (value[key] !== undefined) checkContextList(c, value[key], `${path}.${key}`, type, part);
}

function checkContextActivities(c: Checker, value: unknown, path: string, below: string): void {
  if (!c.object(value, path, 'contextActivities')) return;
  c.keys(value, contextActivityKeys, path, 'contextActivities');
  for (const key of contextActivityKeys) {
    const entry = value[key];
    if (entry === undefined || entry === null) continue;
    if (Array.isArray(entry))
      entry.forEach((activity, at) => checkActivity(c, activity, `${path}.${key}[${at}]`));
    else {
      checkActivity(c, entry, `${path}.${key}`);
      c.wrap.add(below + key);
    }
  }
}

const contextLists = [
  ['contextAgents', 'contextAgent', 'agent'],
  ['contextGroups', 'contextGroup', 'group'],
] as const;

/** 2.0 4.2.2.5: contextAgents and contextGroups. */
function checkContextList(
  c: Checker,
  value: unknown,
  path: string,
  type: string,
  part: 'agent' | 'group',
): void {
  if (!c.list(value, path, 'context')) return;
  const keys = new Set(['objectType', part, 'relevantTypes']);
  value.forEach((item: unknown, index) => {
    const at = `${path}[${index}]`;
    if (!c.object(item, at, 'context')) return;
    c.keys(item, keys, at, 'context');
    if (item['objectType'] !== type)
      c.fail(`${at}.objectType`, 'context', `must be "${type}", found ${found(item['objectType'])}`);
    if (part === 'agent') checkAgent(c, item['agent'], `${at}.agent`, 'context');
    else checkGroup(c, item['group'], `${at}.group`, 'context');
    const types = item['relevantTypes'];
    if (types === undefined || !c.list(types, `${at}.relevantTypes`, 'context')) return;
    if (types.length === 0) c.fail(`${at}.relevantTypes`, 'context', 'must not be empty');
    types.forEach((iri, i) => checkIri(c, iri, `${at}.relevantTypes[${i}]`, 'context'));
  });
}
