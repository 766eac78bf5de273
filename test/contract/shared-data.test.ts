import { expect } from 'chai';
import { newUuid } from '../../src/base/ids.ts';
import { createIris } from '../../src/base/iris.ts';
import { createLogger } from '../../src/base/logger.ts';
import { createStatementDoor } from '../../src/lrs/door.ts';
import { createDocumentDoor } from '../../src/lrs/resource-documents.ts';
import type { Commit } from '../../src/player/runtime/commit.ts';
import { createRuntime, type Runtime } from '../../src/player/runtime/runtime.ts';
import type { PlayerLaunch } from '../../src/player/sessions/store.ts';
import type { PackageItem, PackageVersion, SharedDataMap } from '../../src/player/types.ts';
import { TestClock } from '../support/clock.ts';
import { onEveryEngine } from '../support/engines.ts';
import { platform } from '../support/player.ts';

const iris = createIris('http://localhost:8080');
const map = (targetId: string, read = true, write = true): SharedDataMap => ({ targetId, read, write });
const item = (identifier: string, ...sharedData: SharedDataMap[]): PackageItem => ({
  identifier,
  title: identifier,
  visible: true,
  href: 'a.html',
  kind: 'sco',
  sharedData,
  children: [],
});
const packageOf = (
  packageId: string,
  items: PackageItem[],
  extra: Record<string, unknown> = {},
): PackageVersion => ({
  id: packageId,
  packageId,
  version: 1,
  standard: 'scorm-2004',
  edition: '2004 4th Edition',
  title: '課',
  items,
  extra,
  fileCount: 1,
  totalBytes: 1,
  findings: [],
  uploadedBy: 'v',
  uploadedAt: new Date(0),
});
const goal = { primaryObjective: { objectiveID: 'o', mapInfo: [{ targetObjectiveID: 'urn:goal' }] } };
const packages = [
  packageOf('k1', [
    item('A', map('urn:notes'), map('urn:secret', false, true)),
    item('B', map('urn:other'), map('urn:notes', true, false), map('urn:secret')),
  ]),
  packageOf('k2', [item('A', map('urn:notes'))]),
  packageOf('k3', [item('A', map('urn:notes'))]),
  packageOf('local', [item('A', map('urn:notes'))], { sharedDataGlobalToSystem: false }),
  packageOf('goal', [{ ...item('A'), sequencing: goal }]),
  packageOf('goal2', [{ ...item('A'), sequencing: goal }]),
  packageOf('own', [{ ...item('A'), sequencing: goal }], { objectivesGlobalToSystem: false }),
];
const owners: Record<string, string> = {
  k1: 'garden',
  k2: 'garden',
  k3: 'museum',
  local: 'garden',
  goal: 'garden',
  goal2: 'garden',
  own: 'garden',
};

