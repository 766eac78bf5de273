import { rollUpFrom } from './rollup.ts';
import { isClosed, known, learn, ownFacts, ruleAction } from './tracking.ts';
import { destination, type Destination } from './traversal.ts';
import {
  climb,
  commonAncestor,
  isAvailable,
  isBelow,
  isLeaf,
  nothingKnown,
  pathTo,
  type Activity,
  type ActivityTree,
} from './tree.ts';

export type NavigationRequest =
  | 'start'
  | 'resumeAll'
  | 'continue'
  | 'previous'
  | 'choice'
  | 'jump'
  | 'exit'
  | 'exitAll'
  | 'abandon'
  | 'abandonAll'
  | 'suspendAll';

/** What a request comes to: an activity to open, the end of the session, or neither. */
export interface Outcome {
  /** False: the request is not allowed here, and nothing has changed. */
  accepted: boolean;
  deliver: Activity | null;
  ended: boolean;
}

const refused: Outcome = { accepted: false, deliver: null, ended: false };

/** UP.4 */
function endAttempt(tree: ActivityTree, activity: Activity): void {
  const { tracking, definition } = activity;
  const written: string[] = [];
  if (isLeaf(activity)) {
    if (definition.tracked && !tracking.suspended) {
      const own = ownFacts(activity);
      const facts = known(tree, activity);
      // What content has not said and need not say counts as done.
      const silent = { completed: !tracking.saidCompletion, satisfied: !tracking.saidSuccess };
      if (
        !definition.completionSetByContent &&
        silent.completed &&
        (facts.completed ?? own.completed) === null
      )
        written.push(...learn(tree, activity, 0, { completed: true }));
      if (
        !definition.objectiveSetByContent &&
        silent.satisfied &&
        (facts.satisfied ?? own.satisfied) === null
      )
        written.push(...learn(tree, activity, 0, { satisfied: true }));
    }
  } else tracking.suspended = activity.children.some((child) => child.tracking.suspended);
  tracking.active = false;
  rollUpFrom(tree, activity, written);
}

/** UP.3 */
function endDescendants(tree: ActivityTree, activity: Activity): void {
  const { current } = tree;
  if (!current) return;
  const ancestor = commonAncestor(current, activity);
  for (const one of climb(current, ancestor, { first: false, last: false })) endAttempt(tree, one);
}

/** TB.2.1: the outermost ancestor whose exit rule applies ends, with all below it. */
function exitActions(tree: ActivityTree): void {
  const parent = tree.current?.parent;
  for (const one of parent ? pathTo(parent) : []) {
    if (!ruleAction(tree, one, one.definition.exits, ['exit'])) continue;
    endDescendants(tree, one);
    endAttempt(tree, one);
    tree.current = one;
    return;
  }
}

const afterwards = ['exitParent', 'exitAll', 'retry', 'retryAll', 'continue', 'previous'];

/** TB.2.3 for an exit: gives the sequencing request that the rules put in place of the learner's. */
function exitCurrent(tree: ActivityTree, current: Activity): string | null {
  endAttempt(tree, current);
  exitActions(tree);
  for (;;) {
    const at = tree.current ?? current;
    const action = at.tracking.suspended
      ? null
      : ruleAction(tree, at, at.definition.postconditions, afterwards);
    if (action === 'exitParent' && at.parent) {
      tree.current = at.parent;
      endAttempt(tree, at.parent);
      continue;
    }
    if (action === 'exitAll' || action === 'retryAll') {
      exitEverything(tree);
      return action === 'retryAll' ? 'retry' : 'exit';
    }
    if (at === tree.root && action !== 'retry') return 'exit';
    return action === 'exitParent' ? null : action;
  }
}

function exitEverything(tree: ActivityTree): void {
  const { current, root } = tree;
  if (!current) return;
  if (current.tracking.active) endAttempt(tree, current);
  endDescendants(tree, root);
  if (current !== root) endAttempt(tree, root);
  tree.current = root;
}

/** TB.2.3, suspendAll */
function suspendEverything(tree: ActivityTree): void {
  const { current, root } = tree;
  if (!current) return;
  if (current.tracking.active || current.tracking.suspended) {
    rollUpFrom(tree, current);
    tree.suspended = current;
  } else tree.suspended = current.parent;
  for (const one of tree.suspended ? pathTo(tree.suspended) : []) {
    one.tracking.active = false;
    one.tracking.suspended = true;
  }
  tree.current = root;
}

/** SR.1 and SR.2: which children take part in the next attempt, and in what order. */
export function arrangeChildren(activity: Activity, random: () => number): void {
  const { tracking, definition, children } = activity;
  if (isLeaf(activity) || tracking.active || tracking.suspended) return;
  const due = (timing: string): boolean =>
    timing === 'onEachNewAttempt' || (timing === 'once' && tracking.attempts === 0);
  const { selection, randomization } = definition;
  let chosen = tracking.available;
  if (due(selection.timing) && selection.count !== null && selection.count < children.length) {
    const places = shuffled(children, random).slice(0, selection.count);
    chosen = children.filter((child) => places.includes(child)).map(({ id }) => id);
  }
  if (due(randomization.timing) && randomization.reorder)
    chosen = shuffled(chosen ?? children.map(({ id }) => id), random);
  tracking.available = chosen;
}

