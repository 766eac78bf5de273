import type { Checker, JsonObject } from './check.ts';
import { found } from './check.ts';
import { checkExtensions, checkIri, checkLanguageMap } from './scalars.ts';

const activityKeys = new Set(['objectType', 'id', 'definition']);
const componentLists = ['choices', 'scale', 'source', 'target', 'steps'] as const;
const definitionKeys = new Set([
  'name',
  'description',
  'type',
  'moreInfo',
  'extensions',
  'interactionType',
  'correctResponsesPattern',
  ...componentLists,
]);
const componentKeys = new Set(['id', 'description']);
/** Which component lists an interaction type may have (1.0.3 Data 2.4.4.1, interaction components). */
const listsOf: Record<string, readonly string[]> = {
  'true-false': [],
  choice: ['choices'],
  'fill-in': [],
  'long-fill-in': [],
  matching: ['source', 'target'],
  performance: ['steps'],
  sequencing: ['choices'],
  likert: ['scale'],
  numeric: [],
  other: [],
};

export function checkActivity(c: Checker, value: unknown, path: string): void {
  if (!c.object(value, path, 'activity')) return;
  c.keys(value, activityKeys, path, 'activity');
  if (value['objectType'] !== undefined && value['objectType'] !== 'Activity')
    c.fail(`${path}.objectType`, 'activity', `must be "Activity", found ${found(value['objectType'])}`);
  checkIri(c, value['id'], `${path}.id`, 'activity');
  if (value['definition'] !== undefined) checkDefinition(c, value['definition'], `${path}.definition`);
}

function checkDefinition(c: Checker, value: unknown, path: string): void {
  if (!c.object(value, path, 'activity')) return;
  c.keys(value, definitionKeys, path, 'activity');
  if (value['name'] !== undefined) checkLanguageMap(c, value['name'], `${path}.name`);
  if (value['description'] !== undefined) checkLanguageMap(c, value['description'], `${path}.description`);
  if (value['type'] !== undefined) checkIri(c, value['type'], `${path}.type`, 'activity');
  if (value['moreInfo'] !== undefined) checkIri(c, value['moreInfo'], `${path}.moreInfo`, 'activity');
  if (value['extensions'] !== undefined) checkExtensions(c, value['extensions'], `${path}.extensions`);
  checkInteraction(c, value, path);
}

function checkInteraction(c: Checker, definition: JsonObject, path: string): void {
  const type = definition['interactionType'];
  const patterns = definition['correctResponsesPattern'];
  const lists = componentLists.filter((list) => definition[list] !== undefined);
  if (type === undefined) {
    if (patterns !== undefined || lists.length > 0)
      c.fail(path, 'interaction', 'has interaction properties and must have interactionType');
  } else if (typeof type !== 'string' || !Object.hasOwn(listsOf, type)) {
    c.fail(
      `${path}.interactionType`,
      'interaction',
      `must be one of ${Object.keys(listsOf).join(', ')}; found ${found(type)}`,
    );
  } else {
    for (const list of lists)
      if (!listsOf[type]?.includes(list))
        c.fail(`${path}.${list}`, 'interaction', `is not a property of the interaction type ${type}`);
  }
  if (patterns !== undefined && c.list(patterns, `${path}.correctResponsesPattern`, 'interaction'))
    patterns.forEach((pattern, at) =>
      c.text(pattern, `${path}.correctResponsesPattern[${at}]`, 'interaction'),
    );
  for (const list of lists) checkComponents(c, definition[list], `${path}.${list}`);
}

function checkComponents(c: Checker, value: unknown, path: string): void {
  if (!c.list(value, path, 'interaction')) return;
  const ids = new Set<string>();
  value.forEach((component: unknown, index) => {
    const at = `${path}[${index}]`;
    if (!c.object(component, at, 'interaction')) return;
    c.keys(component, componentKeys, at, 'interaction');
    const id = component['id'];
    if (c.text(id, `${at}.id`, 'interaction')) {
      if (ids.has(id)) c.fail(`${at}.id`, 'interaction', `repeats the id ${found(id)}`);
      ids.add(id);
    }
    if (component['description'] !== undefined)
      checkLanguageMap(c, component['description'], `${at}.description`);
  });
}
