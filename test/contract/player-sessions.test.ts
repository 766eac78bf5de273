import { expect } from 'chai';
import { newSortableId, newUuid } from '../../src/base/ids.ts';
import type { PlayerLaunch, StoredReadingSession } from '../../src/player/sessions/store.ts';
import { onEveryEngine } from '../support/engines.ts';

const at = (seconds: number): Date => new Date(Date.UTC(2026, 10, 23, 8, 0, seconds));
const session = (overrides: Partial<StoredReadingSession> = {}): StoredReadingSession => ({
  id: newSortableId(),
  launchId: newUuid(),
  learnerId: newUuid(),
  registration: newUuid(),
  packageVersionId: 'v1',
  startedAt: at(0),
  lastBeatAt: at(0),
  paused: false,
  endedAt: null,
  ending: null,
  milliseconds: 0,
  priorMilliseconds: 0,
  recordedAt: null,
  revision: 0,
  ...overrides,
});
const ended = (one: StoredReadingSession): StoredReadingSession => ({
  ...one,
  endedAt: at(30),
  lastBeatAt: at(30),
  ending: 'left',
  milliseconds: 30_000,
});

onEveryEngine('PlayerSessionStore', ({ storage }) => {
  const store = () => storage().playerSessions;

  it('keeps a launch whole, and deletes it when it has long expired', async () => {
    const launch: PlayerLaunch = {
      id: newUuid(),
      learner: {
        id: 'p1',
        name: '王小明',
        agent: { account: { homePage: 'http://localhost', name: 'p1' } },
        language: 'zh-TW',
      },
      registration: newUuid(),
      packageId: 'k1',
      packageVersionId: 'v1',
      course: { activityId: 'http://localhost/c', title: '樹', requiredSeconds: 60, inactivitySeconds: null },
      browse: false,
      createdAt: at(0),
      expiresAt: at(60),
    };
    await store().putLaunch(launch);
    expect(await store().launch(launch.id)).to.deep.equal(launch);
    expect(await store().deleteLaunches(at(60))).to.equal(0);
    expect(await store().deleteLaunches(at(61))).to.equal(1);
    expect(await store().launch(launch.id)).to.equal(null);
  });

  it('lets one session run per learner: of two that start at once one does', async () => {
    const learnerId = newUuid();
    const [one, two] = [session({ learnerId }), session({ learnerId })];
    const won = await Promise.all([store().start(one), store().start(two)]);
    expect(won.filter(Boolean)).to.have.length(1);
    expect(await store().running(learnerId)).to.deep.equal(won[0] ? one : two);
  });

  it('lets the next one start once it has ended', async () => {
    const one = session();
    await store().start(one);
    expect(await store().change(ended(one))).to.equal(true);
    expect(await store().running(one.learnerId)).to.equal(null);
    expect(await store().start(session({ learnerId: one.learnerId }))).to.equal(true);
  });

  it('keeps that the learner was asked, and that they have answered', async () => {
    const one = session({ asked: true });
    await store().start(one);
    expect(await store().running(one.learnerId)).to.deep.equal(one);
    const { asked: _, ...answered } = one;
    expect(await store().change(answered)).to.equal(true);
    expect(await store().running(one.learnerId)).to.deep.equal({ ...answered, revision: 1 });
  });

  it('changes a session for one of two writers, and an ended one for nobody', async () => {
    const one = session();
    await store().start(one);
    const won = await Promise.all([
      store().change({ ...one, milliseconds: 1 }),
      store().change({ ...one, milliseconds: 2 }),
    ]);
    expect(won.filter(Boolean)).to.have.length(1);
    const kept = await store().running(one.learnerId);
    expect(kept?.milliseconds).to.equal(won[0] ? 1 : 2);
    expect(kept?.revision).to.equal(1);
    if (kept) {
      expect(await store().change(ended(kept))).to.equal(true);
      expect(await store().change({ ...kept, revision: 2, milliseconds: 99 })).to.equal(false);
    }
  });

  it('finds silent sessions, and what is still owed a Statement, once', async () => {
    const silent = session({ lastBeatAt: at(5) });
    await store().start(silent);
    const ids = (list: StoredReadingSession[]): string[] => list.map(({ id }) => id);
    expect(ids(await store().silentSince(at(5), 1000))).not.to.include(silent.id);
    expect(ids(await store().silentSince(at(6), 1000))).to.include(silent.id);
    expect(ids(await store().unrecorded(1000))).not.to.include(silent.id);
    await store().change(ended(silent));
    expect(ids(await store().silentSince(at(60), 1000))).not.to.include(silent.id);
    expect(ids(await store().unrecorded(1000))).to.include(silent.id);
    await store().markRecorded(silent, at(40));
    await store().markRecorded(silent, at(50));
    expect(ids(await store().unrecorded(1000))).not.to.include(silent.id);
    expect((await store().ofRegistration(silent.registration))[0]?.recordedAt).to.deep.equal(at(40));
  });

  it('keeps what the session ran on, also when it has ended', async () => {
    const one = session({ device: 'Windows · Edge' });
    await store().start(one);
    await store().change(ended(one));
    expect((await store().ofRegistration(one.registration))[0]?.device).to.equal('Windows · Edge');
    expect((await store().ofRegistration(one.registration))[0]?.endedAt).to.deep.equal(at(30));
  });

  it('lists the sessions of a registration in the order they started', async () => {
    const registration = newUuid();
    const later = session({ registration, startedAt: at(20) });
    const earlier = session({ registration, startedAt: at(10) });
    await store().start(later);
    await store().start(earlier);
    expect((await store().ofRegistration(registration)).map(({ id }) => id)).to.deep.equal([
      earlier.id,
      later.id,
    ]);
  });
});
