import { expect } from 'chai';
import { newUuid } from '../../src/base/ids.ts';
import type { Enrolment } from '../../src/courses/store.ts';
import { createIdNumberVault } from '../../src/identity/id-numbers.ts';
import { createPeople } from '../../src/identity/people.ts';
import type { DocumentScope } from '../../src/lrs/store.ts';
import { certificateDraft } from '../support/certificates.ts';
import { TestClock } from '../support/clock.ts';
import { onEveryEngine } from '../support/engines.ts';

const clock = new TestClock();
const enrolment = (overrides: Partial<Enrolment> = {}): Enrolment => ({
  registration: newUuid(),
  courseId: 'c1',
  personId: 'a',
  enrolledAt: clock.now(),
  startedAt: null,
  withdrawnAt: null,
  packageVersionId: null,
  ...overrides,
});

onEveryEngine('What the claiming and the erasure of a person ask of the ports', ({ storage }) => {
  it('persona links: several Agents are one person, from either end; undone again', async () => {
    const { personas } = storage().lrs;
    const [a, b, c] = ['account:https://x a', 'account:https://x b', 'mailto:c@example.org'];
    expect(await personas.joined(a)).to.deep.equal([a]);
    await personas.link(b, a, clock.now());
    await personas.link(b, a, clock.now());
    await personas.link(c, a, clock.now());
    for (const one of [a, b, c]) expect(await personas.joined(one)).to.deep.equal([a, b, c]);
    await personas.unlink(b, 'somebody else');
    expect(await personas.joined(b)).to.deep.equal([a, b, c]);
    await personas.unlink(b, a);
    expect(await personas.joined(a)).to.deep.equal([a, c]);
    expect(await personas.joined(b)).to.deep.equal([b]);
  });

  it('an enrolment goes to another person once, and back; never beside a current one in the course', async () => {
    const store = storage().courses;
    const [from, to] = [newUuid(), newUuid()];
    const moved = await store.enrol(enrolment({ personId: from }));
    const results = await Promise.all(
      Array.from({ length: 4 }, () => store.transfer(moved.registration, from, to)),
    );
    expect(results).to.deep.equal(['done', 'done', 'done', 'done']);
    expect((await store.enrolment(to, 'c1'))?.registration).to.equal(moved.registration);
    expect(await store.enrolment(from, 'c1')).to.equal(null);
    expect(await store.transfer(moved.registration, from, newUuid())).to.equal('gone');
    const again = await store.enrol(enrolment({ personId: from }));
    expect(again.registration).to.not.equal(moved.registration);
    expect(await store.transfer(again.registration, from, to)).to.equal('taken');
    expect(await store.transfer(moved.registration, to, from)).to.equal('taken');
    expect((await store.everyEnrolmentOf(from)).map(({ registration }) => registration)).to.deep.equal([
      again.registration,
    ]);
    expect(await store.transfer(newUuid(), from, to)).to.equal('gone');
  });

  it('of two who enrol and take over at the same moment, one has the course', async () => {
    const store = storage().courses;
    for (let round = 0; round < 5; round++) {
      const [from, to] = [newUuid(), newUuid()];
      const moved = await store.enrol(enrolment({ personId: from }));
      const [outcome, own] = await Promise.all([
        store.transfer(moved.registration, from, to),
        store.enrol(enrolment({ personId: to })),
      ]);
      const current = await store.enrolment(to, 'c1');
      expect(current?.registration).to.equal(outcome === 'done' ? moved.registration : own.registration);
      expect(await store.enrolmentsOf(to)).to.have.length(1);
    }
  });

  it('a way to sign in goes to another person, and only from who has it', async () => {
    const people = createPeople({
      store: storage().identity,
      vault: createIdNumberVault(Buffer.alloc(32, 3)),
      clock,
    });
    const identity = { provider: 'social', subject: newUuid() };
    const roles = [{ role: 'learner' as const, organisation: null }];
    const from = await people.create({ name: '甲', accountKind: 'social', roles, identity });
    const to = await people.create({ name: '乙', accountKind: 'verified', roles });
    const store = storage().identity;
    expect(await store.moveIdentity(identity, to.id, newUuid())).to.equal(false);
    expect(await store.moveIdentity(identity, from.id, to.id)).to.equal(true);
    expect(await store.moveIdentity(identity, from.id, to.id)).to.equal(true);
    expect((await store.byIdentity(identity))?.id).to.equal(to.id);
    expect(await store.moveIdentity(identity, to.id, from.id)).to.equal(true);
    expect((await store.byIdentity(identity))?.id).to.equal(from.id);
  });

  it('certificates change hands as they are, and lose only the names when their holder is erased', async () => {
    const store = storage().certificates;
    const [from, to, pseudonym] = [newUuid(), newUuid(), newUuid()];
    const issued = await store.issue(certificateDraft({ personId: from }), 115, (n) => `ZX-115-9${n}`);
    await store.transfer(issued.registration, newUuid(), to);
    expect((await store.byNumber(issued.number))?.personId).to.equal(from);
    await store.transfer(issued.registration, from, to);
    expect(await store.byNumber(issued.number)).to.deep.equal({ ...issued, personId: to });
    expect(await store.anonymise(to, pseudonym)).to.equal(1);
    expect(await store.anonymise(to, pseudonym)).to.equal(0);
    expect(await store.byVerificationCode(issued.verificationCode)).to.deep.equal({
      ...issued,
      personId: pseudonym,
      personName: '',
      personNameEn: null,
    });
  });

  it('forgets reading sessions, their launches, run-time data, and free text in surveys', async () => {
    const { playerSessions, runtimeStates, assessment } = storage();
    const [registration, other] = [newUuid(), newUuid()];
    for (const one of [registration, other]) {
      const launchId = newUuid();
      await playerSessions.putLaunch({
        id: launchId,
        learner: {
          id: one,
          name: '王小明',
          agent: { account: { homePage: 'https://x', name: one } },
          language: 'zh-TW',
        },
        registration: one,
        packageId: 'p',
        packageVersionId: 'v',
        course: { activityId: 'https://x/c', title: 'c', requiredSeconds: null, inactivitySeconds: null },
        browse: false,
        createdAt: clock.now(),
        expiresAt: new Date(clock.now().getTime() + 1000),
      });
      await playerSessions.start({
        id: newUuid(),
        launchId,
        learnerId: one,
        registration: one,
        packageVersionId: 'v',
        startedAt: clock.now(),
        lastBeatAt: clock.now(),
        paused: false,
        endedAt: null,
        ending: null,
        milliseconds: 0,
        priorMilliseconds: 0,
        recordedAt: null,
        revision: 0,
      });
      await runtimeStates.put({
        registration: one,
        item: 'i',
        launchId,
        sequence: 1,
        body: '{}',
        outbox: null,
        updatedAt: clock.now(),
        revision: 0,
      });
      await assessment.putResponse({
        registration: one,
        courseId: 'c1',
        answers: { q1: ['5'], q2: ['我是王小明'] },
        submittedAt: clock.now(),
      });
    }
    const [{ launchId = '' } = {}] = await playerSessions.ofRegistration(registration);
    expect(await playerSessions.forget(registration)).to.equal(1);
    expect(await playerSessions.launch(launchId)).to.equal(null);
    expect(await playerSessions.ofRegistration(registration)).to.deep.equal([]);
    expect(await runtimeStates.forget(registration)).to.equal(1);
    await assessment.dropAnswers(registration, ['q2']);
    await assessment.dropAnswers(newUuid(), ['q2']);
    expect((await assessment.response(registration))?.answers).to.deep.equal({ q1: ['5'] });
    const [{ launchId: kept = '' } = {}] = await playerSessions.ofRegistration(other);
    expect(await playerSessions.forgetLaunches(registration)).to.equal(0);
    expect((await playerSessions.launch(kept))?.id).to.equal(kept);
    expect(await playerSessions.forgetLaunches(other)).to.equal(1);
    expect(await playerSessions.launch(kept)).to.equal(null);
    expect(await playerSessions.ofRegistration(other)).to.have.length(1);
    expect(await runtimeStates.ofRegistration(other)).to.have.length(1);
    expect((await assessment.response(other))?.answers).to.deep.equal({ q1: ['5'], q2: ['我是王小明'] });
  });

  it('gives every document about an Agent, whatever its scope', async () => {
    const { documents } = storage().lrs;
    const agent = `account:https://x ${newUuid()}`;
    const scope = (overrides: Partial<DocumentScope>): DocumentScope => ({
      kind: 'state',
      activityId: 'https://x/c',
      agent,
      registration: null,
      ...overrides,
    });
    const document = { contentType: 'text/plain', body: Buffer.from('x'), etag: 'e', updated: 1 };
    for (let n = 0; n < 45; n++) await documents.put(scope({}), `s${n}`, document, null);
    await documents.put(scope({ kind: 'agent-profile', activityId: null }), 'p', document, null);
    await documents.put(scope({ agent: `${agent}2` }), 'other', document, null);
    const found = new Map<string, DocumentScope>();
    for await (const { id, scope: of, document: kept } of documents.ofAgent(agent)) {
      expect(kept).to.deep.equal(document);
      found.set(id, of);
    }
    expect(found.size).to.equal(46);
    expect(found.get('p')).to.deep.equal(scope({ kind: 'agent-profile', activityId: null }));
  });
});
