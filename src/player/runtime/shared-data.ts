import { DomainError } from '../../base/errors.ts';
import { uuidFrom } from '../../base/ids.ts';
import type { PackageItem, PackageVersion, SharedDataMap } from '../types.ts';
import type { Commit } from './commit.ts';
import type { RuntimeStateStore, StoredItemState } from './store.ts';

/** A mapped data store as an item finds it (SCORM 2004 4th Edition, RTE 4.3.1); null: nothing was ever stored in it. */
export interface SharedStore extends SharedDataMap {
  value: string | null;
}

/** A write that a commit owes: done if the store still has the revision that the commit was decided on. */
export interface SharedWrite {
  scope: string;
  target: string;
  value: string;
  revision: number;
}

/** A global objective as the course's commit carries it (client/sequencing): `objective.` and its target. */
const globalPrefix = 'objective.';
const store = /^adl\.data\.(\d+)\.store$/;
export const isSharedElement = (name: string): boolean =>
  name.startsWith('adl.data.') || name.startsWith(globalPrefix);

/**
 * Whose stores these are (CAM 3.4.1, adlcp:sharedDataGlobalToSystem): the learner's over all courses of the organisation
 * that owns the package, or those of one attempt on the course. Another vendor's content never reads them. Pure.
 */
export const sharedScope = (
  version: PackageVersion,
  launch: { registration: string; learner: { id: string } },
  organisation: string,
  /** Number of the attempt on the course as a whole; null: it has only one. */
  attempt: string | null = null,
): string =>
  version.extra['sharedDataGlobalToSystem'] === false
    ? attemptScope(launch.registration, attempt)
    : learnerScope(launch.learner.id, organisation);

const attemptScope = (registration: string, attempt: string | null): string =>
  uuidFrom('shared-data', 'registration', registration, ...(attempt === null ? [] : [attempt]));
const learnerScope = (learnerId: string, organisation: string): string =>
  uuidFrom('shared-data', 'learner', learnerId, organisation);

/** Whose global objectives these are where they outlive the course (adlseq:objectivesGlobalToSystem, SN 3.10.2). Pure. */
export const objectiveScope = (launch: { learner: { id: string } }, organisation: string): string =>
  uuidFrom('global-objectives', launch.learner.id, organisation);

/** Wherever these organisations' courses keep stores and global objectives of the learner beyond one course. Pure. */
export const scopesOfLearner = (learnerId: string, organisations: readonly string[]): string[] =>
  organisations.flatMap((organisation) => [
    learnerScope(learnerId, organisation),
    objectiveScope({ learner: { id: learnerId } }, organisation),
  ]);

/** Wherever the attempts of one registration on its course keep stores; `course`: what is stored of the course as a whole. Pure. */
export function scopesOfRegistration(registration: string, course: StoredItemState | null): string[] {
  const { cmi } = JSON.parse(course?.body ?? '{}') as { cmi?: { attempt?: string } };
  const attempts = Math.max(0, Number(cmi?.attempt ?? 0) || 0);
  return [
    attemptScope(registration, null),
    ...Array.from({ length: attempts + 1 }, (_, n) => attemptScope(registration, String(n))),
  ];
}

/** The targets of the package's objective maps; none where its global objectives are its own. Pure. */
export function globalTargets(version: PackageVersion): Set<string> {
  const targets = new Set<string>();
  if (version.extra['objectivesGlobalToSystem'] === false) return targets;
  const note = (sequencing: unknown): void => {
    const { primaryObjective, objectives = [] } = (sequencing ?? {}) as {
      primaryObjective?: MappedObjective;
      objectives?: MappedObjective[];
    };
    for (const objective of [primaryObjective, ...objectives])
      for (const { targetObjectiveID } of objective?.mapInfo ?? [])
        if (targetObjectiveID !== undefined) targets.add(targetObjectiveID);
  };
  const visit = (items: PackageItem[]): void => {
    for (const { sequencing, children } of items) {
      note(sequencing);
      visit(children);
    }
  };
  note(version.extra['sequencing']);
  visit(version.items);
  return targets;
}

interface MappedObjective {
  mapInfo?: { targetObjectiveID?: string }[];
}

/** What the learner's courses know of the package's global objectives, as the frame takes it. */
export async function readGlobals(
  states: Pick<RuntimeStateStore, 'get'>,
  version: PackageVersion,
  scope: string,
): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const target of globalTargets(version)) {
    const stored = await states.get(scope, target);
    if (stored) found[`${globalPrefix}${target}`] = (JSON.parse(stored.body) as { value: string }).value;
  }
  return found;
}

/** DomainError `invalid` for what the course as a whole may not keep. */
export function checkCourse(version: PackageVersion, commit: Commit): void {
  const targets = globalTargets(version);
  for (const [name] of commit.set) {
    const target = name.startsWith(globalPrefix) ? name.slice(globalPrefix.length) : null;
    if (target === null ? name === 'tree' || name === 'attempt' : targets.has(target)) continue;
    throw new DomainError('invalid', 'A value was sent for something that the course does not keep.', {
      problems: [{ path: name, message: 'is no state of the course and none of its global objectives' }],
    });
  }
}

/** The stores that the item maps, with what is in them. */
export const readShared = (
  states: Pick<RuntimeStateStore, 'get'>,
  item: PackageItem,
  scope: string,
): Promise<SharedStore[]> =>
  Promise.all(
    (item.sharedData ?? []).map(async (map) => {
      const stored = await states.get(scope, map.targetId);
      return { ...map, value: stored ? (JSON.parse(stored.body) as { value: string }).value : null };
    }),
  );

/** DomainError `invalid` for a store that the item does not map or may not write. */
export function checkShared(item: PackageItem, commit: Commit): void {
  for (const [name] of commit.set)
    if (isSharedElement(name) && mapOf(item, name)?.write !== true)
      throw new DomainError('invalid', 'A value was sent for a data store that the item may not write.', {
        problems: [{ path: name, message: 'is not a data store that the item may write' }],
      });
}

/** The last value of each store and global objective, with the revisions it rests on. */
export async function sharedWrites(
  states: Pick<RuntimeStateStore, 'get'>,
  item: PackageItem,
  scope: string,
  set: readonly [string, string][],
): Promise<SharedWrite[]> {
  const values = new Map<string, string>();
  for (const [name, value] of set) {
    const map = mapOf(item, name);
    if (map) values.set(map.targetId, value);
    else if (name.startsWith(globalPrefix)) values.set(name.slice(globalPrefix.length), value);
  }
  return Promise.all(
    [...values].map(async ([target, value]) => ({
      scope,
      target,
      value,
      revision: (await states.get(scope, target))?.revision ?? 0,
    })),
  );
}

/**
 * Does an owed write, once: whoever has changed the store since then came later, and their value stays. Running it again
 * changes nothing.
 */
export async function writeShared(
  states: Pick<RuntimeStateStore, 'put'>,
  { scope, target, value, revision }: SharedWrite,
  by: StoredItemState,
): Promise<void> {
  await states.put({
    registration: scope,
    item: target,
    launchId: by.launchId,
    sequence: 0,
    body: JSON.stringify({ value }),
    outbox: null,
    updatedAt: by.updatedAt,
    revision,
  });
}

const mapOf = (item: PackageItem, name: string): SharedDataMap | undefined => {
  const index = store.exec(name)?.[1];
  return index === undefined ? undefined : item.sharedData?.[Number(index)];
};
