import { facts, type Condition, type Fact, type Facts, type Rule } from './definition.ts';
import { nothingKnown, type Activity, type ActivityTree } from './tree.ts';

/** Facts about the objective itself: read from a global objective they take the place of the activity's own, also unknown. */
const taken: Fact[] = ['satisfied', 'measure'];

/**
 * What is known of an activity's objective, with what its maps read from global ones (SN 3.10.3). `n`: 0 is the primary
 * objective, which stands for the activity's completion too. `current`: only what the parent's current attempt knows.
 */
export function known(tree: ActivityTree, activity: Activity, n = 0, current = false): Facts {
  const { definition, tracking } = activity;
  const objective = definition.objectives[n];
  const own = tracking.objectives[n];
  if (!objective || !own) return nothingKnown();
  const found = definition.tracked ? { ...own } : nothingKnown();
  if (current && tracking.oldObjectives)
    for (const fact of ['satisfied', 'measure', 'raw', 'min', 'max'] as const) found[fact] = null;
  if (current && tracking.oldProgress)
    for (const fact of ['completed', 'progress'] as const) found[fact] = null;
  for (const map of objective.maps) {
    const shared = tree.globals.get(map.target) ?? nothingKnown();
    for (const fact of facts)
      if (map.read[fact] && (shared[fact] !== null || taken.includes(fact)))
        assign(found, fact, shared[fact]);
  }
  return derived(activity, n, found);
}

/** As content finds an objective: a completion that is read stands as its writer judged it, by the writer's threshold. */
export function shown(tree: ActivityTree, activity: Activity, n: number): Facts {
  const facts = known(tree, activity, n);
  const map = activity.definition.objectives[n]?.maps.find(({ read }) => read.completed);
  const completed = map && tree.globals.get(map.target)?.completed;
  return typeof completed === 'boolean' ? { ...facts, completed } : facts;
}

/** Status that follows from a measure: passed by score, completed by progress (RB.1.2 a, RB.1.3 a). */
function derived(activity: Activity, n: number, found: Facts): Facts {
  const { definition, tracking } = activity;
  const objective = definition.objectives[n];
  if (objective?.satisfiedByMeasure) {
    const judged = n > 0 || !tracking.active || definition.measureSatisfactionIfActive;
    found.satisfied = found.measure === null || !judged ? null : found.measure >= objective.minMeasure;
  }
  if (n === 0 && definition.completedByMeasure)
    found.completed = found.progress === null ? null : found.progress >= definition.minProgressMeasure;
  return found;
}

/** What is known of the primary objective without its maps. */
export const ownFacts = (activity: Activity): Facts =>
  derived(activity, 0, { ...(activity.tracking.objectives[0] ?? nothingKnown()) });

/** Sets facts of an activity's objective and writes them through its maps. Gives the global objectives that changed. */
export function learn(tree: ActivityTree, activity: Activity, n: number, news: Partial<Facts>): string[] {
  const { definition, tracking } = activity;
  const objective = definition.objectives[n];
  const own = tracking.objectives[n];
  if (!objective || !own || !definition.tracked) return [];
  for (const fact of Object.keys(news) as Fact[]) {
    assign(own, fact, news[fact] ?? null);
    if (fact === 'completed' || fact === 'progress') tracking.oldProgress = false;
    else tracking.oldObjectives = false;
  }
  const told: Partial<Facts> = { ...news };
  const now = derived(activity, n, { ...own });
  if ('measure' in news && objective.satisfiedByMeasure) told.satisfied = now.satisfied;
  if ('progress' in news && definition.completedByMeasure && n === 0) told.completed = now.completed;
  if ('satisfied' in news && objective.satisfiedByMeasure) told.satisfied = now.satisfied;
  if ('completed' in news && definition.completedByMeasure && n === 0) told.completed = now.completed;

  const changed: string[] = [];
  for (const { target, write } of objective.maps) {
    const shared = tree.globals.get(target) ?? nothingKnown();
    for (const fact of Object.keys(told) as Fact[]) {
      const value = told[fact] ?? null;
      if (!write[fact] || shared[fact] === value) continue;
      assign(shared, fact, value);
      tree.globals.set(target, shared);
      changed.push(target);
    }
  }
  return changed;
}

