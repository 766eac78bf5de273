import type { Condition, RollupAction, RollupRule } from './definition.ts';
import { combine, holds, known, learn, skipped } from './tracking.ts';
import { availableChildren, isLeaf, pathTo, type Activity, type ActivityTree } from './tree.ts';

const condition = (name: string): Condition => ({ name, negated: false, objective: null, threshold: 0 });
const all = (action: RollupAction, name: string): RollupRule => ({
  action,
  childSet: 'all',
  count: 0,
  percent: 0,
  combination: 'any',
  conditions: [condition(name)],
});
/** What holds where the manifest has no rule for either outcome (RB.1.2 b, RB.1.3 b). */
const defaults: Record<RollupAction, RollupRule> = {
  satisfied: all('satisfied', 'satisfied'),
  notSatisfied: all('notSatisfied', 'objectiveStatusKnown'),
  completed: all('completed', 'completed'),
  incomplete: all('incomplete', 'activityProgressKnown'),
};

const rulesFor = (activity: Activity, action: RollupAction, other: RollupAction): RollupRule[] => {
  const { rollup } = activity.definition;
  return rollup.some((rule) => rule.action === action || rule.action === other)
    ? rollup.filter((rule) => rule.action === action)
    : [defaults[action]];
};

/** RB.1.4.2: whether a child has a say. */
function contributes(tree: ActivityTree, child: Activity, action: RollupAction): boolean {
  const { definition, tracking } = child;
  if (!definition.tracked) return false;
  const aboutObjective = action === 'satisfied' || action === 'notSatisfied';
  if (aboutObjective ? !definition.rollupObjectiveSatisfied : !definition.rollupProgressCompletion)
    return false;
  switch (definition.requiredFor[action]) {
    case 'ifNotSuspended':
      return tracking.attempts > 0 && !tracking.suspended;
    case 'ifAttempted':
      return tracking.attempts > 0;
    case 'ifNotSkipped':
      return !skipped(tree, child);
    default:
      return true;
  }
}

/** RB.1.4 */
function applies(tree: ActivityTree, activity: Activity, rule: RollupRule): boolean {
  const values = availableChildren(activity)
    .filter((child) => contributes(tree, child, rule.action))
    .map((child) =>
      combine(
        rule.conditions.map((one) => holds(tree, child, one, true)),
        rule.combination,
      ),
    );
  const trues = values.filter((value) => value === true).length;
  switch (rule.childSet) {
    case 'any':
      return trues > 0;
    case 'none':
      return values.every((value) => value === false);
    case 'atLeastCount':
      return trues >= rule.count;
    case 'atLeastPercent':
      return values.length > 0 && trues / values.length >= rule.percent;
    default:
      // Of no child with a say all is true (RB.1.4).
      return trues === values.length;
  }
}

const decided = (
  tree: ActivityTree,
  activity: Activity,
  yes: RollupAction,
  no: RollupAction,
): boolean | null =>
  // The affirmative is looked at last, so it wins (RB.1.2 b, RB.1.3 b).
  rulesFor(activity, yes, no).some((rule) => applies(tree, activity, rule))
    ? true
    : rulesFor(activity, no, yes).some((rule) => applies(tree, activity, rule))
      ? false
      : null;

/** The weighted mean over the children that are tracked; null: no child has a measure (RB.1.1 a, b). */
function mean(
  tree: ActivityTree,
  activity: Activity,
  fact: 'measure' | 'progress',
  weightOf: (child: Activity) => number,
): number | null {
  let total = 0;
  let counted = 0;
  let any = false;
  for (const child of availableChildren(activity)) {
    if (!child.definition.tracked) continue;
    counted += weightOf(child);
    const value = known(tree, child, 0, true)[fact];
    if (value === null) continue;
    any = true;
    total += value * weightOf(child);
  }
  return any && counted > 0 ? total / counted : null;
}

/** One activity's status from its children's; gives the global objectives that it changed. */
function rollUp(tree: ActivityTree, activity: Activity): string[] {
  if (isLeaf(activity)) return [];
  const { definition } = activity;
  const changed = learn(tree, activity, 0, {
    measure: mean(tree, activity, 'measure', (child) => child.definition.objectiveMeasureWeight),
    progress: mean(tree, activity, 'progress', (child) => child.definition.progressWeight),
  });
  if (!definition.objectives[0].satisfiedByMeasure) {
    const satisfied = decided(tree, activity, 'satisfied', 'notSatisfied');
    if (satisfied !== null) changed.push(...learn(tree, activity, 0, { satisfied }));
  }
  if (!definition.completedByMeasure) {
    const completed = decided(tree, activity, 'completed', 'incomplete');
    if (completed !== null) changed.push(...learn(tree, activity, 0, { completed }));
  }
  return changed;
}

/**
 * The overall rollup (RB.1.5) from an activity to the root, and from every activity whose rolled-up objective reads a
 * global one that changed; the deepest first, each once.
 */
export function rollUpFrom(tree: ActivityTree, activity: Activity, written: string[] = []): void {
  const waiting = new Set<Activity>(pathTo(activity));
  const done = new Set<Activity>();
  const spread = (targets: string[]): void => {
    for (const target of new Set(targets))
      for (const reader of tree.all)
        if (reader.definition.objectives[0].maps.some((map) => map.target === target && readsAnything(map)))
          for (const one of reader.parent ? pathTo(reader.parent) : []) if (!done.has(one)) waiting.add(one);
  };
  spread(written);
  while (waiting.size > 0) {
    const deepest = [...waiting].reduce((a, b) => (b.depth > a.depth ? b : a));
    waiting.delete(deepest);
    done.add(deepest);
    spread(rollUp(tree, deepest));
  }
}

const readsAnything = (map: { read: Record<string, boolean> }): boolean =>
  Object.values(map.read).some(Boolean);
