import {
  amongKnown,
  parsePrerequisites,
  unmet,
  type Condition,
  type LessonStatus,
} from '../packages/prerequisites.ts';
import type { PackageItem } from '../types.ts';

/** What an item still waits for, with the items' titles in place of their identifiers; null: it may be opened. */
export type Locks = (
  identifier: string,
  statusOf: (item: string) => LessonStatus | undefined,
) => Condition | null;

/**
 * SCORM 1.2 prerequisites (CAM 2.3.2.5.2) over a table of contents: an item waits for its own and for those of the
 * clusters around it. A script that is none, and items that do not exist, hold nobody up: the checker has said so. Pure.
 */
export function createLocks(items: PackageItem[]): Locks {
  const byId = new Map<string, PackageItem>();
  const waits = new Map<string, Condition[]>();
  const note = (list: PackageItem[]): void => {
    for (const item of list) {
      byId.set(item.identifier, item);
      note(item.children);
    }
  };
  note(items);
  const walk = (list: PackageItem[], around: Condition[]): void => {
    for (const item of list) {
      const script = item.prerequisites === undefined ? null : parsePrerequisites(item.prerequisites);
      const own = script && amongKnown(script, (id) => byId.has(id));
      const all = own ? [...around, own] : around;
      waits.set(item.identifier, all);
      walk(item.children, all);
    }
  };
  walk(items, []);

  return (identifier, statusOf) => {
    const conditions = waits.get(identifier) ?? [];
    if (conditions.length === 0) return null;
    const status = (id: string): LessonStatus => {
      const item = byId.get(id);
      return item ? statusIn(item, statusOf) : 'not attempted';
    };
    const missing = unmet({ kind: 'all', of: conditions }, status);
    return missing && titled(missing, (id) => byId.get(id)?.title ?? id);
  };
}

/** An item's status; a cluster's follows from what is in it (AICC CMI001: completed when all its members are). */
function statusIn(item: PackageItem, statusOf: (item: string) => LessonStatus | undefined): LessonStatus {
  if (item.children.length === 0 || item.href !== null) return statusOf(item.identifier) ?? 'not attempted';
  const below = item.children.map((child) => statusIn(child, statusOf));
  const every = (...among: LessonStatus[]): boolean => below.every((status) => among.includes(status));
  if (every('not attempted')) return 'not attempted';
  if (every('passed')) return 'passed';
  if (every('passed', 'completed')) return 'completed';
  return every('passed', 'completed', 'failed') ? 'failed' : 'incomplete';
}

function titled(condition: Condition, title: (item: string) => string): Condition {
  switch (condition.kind) {
    case 'done':
    case 'is':
      return { ...condition, item: title(condition.item) };
    case 'not':
      return { kind: 'not', of: titled(condition.of, title) };
    default:
      return { ...condition, of: condition.of.map((one) => titled(one, title)) };
  }
}
