import { expect } from 'chai';
import { newUuid } from '../../src/base/ids.ts';
import { createIris } from '../../src/base/iris.ts';
import { createLogger } from '../../src/base/logger.ts';
import { createStatementDoor } from '../../src/lrs/door.ts';
import { createDocumentDoor } from '../../src/lrs/resource-documents.ts';
import type { DocumentDoor, StatementDoor } from '../../src/lrs/types.ts';
import { createRuntime, type Runtime } from '../../src/player/runtime/runtime.ts';
import type { Commit } from '../../src/player/runtime/commit.ts';
import type { PlayerLaunch } from '../../src/player/sessions/store.ts';
import type { AttemptPolicy, PackageVersion } from '../../src/player/types.ts';
import { TestClock } from '../support/clock.ts';
import { onEveryEngine } from '../support/engines.ts';
import { platform } from '../support/player.ts';

const iris = createIris('http://localhost:8080');
const item = {
  identifier: 'A',
  title: '節',
  visible: true,
  href: 'a.html',
  kind: 'sco' as const,
  children: [],
};
const version = (standard: 'scorm-1.2' | 'scorm-2004'): PackageVersion => ({
  id: standard,
  packageId: 'k1',
  version: 2,
  standard,
  edition: '',
  title: '課',
  items: [item, { ...item, identifier: 'B', kind: 'asset' }],
  extra: {},
  fileCount: 1,
  totalBytes: 1,
  findings: [],
  uploadedBy: 'v',
  uploadedAt: new Date(0),
});

