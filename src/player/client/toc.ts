import type { ItemProgress } from '../runtime/runtime.ts';
import type { PackageItem } from '../types.ts';
import type { TocEntry } from './messages.ts';

/** Items that launch, in the order of the table of contents. */
export const launchable = (items: PackageItem[]): PackageItem[] =>
  items.flatMap((item) => [...(item.href === null ? [] : [item]), ...launchable(item.children)]);

const stateOf = (item: PackageItem, progress: Map<string, ItemProgress>): TocEntry['state'] => {
  if (item.href === null) {
    const below = launchable(item.children);
    const states = below.map((child) => stateOf(child, progress));
    if (states.length === 0 || states.every((state) => state === 'none')) return 'none';
    return states.every((state) => state === 'completed' || state === 'passed') ? 'completed' : 'started';
  }
  const known = progress.get(item.identifier);
  if (!known || known.attempt === 0) return 'none';
  if (known.passed === true) return 'passed';
  if (known.passed === false) return 'failed';
  return known.completed ? 'completed' : 'started';
};

/** The table of contents as the learner sees it. Pure. */
export function tocOf(
  items: PackageItem[],
  progress: Map<string, ItemProgress>,
  current: string | null,
  mayOpen: (item: PackageItem) => boolean,
  depth = 0,
): TocEntry[] {
  return items.flatMap((item) => {
    const below = tocOf(item.children, progress, current, mayOpen, depth + (item.visible ? 1 : 0));
    if (!item.visible) return below;
    return [
      {
        identifier: item.identifier,
        title: item.title,
        depth,
        enabled: item.href !== null && mayOpen(item),
        current: item.identifier === current,
        state: stateOf(item, progress),
      },
      ...below,
    ];
  });
}

/** Where to begin: what was suspended last, else the first that is not done, else the first. Pure. */
export function whereToBegin(items: PackageItem[], progress: Map<string, ItemProgress>): string | null {
  const all = launchable(items);
  const of = (item: PackageItem): ItemProgress | undefined => progress.get(item.identifier);
  const begun =
    all.find((item) => of(item)?.suspended && !of(item)?.completed) ??
    all.find((item) => !of(item)?.completed) ??
    all[0];
  return begun?.identifier ?? null;
}
