import type { Clock } from '../../base/clock.ts';
import { DomainError, isDomainError } from '../../base/errors.ts';
import { uuidFrom } from '../../base/ids.ts';
import type { Iris } from '../../base/iris.ts';
import type { Logger } from '../../base/logger.ts';
import { recent } from '../../base/recent.ts';
import type { Authority, DocumentDoor, StatementDoor, StateKey } from '../../lrs/types.ts';
import type { Statement } from '../../xapi/types.ts';
import { isWritable } from '../client/cmi/ledger.ts';
import { model12 } from '../client/cmi/model-12.ts';
import { model2004 } from '../client/cmi/model-2004.ts';
import type { LessonStatus } from '../packages/prerequisites.ts';
import type { PlayerLaunch } from '../sessions/store.ts';
import type { PackageItem, PackageLibrary, PackageVersion } from '../types.ts';
import { applyCommit, countsWhenSilent, visit } from './apply.ts';
import type { Acknowledgement, Commit } from './commit.ts';
import { documentsOf, type ProfileDocument } from './documents.ts';
import { emptyItemState, statusOf, underPolicy, type ItemState } from './item-state.ts';
import { createLocks } from './locks.ts';
import { openingOf, type ItemOpening } from './seeds.ts';
import {
  checkCourse,
  checkShared,
  objectiveScope,
  readGlobals,
  readShared,
  sharedScope,
  sharedWrites,
  writeShared,
  type SharedWrite,
} from './shared-data.ts';
import type { StatementFrame } from './statements.ts';
import type { RuntimeStateStore, StoredItemState } from './store.ts';
import { carriedOver, versionBehind } from './version-change.ts';

export interface RuntimeDeps {
  store: RuntimeStateStore;
  clock: Clock;
  packages: Pick<PackageLibrary, 'version' | 'package'>;
  statements: StatementDoor;
  documents: Pick<DocumentDoor, 'putState'>;
  authority: Authority;
  iris: Iris;
  logger: Logger;
}

/** An item of the table of contents with what the learner has reached in it. */
export interface ItemProgress {
  item: string;
  /** What prerequisites ask for; a pass, once reached, stays one. */
  status: LessonStatus;
  completed: boolean;
  passed: boolean | null;
  scaled: number | null;
  /** Can be gone on with. */
  suspended: boolean;
  attempt: number;
}

export interface CommitResult {
  acknowledged: Acknowledgement[];
  /**
   * stale: another launch has opened the item since, nothing of this one may be written any more; gap: a step is missing
   * before this one, send again from `expected`.
   */
  refused: { item: string; reason: 'stale' | 'gap'; expected: number }[];
}

export interface Runtime {
  version(launch: PlayerLaunch): Promise<PackageVersion>;
  progress(launch: PlayerLaunch): Promise<ItemProgress[]>;
  /** Makes this launch the one that may write the item, and gives what Initialize begins with. */
  open(launch: PlayerLaunch, item: string): Promise<ItemOpening>;
  /** Resolves when the state and its Statements are durable. `from`: the launch whose unsent commits these are. */
  commit(launch: PlayerLaunch, commits: Commit[], from?: string): Promise<CommitResult>;
  /** What the commits of a preview would come to: the states after them, and the Statements. Stores nothing. */
  rehearse(
    launch: PlayerLaunch,
    commits: Commit[],
    states: Record<string, ItemState>,
  ): Promise<{ states: Record<string, ItemState>; statements: Statement[] }>;
  /** Sends what states still owe to the LRS; says how many. */
  settle(): Promise<number>;
}

interface Outbox {
  statements: Statement[];
  documents: ProfileDocument[];
  /** Absent in what an earlier release owed. */
  shared?: SharedWrite[];
}

/** Every item below, in order. */
export const allItems = (items: PackageItem[]): PackageItem[] =>
  items.flatMap((item) => [item, ...allItems(item.children)]);

/** The course as a whole: under this name the sequencing state of SCORM 2004 is kept. */
const courseItem = '';
const theCourse = (version: PackageVersion): PackageItem => ({
  identifier: courseItem,
  title: version.title,
  visible: false,
  href: null,
  kind: 'cluster',
  children: [],
});

