import { DomainError } from '../base/errors.ts';
import { transitionOf, type ItemFate, type VersionTransition } from '../player/transition.ts';
import type { Package, PackageVersion, Publication } from '../player/types.ts';
import type { CourseStore } from './store.ts';
import type { Catalogue, Course } from './types.ts';

/** What publishing asks of the package library. */
export interface PublishedPackages {
  package(id: string): Promise<Package | null>;
  version(id: string): Promise<PackageVersion | null>;
  versionsOf(packageId: string): Promise<PackageVersion[]>;
  useVersion(
    packageId: string,
    versionId: string,
    by: { personId: string; organisation: string },
    what: Pick<Publication, 'learners' | 'courses' | 'moved'>,
  ): Promise<Package>;
}

export interface PublishingDeps {
  store: Pick<CourseStore, 'pinStarted' | 'moveToVersion' | 'startedIn'>;
  catalogue: Pick<Catalogue, 'ofOrganisation' | 'update'>;
  packages: PublishedPackages;
  /** Which of these registrations have passed. */
  passed: (registrations: string[]) => Promise<Set<string>>;
  /** How many learners have data in each item of a package version. */
  learnersByItem: (packageVersionId: string) => Promise<Map<string, number>>;
}

/** Learners who began one version, and what moving would do to their data. */
export interface VersionInUse {
  version: PackageVersion;
  inProgress: number;
  passed: number;
  sequencing: VersionTransition['sequencing'];
  /** `learners`: how many have data in the item. */
  items: { identifier: string; title: string; fate: ItemFate; learners: number }[];
}

/** What publishing a version would change. */
export interface PublicationPlan {
  package: Package;
  version: PackageVersion;
  /** Courses that have another version of the package now. */
  courses: Course[];
  /** Over all courses with the package: learners who have begun another version. */
  inUse: VersionInUse[];
  inProgress: number;
  passed: number;
}

export interface Publishing {
  /** The owner's courses with this package, whichever version they have. */
  coursesWith(packageId: string): Promise<Course[]>;
  /** Computed from who learns what now; changes nothing. DomainError `not-found` when the version is not the package's. */
  plan(packageId: string, versionId: string): Promise<PublicationPlan>;
  /**
   * Makes the version the one in use, in every course with the package. Learners who have begun stay on their version or
   * move to this one, those who have not take this one. Running it again after a crash completes it.
   */
  publish(
    packageId: string,
    versionId: string,
    learners: Publication['learners'],
    personId: string,
  ): Promise<Publication>;
}

const batch = 500;

/** A package version for its courses and their learners (a roll-back is the publication of a former one). */
export function createPublishing(deps: PublishingDeps): Publishing {
  const { store, catalogue, packages } = deps;

  const own = async (packageId: string, versionId: string) => {
    const pkg = await packages.package(packageId);
    const versions = pkg ? await packages.versionsOf(packageId) : [];
    const version = versions.find(({ id }) => id === versionId);
    if (!pkg || !version)
      throw new DomainError('not-found', 'The package has no such version.', { code: 'no-package' });
    return { pkg, versions, version };
  };
  const coursesOf = async (pkg: Package, versions: PackageVersion[]): Promise<Course[]> => {
    const ids = new Set(versions.map(({ id }) => id));
    return (await catalogue.ofOrganisation(pkg.organisation)).filter(
      ({ packageVersionId }) => packageVersionId !== null && ids.has(packageVersionId),
    );
  };

  /** Learners of the course by the version that they have begun. */
  const learnersOf = async (
    course: Course,
    add: (versionId: string, count: { inProgress: number; passed: number }) => void,
  ): Promise<void> => {
    for (let after: string | null = null; ;) {
      const enrolments = await store.startedIn(course.id, after, batch);
      const passed = await deps.passed(enrolments.map(({ registration }) => registration));
      for (const { registration, packageVersionId } of enrolments) {
        const done = passed.has(registration);
        // Begun before versions were fixed for learners: they have what the course has.
        add(packageVersionId ?? course.packageVersionId ?? '', {
          inProgress: done ? 0 : 1,
          passed: done ? 1 : 0,
        });
      }
      after = enrolments.at(-1)?.registration ?? null;
      if (enrolments.length < batch) return;
    }
  };

  return {
    async coursesWith(packageId) {
      const pkg = await packages.package(packageId);
      return pkg ? coursesOf(pkg, await packages.versionsOf(packageId)) : [];
    },

    async plan(packageId, versionId) {
      const { pkg, versions, version } = await own(packageId, versionId);
      const courses = await coursesOf(pkg, versions);
      const counts = new Map<string, { inProgress: number; passed: number }>();
      for (const course of courses)
        await learnersOf(course, (id, { inProgress, passed }) => {
          const sum = counts.get(id) ?? { inProgress: 0, passed: 0 };
          counts.set(id, { inProgress: sum.inProgress + inProgress, passed: sum.passed + passed });
        });
      const inUse: VersionInUse[] = [];
      for (const from of versions) {
        const count = counts.get(from.id);
        if (!count || from.id === versionId) continue;
        const { items, sequencing } = transitionOf(from, version);
        const learners = await deps.learnersByItem(from.id);
        inUse.push({
          version: from,
          ...count,
          sequencing,
          items: items.map((item) => ({ ...item, learners: learners.get(item.identifier) ?? 0 })),
        });
      }
      return {
        package: pkg,
        version,
        courses: courses.filter(({ packageVersionId }) => packageVersionId !== versionId),
        inUse,
        inProgress: inUse.reduce((sum, one) => sum + one.inProgress, 0),
        passed: inUse.reduce((sum, one) => sum + one.passed, 0),
      };
    },

    async publish(packageId, versionId, learners, personId) {
      const { pkg, versions } = await own(packageId, versionId);
      let changed = 0;
      let moved = 0;
      for (const course of await coursesOf(pkg, versions)) {
        const former = course.packageVersionId;
        if (former !== null && former !== versionId) {
          // First what they have is fixed, so that the course's change moves nobody unasked.
          await store.pinStarted(course.id, former);
          await catalogue.update(course.id, { packageVersionId: versionId });
          changed += 1;
        }
        if (learners === 'move') moved += await store.moveToVersion(course.id, versionId);
      }
      const done = await packages.useVersion(
        packageId,
        versionId,
        { personId, organisation: pkg.organisation },
        { learners, courses: changed, moved },
      );
      const publication = done.publications.at(-1);
      if (!publication) throw new DomainError('unavailable', 'The publication was not recorded. Try again.');
      return publication;
    },
  };
}