function assign(target: Facts, fact: Fact, value: boolean | number | null): void {
  (target as unknown as Record<Fact, boolean | number | null>)[fact] = value;
}

/** Condition and combination in three values; null: unknown (UP.2.1, RB.1.4.1). */
export type Truth = boolean | null;
const not = (value: Truth): Truth => (value === null ? null : !value);
export function combine(values: Truth[], combination: 'all' | 'any'): Truth {
  if (values.length === 0) return null;
  if (combination === 'all') return values.includes(false) ? false : values.includes(null) ? null : true;
  return values.includes(true) ? true : values.includes(null) ? null : false;
}

/** UP.2.1, RB.1.4.1 */
export function holds(
  tree: ActivityTree,
  activity: Activity,
  condition: Condition,
  current = tree.retrying,
): Truth {
  const { definition, tracking } = activity;
  const n =
    condition.objective === null
      ? 0
      : definition.objectives.findIndex(({ id }) => id === condition.objective);
  // What is not tracked decides nothing, though its content may read what others have reached.
  const value = n < 0 || !definition.tracked ? nothingKnown() : known(tree, activity, n, current);
  const test = (): Truth => {
    switch (condition.name) {
      case 'satisfied':
        return value.satisfied;
      case 'objectiveStatusKnown':
        return value.satisfied !== null;
      case 'objectiveMeasureKnown':
        return value.measure !== null;
      case 'objectiveMeasureGreaterThan':
        return value.measure === null ? null : value.measure > condition.threshold;
      case 'objectiveMeasureLessThan':
        return value.measure === null ? null : value.measure < condition.threshold;
      case 'completed':
        return value.completed;
      case 'activityProgressKnown':
        return value.completed !== null;
      case 'attempted':
        return tracking.attempts > 0;
      case 'attemptLimitExceeded':
        return definition.attemptLimit === null ? null : tracking.attempts >= definition.attemptLimit;
      case 'always':
        return true;
      // Time limits and windows are optional for a platform (SN 3.5): never known, never true.
      default:
        return null;
    }
  };
  return condition.negated ? not(test()) : test();
}

/** The action of the first rule that applies, among the given ones (UP.2). */
export function ruleAction(
  tree: ActivityTree,
  activity: Activity,
  rules: Rule[],
  actions: string[],
): string | null {
  const rule = rules.find(
    ({ action, conditions, combination }) =>
      actions.includes(action) &&
      combine(
        conditions.map((condition) => holds(tree, activity, condition)),
        combination,
      ) === true,
  );
  return rule?.action ?? null;
}

export const skipped = (tree: ActivityTree, activity: Activity): boolean =>
  ruleAction(tree, activity, activity.definition.preconditions, ['skip']) !== null;
export const hidden = (tree: ActivityTree, activity: Activity): boolean =>
  ruleAction(tree, activity, activity.definition.preconditions, ['hiddenFromChoice']) !== null;
export const stopsForward = (tree: ActivityTree, activity: Activity): boolean =>
  ruleAction(tree, activity, activity.definition.preconditions, ['stopForwardTraversal']) !== null;

/** UP.5 with UP.1: a rule disables the activity, or its attempts are used up. */
export function isClosed(tree: ActivityTree, activity: Activity): boolean {
  if (ruleAction(tree, activity, activity.definition.preconditions, ['disabled'])) return true;
  const { tracking, definition } = activity;
  if (!definition.tracked || tracking.active || tracking.suspended || definition.attemptLimit === null)
    return false;
  return tracking.attempts >= definition.attemptLimit;
}