/** As the package's metadata say it, where that is a language tag (RFC 5646 in outline). */
const materialLanguage = (version: PackageVersion): string | null => {
  const said = (version.extra['metadata'] as { language?: unknown } | undefined)?.language;
  return typeof said === 'string' && /^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$/.test(said) ? said : null;
};

export const standardOf = (version: PackageVersion): '1.2' | '2004' =>
  version.standard === 'scorm-1.2' ? '1.2' : '2004';

export function createRuntime(deps: RuntimeDeps): Runtime {
  const { store, clock, statements, documents, authority, iris, logger } = deps;

  // A version never changes, and every commit asks for its own.
  const versionById = recent(200, (id) => deps.packages.version(id));
  const versionOf = async (launch: PlayerLaunch): Promise<PackageVersion> => {
    const version = await versionById(launch.packageVersionId);
    if (version) return version;
    throw new DomainError('not-found', 'The course material is not there (any more).', {
      code: 'player.no-material',
    });
  };
  const itemOf = (version: PackageVersion, identifier: string): PackageItem => {
    const item = allItems(version.items).find((one) => one.identifier === identifier);
    if (item && item.href !== null) return item;
    throw new DomainError('not-found', 'The course has no such item.', { code: 'player.no-item' });
  };
  const decode = (stored: StoredItemState | null): ItemState =>
    stored ? (JSON.parse(stored.body) as ItemState) : emptyItemState;
  const ownerOf = async (version: PackageVersion): Promise<string> =>
    (await deps.packages.package(version.packageId))?.organisation ?? '';
  /** Where the item's shared data are: the course's are its global objectives. */
  const scopeOf = async (
    launch: PlayerLaunch,
    version: PackageVersion,
    item: PackageItem,
  ): Promise<string> => {
    const organisation = await ownerOf(version);
    if (item.identifier === courseItem) return objectiveScope(launch, organisation);
    const course =
      version.extra['sharedDataGlobalToSystem'] === false
        ? await store.get(launch.registration, courseItem)
        : null;
    return sharedScope(version, launch, organisation, decode(course).cmi['attempt'] ?? null);
  };

  const frameOf =
    (launch: PlayerLaunch, version: PackageVersion, item: PackageItem, seed: string, at: Date) =>
    (attempt: number): StatementFrame => {
      const activityId = iris.item(launch.packageId, item.identifier);
      return {
        standard: standardOf(version),
        actor: launch.learner.agent,
        registration: launch.registration,
        course: launch.course,
        item: { activityId, title: item.title },
        attemptId: attemptIri(activityId, launch.registration, attempt),
        revision: String(version.version),
        platform: 'Zhixing',
        language: materialLanguage(version) ?? launch.learner.language,
        practice: iris.term('practice'),
        timestamp: at.toISOString(),
        seed,
      };
    };
  const attemptIri = (activityId: string, registration: string, attempt: number): string =>
    iris.attempt(activityId, uuidFrom('attempt', registration, activityId, String(attempt)));

  /** A Statement that the LRS refuses for good must not hold up the learner's bookmark: it is logged, the rest is stored. */
  const storeAll = async (owed: Statement[], stored: StoredItemState): Promise<void> => {
    if (owed.length === 0) return;
    try {
      await statements.store(owed, authority);
    } catch (error) {
      if (!isDomainError(error, 'invalid') && !isDomainError(error, 'conflict')) throw error;
      const [only, ...more] = owed;
      if (only && more.length > 0) for (const one of owed) await storeAll([one], stored);
      else
        logger.error(
          { err: error, statement: only?.id, registration: stored.registration, item: stored.item },
          'the LRS refuses a Statement of the player',
        );
    }
  };

  /** Sends an outbox and empties it. The ids follow from the commit: sending twice stores once. */
  const send = async (stored: StoredItemState): Promise<void> => {
    if (stored.outbox === null) return;
    const outbox = JSON.parse(stored.outbox) as Outbox;
    for (const write of outbox.shared ?? []) await writeShared(store, write, stored);
    await storeAll(outbox.statements, stored);
    for (const { key, json } of outbox.documents)
      await documents.putState(key as StateKey, {
        contentType: 'application/json',
        body: Buffer.from(json, 'utf8'),
      });
    await store.clearOutbox(stored);
  };

  /** What is stored, with nothing owed any more. */
  const current = async (registration: string, item: string): Promise<StoredItemState | null> => {
    for (;;) {
      const stored = await store.get(registration, item);
      if (!stored?.outbox) return stored;
      await send(stored);
    }
  };

  const commitOne = async (
    launch: PlayerLaunch,
    version: PackageVersion,
    commit: Commit,
    writer: string,
  ): Promise<'kept' | 'stale' | { gap: number }> => {
    const standard = standardOf(version);
    const item = commit.item === courseItem ? theCourse(version) : itemOf(version, commit.item);
    const model = standard === '1.2' ? model12 : model2004;
    for (const [name] of commit.set)
      if (commit.item !== courseItem && !isWritable(model, name))
        throw new DomainError('invalid', 'A value was sent for an element that content may not set.', {
          problems: [{ path: name, message: 'is not an element that content may set' }],
        });
    if (commit.item === courseItem) checkCourse(version, commit);
    else checkShared(item, commit);
    for (;;) {
      const stored = await current(launch.registration, item.identifier);
      if (!stored || stored.launchId !== writer) return 'stale';
      if (commit.sequence <= stored.sequence) return 'kept';
      if (commit.sequence > stored.sequence + 1) return { gap: stored.sequence + 1 };

      const now = clock.now();
      const seed = [launch.registration, item.identifier, writer, commit.sequence].join('|');
      const frameFor = frameOf(launch, version, item, seed, now);
      const before = decode(stored);
      const applied = commit.visited
        ? { state: visit(before), statements: [], shared: [] }
        : applyCommit(before, commit, frameFor, standard, countsWhenSilent(standard, item));
      const frame = frameFor(applied.state.attempt);
      const outbox: Outbox = {
        statements: applied.statements,
        documents:
          commit.end && !before.review
            ? documentsOf(applied.state, frame, attemptsOf(frame, applied.state.attempt))
            : [],
        shared:
          applied.shared.length > 0
            ? await sharedWrites(store, item, await scopeOf(launch, version, item), applied.shared)
            : [],
      };
      const owes = Object.values(outbox).some((list: unknown[]) => list.length > 0);
      const next: StoredItemState = {
        ...stored,
        sequence: commit.sequence,
        body: JSON.stringify(applied.state),
        outbox: owes ? JSON.stringify(outbox) : null,
        updatedAt: now,
      };
      if (!(await store.put(next))) continue;
      await send({ ...next, revision: stored.revision + 1 });
      return 'kept';
    }
  };
  /** What an earlier window could not send; an item that is no longer there holds up nothing. */
  const leftover = async (
    launch: PlayerLaunch,
    version: PackageVersion,
    commit: Commit,
    from: string,
  ): Promise<'kept' | 'stale' | { gap: number }> => {
    const own = await versionBehind(deps.packages, store, launch.registration, commit.item, version);
    try {
      return await commitOne(launch, own, commit, from);
    } catch (error) {
      if (isDomainError(error, 'not-found')) return 'stale';
      throw error;
    }
  };
  const attemptsOf = (frame: StatementFrame, attempt: number): string[] =>
    Array.from({ length: attempt }, (_, n) => attemptIri(frame.item.activityId, frame.registration, n + 1));

  const progressOf = async (launch: PlayerLaunch): Promise<ItemProgress[]> => {
    const states = await store.ofRegistration(launch.registration);
    const items = states.filter(({ item }) => item !== courseItem);
    const moved = items.some(
      (one) => (one.packageVersionId ?? launch.packageVersionId) !== launch.packageVersionId,
    );
    const version = moved ? await versionOf(launch) : null;
    return Promise.all(
      items.map(async (stored) => {
        const state = version
          ? await carriedOver(deps.packages, stored, decode(stored), version)
          : decode(stored);
        return {
          item: stored.item,
          status: statusOf(state),
          completed: state.best.completed,
          passed: state.best.passed ? true : null,
          scaled: state.best.scaled,
          suspended: state.open || state.exit === 'suspend',
          attempt: state.attempt,
        };
      }),
    );
  };

  /** DomainError `forbidden` while the item's prerequisites are not met. The table of contents says which. */
  const unlocked = async (launch: PlayerLaunch, version: PackageVersion, item: string): Promise<void> => {
    if (!allItems(version.items).some(({ prerequisites }) => prerequisites !== undefined)) return;
    const reached = new Map((await progressOf(launch)).map((one) => [one.item, one.status]));
    if (createLocks(version.items)(item, (id) => reached.get(id)))
      throw new DomainError('forbidden', 'Other items of the course come before this one.', {
        code: 'player.locked',
      });
  };

  return {
    version: versionOf,

    progress: async (launch) => (launch.browse ? [] : progressOf(launch)),

    async open(launch, identifier) {
      const version = await versionOf(launch);
      const item = identifier === courseItem ? theCourse(version) : itemOf(version, identifier);
      const standard = standardOf(version);
      if (launch.browse) {
        const empty = (item.sharedData ?? []).map((map) => ({ ...map, value: null }));
        return openingOf(standard, item, emptyItemState, launch.learner, true, empty);
      }
      if (standard === '1.2') await unlocked(launch, version, identifier);
      for (;;) {
        const stored = await current(launch.registration, identifier);
        const carried = await carriedOver(deps.packages, stored, decode(stored), version);
        const state =
          identifier === courseItem ? carried : underPolicy(standard, carried, launch.course.attempts);
        const next: StoredItemState = {
          registration: launch.registration,
          item: identifier,
          launchId: launch.id,
          packageVersionId: version.id,
          sequence: 0,
          body: JSON.stringify({ ...state, staged: [] }),
          outbox: null,
          updatedAt: clock.now(),
          revision: stored?.revision ?? 0,
        };
        // Opened again by the same launch: the steps go on being numbered.
        if (stored?.launchId === launch.id) next.sequence = stored.sequence;
        if (!(await store.put(next))) continue;
        const { sequence } = next;
        const scope = await scopeOf(launch, version, item);
        const shared = item.sharedData ? await readShared(store, item, scope) : [];
        const opening = openingOf(standard, item, state, launch.learner, false, shared);
        if (identifier !== courseItem) return { ...opening, sequence };
        return {
          ...opening,
          sequence,
          seed: { ...state.cmi, ...(await readGlobals(store, version, scope)) },
        };
      }
    },

    async commit(launch, commits, from = launch.id) {
      const result: CommitResult = { acknowledged: [], refused: [] };
      if (launch.browse) {
        for (const { item, sequence } of commits) result.acknowledged.push({ item, sequence });
        return result;
      }
      const version = await versionOf(launch);
      const refused = new Set<string>();
      for (const commit of commits) {
        if (refused.has(commit.item)) continue;
        const outcome =
          from === launch.id
            ? await commitOne(launch, version, commit, from)
            : await leftover(launch, version, commit, from);
        if (outcome === 'kept') result.acknowledged.push({ item: commit.item, sequence: commit.sequence });
        else {
          refused.add(commit.item);
          result.refused.push({
            item: commit.item,
            reason: outcome === 'stale' ? 'stale' : 'gap',
            expected: outcome === 'stale' ? 0 : outcome.gap,
          });
        }
      }
      return result;
    },

    async rehearse(launch, commits, states) {
      const version = await versionOf(launch);
      const after = new Map(Object.entries(states));
      const all: Statement[] = [];
      for (const commit of commits) {
        if (commit.item === courseItem) continue;
        const item = itemOf(version, commit.item);
        const seed = [launch.id, item.identifier, commit.sequence].join('|');
        const frameFor = frameOf(launch, version, item, seed, clock.now());
        const before = after.get(item.identifier) ?? emptyItemState;
        const applied = commit.visited
          ? { state: visit(before), statements: [] }
          : applyCommit(
              before,
              commit,
              frameFor,
              standardOf(version),
              countsWhenSilent(standardOf(version), item),
            );
        after.set(item.identifier, applied.state);
        all.push(...applied.statements);
      }
      return { states: Object.fromEntries(after), statements: all };
    },

    async settle() {
      // A commit under way sends its own: only what has been waiting is picked up.
      const owed = await store.withOutbox(new Date(clock.now().getTime() - 10_000), 100);
      for (const stored of owed) {
        try {
          await send(stored);
        } catch (error) {
          logger.warn(
            { err: error, registration: stored.registration },
            'Statements of a commit are still owed',
          );
        }
      }
      return owed.length;
    },
  };
}
