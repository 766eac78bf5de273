import { expect } from 'chai';
import { createLogger } from '../../src/base/logger.ts';
import { newUuid, uuidFrom } from '../../src/base/ids.ts';
import { createIris } from '../../src/base/iris.ts';
import { isDomainError } from '../../src/base/errors.ts';
import { createCompletion } from '../../src/completion/completion.ts';
import { createHandover } from '../../src/context-handover.ts';
import { createCatalogue } from '../../src/courses/catalogue.ts';
import { courseActivity, createEnrolments } from '../../src/courses/enrolments.ts';
import type { Course } from '../../src/courses/types.ts';
import { createClaims, type Claims, type Handover } from '../../src/identity/claims/claims.ts';
import { createExternalSignIns } from '../../src/identity/external.ts';
import { createIdNumberVault } from '../../src/identity/id-numbers.ts';
import { createOwnSignIns } from '../../src/identity/own-sign-ins.ts';
import { createPeople } from '../../src/identity/people.ts';
import { type CaseWorker, createCaseWorker } from '../../src/identity/privacy/worker.ts';
import { actorOf, type AuditEvent, type Person } from '../../src/identity/types.ts';
import { allRows } from '../../src/lrs/admin/export.ts';
import { createStatementDoor } from '../../src/lrs/door.ts';
import type { Authority } from '../../src/lrs/types.ts';
import { verbs } from '../../src/xapi/verbs.ts';
import { certificateDraft } from '../support/certificates.ts';
import { TestClock } from '../support/clock.ts';
import { onEveryEngine } from '../support/engines.ts';

const iris = createIris('https://learn.example');
const platform: Authority = {
  id: 'platform',
  agent: { account: { homePage: iris.homePage, name: 'platform' } },
};
const vendor = { personId: 'v', organisation: '教材社' };
const roles = [{ role: 'learner' as const, organisation: null }];

