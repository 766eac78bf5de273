import type { PackageItem } from '../../types.ts';
import { definitionOf, type Definition, type Facts } from './definition.ts';

/** What is tracked of an activity (SN 4.2, tracking model); it goes into the saved state as it is. */
export interface Tracking {
  attempts: number;
  active: boolean;
  suspended: boolean;
  /** Content has said something of its completion, its success, be it that they are unknown: nothing is assumed then. */
  saidCompletion: boolean;
  saidSuccess: boolean;
  /** In the order of the definition's objectives; the primary one holds the activity's completion too. */
  objectives: Facts[];
  /** Recorded in an earlier attempt on the parent, which asks for its current attempt's only (SN 3.2.5, 3.2.6). */
  oldObjectives: boolean;
  oldProgress: boolean;
  /** Identifiers of the children that were selected, in their order; null: all as the manifest has them. */
  available: string[] | null;
}

export interface Activity {
  id: string;
  depth: number;
  /** Place in a forward preorder traversal of the whole tree. */
  place: number;
  parent: Activity | null;
  children: Activity[];
  definition: Definition;
  visible: boolean;
  tracking: Tracking;
}

export const nothingKnown = (): Facts => ({
  satisfied: null,
  measure: null,
  completed: null,
  progress: null,
  raw: null,
  min: null,
  max: null,
});

const untouched = (definition: Definition): Tracking => ({
  attempts: 0,
  active: false,
  suspended: false,
  saidCompletion: false,
  saidSuccess: false,
  objectives: definition.objectives.map(nothingKnown),
  oldObjectives: false,
  oldProgress: false,
  available: null,
});

const copyOf = (tracking: Tracking): Tracking => ({
  ...tracking,
  objectives: tracking.objectives.map((facts) => ({ ...facts })),
});

interface Saved {
  version: 2;
  current: string | null;
  suspended: string | null;
  /** Those that anything is known of, without what is not. */
  activities: Record<string, Partial<Tracking>>;
  globals: Record<string, Partial<Facts>>;
}

const knownOf = (facts: Facts): Partial<Facts> =>
  Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== null)) as Partial<Facts>;

/** What differs from an activity that was never touched. */
function changedOf({ definition, tracking }: Activity): Partial<Tracking> {
  const objectives = tracking.objectives.map(knownOf);
  const rest = Object.entries(untouched(definition)).filter(
    ([name, value]) => name !== 'objectives' && tracking[name as keyof Tracking] !== value,
  );
  return {
    ...Object.fromEntries(rest.map(([name]) => [name, tracking[name as keyof Tracking]])),
    ...(objectives.some((facts) => Object.keys(facts).length > 0)
      ? { objectives: objectives as Facts[] }
      : {}),
  };
}

/** The activity tree with everything that changes while a course is taken. */
export class ActivityTree {
  readonly root: Activity;
  /** The global objectives by their target id. */
  globals = new Map<string, Facts>();
  current: Activity | null = null;
  suspended: Activity | null = null;
  /** A cluster is being tried again: what its children know from before may not count (SN 3.2.5, 3.2.6). */
  retrying = false;
  readonly #byId = new Map<string, Activity>();
  /** adlseq:objectivesGlobalToSystem: the learner's other courses share the global objectives. */
  readonly globalToSystem: boolean;

  constructor(items: PackageItem[], extra: Record<string, unknown>) {
    let place = 0;
    this.globalToSystem = extra['objectivesGlobalToSystem'] !== false;
    const make = (
      id: string,
      item: Pick<PackageItem, 'sequencing' | 'completionThreshold' | 'visible' | 'children'>,
      parent: Activity | null,
    ): Activity => {
      const definition = definitionOf(item.sequencing, item.completionThreshold);
      const activity: Activity = {
        id,
        depth: parent ? parent.depth + 1 : 0,
        place: place++,
        parent,
        children: [],
        definition,
        visible: item.visible,
        tracking: untouched(definition),
      };
      this.#byId.set(id, activity);
      activity.children = item.children.map((child) => make(child.identifier, child, activity));
      return activity;
    };
    const sequencing = extra['sequencing'] as Record<string, unknown> | undefined;
    const threshold = extra['completionThreshold'] as PackageItem['completionThreshold'];
    this.root = make(
      String(extra['organization'] ?? 'organization'),
      {
        visible: true,
        children: items,
        ...(sequencing ? { sequencing } : {}),
        ...(threshold ? { completionThreshold: threshold } : {}),
      },
      null,
    );
  }

