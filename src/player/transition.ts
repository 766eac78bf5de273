import type { PackageItem, PackageVersion } from './types.ts';

/**
 * What becomes of a learner's data of an item who is moved from one version of a package to another.
 * kept: bookmark and suspend data go on; restarted: they are dropped, what was reached (completed, passed, score) stays;
 * removed: the item is no longer there; new: it was not there before.
 */
export type ItemFate = 'kept' | 'restarted' | 'removed' | 'new';

export interface ItemTransition {
  identifier: string;
  title: string;
  fate: ItemFate;
}

export interface VersionTransition {
  /** In the order of the new version's contents, then what was removed. */
  items: ItemTransition[];
  /** Whether the place in the course as a whole (SCORM 2004 sequencing) goes on. */
  sequencing: 'kept' | 'restarted';
}

/** Every item that launches something, in order. */
const launchable = (items: readonly PackageItem[]): PackageItem[] =>
  items.flatMap((item) => [...(item.href === null ? [] : [item]), ...launchable(item.children)]);

/** What the activity tree is made of: its state fits no other tree. */
const treeOf = (items: readonly PackageItem[]): unknown =>
  items.map(({ identifier, sequencing, children }) => [identifier, sequencing ?? null, treeOf(children)]);

/** An item's data go on where the same kind of item, of the same standard, opens the same page under the same identifier. */
const goesOn = (
  from: PackageVersion,
  to: PackageVersion,
  before: PackageItem | undefined,
  after: PackageItem | undefined,
): boolean =>
  before !== undefined &&
  after !== undefined &&
  from.standard === to.standard &&
  before.kind === after.kind &&
  before.href === after.href;

/** The fate of every item between two versions. Pure. */
export function transitionOf(from: PackageVersion, to: PackageVersion): VersionTransition {
  const before = new Map(launchable(from.items).map((item) => [item.identifier, item]));
  const after = launchable(to.items);
  const there = new Set(after.map(({ identifier }) => identifier));
  const fateOf = (item: PackageItem): ItemFate => {
    const former = before.get(item.identifier);
    if (!former) return 'new';
    return goesOn(from, to, former, item) ? 'kept' : 'restarted';
  };
  const sameTree =
    from.standard === to.standard &&
    JSON.stringify([treeOf(from.items), from.extra]) === JSON.stringify([treeOf(to.items), to.extra]);
  return {
    items: [
      ...after.map((item) => ({ identifier: item.identifier, title: item.title, fate: fateOf(item) })),
      ...[...before.values()]
        .filter(({ identifier }) => !there.has(identifier))
        .map(({ identifier, title }) => ({ identifier, title, fate: 'removed' as const })),
    ],
    sequencing: sameTree ? 'kept' : 'restarted',
  };
}

/** Whether the data of this item go on; `''` is the course as a whole. Pure. */
export function dataGoOn(from: PackageVersion, to: PackageVersion, identifier: string): boolean {
  const { items, sequencing } = transitionOf(from, to);
  if (identifier === '') return sequencing === 'kept';
  return items.some((item) => item.identifier === identifier && item.fate === 'kept');
}
