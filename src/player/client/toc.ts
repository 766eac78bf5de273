import type { ItemProgress } from '../runtime/runtime.ts';
import type { PackageItem } from '../types.ts';
import type { TocEntry } from './messages.ts';

/** Items that launch, in the order of the table of contents. */
export const launchable = (items: PackageItem[]): PackageItem[] =>
  items.flatMap((item) => [...(item.href === null ? [] : [item]), ...launchable(item.children)]);

export const allItems = (items: PackageItem[]): PackageItem[] =>
  items.flatMap((item) => [item, ...allItems(item.children)]);

const stateOf = (item: PackageItem, progress: Map<string, ItemProgress>): TocEntry['state'] => {
  if (item.href === null) {
    const below = launchable(item.children);
    const states = below.map((child) => stateOf(child, progress));
    if (states.length === 0 || states.every((state) => state === 'none')) return 'none';
    return states.every((state) => state === 'completed' || state === 'passed') ? 'completed' : 'started';
  }
  const known = progress.get(item.identifier);
  if (!known || known.attempt === 0) return 'none';
  if (known.status === 'passed' || known.status === 'failed') return known.status;
  return known.completed ? 'completed' : 'started';
};

/** The table of contents as the learner sees it. Pure. */
export function tocOf(
  items: PackageItem[],
  progress: Map<string, ItemProgress>,
  current: string | null,
  may: (item: PackageItem) => { open: boolean; locked: TocEntry['locked'] },
  /** Decides what is shown, and whether a cluster can be chosen; null: the manifest alone does. */
  sequencing: { shows(id: string): boolean; root: string } | null = null,
  depth = 0,
): TocEntry[] {
  return items.flatMap((item) => {
    if (sequencing && item.visible && !sequencing.shows(item.identifier)) return [];
    const { open, locked } = may(item);
    // The course as a whole is an entry only where it can be chosen.
    const entered = item.visible && (item.identifier !== sequencing?.root || open);
    const below = tocOf(item.children, progress, current, may, sequencing, depth + (entered ? 1 : 0));
    if (!entered) return below;
    return [
      {
        identifier: item.identifier,
        title: item.title,
        depth,
        enabled: (item.href !== null || sequencing !== null) && open,
        locked: item.href === null ? null : locked,
        current: item.identifier === current,
        state: stateOf(item, progress),
      },
      ...below,
    ];
  });
}

/** Where to begin among what may be opened: what was suspended last, else the first that is not done, else the first. Pure. */
export function whereToBegin(
  items: PackageItem[],
  progress: Map<string, ItemProgress>,
  mayOpen: (item: PackageItem) => boolean,
): string | null {
  const open = launchable(items).filter(mayOpen);
  // What the table of contents does not show is nothing to begin with, unless there is nothing else.
  const shown = open.filter((item) => item.visible);
  const all = shown.length > 0 ? shown : open;
  const of = (item: PackageItem): ItemProgress | undefined => progress.get(item.identifier);
  const begun =
    all.find((item) => of(item)?.suspended && !of(item)?.completed) ??
    all.find((item) => !of(item)?.completed) ??
    all[0];
  return begun?.identifier ?? null;
}
