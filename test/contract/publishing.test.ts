import { join } from 'node:path';
import { Readable } from 'node:stream';
import { expect } from 'chai';
import { newUuid } from '../../src/base/ids.ts';
import { createIris } from '../../src/base/iris.ts';
import { createLogger } from '../../src/base/logger.ts';
import { createCatalogue } from '../../src/courses/catalogue.ts';
import { createEnrolments } from '../../src/courses/enrolments.ts';
import { createPublishing } from '../../src/courses/publishing.ts';
import type { Course } from '../../src/courses/types.ts';
import { createStatementDoor } from '../../src/lrs/door.ts';
import { createDocumentDoor } from '../../src/lrs/resource-documents.ts';
import { createPackageLibrary, type PackageLibraryService } from '../../src/player/packages/library.ts';
import { createRuntime, type Runtime } from '../../src/player/runtime/runtime.ts';
import type { PlayerLaunch } from '../../src/player/sessions/store.ts';
import type { PackageVersion } from '../../src/player/types.ts';
import { TestClock } from '../support/clock.ts';
import { onEveryEngine } from '../support/engines.ts';
import { platform } from '../support/player.ts';
import { packageOf } from '../support/zips.ts';

const iris = createIris('http://localhost:8080');
const by = { personId: 'vendor', organisation: '教材社' };

/** A package of these items: identifier → page. */
const packageWith = (items: Record<string, string>, version = '1.2'): Buffer => {
  const sco = version === '1.2' ? 'adlcp:scormtype' : 'adlcp:scormType';
  const entries = Object.entries(items);
  return packageOf(
    {
      version,
      organizations: `<organizations default="O"><organization identifier="O"><title>公園</title>
${entries.map(([id]) => `<item identifier="${id}" identifierref="R-${id}"><title>單元 ${id}</title></item>`).join('')}
</organization></organizations>`,
      resources: `<resources>${entries
        .map(
          ([id, page]) =>
            `<resource identifier="R-${id}" type="webcontent" ${sco}="sco" href="${page}"><file href="${page}"/></resource>`,
        )
        .join('')}</resources>`,
    },
    entries.filter(([, page]) => page !== 'index.html').map(([, page]) => ({ name: page, data: page })),
  );
};

