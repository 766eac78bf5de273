import { expect } from 'chai';
import { newUuid } from '../../src/base/ids.ts';
import { createIris } from '../../src/base/iris.ts';
import { createLogger } from '../../src/base/logger.ts';
import { createStatementDoor } from '../../src/lrs/door.ts';
import type { StatementDoor, StoredStatement } from '../../src/lrs/types.ts';
import {
  createPlayerSessions,
  type PlayerSessionService,
} from '../../src/player/sessions/player-sessions.ts';
import type { PlayerLaunch } from '../../src/player/sessions/store.ts';
import type { PackageVersion } from '../../src/player/types.ts';
import { TestClock } from '../support/clock.ts';
import { onEveryEngine } from '../support/engines.ts';
import { platform } from '../support/player.ts';

const iris = createIris('http://localhost:8080');
const version: PackageVersion = {
  id: 'v1',
  packageId: 'k1',
  version: 1,
  standard: 'scorm-1.2',
  edition: '1.2',
  title: '樹',
  items: [],
  extra: {},
  fileCount: 1,
  totalBytes: 1,
  findings: [],
  uploadedBy: 'vendor',
  uploadedAt: new Date(0),
};

onEveryEngine('Reading time (requirements 32, 33; W1, W9)', ({ storage }) => {
  let clock: TestClock;
  let sessions: PlayerSessionService;
  let door: StatementDoor;
  let started: string[];
  let lrsAway = false;

  beforeEach(() => {
    clock = new TestClock();
    started = [];
    lrsAway = false;
    door = createStatementDoor({ store: storage().lrs.statements, clock });
    sessions = createPlayerSessions({
      store: storage().playerSessions,
      clock,
      secret: 'a secret of at least 32 characters',
      contentOrigin: 'http://127.0.0.1:8080',
      packages: { version: async (id) => (id === version.id ? version : null) },
      statements: {
        ...door,
        store: (list, authority) =>
          lrsAway ? Promise.reject(new Error('the LRS is away')) : door.store(list, authority),
      },
      authority: platform,
      iris,
      logger: createLogger('silent'),
      onStarted: async (registration) => void started.push(registration),
    });
  });

  const launch = async (
    learner: string = newUuid(),
    course: Partial<PlayerLaunch['course']> = {},
    registration: string = newUuid(),
  ): Promise<PlayerLaunch> => {
    const made = await sessions.launch({
      learner: {
        id: learner,
        name: '王小明',
        agent: { objectType: 'Agent', account: { homePage: iris.homePage, name: learner } },
        language: 'zh-TW',
      },
      registration,
      packageVersionId: 'v1',
      course: { activityId: iris.course('TREE'), title: '樹', requiredSeconds: null, ...course },
    });
    return sessions.authenticate('beat', made.beatToken);
  };
  const seen = { visible: true };
  const beats = async (of: PlayerLaunch, ...gaps: number[]): Promise<void> => {
    await sessions.beat(of, seen);
    for (const gap of gaps) {
      clock.advance(gap);
      await sessions.beat(of, seen);
    }
  };
  const said = async (of: PlayerLaunch): Promise<StoredStatement[]> =>
    door.find({ registration: of.registration, ascending: true });

  it('counts from beat to beat, and says at the end: exited the course after so long', async () => {
    const one = await launch();
    await beats(one, 15, 15);
    clock.advance(10);
    const view = await sessions.leave(one, 'left');
    expect(view.seconds).to.equal(40);
    const [statement, ...more] = await said(one);
    expect(more).to.have.length(0);
    const [session] = await sessions.sessionsOf(one.registration);
    expect(session?.ending).to.equal('left');
    expect(statement?.authorityId).to.equal('platform');
    expect(statement?.statement.verb.id).to.equal('http://adlnet.gov/expapi/verbs/exited');
    expect(statement?.statement.object).to.include({ id: iris.course('TREE') });
    expect(statement?.statement.result?.duration).to.equal('PT40S');
    expect(statement?.statement.context?.registration).to.equal(one.registration);
    expect(statement?.statement.context?.contextActivities?.category?.[0]?.id).to.equal(
      iris.term('reading-time'),
    );
    expect(statement?.statement.context?.extensions).to.deep.equal({ [iris.term('session')]: session?.id });
  });

  it('keeps the time up to the last beat when the browser is killed; the reaper says so', async () => {
    const one = await launch();
    await beats(one, 15, 15);
    clock.advance(45);
    await sessions.reap();
    expect((await sessions.sessionsOf(one.registration))[0]?.endedAt).to.equal(null);
    clock.advance(1);
    await sessions.reap();
    const [session] = await sessions.sessionsOf(one.registration);
    expect(session).to.include({ ending: 'lapsed', seconds: 30 });
    expect((await said(one))[0]?.statement.result?.duration).to.equal('PT30S');
  });

  it('counts a gap of lost network up to the limit, and nothing of a longer one', async () => {
    const one = await launch();
    await beats(one, 45);
    expect(await sessions.readingSeconds(one.registration)).to.equal(45);
    clock.advance(46);
    await sessions.beat(one, seen);
    expect(await sessions.readingSeconds(one.registration)).to.equal(45);
    await beats(one, 5);
    expect(await sessions.readingSeconds(one.registration)).to.equal(50);
    expect((await sessions.sessionsOf(one.registration)).map(({ ending }) => ending)).to.deep.equal([
      'lapsed',
      null,
    ]);
  });

  it('does not count while the page is hidden', async () => {
    const one = await launch();
    await beats(one, 10);
    expect((await sessions.beat(one, { visible: false })).counting).to.equal(false);
    clock.advance(20);
    await beats(one, 10);
    expect(await sessions.readingSeconds(one.registration)).to.equal(20);
  });

  it("does not count without a sign of the learner beyond the course's limit", async () => {
    const one = await launch(newUuid(), { inactivitySeconds: 300 });
    await beats(one, 15);
    await sessions.beat(one, { visible: true, idleSeconds: 301 });
    clock.advance(15);
    await sessions.beat(one, { visible: true, idleSeconds: 316 });
    clock.advance(15);
    expect((await sessions.beat(one, { visible: true, idleSeconds: 2 })).seconds).to.equal(15);
  });

  it('stops at the limit, asks, and counts again only once the question is answered', async () => {
    const one = await launch(newUuid(), { inactivitySeconds: 300 });
    await beats(one, 15);
    clock.advance(15);
    // The limit was passed 5 s ago: 10 s of this gap still count.
    const idle = await sessions.beat(one, { visible: true, idleSeconds: 305 });
    expect(idle).to.include({ asked: true, counting: false, seconds: 25 });
    clock.advance(15);
    // A sign alone is no answer; nor is a page that was hidden and shows again.
    expect(await sessions.beat(one, { visible: true, idleSeconds: 0 })).to.include({
      asked: true,
      seconds: 25,
    });
    await sessions.beat(one, { visible: false });
    clock.advance(15);
    expect(await sessions.beat(one, seen)).to.include({ asked: true, counting: false });
    clock.advance(15);
    expect(await sessions.beat(one, { visible: true, present: true })).to.include({
      asked: false,
      counting: true,
      seconds: 25,
    });
    clock.advance(15);
    expect((await sessions.leave(one, 'left')).seconds).to.equal(40);
  });

  it('asks also when the session fell asleep meanwhile, and begins none before the answer', async () => {
    const one = await launch(newUuid(), { inactivitySeconds: 60 });
    await beats(one, 15);
    await sessions.beat(one, { visible: true, idleSeconds: 61 });
    clock.advance(3600);
    expect(await sessions.beat(one, { visible: true, idleSeconds: 3661 })).to.include({
      asked: true,
      counting: false,
    });
    expect(await sessions.sessionsOf(one.registration)).to.have.length(1);
    expect((await sessions.beat(one, { visible: true, present: true })).counting).to.equal(true);
    clock.advance(10);
    expect((await sessions.leave(one, 'left')).seconds).to.equal(25);
  });

  it('gives no negative time when the clock steps back, twice', async () => {
    const one = await launch();
    await beats(one, 15);
    clock.advance(-3600);
    await sessions.beat(one, seen);
    clock.advance(10);
    await sessions.beat(one, seen);
    clock.advance(-60);
    await sessions.beat(one, seen);
    clock.advance(5);
    expect((await sessions.leave(one, 'closed')).seconds).to.equal(30);
    const [session] = await sessions.sessionsOf(one.registration);
    expect(session?.endedAt?.getTime()).to.be.at.least(session?.startedAt.getTime() ?? Infinity);
  });

  it('counts one window per learner; the other takes over by choice', async () => {
    const learner = newUuid();
    const one = await launch(learner, { title: '第一課' });
    const two = await launch(learner, { title: '第二課' });
    await beats(one, 10);
    expect(await sessions.beat(two, seen)).to.include({ counting: false, elsewhere: '第一課', seconds: 0 });
    expect(await sessions.beat(two, { visible: true, takeOver: true })).to.include({
      counting: true,
      elsewhere: null,
    });
    clock.advance(10);
    expect(await sessions.beat(one, seen)).to.include({ counting: false, elsewhere: '第二課', seconds: 10 });
    expect((await sessions.sessionsOf(one.registration))[0]?.ending).to.equal('taken-over');
    expect((await sessions.leave(two, 'left')).seconds).to.equal(10);
  });

  it('starts counting by itself when the other window has fallen silent', async () => {
    const learner = newUuid();
    const one = await launch(learner);
    const two = await launch(learner);
    await beats(one, 10);
    clock.advance(46);
    expect((await sessions.beat(two, seen)).counting).to.equal(true);
    expect((await sessions.sessionsOf(one.registration))[0]).to.include({ ending: 'lapsed', seconds: 10 });
  });

  it('records a milestone when the requirement is met, and goes on', async () => {
    const one = await launch(newUuid(), { requiredSeconds: 30 });
    await beats(one, 15, 15, 15);
    expect((await said(one)).map(({ statement }) => statement.result?.duration)).to.deep.equal(['PT30S']);
    expect((await sessions.leave(one, 'left')).seconds).to.equal(45);
    expect((await said(one)).map(({ statement }) => statement.result?.duration)).to.deep.equal([
      'PT30S',
      'PT15S',
    ]);
  });

  it('records long learning every quarter of an hour', async () => {
    const one = await launch();
    await beats(one, ...Array.from({ length: 90 }, () => 20));
    expect((await said(one)).map(({ statement }) => statement.result?.duration)).to.deep.equal([
      'PT15M',
      'PT15M',
    ]);
    expect(await sessions.readingSeconds(one.registration)).to.equal(1800);
  });

  it('loses and doubles nothing when beats, the end and the reaper meet', async () => {
    const one = await launch();
    await beats(one, 15);
    clock.advance(15);
    await Promise.all([
      sessions.beat(one, seen),
      sessions.leave(one, 'left'),
      sessions.leave(one, 'closed'),
      sessions.reap(),
      sessions.beat(one, { visible: false }),
    ]);
    await sessions.leave(one, 'left');
    expect(await sessions.readingSeconds(one.registration)).to.equal(30);
    expect((await said(one)).map(({ statement }) => statement.result?.duration)).to.deep.equal(['PT30S']);
  });

  it('begins nothing anew for a beat that comes after its page was left', async () => {
    const one = await launch();
    await beats(one, 15);
    await sessions.leave(one, 'left');
    expect(await sessions.beat(one, seen)).to.include({ counting: false, elsewhere: null, seconds: 15 });
    clock.advance(15);
    // Another course of the learner counts at once: nothing of the first one is running.
    const two = await launch();
    expect((await sessions.beat(two, seen)).counting).to.equal(true);
    expect(await sessions.readingSeconds(one.registration)).to.equal(15);
  });

  it('owes the Statement while the LRS is away, and pays once it is back', async () => {
    const one = await launch();
    await beats(one, 15);
    lrsAway = true;
    expect((await sessions.leave(one, 'left')).seconds).to.equal(15);
    expect(await said(one)).to.have.length(0);
    lrsAway = false;
    await Promise.all([sessions.reap(), sessions.reap()]);
    expect(await said(one)).to.have.length(1);
  });

  it('begins the class period with the first minute or the first record, not with opening (W9)', async () => {
    const one = await launch();
    await beats(one, 20, 20);
    expect(started).to.deep.equal([]);
    await beats(one, 20);
    expect(started).to.deep.equal([one.registration]);
    const two = await launch();
    await beats(two, 5);
    await sessions.leave(two, 'left');
    expect(started).to.deep.equal([one.registration, two.registration]);
  });

  it('lets an entry by accident be undone before a minute has counted, and not afterwards (W9)', async () => {
    const one = await launch();
    await beats(one, 15);
    expect((await sessions.beat(one, seen)).undoable).to.equal(true);
    expect((await sessions.leave(one, 'left', { undo: true })).seconds).to.equal(0);
    expect(await said(one)).to.have.length(0);
    expect(started).to.deep.equal([]);
    const two = await launch();
    await beats(two, 30, 30);
    expect((await sessions.beat(two, seen)).undoable).to.equal(false);
    expect((await sessions.leave(two, 'left', { undo: true })).seconds).to.equal(60);
    expect(await said(two)).to.have.length(1);
  });

  it('refuses forged, foreign and outdated tokens', async () => {
    const one = await sessions.launch({
      learner: {
        id: 'p',
        name: 'p',
        agent: { account: { homePage: 'http://h', name: 'p' } },
        language: 'en',
      },
      registration: newUuid(),
      packageVersionId: 'v1',
      course: { activityId: iris.course('TREE'), title: '樹', requiredSeconds: null },
    });
    const refused = async (kind: 'launch' | 'api' | 'files' | 'beat', token: string): Promise<boolean> =>
      sessions.authenticate(kind, token).then(
        () => false,
        (error: { kind?: string }) => error.kind === 'unauthenticated',
      );
    expect(await refused('launch', one.launchToken)).to.equal(false);
    expect(await refused('api', one.launchToken)).to.equal(true);
    expect(await refused('beat', one.launchToken)).to.equal(true);
    expect(await refused('launch', `${one.launchToken}x`)).to.equal(true);
    expect(await refused('launch', `${newUuid()}.${one.launchToken.split('.')[1] ?? ''}`)).to.equal(true);
    expect(await refused('launch', 'nonsense')).to.equal(true);
    clock.advance(11 * 60);
    expect(await refused('launch', one.launchToken)).to.equal(true);
    expect(await refused('beat', one.beatToken)).to.equal(false);
    clock.advance(16 * 3600);
    expect(await refused('beat', one.beatToken)).to.equal(true);
  });
});