  find(id: string): Activity | null {
    return this.#byId.get(id) ?? null;
  }

  forgetGlobals(): void {
    if (!this.globalToSystem) this.globals.clear();
  }

  get all(): Activity[] {
    return [...this.#byId.values()];
  }

  /** Keeps everything that changes; what it gives back puts it all as it was. */
  remember(): () => void {
    const trackings = this.all.map((activity) => [activity, copyOf(activity.tracking)] as const);
    const globals = new Map([...this.globals].map(([target, facts]) => [target, { ...facts }]));
    const { current, suspended } = this;
    return () => {
      for (const [activity, tracking] of trackings) activity.tracking = tracking;
      this.globals = globals;
      this.current = current;
      this.suspended = suspended;
    };
  }

  save(): string {
    const saved: Saved = {
      version: 2,
      current: this.current?.id ?? null,
      suspended: this.suspended?.id ?? null,
      activities: Object.fromEntries(
        this.all
          .map((activity): [string, Partial<Tracking>] => [activity.id, changedOf(activity)])
          .filter(([, tracking]) => Object.keys(tracking).length > 0),
      ),
      globals: Object.fromEntries([...this.globals].map(([target, facts]) => [target, knownOf(facts)])),
    };
    return JSON.stringify(saved);
  }

  /** False for a state that this tree did not write: it is as untouched as before. */
  load(text: string): boolean {
    let saved: Saved;
    try {
      saved = JSON.parse(text) as Saved;
    } catch {
      return false;
    }
    if ((saved as { version?: unknown } | null)?.version !== 2) return false;
    for (const activity of this.all) {
      const kept = saved.activities[activity.id];
      // The manifest of a newer version may have other objectives: what is no more is left out, what is new is unknown.
      activity.tracking = {
        ...untouched(activity.definition),
        ...kept,
        objectives: activity.definition.objectives.map((_, n) => ({
          ...nothingKnown(),
          ...kept?.objectives?.[n],
        })),
      };
    }
    this.globals = new Map(
      Object.entries(saved.globals).map(([target, facts]) => [target, { ...nothingKnown(), ...facts }]),
    );
    this.current = saved.current === null ? null : this.find(saved.current);
    this.suspended = saved.suspended === null ? null : this.find(saved.suspended);
    return true;
  }
}

export const isLeaf = (activity: Activity): boolean => activity.children.length === 0;

/** The available children (SN 4.3, Activity Tree): those selected, in their order. */
export function availableChildren(activity: Activity): Activity[] {
  const { available } = activity.tracking;
  if (!available) return activity.children;
  return available.flatMap((id) => activity.children.find((child) => child.id === id) ?? []);
}

export const isAvailable = (activity: Activity): boolean =>
  !activity.parent || availableChildren(activity.parent).includes(activity);

/** From the root to the activity, both included. */
export const pathTo = (activity: Activity): Activity[] => [
  ...(activity.parent ? pathTo(activity.parent) : []),
  activity,
];

export function commonAncestor(one: Activity, other: Activity): Activity {
  const path = new Set(pathTo(one));
  let found = other;
  while (!path.has(found) && found.parent) found = found.parent;
  return found;
}

export const isBelow = (activity: Activity, ancestor: Activity): boolean =>
  activity !== ancestor && pathTo(activity).includes(ancestor);

/** From `activity` upwards to `end`; neither is included unless said. */
export function climb(activity: Activity, end: Activity, include = { first: true, last: false }): Activity[] {
  const path = pathTo(activity).reverse();
  const upTo = path.slice(0, path.indexOf(end) + 1);
  return upTo.filter(
    (one) => (one !== activity || include.first) && (one !== end || include.last || one === activity),
  );
}

/** Which of two comes first in the tree as it is ordered now. */
export function comesBefore(one: Activity, other: Activity): boolean {
  const [a, b] = [pathTo(one), pathTo(other)];
  for (let n = 0; ; n++) {
    const [x, y] = [a[n], b[n]];
    if (!x || !y) return !x && y !== undefined;
    if (x === y) continue;
    const order = x.parent ? availableChildren(x.parent) : [];
    return order.indexOf(x) < order.indexOf(y);
  }
}