onEveryEngine('Publishing a version (issue 6 item 3)', ({ storage, options }) => {
  const clock = new TestClock();
  let library: PackageLibraryService;
  let runtime: Runtime;
  let passed: Set<string>;

  before(() => {
    library = createPackageLibrary({
      store: storage().packages,
      blobs: storage().blobs,
      clock,
      tempDir: join(options().dataDir, 'uploads'),
      limits: { packageBytes: 1e7, packageUnpackedBytes: 1e7, packageFiles: 100 },
    });
    runtime = createRuntime({
      store: storage().runtimeStates,
      clock,
      packages: library,
      statements: createStatementDoor({ store: storage().lrs.statements, clock }),
      documents: createDocumentDoor(storage().lrs.documents, clock),
      authority: platform,
      iris,
      logger: createLogger('silent'),
    });
  });
  beforeEach(() => {
    passed = new Set();
  });

  const put = async (zip: Buffer, packageId?: string): Promise<PackageVersion> => {
    const result = await library.importZip(Readable.from([zip]), by, packageId ? { packageId } : {});
    if (!result.accepted) throw new Error(JSON.stringify(result.findings));
    return result.version;
  };
  const catalogue = () => createCatalogue({ store: storage().courses, clock, checks: [] });
  const enrolments = () =>
    createEnrolments({
      store: storage().courses,
      door: createStatementDoor({ store: storage().lrs.statements, clock }),
      platform,
      iris,
      clock,
    });
  const publishing = () =>
    createPublishing({
      store: storage().courses,
      catalogue: catalogue(),
      packages: library,
      passed: async (registrations) => new Set(registrations.filter((each) => passed.has(each))),
      learnersByItem: (id) => storage().runtimeStates.countByItem(id),
    });
  let codes = 0;
  const courseOf = async (version: PackageVersion): Promise<Course> => {
    const { id } = await catalogue().create(
      {
        code: `PUB-${++codes}`,
        title: { 'zh-TW': '公園' },
        summary: { 'zh-TW': '公園' },
        certifiedHours: 1,
        packageVersionId: version.id,
      },
      by,
    );
    return catalogue().publish(id);
  };
  /** Enrols; opened: has entered the player, and so begun a version. */
  const learner = async (course: Course, opened = true) => {
    const person = { id: newUuid(), name: '王小明' };
    const { registration } = await enrolments().enrol(person, course);
    const enter = async (): Promise<PlayerLaunch> => {
      const now = await catalogue().byId(course.id);
      const enrolment = await enrolments().byRegistration(registration);
      if (!now?.packageVersionId || !enrolment) throw new Error('no course');
      const packageVersionId = await enrolments().versionFor(enrolment, now.packageVersionId);
      return {
        id: newUuid(),
        learner: {
          ...person,
          language: 'zh-TW',
          agent: { account: { homePage: iris.homePage, name: person.id } },
        },
        registration,
        packageId: 'k',
        packageVersionId,
        course: {
          activityId: iris.course(course.code),
          title: '公園',
          requiredSeconds: null,
          inactivitySeconds: null,
        },
        browse: false,
        createdAt: clock.now(),
        expiresAt: clock.now(),
      };
    };
    if (opened) await enter();
    return { registration, enter };
  };
  const study = async (launch: PlayerLaunch, item: string, set: Record<string, string>) => {
    const { sequence } = await runtime.open(launch, item);
    const given = Object.entries(set);
    await runtime.commit(launch, [
      { item, sequence: sequence + 1, start: true, set: [] },
      { item, sequence: sequence + 2, set: given, end: { exit: 'suspend' } },
    ]);
  };

  it('learners who stay go on with the version they began; who has not begun takes the new one', async () => {
    const first = await put(packageWith({ A: 'index.html' }));
    const course = await courseOf(first);
    const begun = await learner(course);
    const waiting = await learner(course, false);
    const second = await put(packageWith({ A: 'index.html', B: 'b.html' }), first.packageId);
    expect((await begun.enter()).packageVersionId).to.equal(first.id);

    const publication = await publishing().publish(first.packageId, second.id, 'stay', 'vendor');
    expect(publication).to.deep.include({ learners: 'stay', courses: 1, moved: 0, versionId: second.id });
    expect((await catalogue().byId(course.id))?.packageVersionId).to.equal(second.id);
    expect((await begun.enter()).packageVersionId).to.equal(first.id);
    expect((await waiting.enter()).packageVersionId).to.equal(second.id);
    expect((await (await learner(course)).enter()).packageVersionId).to.equal(second.id);
    expect((await library.package(first.packageId))?.latestVersionId).to.equal(second.id);
  });

  it('who began before versions were fixed for learners stays as well', async () => {
    const first = await put(packageWith({ A: 'index.html' }));
    const course = await courseOf(first);
    const begun = await learner(course, false);
    await enrolments().markStarted(begun.registration);
    const second = await put(packageWith({ A: 'index.html' }), first.packageId);
    expect((await publishing().plan(first.packageId, second.id)).inProgress).to.equal(1);
    await publishing().publish(first.packageId, second.id, 'stay', 'vendor');
    expect((await begun.enter()).packageVersionId).to.equal(first.id);
  });

  it('says before who is in progress, on which version, and what moving does to the data of each item', async () => {
    const first = await put(packageWith({ A: 'index.html', B: 'b.html', C: 'c.html' }));
    const course = await courseOf(first);
    const [one, two, done] = [await learner(course), await learner(course), await learner(course)];
    await learner(course, false);
    passed.add(done.registration);
    await study(await one.enter(), 'A', { 'cmi.core.lesson_location': '3' });
    await study(await two.enter(), 'A', { 'cmi.core.lesson_location': '4' });
    await study(await two.enter(), 'B', { 'cmi.suspend_data': 'x' });
    const second = await put(packageWith({ A: 'index.html', B: 'other.html', D: 'd.html' }), first.packageId);
    const plan = await publishing().plan(first.packageId, second.id);
    expect(plan).to.deep.include({ inProgress: 2, passed: 1 });
    expect(plan.courses.map(({ code }) => code)).to.deep.equal([course.code]);
    expect(plan.inUse).to.have.length(1);
    expect(plan.inUse[0]?.version.id).to.equal(first.id);
    expect(
      plan.inUse[0]?.items.map(({ identifier, fate, learners }) => [identifier, fate, learners]),
    ).to.deep.equal([
      ['A', 'kept', 2],
      ['B', 'restarted', 1],
      ['D', 'new', 0],
      ['C', 'removed', 0],
    ]);
    // Nothing has changed by asking.
    expect((await catalogue().byId(course.id))?.packageVersionId).to.equal(first.id);
    expect((await publishing().plan(first.packageId, first.id)).inProgress).to.equal(0);
  });

  it('learners who move find kept bookmarks, begin changed items anew, and keep what they have reached', async () => {
    const first = await put(packageWith({ A: 'index.html', B: 'b.html' }));
    const course = await courseOf(first);
    const { enter, registration } = await learner(course);
    const before = await enter();
    await study(before, 'A', { 'cmi.core.lesson_location': '3', 'cmi.suspend_data': 'a' });
    await study(before, 'B', {
      'cmi.core.lesson_location': '9',
      'cmi.core.lesson_status': 'passed',
      'cmi.core.score.raw': '80',
    });
    const second = await put(packageWith({ A: 'index.html', B: 'other.html' }), first.packageId);
    const publication = await publishing().publish(first.packageId, second.id, 'move', 'vendor');
    expect(publication).to.deep.include({ learners: 'move', courses: 1, moved: 1 });

    const after = await enter();
    expect(after.packageVersionId).to.equal(second.id);
    const progress = new Map((await runtime.progress(after)).map((one) => [one.item, one]));
    expect(progress.get('A')).to.include({ suspended: true });
    expect(progress.get('B')).to.include({ suspended: false, passed: true, scaled: 0.8, completed: true });
    const a = await runtime.open(after, 'A');
    expect(a.seed).to.include({
      'cmi.core.lesson_location': '3',
      'cmi.suspend_data': 'a',
      'cmi.core.entry': 'resume',
    });
    const b = await runtime.open(after, 'B');
    expect(b).to.deep.include({ attempt: 2 });
    expect(b.seed['cmi.core.entry']).to.equal('ab-initio');
    expect(b.seed).to.not.have.any.keys('cmi.core.lesson_location', 'cmi.core.score.raw');
    // The older window may not write what the newer one has opened.
    const late = await runtime.commit(before, [{ item: 'A', sequence: 3, set: [] }]);
    expect(late.refused).to.deep.equal([{ item: 'A', reason: 'stale', expected: 0 }]);
    expect((await enrolments().byRegistration(registration))?.packageVersionId).to.equal(second.id);
  });

  it('takes what an old window could not send, also for an item that is gone, before the new version opens', async () => {
    const first = await put(packageWith({ A: 'index.html', B: 'b.html' }));
    const { enter } = await learner(await courseOf(first));
    const before = await enter();
    await study(before, 'B', {});
    const second = await put(packageWith({ A: 'index.html' }), first.packageId);
    await publishing().publish(first.packageId, second.id, 'move', 'vendor');
    const after = await enter();
    const leftover = {
      item: 'B',
      sequence: 3,
      set: [['cmi.core.lesson_location', '7']] as [string, string][],
    };
    const result = await runtime.commit(after, [leftover, { item: 'gone', sequence: 1, set: [] }], before.id);
    expect(result).to.deep.equal({
      acknowledged: [{ item: 'B', sequence: 3 }],
      refused: [{ item: 'gone', reason: 'stale', expected: 0 }],
    });
    // Back on the former version it is there.
    await publishing().publish(first.packageId, first.id, 'move', 'vendor');
    expect((await runtime.open(await enter(), 'B')).seed['cmi.core.lesson_location']).to.equal('7');
  });

  it('another standard keeps no run-time data; the sequencing state fits the same tree only', async () => {
    const first = await put(packageWith({ A: 'index.html' }, '2004 3rd Edition'));
    const course = await courseOf(first);
    const { enter } = await learner(course);
    const launch = await enter();
    await study(launch, 'A', { 'cmi.location': '3' });
    await runtime.open(launch, '');
    await runtime.commit(launch, [{ item: '', sequence: 1, set: [['tree', '{"current":"A"}']] }]);
    const same = await put(packageWith({ A: 'index.html' }, '2004 3rd Edition'), first.packageId);
    await publishing().publish(first.packageId, same.id, 'move', 'vendor');
    expect((await runtime.open(await enter(), '')).seed['tree']).to.equal('{"current":"A"}');
    const other = await put(
      packageWith({ A: 'index.html', B: 'b.html' }, '2004 3rd Edition'),
      first.packageId,
    );
    const plan = await publishing().plan(first.packageId, other.id);
    expect(plan.inUse[0]?.sequencing).to.equal('restarted');
    await publishing().publish(first.packageId, other.id, 'move', 'vendor');
    const moved = await enter();
    expect((await runtime.open(moved, '')).seed).to.not.have.property('tree');
    expect((await runtime.open(moved, 'A')).seed['cmi.location']).to.equal('3');
    const older = await put(packageWith({ A: 'index.html' }), first.packageId);
    await publishing().publish(first.packageId, older.id, 'move', 'vendor');
    const opening = await runtime.open(await enter(), 'A');
    expect(opening.seed['cmi.core.entry']).to.equal('ab-initio');
    expect(opening.seed).to.not.have.property('cmi.location');
  });

  it('two who publish at once end with a version that course and package agree on after one repeats it', async () => {
    const first = await put(packageWith({ A: 'index.html' }));
    const course = await courseOf(first);
    const { enter } = await learner(course);
    const [second, third] = [
      await put(packageWith({ A: 'index.html' }), first.packageId),
      await put(packageWith({ A: 'index.html' }), first.packageId),
    ];
    await Promise.all(
      [second, third].map(({ id }) => publishing().publish(first.packageId, id, 'stay', 'vendor')),
    );
    expect((await library.package(first.packageId))?.publications).to.have.length(2);
    await publishing().publish(first.packageId, third.id, 'stay', 'vendor');
    expect((await catalogue().byId(course.id))?.packageVersionId).to.equal(third.id);
    expect((await library.package(first.packageId))?.latestVersionId).to.equal(third.id);
    expect((await enter()).packageVersionId).to.equal(first.id);
  });

  it('knows no version of another package', async () => {
    const [one, two] = [
      await put(packageWith({ A: 'index.html' })),
      await put(packageWith({ A: 'index.html' })),
    ];
    for (const attempt of [
      () => publishing().plan(one.packageId, two.id),
      () => publishing().publish(one.packageId, two.id, 'move', 'vendor'),
      () => publishing().plan('none', two.id),
    ])
      expect(await attempt().catch((error: Error) => error.message)).to.equal(
        'The package has no such version.',
      );
  });
});
