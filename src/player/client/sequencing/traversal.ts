import { hidden, isClosed, skipped, stopsForward } from './tracking.ts';
import {
  availableChildren,
  climb,
  comesBefore,
  commonAncestor,
  isAvailable,
  isBelow,
  isLeaf,
  pathTo,
  type Activity,
  type ActivityTree,
} from './tree.ts';

type Direction = 'forward' | 'backward';

/** Where a sequencing request leads: an activity, the end of the session, or nowhere. */
export type Destination =
  | { deliver: Activity }
  | { end: true }
  /** `stay`: where the learner then is in the tree although nothing is delivered (SB.2.9, 12). */
  | { refused: string; stay?: Activity };

interface Step {
  next: Activity | null;
  direction: Direction;
  end: boolean;
}

/** SB.2.1 */
function step(
  activity: Activity,
  direction: Direction,
  considerChildren: boolean,
  previous: Direction | null,
): Step {
  let way = direction;
  let from = activity;
  let reversed = false;
  const siblings = from.parent ? availableChildren(from.parent) : [from];
  if (previous === 'backward' && siblings.at(-1) === from) {
    way = 'backward';
    from = siblings[0] ?? from;
    reversed = true;
  }
  const nowhere = (end = false): Step => ({ next: null, direction: way, end });
  const children = availableChildren(from);
  if (way === 'forward') {
    if (!isLeaf(from) && considerChildren) {
      const first = children[0];
      return first ? { next: first, direction: way, end: false } : nowhere();
    }
    // Past the last activity of the whole tree the session is over.
    if (!from.parent) return nowhere(true);
    if (siblings.at(-1) === from) return step(from.parent, 'forward', false, null);
    return { next: siblings[siblings.indexOf(from) + 1] ?? null, direction: way, end: false };
  }
  if (!from.parent) return nowhere();
  if (!isLeaf(from) && considerChildren) {
    // A cluster that goes forward only is entered at its beginning, also from behind.
    const next = from.definition.forwardOnly ? children[0] : children.at(-1);
    return {
      next: next ?? null,
      direction: from.definition.forwardOnly ? 'forward' : 'backward',
      end: false,
    };
  }
  if (!reversed && from.parent.definition.forwardOnly) return nowhere();
  if (siblings[0] === from) return step(from.parent, 'backward', false, null);
  return { next: siblings[siblings.indexOf(from) - 1] ?? null, direction: way, end: false };
}

/** SB.2.2 */
function visit(
  tree: ActivityTree,
  activity: Activity,
  direction: Direction,
  previous: Direction | null,
): Destination {
  if (activity.parent && !activity.parent.definition.flow) return { refused: 'SB.2.2-1' };
  if (skipped(tree, activity)) {
    const beyond = step(activity, direction, false, previous);
    if (!beyond.next) return beyond.end ? { end: true } : { refused: 'SB.2.1' };
    return previous === 'backward' && beyond.direction === 'backward'
      ? visit(tree, beyond.next, 'backward', 'backward')
      : visit(tree, beyond.next, direction, previous);
  }
  if (isClosed(tree, activity)) return { refused: 'SB.2.2-2' };
  if (isLeaf(activity)) return { deliver: activity };
  const inside = step(activity, direction, true, null);
  if (!inside.next) return inside.end ? { end: true } : { refused: 'SB.2.1-2' };
  return direction === 'backward' && inside.direction === 'forward'
    ? visit(tree, inside.next, 'forward', 'backward')
    : visit(tree, inside.next, direction, null);
}

/** SB.2.3 */
export function flow(
  tree: ActivityTree,
  activity: Activity,
  direction: Direction,
  considerChildren: boolean,
): Destination {
  const first = step(activity, direction, considerChildren, null);
  if (!first.next) return first.end ? { end: true } : { refused: 'SB.2.3-1' };
  return visit(tree, first.next, direction, null);
}

/** SB.2.4 */
const passable = (tree: ActivityTree, activity: Activity, direction: Direction): boolean =>
  direction === 'forward'
    ? !stopsForward(tree, activity)
    : activity.parent !== null && !activity.parent.definition.forwardOnly;

/** SB.2.9.2 */
function nextByChoice(activity: Activity, direction: Direction): Activity | null {
  if (!activity.parent) return null;
  const siblings = availableChildren(activity.parent);
  const next = siblings[siblings.indexOf(activity) + (direction === 'forward' ? 1 : -1)];
  return next ?? nextByChoice(activity.parent, direction);
}

