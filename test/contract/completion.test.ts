import { expect } from 'chai';
import { createLogger } from '../../src/base/logger.ts';
import { toIsoDuration } from '../../src/base/durations.ts';
import { newUuid, uuidFrom } from '../../src/base/ids.ts';
import { createIris } from '../../src/base/iris.ts';
import { createCompletion, type CompletionService } from '../../src/completion/completion.ts';
import { createStatementDoor, type StatementIntake } from '../../src/lrs/door.ts';
import { createFeed } from '../../src/lrs/feed.ts';
import type { Authority, Feed } from '../../src/lrs/types.ts';
import type { Statement } from '../../src/xapi/types.ts';
import { verbs } from '../../src/xapi/verbs.ts';
import { TestClock } from '../support/clock.ts';
import { onEveryEngine } from '../support/engines.ts';

const iris = createIris('https://learn.example');
const platform: Authority = {
  id: 'platform',
  agent: { account: { homePage: iris.homePage, name: 'platform' } },
};
const stranger: Authority = {
  id: 'partner-1',
  agent: { account: { homePage: 'https://partner.example', name: 'p' } },
};
const rules = { readingSeconds: 1800, passScore: 60, survey: true };

onEveryEngine('completion over the real LRS and feed', ({ storage }) => {
  let clock: TestClock;
  let door: StatementIntake;
  let completion: CompletionService;
  let feeds: Feed[];
  const known = new Set<string>();

  const make = (): CompletionService =>
    createCompletion({
      store: storage().completion,
      door,
      platform,
      iris,
      courseOf: async (registration) =>
        known.has(registration)
          ? { personId: 'learner', code: 'ZX1', activity: { id: iris.course('ZX1') }, rules }
          : null,
    });

  before(() => {
    clock = new TestClock();
    door = createStatementDoor({ store: storage().lrs.statements, clock });
    completion = make();
    // Two dispatchers, as two processes have.
    feeds = [completion, make()].map((service) =>
      createFeed({
        statements: storage().lrs.statements,
        feed: storage().lrs.feed,
        clock,
        logger: createLogger('silent'),
        consumers: [service.consumer],
        pollSeconds: 60,
      }),
    );
  });
  after(() => Promise.all(feeds.map((feed) => feed.stop())));

  const enrol = (): string => {
    const registration = newUuid();
    known.add(registration);
    return registration;
  };
  const about = (
    registration: string,
    verb: { id: string },
    activity: string,
    more: Partial<Statement> = {},
  ): Statement => {
    clock.advance(1);
    return {
      id: newUuid(),
      actor: { account: { homePage: iris.homePage, name: 'learner' } },
      verb,
      object: { id: activity },
      timestamp: clock.now().toISOString(),
      ...more,
      context: { registration, ...more.context },
    };
  };
  const reading = (registration: string, seconds: number): Statement =>
    about(registration, verbs.exited, iris.course('ZX1'), {
      result: { duration: toIsoDuration(seconds) },
      context: { contextActivities: { category: [{ id: iris.term('reading-time') }] } },
    });
  const quiz = (registration: string, raw: number): Statement =>
    about(registration, raw >= 60 ? verbs.passed : verbs.failed, iris.quiz('ZX1'), {
      result: { score: { raw } },
    });
  const survey = (registration: string): Statement =>
    about(registration, verbs.completed, iris.survey('ZX1'));
  const drain = (): Promise<unknown> => Promise.all(feeds.map((feed) => feed.drain()));
  const completions = (registration: string) =>
    door.find({ registration, verb: verbs.completed.id, activity: iris.course('ZX1') });

  it('stores one `completed` Statement when the last condition is met, with two dispatchers at work', async () => {
    const registration = enrol();
    await door.store([reading(registration, 1000), quiz(registration, 40)], platform);
    await drain();
    expect(await completion.progressOf(registration)).to.deep.include({
      readingSeconds: 1000,
      quizScore: 40,
      completedAt: null,
    });
    await door.store([reading(registration, 800), quiz(registration, 75), survey(registration)], platform);
    await drain();
    const found = await completions(registration);
    expect(found.map(({ id }) => id)).to.deep.equal([uuidFrom('course-completed', registration)]);
    expect(found[0]?.statement.result).to.deep.equal({
      completion: true,
      success: true,
      duration: 'PT30M',
      score: { scaled: 0.75, raw: 75, min: 0, max: 100 },
    });
    expect((await completion.progressOf(registration)).completedAt?.toISOString()).to.equal(
      found[0]?.statement.timestamp,
    );
  });

  it('stores it once, whatever is replayed and however many look at the same time', async () => {
    const registration = enrol();
    await door.store([survey(registration), reading(registration, 1800), quiz(registration, 60)], platform);
    await Promise.all([
      ...Array.from({ length: 8 }, () => completion.rebuild(registration)),
      make().rebuild(registration),
      drain(),
    ]);
    await completion.rebuild(registration);
    expect(await completions(registration)).to.have.length(1);
  });

  it('goes on after a crash between the Statement and the projection', async () => {
    const registration = enrol();
    await door.store([survey(registration), reading(registration, 1800), quiz(registration, 60)], platform);
    const before = await completion.rebuild(registration);
    await storage().completion.forget(registration); // the projection was never written
    expect((await completion.rebuild(registration)).completedAt).to.deep.equal(before.completedAt);
    expect(await completions(registration)).to.have.length(1);
  });

  it('keeps the instant of completion when more arrives afterwards', async () => {
    const registration = enrol();
    await door.store([survey(registration), reading(registration, 1800), quiz(registration, 60)], platform);
    await drain();
    const before = await completion.progressOf(registration);
    await door.store([reading(registration, 600), quiz(registration, 100)], platform);
    await drain();
    const after = await completion.progressOf(registration);
    expect(after.completedAt).to.deep.equal(before.completedAt);
    expect(after).to.include({ readingSeconds: 2400, quizScore: 100 });
  });

  it('counts nothing that another authority says (Trust)', async () => {
    const registration = enrol();
    await door.store([survey(registration), reading(registration, 9999), quiz(registration, 100)], stranger);
    await drain();
    expect((await completion.rebuild(registration)).completedAt).to.equal(null);
    expect(await completions(registration)).to.have.length(0);
  });

  it('does not count what was voided before', async () => {
    const registration = enrol();
    const wrong = reading(registration, 1800);
    await door.store([wrong, quiz(registration, 60)], platform);
    await door.void([wrong.id ?? ''], platform);
    await door.store([survey(registration)], platform);
    await drain();
    expect(await completion.progressOf(registration)).to.deep.include({
      readingSeconds: 0,
      completedAt: null,
    });
  });

  it('leaves registrations alone that are not of a course here', async () => {
    const registration = newUuid();
    await door.store([survey(registration)], platform);
    await drain();
    expect(await storage().completion.progress(registration)).to.equal(null);
  });
});