onEveryEngine('Claims: a verified account takes a social one over (W6)', ({ storage }) => {
  const clock = new TestClock();
  const lines: AuditEvent[] = [];
  const audit = async (event: AuditEvent): Promise<void> => void lines.push(event);
  const logger = createLogger('silent');
  const vault = createIdNumberVault(Buffer.alloc(32, 5));
  const people = () => createPeople({ store: storage().identity, vault, clock });
  const door = () => createStatementDoor({ store: storage().lrs.statements, clock });
  const enrolments = () =>
    createEnrolments({ store: storage().courses, door: door(), platform, iris, clock });
  const completion = () =>
    createCompletion({
      store: storage().completion,
      door: door(),
      platform,
      iris,
      async courseOf(registration) {
        const enrolment = await storage().courses.byRegistration(registration);
        const record = enrolment && (await storage().courses.byId(enrolment.courseId));
        return (
          record && {
            personId: enrolment.personId,
            code: record.course.code,
            activity: courseActivity(record.course, iris),
            rules: { readingSeconds: null, passScore: null, survey: true },
          }
        );
      },
    });
  const handover = (): Handover =>
    createHandover({ storage: storage(), completion: completion(), iris, clock });

  /** One process: its claims and its worker. `fault` may break off any step of the handover. */
  const process = (
    fault: (step: string) => void = () => undefined,
  ): { claims: Claims; worker: CaseWorker } => {
    const real = handover();
    const breaking = Object.fromEntries(
      Object.entries(real).map(([name, act]) => [
        name,
        async (...args: string[]) => {
          fault(name);
          return (act as (...given: string[]) => Promise<unknown>)(...args);
        },
      ]),
    ) as unknown as Handover;
    const claims = createClaims({
      cases: storage().cases,
      identity: storage().identity,
      handover: breaking,
      worker: () => worker,
      audit,
      clock,
    });
    const worker = createCaseWorker({
      store: storage().cases,
      clock,
      logger,
      handlers: { claim: claims.handler },
    });
    return { claims, worker };
  };

  const course = async (): Promise<Course> => {
    const catalogue = createCatalogue({ store: storage().courses, clock, checks: [] });
    const code = `C-${newUuid().slice(0, 8)}`;
    const { id } = await catalogue.create(
      {
        code,
        title: { 'zh-TW': code },
        summary: { 'zh-TW': '簡介' },
        certifiedHours: 1,
        packageVersionId: 'v',
      },
      vendor,
    );
    return catalogue.publish(id);
  };
  const enrol = async (person: Person, given: Course, readingSeconds: number, completed = false) => {
    const { registration } = await enrolments().enrol(person, given);
    await storage().completion.save({
      registration,
      readingSeconds,
      quizScore: completed ? 80 : null,
      surveyDone: completed,
      completedAt: completed ? clock.now() : null,
    });
    return registration;
  };

  /** A verified and a social person, both enrolled in two courses, the social one alone in a third. */
  const story = async () => {
    const social = await people().create({
      name: '小芳',
      nickname: `芳${newUuid().slice(0, 8)}`,
      accountKind: 'social',
      roles,
      identity: { provider: 'social', subject: newUuid() },
      vouchers: { social: 'social' },
    });
    const verified = await people().create({
      name: '林小芳',
      accountKind: 'verified',
      roles,
      identity: { provider: 'egov', subject: newUuid() },
      vouchers: { egov: 'verified' },
    });
    const [alone, socialFurther, ownFurther] = [await course(), await course(), await course()];
    const moved = await enrol(social, alone, 1800, true);
    const [identity] = await storage().identity.identitiesOf(social.id);
    const issued = await storage().certificates.issue(
      certificateDraft({ registration: moved, personId: social.id, personName: '小芳' }),
      115,
      (serial) => `ZX-115-${String(serial).padStart(7, '0')}`,
    );
    return {
      social,
      verified,
      identity: identity!,
      courses: { alone, socialFurther, ownFurther },
      moved,
      certificate: issued.number,
      comes: await enrol(social, socialFurther, 900),
      goes: await enrol(verified, socialFurther, 60),
      stays: await enrol(verified, ownFurther, 900),
      aside: await enrol(social, ownFurther, 60),
    };
  };
  type Story = Awaited<ReturnType<typeof story>>;

  const holderOf = async (registration: string) =>
    (await storage().courses.byRegistration(registration))?.personId;
  const expectTaken = async (s: Story): Promise<void> => {
    const { verified, social } = s;
    expect(await holderOf(s.moved)).to.equal(verified.id);
    expect(await holderOf(s.comes)).to.equal(verified.id);
    expect(await holderOf(s.stays)).to.equal(verified.id);
    expect(await holderOf(s.goes)).to.equal(social.id);
    expect(await holderOf(s.aside)).to.equal(social.id);
    expect((await storage().certificates.byNumber(s.certificate))?.personId).to.equal(verified.id);
    expect((await storage().identity.byIdentity(s.identity))?.id).to.equal(verified.id);
    expect((await storage().identity.byId(social.id))?.claimedBy).to.equal(verified.id);
    expect(await people().active(social.id)).to.equal(null);
  };
  const expectApart = async (s: Story): Promise<void> => {
    const { verified, social } = s;
    for (const registration of [s.moved, s.comes, s.aside])
      expect(await holderOf(registration)).to.equal(social.id);
    for (const registration of [s.goes, s.stays]) expect(await holderOf(registration)).to.equal(verified.id);
    expect((await storage().certificates.byNumber(s.certificate))?.personId).to.equal(social.id);
    expect((await storage().identity.byIdentity(s.identity))?.id).to.equal(social.id);
    expect((await people().active(social.id))?.id).to.equal(social.id);
  };
  const codeOf = async (act: Promise<unknown>): Promise<string | null> => {
    const error = await act.then(
      () => null,
      (thrown: unknown) => thrown,
    );
    return isDomainError(error) ? error.code : error === null ? null : String(error);
  };

  it('shows what would be taken over, and how courses that both have are resolved', async () => {
    const s = await story();
    const { claims } = process();
    const { plan, claimed } = await claims.preview(s.verified.id, s.social.id);
    expect(claimed.name).to.equal('小芳');
    expect(plan.moves.map(({ registration, certificates }) => [registration, certificates])).to.deep.equal([
      [s.moved, 1],
    ]);
    expect(
      new Map(plan.meetings.map((one) => [one.claimed.registration, [one.own.registration, one.keeps]])),
    ).to.deep.equal(
      new Map([
        [s.comes, [s.goes, 'claimed']],
        [s.aside, [s.stays, 'own']],
      ]),
    );
    expect(plan).to.include({ readingSeconds: 2700, completed: 1, certificates: 1 });
    await expectApart(s);
  });

  it('takes over and gives back; Statements stay as they are and are read as one person’s', async () => {
    const s = await story();
    const { claims } = process();
    await storage().webSessions.put({
      id: newUuid(),
      data: '{}',
      personId: s.social.id,
      seenAt: clock.now(),
      expiresAt: new Date(clock.now().getTime() + 60_000),
      endsAt: null,
    });
    const { fingerprint } = await claims.preview(s.verified.id, s.social.id);
    const taken = await claims.confirm(s.verified.id, s.social.id, fingerprint, '192.0.2.7');
    expect(taken).to.include({ state: 'taken', undoable: true });
    await expectTaken(s);
    expect(await storage().webSessions.ofPerson(s.social.id, clock.now())).to.deep.equal([]);

    const actors = async (person: Person) => {
      const names: (string | undefined)[] = [];
      for await (const row of allRows(storage().lrs, { agent: actorOf(person, iris) }))
        names.push((JSON.parse(row.body) as { actor: { account?: { name: string } } }).actor.account?.name);
      return names;
    };
    expect((await actors(s.verified)).toSorted()).to.deep.equal(
      [s.social.id, s.social.id, s.social.id, s.verified.id, s.verified.id].toSorted(),
    );
    expect(await actors(s.social)).to.have.length(5);

    // What the course completes with afterwards is said of the verified person.
    await door().store(
      [
        {
          id: newUuid(),
          actor: actorOf(s.verified, iris),
          verb: verbs.completed,
          object: { objectType: 'Activity', id: iris.survey(s.courses.socialFurther.code) },
          context: { registration: s.comes },
        },
      ],
      platform,
    );
    await completion().rebuild(s.comes);
    const completed = await door().byId(uuidFrom('course-completed', s.comes));
    expect(completed?.statement.actor.account?.name).to.equal(s.verified.id);

    const undone = await claims.undo(s.verified.id, taken.id, '192.0.2.7');
    expect(undone.state).to.equal('undone');
    await expectApart(s);
    expect(await actors(s.verified)).to.have.length(4);
    const mine = lines.filter(({ subjectId }) => subjectId === s.social.id).map(({ action }) => action);
    expect(mine).to.deep.equal(['claim.take', 'claim.undo']);

    // And it can be done again.
    const again = await claims.preview(s.verified.id, s.social.id);
    expect((await claims.confirm(s.verified.id, s.social.id, again.fingerprint, null)).state).to.equal(
      'taken',
    );
    await expectTaken(s);
  });

  it('the social sign-in leads to the verified account, and back after the undo', async () => {
    const s = await story();
    const { claims } = process();
    const externals = createExternalSignIns({
      store: storage().identity,
      people: people(),
      vault,
      clock,
      policy: { sameIdNumber: 'link' },
      audit,
    });
    const arrive = () =>
      externals.arrive({
        profile: {
          ...s.identity,
          assurance: 'social',
          name: '小芳',
          nameEn: null,
          nickname: null,
          email: null,
          emailVerified: false,
          idNumber: null,
          birthday: null,
          gender: null,
          phone: null,
          address: null,
          agencyCode: null,
          agencyName: null,
          personnelCategory: null,
        },
        notes: [],
        address: null,
      });
    const { fingerprint } = await claims.preview(s.verified.id, s.social.id);
    const { id } = await claims.confirm(s.verified.id, s.social.id, fingerprint, null);
    expect(await arrive()).to.include({ id: s.verified.id, accountKind: 'verified', name: '林小芳' });
    const own = createOwnSignIns({
      store: storage().identity,
      claimed: async () => [s.identity],
      audit,
    });
    expect(await codeOf(own.unlink(s.verified.id, s.identity, null))).to.equal('sign-in-bound-claimed');
    await claims.undo(s.verified.id, id, null);
    expect(await arrive()).to.include({ id: s.social.id, accountKind: 'social', name: '小芳' });
    expect((await storage().identity.byId(s.verified.id))?.vouchers).to.deep.equal({ egov: 'verified' });
  });

  it('is carried on after a crash at any step, by another process, there and back', async () => {
    for (let at = 1; ; at++) {
      const s = await story();
      let steps = 0;
      const dying = process(() => {
        if (++steps === at) throw new Error('the process has died');
      });
      const other = process();
      const { fingerprint } = await other.claims.preview(s.verified.id, s.social.id);
      const reached = await dying.claims
        .confirm(s.verified.id, s.social.id, fingerprint, null)
        .catch(() => null);
      if (reached === null) continue; // it had not begun yet
      clock.advance(3600);
      await other.worker.run();
      await expectTaken(s);
      steps = 0;
      await dying.claims.undo(s.verified.id, reached.id, null);
      clock.advance(3600);
      await other.worker.run();
      await expectApart(s);
      if (steps < at) break;
    }
  });

  it('of several confirmations at once one is carried out; of two verified people one gets it', async () => {
    const s = await story();
    const rival = await people().create({ name: '冒名', accountKind: 'official', roles });
    const [a, b] = [process(), process()];
    const mine = await a.claims.preview(s.verified.id, s.social.id);
    const theirs = await a.claims.preview(rival.id, s.social.id);
    const results = await Promise.allSettled([
      a.claims.confirm(s.verified.id, s.social.id, mine.fingerprint, null),
      b.claims.confirm(s.verified.id, s.social.id, mine.fingerprint, null),
      b.claims.confirm(rival.id, s.social.id, theirs.fingerprint, null),
    ]);
    clock.advance(3600);
    await b.worker.run();
    const winner = (await storage().identity.byId(s.social.id))?.claimedBy;
    expect([s.verified.id, rival.id]).to.include(winner);
    expect(results[2].status).to.equal(winner === rival.id ? 'fulfilled' : 'rejected');
    expect((await storage().identity.byIdentity(s.identity))?.id).to.equal(winner);
    const claims = [...(await a.claims.of(s.verified.id)), ...(await a.claims.of(rival.id))];
    expect(claims.map(({ state }) => state)).to.deep.equal(['taken']);
  });

  it('refuses what was not shown, what is not social, what is not verified, and an undo after 30 days', async () => {
    const s = await story();
    const { claims } = process();
    const { fingerprint } = await claims.preview(s.verified.id, s.social.id);
    await enrol(s.social, await course(), 10);
    expect(await codeOf(claims.confirm(s.verified.id, s.social.id, fingerprint, null))).to.equal(
      'claim-changed',
    );
    expect(await codeOf(claims.preview(s.social.id, s.verified.id))).to.equal('claim-not-verified');
    const official = await people().create({ name: '公務', accountKind: 'official', roles });
    expect(await codeOf(claims.preview(s.verified.id, official.id))).to.equal('claim-not-social');
    expect(await codeOf(claims.preview(s.verified.id, s.verified.id))).to.equal('no-person');
    const staff = await people().create({
      name: '客服',
      accountKind: 'social',
      roles: [{ role: 'support', organisation: null }],
    });
    expect(await codeOf(claims.preview(s.verified.id, staff.id))).to.equal('claim-not-social');
    await storage().identity.update(s.social.id, { restrictedAt: clock.now().toISOString() });
    expect(await codeOf(claims.preview(s.verified.id, s.social.id))).to.equal('claim-restricted');
    await storage().identity.update(s.social.id, { restrictedAt: null });

    const seen = await claims.preview(s.verified.id, s.social.id);
    const { id } = await claims.confirm(s.verified.id, s.social.id, seen.fingerprint, null);
    expect(await codeOf(claims.preview(official.id, s.social.id))).to.equal('claim-running');
    expect(await codeOf(claims.undo(official.id, id, null))).to.equal('claim-none');
    clock.advance(30 * 24 * 3600 + 1);
    expect(await codeOf(claims.undo(s.verified.id, id, null))).to.equal('claim-undo-over');
    await expectTaken(s);
  });
});