onEveryEngine('adl.data: data stores that items share (SCORM 2004 4th Edition, RTE 4.3)', ({ storage }) => {
  let clock: TestClock;
  let runtime: Runtime;
  let lrsAway = false;

  beforeEach(() => {
    clock = new TestClock();
    lrsAway = false;
    const door = createStatementDoor({ store: storage().lrs.statements, clock });
    runtime = createRuntime({
      store: storage().runtimeStates,
      clock,
      packages: {
        version: async (id) => packages.find((one) => one.id === id) ?? null,
        package: async (id) => ({
          id,
          organisation: owners[id] ?? '',
          title: '課',
          latestVersionId: id,
          publications: [],
          archivedAt: null,
        }),
      },
      statements: {
        ...door,
        store: (list, authority) =>
          lrsAway ? Promise.reject(new Error('the LRS is away')) : door.store(list, authority),
      },
      documents: createDocumentDoor(storage().lrs.documents, clock),
      authority: platform,
      iris,
      logger: createLogger('silent'),
    });
  });

  const launch = (packageId: string, learner: string, registration: string = newUuid()): PlayerLaunch => ({
    id: newUuid(),
    learner: {
      id: learner,
      name: '王小明',
      agent: { objectType: 'Agent', account: { homePage: iris.homePage, name: learner } },
      language: 'zh-TW',
    },
    registration,
    packageId,
    packageVersionId: packageId,
    course: { activityId: iris.course('C'), title: '課', requiredSeconds: null, inactivitySeconds: null },
    browse: false,
    createdAt: clock.now(),
    expiresAt: clock.now(),
  });
  /** Opens the item and gives its data stores as Initialize finds them. */
  const storesOf = async (of: PlayerLaunch, name: string): Promise<Record<string, string>> => {
    const { seed } = await runtime.open(of, name);
    return Object.fromEntries(Object.entries(seed).filter(([element]) => element.startsWith('adl.data.')));
  };
  const started = async (of: PlayerLaunch, name: string): Promise<void> => {
    await runtime.open(of, name);
    await runtime.commit(of, [{ item: name, sequence: 1, start: true, set: [] }]);
  };
  const set = (
    name: string,
    sequence: number,
    values: Record<string, string>,
    more: Partial<Commit> = {},
  ): Commit => ({ item: name, sequence, set: Object.entries(values), ...more });

  it('what one item stores the other reads, by the maps of each', async () => {
    const one = launch('k1', newUuid());
    await started(one, 'A');
    await runtime.commit(one, [set('A', 2, { 'adl.data.0.store': '筆記', 'adl.data.1.store': 'hidden' })]);
    expect(await storesOf(one, 'B')).to.deep.equal({
      'adl.data.0.id': 'urn:other',
      'adl.data.1.id': 'urn:notes',
      'adl.data.1.store': '筆記',
      'adl.data.2.id': 'urn:secret',
      'adl.data.2.store': 'hidden',
    });
    expect(await storesOf(one, 'A')).to.deep.equal({
      'adl.data.0.id': 'urn:notes',
      'adl.data.0.store': '筆記',
      'adl.data.1.id': 'urn:secret',
    });
    const { access } = await runtime.open(one, 'A');
    expect(access['adl.data.1.store']).to.deep.equal({ read: false, write: true });
  });

  it('keeps them over attempts, and for the courses of the same vendor only (sharedDataGlobalToSystem)', async () => {
    const learner = newUuid();
    const one = launch('k1', learner);
    await started(one, 'A');
    await runtime.commit(one, [set('A', 2, { 'adl.data.0.store': '1' }, { end: { exit: 'normal' } })]);
    expect(await storesOf(launch('k1', learner), 'A')).to.include({ 'adl.data.0.store': '1' });
    expect(await storesOf(launch('k2', learner), 'A')).to.include({ 'adl.data.0.store': '1' });
    expect(await storesOf(launch('k3', learner), 'A')).not.to.have.property('adl.data.0.store');
    expect(await storesOf(launch('k1', newUuid()), 'A')).not.to.have.property('adl.data.0.store');
  });

  it('sharedDataGlobalToSystem false: of this registration alone', async () => {
    const learner = newUuid();
    const one = launch('local', learner);
    await started(one, 'A');
    await runtime.commit(one, [set('A', 2, { 'adl.data.0.store': '1' })]);
    expect(await storesOf(launch('local', learner, one.registration), 'A')).to.include({
      'adl.data.0.store': '1',
    });
    expect(await storesOf(launch('local', learner), 'A')).not.to.have.property('adl.data.0.store');
    expect(await storesOf(launch('k1', learner), 'A')).not.to.have.property('adl.data.0.store');
  });

  it('sharedDataGlobalToSystem false: of this attempt on the course alone, where sequencing counts attempts', async () => {
    const one = launch('local', newUuid());
    await started(one, 'A');
    await runtime.open(one, '');
    await runtime.commit(one, [{ item: '', sequence: 1, set: [['attempt', '1']] }]);
    await runtime.commit(one, [set('A', 2, { 'adl.data.0.store': '1' })]);
    expect(await storesOf(one, 'A')).to.include({ 'adl.data.0.store': '1' });
    await runtime.commit(one, [{ item: '', sequence: 2, set: [['attempt', '2']] }]);
    expect(await storesOf(one, 'A')).not.to.have.property('adl.data.0.store');
  });

  it('SN 3.10.2: global objectives are known to the vendor’s other courses, unless a course keeps its own', async () => {
    const learner = newUuid();
    const facts = JSON.stringify({ satisfied: true });
    const one = launch('goal', learner);
    await runtime.open(one, '');
    await runtime.commit(one, [{ item: '', sequence: 1, set: [['objective.urn:goal', facts]] }]);
    const known = async (of: PlayerLaunch): Promise<string | undefined> =>
      (await runtime.open(of, '')).seed['objective.urn:goal'];
    expect(await known(launch('goal2', learner))).to.equal(facts);
    expect(await known(launch('goal2', newUuid()))).to.equal(undefined);
    expect(await known(launch('own', learner))).to.equal(undefined);
    const other = launch('own', learner);
    await runtime.open(other, '');
    for (const name of ['objective.urn:goal', 'objective.urn:strange', 'cmi.location']) {
      const error = await runtime
        .commit(other, [{ item: '', sequence: 1, set: [[name, facts]] }])
        .catch((e: unknown) => e);
      expect(error, name).to.have.property('kind', 'invalid');
    }
  });

  it('refuses a store that the item may not write or does not map, whatever the browser says', async () => {
    const one = launch('k1', newUuid());
    await started(one, 'B');
    for (const name of ['adl.data.1.store', 'adl.data.3.store', 'adl.data.0.id']) {
      const error = await runtime.commit(one, [set('B', 2, { [name]: 'x' })]).catch((e: unknown) => e);
      expect(error, name).to.have.property('kind', 'invalid');
    }
  });

  it('joins a value that came in pieces', async () => {
    const one = launch('k1', newUuid());
    await started(one, 'A');
    await runtime.commit(one, [
      set('A', 2, { 'adl.data.0.store': '一' }, { partial: true }),
      set('A', 3, { 'adl.data.0.store': '二' }, { partial: true, append: true }),
      set('A', 4, {}),
    ]);
    expect(await storesOf(one, 'B')).to.include({ 'adl.data.1.store': '一二' });
  });

  it('a write that a crash left owing is never done over a later one', async () => {
    const one = launch('k1', newUuid());
    await started(one, 'A');
    lrsAway = true;
    const failed = await runtime
      .commit(one, [set('A', 2, { 'adl.data.0.store': 'first', 'cmi.success_status': 'passed' })])
      .catch((e: unknown) => e);
    expect(failed).to.be.an('error');
    lrsAway = false;
    const two = launch('k2', one.learner.id);
    await started(two, 'A');
    await runtime.commit(two, [set('A', 2, { 'adl.data.0.store': 'second' })]);
    clock.advance(60);
    await runtime.settle();
    expect(await storesOf(one, 'A')).to.include({ 'adl.data.0.store': 'second' });
  });

  it('two windows that store at once: one value, whole', async () => {
    const learner = newUuid();
    const launches = [launch('k1', learner), launch('k2', learner)];
    for (const one of launches) await started(one, 'A');
    await Promise.all(
      launches.map((one, n) => runtime.commit(one, [set('A', 2, { 'adl.data.0.store': `of ${n}` })])),
    );
    const [first, second] = await Promise.all(
      launches.map(async (one) => (await storesOf(one, 'A'))['adl.data.0.store']),
    );
    expect(first).to.equal(second);
    expect(first).to.be.oneOf(['of 0', 'of 1']);
  });
});