function shuffled<T>(list: readonly T[], random: () => number): T[] {
  const rest = [...list];
  const out: T[] = [];
  while (rest.length > 0) out.push(...rest.splice(Math.floor(random() * rest.length), 1));
  return out;
}

/** DB.2.1 */
function forgetSuspended(tree: ActivityTree, chosen: Activity): void {
  const { suspended } = tree;
  if (!suspended || suspended === chosen) return;
  const ancestor = commonAncestor(chosen, suspended);
  if (isLeaf(suspended)) suspended.tracking.suspended = false;
  for (const one of climb(suspended, ancestor, { first: !isLeaf(suspended), last: true }))
    one.tracking.suspended = one.children.some((child) => child.tracking.suspended);
}

/** What children know counts no longer when their parent looks at its current attempt only (SN 3.2.5, 3.2.6). */
function markOld(activity: Activity): void {
  for (const child of activity.children) {
    if (activity.definition.useCurrentObjectives) child.tracking.oldObjectives = true;
    if (activity.definition.useCurrentProgress) child.tracking.oldProgress = true;
    markOld(child);
  }
}

/** DB.2 */
function deliver(tree: ActivityTree, activity: Activity): void {
  forgetSuspended(tree, activity);
  endDescendants(tree, activity);
  for (const one of pathTo(activity)) {
    const { tracking } = one;
    if (tracking.active) continue;
    if (tracking.suspended) tracking.suspended = false;
    else {
      tracking.attempts += 1;
      tracking.objectives = one.definition.objectives.map(nothingKnown);
      tracking.oldObjectives = false;
      tracking.oldProgress = false;
      tracking.saidCompletion = false;
      tracking.saidSuccess = false;
      markOld(one);
    }
    tracking.active = true;
  }
  tree.current = activity;
  tree.suspended = null;
}

/** DB.1.1 */
const deliverable = (tree: ActivityTree, activity: Activity): boolean =>
  isLeaf(activity) && pathTo(activity).every((one) => !isClosed(tree, one));

/** NB.2.1: whether a request may be made at all; the target of a choice or a jump is known to exist. */
function allowed(tree: ActivityTree, request: NavigationRequest, target: Activity | null): boolean {
  const { current } = tree;
  const parent = current?.parent;
  switch (request) {
    case 'start':
      return !current;
    case 'resumeAll':
      return !current && tree.suspended !== null;
    case 'continue':
      return Boolean(current && (!parent || parent.definition.flow));
    case 'previous':
      return Boolean(parent?.definition.flow && !parent.definition.forwardOnly);
    case 'choice': {
      if (!target || (target.parent && !target.parent.definition.choice)) return false;
      if (!current || target === current || isBelow(target, current)) return true;
      return climb(current, commonAncestor(current, target)).every(
        (one) => !one.tracking.active || one.definition.choiceExit,
      );
    }
    case 'jump':
      return target !== null && isAvailable(target);
    case 'exit':
    case 'abandon':
      return current?.tracking.active === true;
    default:
      return current !== null;
  }
}

/** The overall sequencing process (OP.1) of one request of the learner or of the content. */
export function process(
  tree: ActivityTree,
  request: NavigationRequest,
  target: Activity | null,
  random: () => number,
): Outcome {
  if (!allowed(tree, request, target)) return refused;
  const { current } = tree;
  let next: string | null = request;
  if (current) {
    if (request === 'exitAll') {
      exitEverything(tree);
      next = 'exit';
    } else if (request === 'suspendAll') {
      suspendEverything(tree);
      next = 'exit';
    } else if (request === 'abandonAll') {
      for (const one of pathTo(current)) one.tracking.active = false;
      tree.current = tree.root;
      next = 'exit';
    } else if (request === 'abandon') {
      current.tracking.active = false;
      next = 'exit';
    } else if (current.tracking.active) next = exitCurrent(tree, current) ?? request;
  }
  // Global objectives that belong to one attempt on the course begin anew with it (SN 3.10.2).
  const anew = next === 'start' || (next === 'retry' && tree.current === tree.root);
  if (anew && !tree.root.tracking.suspended) tree.forgetGlobals();
  tree.retrying = next === 'retry';
  const where = destination(tree, next, target);
  tree.retrying = false;
  return go(tree, where, random);
}

function go(tree: ActivityTree, where: Destination, random: () => number): Outcome {
  if ('deliver' in where && deliverable(tree, where.deliver)) {
    deliver(tree, where.deliver);
    return { accepted: true, deliver: where.deliver, ended: false };
  }
  if ('end' in where) {
    exitEverything(tree);
    tree.current = null;
    for (const one of tree.all) arrangeChildren(one, random);
    return { accepted: true, deliver: null, ended: true };
  }
  if ('stay' in where && where.stay) {
    // SB.2.9, 12: the learner has gone to a cluster that holds nothing to open at the moment.
    const ancestor = tree.current ? commonAncestor(tree.current, where.stay) : tree.root;
    endDescendants(tree, ancestor);
    endAttempt(tree, ancestor);
    tree.current = where.stay;
  }
  return { accepted: true, deliver: null, ended: false };
}