onEveryEngine('Commits (a commit acknowledged is a commit kept)', ({ storage }) => {
  let clock: TestClock;
  let runtime: Runtime;
  let door: StatementDoor;
  let documents: DocumentDoor;
  let lrsAway = false;

  beforeEach(() => {
    clock = new TestClock();
    lrsAway = false;
    door = createStatementDoor({ store: storage().lrs.statements, clock });
    documents = createDocumentDoor(storage().lrs.documents, clock);
    runtime = createRuntime({
      store: storage().runtimeStates,
      clock,
      packages: {
        version: async (id) => (id === 'scorm-1.2' || id === 'scorm-2004' ? version(id) : null),
        package: async (id) => ({
          id,
          organisation: 'vendor',
          title: '課',
          latestVersionId: 'scorm-2004',
          publications: [],
          archivedAt: null,
        }),
      },
      statements: {
        ...door,
        store: (list, authority) =>
          lrsAway ? Promise.reject(new Error('the LRS is away')) : door.store(list, authority),
      },
      documents,
      authority: platform,
      iris,
      logger: createLogger('silent'),
    });
  });

  const launch = (
    registration: string = newUuid(),
    packageVersionId: 'scorm-1.2' | 'scorm-2004' = 'scorm-2004',
    browse = false,
  ): PlayerLaunch => ({
    id: newUuid(),
    learner: {
      id: 'p',
      name: '王小明',
      agent: { objectType: 'Agent', account: { homePage: iris.homePage, name: 'p' } },
      language: 'zh-TW',
    },
    registration,
    packageId: 'k1',
    packageVersionId,
    course: { activityId: iris.course('C'), title: '課', requiredSeconds: null, inactivitySeconds: null },
    browse,
    createdAt: clock.now(),
    expiresAt: clock.now(),
  });
  const commit = (
    sequence: number,
    set: Record<string, string> = {},
    more: Partial<Commit> = {},
  ): Commit => ({
    item: 'A',
    sequence,
    set: Object.entries(set),
    ...more,
  });
  const start = (sequence = 1): Commit => commit(sequence, {}, { start: true });
  const verbsOf = async (of: PlayerLaunch): Promise<string[]> =>
    (await door.find({ registration: of.registration, ascending: true })).map(
      ({ statement }) => statement.verb.id.split('/').at(-1) ?? '',
    );

  it('sent twice, also at once, changes nothing and says nothing twice', async () => {
    const one = launch();
    await runtime.open(one, 'A');
    const commits = [start(), commit(2, { 'cmi.success_status': 'passed' })];
    await Promise.all([runtime.commit(one, commits), runtime.commit(one, commits)]);
    clock.advance(60);
    const again = await runtime.commit(one, commits);
    expect(again.acknowledged).to.deep.equal([
      { item: 'A', sequence: 1 },
      { item: 'A', sequence: 2 },
    ]);
    expect(await verbsOf(one)).to.deep.equal(['initialized', 'passed']);
  });

  it('notices a step that is missing and asks for it', async () => {
    const one = launch();
    await runtime.open(one, 'A');
    const { acknowledged, refused } = await runtime.commit(one, [
      start(),
      commit(3, { 'cmi.location': 'x' }),
    ]);
    expect(acknowledged).to.deep.equal([{ item: 'A', sequence: 1 }]);
    expect(refused).to.deep.equal([{ item: 'A', reason: 'gap', expected: 2 }]);
  });

  it('lets a stale window overwrite nothing', async () => {
    const first = launch();
    await runtime.open(first, 'A');
    await runtime.commit(first, [start(), commit(2, { 'cmi.location': 'old' })]);
    const second = launch(first.registration);
    expect((await runtime.open(second, 'A')).seed['cmi.location']).to.equal('old');
    await runtime.commit(second, [start(), commit(2, { 'cmi.location': 'new' })]);
    const late = await runtime.commit(first, [commit(3, { 'cmi.location': 'stale' })]);
    expect(late.refused).to.deep.equal([{ item: 'A', reason: 'stale', expected: 0 }]);
    expect((await runtime.open(launch(first.registration), 'A')).seed['cmi.location']).to.equal('new');
  });

  it('takes what an earlier window could not send, before the next one opens', async () => {
    const first = launch();
    await runtime.open(first, 'A');
    await runtime.commit(first, [start()]);
    const second = launch(first.registration);
    const late = await runtime.commit(second, [commit(2, { 'cmi.suspend_data': 'kept' })], first.id);
    expect(late.acknowledged).to.deep.equal([{ item: 'A', sequence: 2 }]);
    const opening = await runtime.open(second, 'A');
    expect(opening.seed['cmi.suspend_data']).to.equal('kept');
    expect(opening.seed['cmi.entry']).to.equal('resume');
  });

  it('joins a value sent in pieces; half of it never shows', async () => {
    const one = launch();
    await runtime.open(one, 'A');
    await runtime.commit(one, [
      start(),
      commit(2, { 'cmi.suspend_data': 'whole' }),
      commit(3, { 'cmi.suspend_data': '一'.repeat(6000) }, { partial: true }),
    ]);
    expect((await runtime.open(one, 'A')).seed['cmi.suspend_data']).to.equal('whole');
    const two = launch(one.registration);
    await runtime.open(two, 'A');
    await runtime.commit(two, [
      start(),
      commit(2, { 'cmi.suspend_data': '一'.repeat(6000) }, { partial: true }),
      commit(3, { 'cmi.suspend_data': '二' }, { partial: true, append: true }),
      commit(4, {}, { end: { exit: 'suspend' } }),
    ]);
    expect((await runtime.open(launch(one.registration), 'A')).seed['cmi.suspend_data']).to.equal(
      `${'一'.repeat(6000)}二`,
    );
  });

  it('answers only when the Statements are durable; what is owed is paid by whoever comes next', async () => {
    const one = launch();
    await runtime.open(one, 'A');
    await runtime.commit(one, [start()]);
    lrsAway = true;
    const passed = commit(2, { 'cmi.success_status': 'passed' });
    const failed = await runtime.commit(one, [passed]).catch((error: unknown) => error);
    expect(String(failed)).to.contain('away');
    lrsAway = false;
    expect((await runtime.commit(one, [passed])).acknowledged).to.have.length(1);
    expect(await verbsOf(one)).to.deep.equal(['initialized', 'passed']);

    lrsAway = true;
    await runtime.commit(one, [commit(3, { 'cmi.completion_status': 'completed' })]).catch(() => undefined);
    lrsAway = false;
    clock.advance(60);
    await Promise.all([runtime.settle(), runtime.settle()]);
    expect(await verbsOf(one)).to.deep.equal(['initialized', 'passed', 'completed']);
  });

  it('a suspended attempt goes on, a finished one gives way to a new one (2004, RTE 2.1.1); the best result stays', async () => {
    const one = launch();
    await runtime.open(one, 'A');
    await runtime.commit(one, [
      start(),
      commit(2, {
        'cmi.success_status': 'passed',
        'cmi.location': 'p3',
        'cmi.session_time': 'PT1M',
      }),
      commit(3, {}, { end: { exit: 'suspend' } }),
    ]);
    const resumed = await runtime.open(one, 'A');
    expect(resumed.seed).to.include({
      'cmi.entry': 'resume',
      'cmi.location': 'p3',
      'cmi.total_time': 'PT1M',
      'cmi.success_status': 'passed',
    });
    expect(resumed.seed).not.to.have.property('cmi.session_time');
    await runtime.commit(one, [start(4), commit(5, { 'cmi.session_time': 'PT30S' }, { end: { exit: '' } })]);
    const fresh = await runtime.open(one, 'A');
    expect(fresh.attempt).to.equal(2);
    expect(fresh.seed).to.include({ 'cmi.entry': 'ab-initio', 'cmi.total_time': 'PT0S' });
    expect(fresh.seed).not.to.have.property('cmi.location');
    expect(await runtime.progress(one)).to.deep.include.members([
      {
        item: 'A',
        status: 'passed',
        completed: true,
        passed: true,
        scaled: null,
        suspended: false,
        attempt: 1,
      },
    ]);
  });

  it('after a crash the attempt resumes, with the time that was reported', async () => {
    const one = launch();
    await runtime.open(one, 'A');
    await runtime.commit(one, [start(), commit(2, { 'cmi.location': 'p9', 'cmi.session_time': 'PT45S' })]);
    const next = await runtime.open(launch(one.registration), 'A');
    expect(next.seed).to.include({ 'cmi.entry': 'resume', 'cmi.location': 'p9', 'cmi.total_time': 'PT45S' });
  });

  it('1.2 keeps its data as long as the registration, and adds up session_time', async () => {
    const one = launch(newUuid(), 'scorm-1.2');
    await runtime.open(one, 'A');
    await runtime.commit(one, [
      start(),
      commit(
        2,
        { 'cmi.core.lesson_location': '5', 'cmi.core.session_time': '00:01:00' },
        { end: { exit: '' } },
      ),
    ]);
    expect((await runtime.open(one, 'A')).seed).to.include({
      'cmi.core.entry': '',
      'cmi.core.lesson_location': '5',
      'cmi.core.total_time': '0000:01:00.00',
    });
  });

  it("leaves the profile's documents: activity-state, attempt-state, suspend data", async () => {
    const one = launch();
    await runtime.open(one, 'A');
    await runtime.commit(one, [
      start(),
      commit(2, { 'cmi.suspend_data': '資料', 'cmi.location': 'p1' }, { end: { exit: 'suspend' } }),
    ]);
    const activityId = iris.item('k1', 'A');
    const read = async (id: string, stateId: string): Promise<unknown> => {
      const found = await documents.getState({
        activityId: id,
        agent: one.learner.agent,
        registration: one.registration,
        stateId: `https://w3id.org/xapi/scorm/${stateId}`,
      });
      return found && JSON.parse(found.body.toString());
    };
    const { attempts } = (await read(activityId, 'activity-state')) as { attempts: string[] };
    expect(attempts).to.have.length(1);
    const attempt = attempts[0] ?? '';
    expect(await read(attempt, 'attempt-state')).to.deep.include({ location: 'p1', mode: 'normal' });
    expect(await read(attempt, 'types/adl-suspend-data')).to.equal('資料');
  });

  it('an asset that was shown is completed; an element that content may not set is refused', async () => {
    const one = launch();
    await runtime.open(one, 'B');
    await runtime.commit(one, [{ item: 'B', sequence: 1, set: [], visited: true }]);
    expect(await runtime.progress(one)).to.deep.include.members([
      {
        item: 'B',
        status: 'completed',
        completed: true,
        passed: null,
        scaled: null,
        suspended: false,
        attempt: 1,
      },
    ]);
    await runtime.open(one, 'A');
    for (const name of ['cmi.learner_id', '__proto__', 'tree', 'cmi.foo']) {
      const error = await runtime.commit(one, [commit(1, { [name]: 'x' })]).catch((e: unknown) => e);
      expect(error, name).to.have.property('kind', 'invalid');
    }
  });

  it('an SCO of 2004 that ends without a word of its completion is done in the table of contents (SN UP.4)', async () => {
    const [quiet, left, unknown] = [launch(), launch(), launch()];
    for (const one of [quiet, left, unknown]) await runtime.open(one, 'A');
    await runtime.commit(quiet, [start(), commit(2, {}, { end: { exit: 'normal' } })]);
    await runtime.commit(left, [start(), commit(2, {}, { end: { exit: 'suspend' } })]);
    await runtime.commit(unknown, [
      start(),
      commit(2, { 'cmi.completion_status': 'unknown' }, { end: { exit: 'normal' } }),
    ]);
    const done = await Promise.all(
      [quiet, left, unknown].map(async (one) => (await runtime.progress(one))[0]?.completed),
    );
    expect(done).to.deep.equal([true, false, false]);
    // The profile's Statement stays the SCO's own word.
    expect(await verbsOf(quiet)).to.deep.equal(['initialized', 'terminated']);
  });

  describe('attempts by the course’s policy', () => {
    const under = (
      registration: string,
      attempts: AttemptPolicy,
      standard: 'scorm-1.2' | 'scorm-2004' = 'scorm-2004',
    ): PlayerLaunch => {
      const one = launch(registration, standard);
      return { ...one, course: { ...one.course, attempts } };
    };
    const attempt = async (of: PlayerLaunch, values: Record<string, string>, exit = 'normal') => {
      const opening = await runtime.open(of, 'A');
      await runtime.commit(of, [start(1), commit(2, values, { end: { exit } })]);
      return opening;
    };

    it('review: an item that was passed opens without credit, and nothing of it is kept', async () => {
      const registration = newUuid();
      const review = { limit: null, review: true };
      await attempt(under(registration, review), {
        'cmi.success_status': 'passed',
        'cmi.score.scaled': '0.9',
        'cmi.location': 'page-7',
      });
      const before = await verbsOf(launch(registration));
      const again = await attempt(under(registration, review), {
        'cmi.success_status': 'failed',
        'cmi.score.scaled': '0.1',
      });
      expect(again.mode).to.equal('review');
      expect(again.seed).to.include({
        'cmi.mode': 'review',
        'cmi.credit': 'no-credit',
        'cmi.entry': '',
        'cmi.location': 'page-7',
        'cmi.score.scaled': '0.9',
      });
      expect(again.rules.credit).to.equal(false);
      expect(await verbsOf(launch(registration))).to.deep.equal(before);
      expect(await runtime.progress(launch(registration))).to.deep.include({
        item: 'A',
        status: 'passed',
        completed: true,
        passed: true,
        scaled: 0.9,
        suspended: false,
        attempt: 1,
      });
      // Without the policy the standard's word stands: a new attempt.
      expect((await runtime.open(launch(registration), 'A')).seed).to.include({
        'cmi.mode': 'normal',
        'cmi.entry': 'ab-initio',
      });
    });

    it('limit: so many attempts, then review; one that is suspended is still the same attempt', async () => {
      const registration = newUuid();
      const twice = { limit: 2, review: false };
      await attempt(under(registration, twice), { 'cmi.success_status': 'failed' });
      const second = await attempt(under(registration, twice), { 'cmi.location': 'x' }, 'suspend');
      expect([second.mode, second.attempt]).to.deep.equal(['normal', 2]);
      const resumed = await attempt(under(registration, twice), { 'cmi.success_status': 'failed' });
      expect([resumed.mode, resumed.attempt, resumed.seed['cmi.entry']]).to.deep.equal([
        'normal',
        2,
        'resume',
      ]);
      expect((await runtime.open(under(registration, twice), 'A')).mode).to.equal('review');
    });

    it('1.2 begins a new attempt after a result where attempts are counted', async () => {
      const registration = newUuid();
      const twice = { limit: 2, review: false };
      const fail = { 'cmi.core.lesson_status': 'failed', 'cmi.suspend_data': 'old' };
      await attempt(under(registration, twice, 'scorm-1.2'), fail, '');
      const second = await attempt(under(registration, twice, 'scorm-1.2'), fail, '');
      expect([second.mode, second.attempt, second.seed['cmi.suspend_data']]).to.deep.equal([
        'normal',
        2,
        undefined,
      ]);
      const third = await runtime.open(under(registration, twice, 'scorm-1.2'), 'A');
      expect(third.seed).to.include({
        'cmi.core.lesson_mode': 'review',
        'cmi.core.credit': 'no-credit',
        'cmi.suspend_data': 'old',
      });
    });
  });

  it('keeps the sequencing state of the course', async () => {
    const one = launch();
    await runtime.open(one, '');
    await runtime.commit(one, [{ item: '', sequence: 1, set: [['tree', '{"a":1}']] }]);
    expect((await runtime.open(launch(one.registration), '')).seed).to.deep.equal({ tree: '{"a":1}' });
    expect(await runtime.progress(one)).to.deep.equal([]);
  });

  it('records nothing in a preview', async () => {
    const one = launch(newUuid(), 'scorm-2004', true);
    const opening = await runtime.open(one, 'A');
    expect(opening.seed).to.include({ 'cmi.mode': 'browse', 'cmi.credit': 'no-credit' });
    await runtime.commit(one, [start(), commit(2, { 'cmi.success_status': 'passed' })]);
    expect(await verbsOf(one)).to.deep.equal([]);
    expect(await storage().runtimeStates.ofRegistration(one.registration)).to.deep.equal([]);
  });

  it('tells a preview what its commits would come to, from the states that it carries itself', async () => {
    const one = launch(newUuid(), 'scorm-2004', true);
    const said = (list: { verb: { id: string } }[]): string[] =>
      list.map(({ verb }) => verb.id.split('/').at(-1) ?? '');
    const first = await runtime.rehearse(one, [start(), commit(2, { 'cmi.score.scaled': '0.5' })], {});
    expect(said(first.statements)).to.deep.equal(['initialized', 'scored']);
    const second = await runtime.rehearse(
      one,
      [commit(3, { 'cmi.success_status': 'passed' }, { end: { exit: '' } })],
      first.states,
    );
    expect(said(second.statements)).to.deep.equal(['passed', 'terminated']);
    expect(second.statements[0]?.result).to.deep.equal({ score: { scaled: 0.5 }, success: true });
    expect(await verbsOf(one)).to.deep.equal([]);
    expect(await storage().runtimeStates.ofRegistration(one.registration)).to.deep.equal([]);
  });
});