/** SB.2.9 */
export function choose(tree: ActivityTree, target: Activity): Destination {
  const { current } = tree;
  for (const one of pathTo(target)) {
    if (!isAvailable(one)) return { refused: 'SB.2.9-2' };
    if (hidden(tree, one)) return { refused: 'SB.2.9-3' };
  }
  if (target.parent && !target.parent.definition.choice) return { refused: 'SB.2.9-4' };
  const ancestor = current ? commonAncestor(current, target) : tree.root;
  const refused = current && current !== target ? wayBarred(tree, current, target, ancestor) : null;
  if (refused !== null) return { refused };
  if (!current) {
    const barred = descentBarred(tree, ancestor, target, true);
    if (barred) return { refused: barred };
  }
  if (isLeaf(target)) return { deliver: target };
  const found = flow(tree, target, 'forward', true);
  return 'deliver' in found ? found : { refused: 'SB.2.9-9', stay: target };
}

/** From the common ancestor down to the target (SB.2.9, 7.4 and 9.6): what may not be passed or entered. */
function descentBarred(
  tree: ActivityTree,
  ancestor: Activity,
  target: Activity,
  forward: boolean,
): string | null {
  const path = pathTo(target);
  for (const one of path.slice(path.indexOf(ancestor), -1)) {
    if (forward && !passable(tree, one, 'forward')) return 'SB.2.4-1';
    if (!one.tracking.active && one !== ancestor && one.definition.preventActivation) return 'SB.2.9-6';
  }
  return null;
}

/** SB.2.9, 6 to 9: the exception when the way from the current activity to the target is barred; null: it is free. */
function wayBarred(
  tree: ActivityTree,
  current: Activity,
  target: Activity,
  ancestor: Activity,
): string | null {
  const forward = comesBefore(current, target);
  const direction = forward ? 'forward' : 'backward';
  if (current.parent !== null && current.parent === target.parent) {
    const siblings = availableChildren(current.parent);
    const [from, to] = [siblings.indexOf(current), siblings.indexOf(target)];
    const passed = forward ? siblings.slice(from, to) : siblings.slice(to + 1, from + 1);
    return passed.every((one) => passable(tree, one, direction)) ? null : 'SB.2.4';
  }
  if (current === ancestor) return descentBarred(tree, ancestor, target, true);
  if (target === ancestor)
    return climb(current, target).every((one) => one.definition.choiceExit) ? null : 'SB.2.9-7';

  let constrained: Activity | null = null;
  for (const one of climb(current, ancestor)) {
    if (!one.definition.choiceExit) return 'SB.2.9-7';
    // Only a cluster holds anything to be constrained to.
    if (!constrained && !isLeaf(one) && one.definition.constrainChoice) constrained = one;
  }
  if (constrained) {
    const near = nextByChoice(constrained, direction) ?? constrained;
    const within = target === constrained || target === near;
    if (!within && !isBelow(target, constrained) && !isBelow(target, near)) return 'SB.2.9-8';
  }
  return descentBarred(tree, ancestor, target, forward);
}

/** SB.2.5 to 2.13, without the process of ending what is under way. */
export function destination(tree: ActivityTree, request: string, target: Activity | null): Destination {
  const { current, root } = tree;
  switch (request) {
    case 'start':
      if (current) return { refused: 'SB.2.5-1' };
      return isLeaf(root) ? { deliver: root } : flow(tree, root, 'forward', true);
    case 'resumeAll':
      return !current && tree.suspended ? { deliver: tree.suspended } : { refused: 'SB.2.6' };
    case 'continue':
    case 'previous':
      if (!current) return { refused: 'SB.2.7-1' };
      if (current.parent && !current.parent.definition.flow) return { refused: 'SB.2.7-2' };
      return flow(tree, current, request === 'continue' ? 'forward' : 'backward', false);
    case 'choice':
      return target ? choose(tree, target) : { refused: 'SB.2.9-1' };
    case 'jump':
      return target ? { deliver: target } : { refused: 'SB.2.13' };
    case 'retry': {
      if (!current || current.tracking.active || current.tracking.suspended) return { refused: 'SB.2.10' };
      return isLeaf(current) ? { deliver: current } : flow(tree, current, 'forward', true);
    }
    case 'exit':
      if (!current || current.tracking.active) return { refused: 'SB.2.11' };
      return current === root ? { end: true } : { refused: '' };
    default:
      return { refused: 'SB.2.12-1' };
  }
}
