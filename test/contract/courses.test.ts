import { expect } from 'chai';
import { isDomainError } from '../../src/base/errors.ts';
import { createIris } from '../../src/base/iris.ts';
import { createCatalogue } from '../../src/courses/catalogue.ts';
import { createEnrolments } from '../../src/courses/enrolments.ts';
import type { Catalogue, CourseDraft, Enrolment } from '../../src/courses/types.ts';
import { createStatementDoor } from '../../src/lrs/door.ts';
import type { StatementDoor } from '../../src/lrs/types.ts';
import { TestClock } from '../support/clock.ts';
import { onEveryEngine } from '../support/engines.ts';
import { platform } from '../support/statements.ts';

const draft = (code: string, overrides: Partial<CourseDraft> = {}): CourseDraft => ({
  code,
  title: { 'zh-TW': `課程 ${code}`, en: `Course ${code}` },
  summary: { 'zh-TW': '簡介' },
  certifiedHours: 2,
  packageVersionId: 'v1',
  ...overrides,
});
const vendor = { personId: 'p', organisation: '教材社' };

onEveryEngine('CourseStore', ({ storage }) => {
  const clock = new TestClock();
  let catalogue: Catalogue;
  before(() => {
    catalogue = createCatalogue({ store: storage().courses, clock, checks: [] });
  });
  const failure = async (act: Promise<unknown>) => {
    const error = await act.then(
      () => null,
      (e: unknown) => e,
    );
    if (!isDomainError(error)) throw new Error('expected a DomainError');
    return error;
  };

  it('gives half the certified hours, 60 points and the survey where nothing else is said (requirements 36, 37)', async () => {
    const course = await catalogue.create(draft('ZX-001'), vendor);
    expect(course.conditions).to.deep.equal({ readingSeconds: 3600, passScore: 60, survey: true });
    expect(course.status).to.equal('draft');
    expect(await catalogue.byCode('zx-001')).to.deep.equal(course);
    expect(await catalogue.byId(course.id)).to.deep.equal(course);
    expect(await catalogue.byCode('nothing')).to.equal(null);
  });

  it('lets one of several win a code', async () => {
    const results = await Promise.allSettled(
      ['ZX-RACE', 'zx-race', 'ZX-RACE'].map((code) => catalogue.create(draft(code), vendor)),
    );
    expect(results.filter(({ status }) => status === 'fulfilled')).to.have.length(1);
  });

  it('names each faulty field at once', async () => {
    const error = await failure(
      catalogue.create({ ...draft('!'), title: { 'zh-TW': '' }, certifiedHours: 1.23 }, vendor),
    );
    expect(error.problems.map(({ path }) => path)).to.have.members(['code', 'title.zh-TW', 'certifiedHours']);
  });

  it('loses no change when two arrive together', async () => {
    const { id } = await catalogue.create(draft('ZX-002'), vendor);
    await Promise.all([
      catalogue.update(id, { teacher: '王老師' }),
      catalogue.update(id, { categoryCode: '343' }),
    ]);
    expect(await catalogue.byId(id)).to.include({ teacher: '王老師', categoryCode: '343' });
  });

  it('publishes what is whole, and names all that is missing otherwise', async () => {
    const { id } = await catalogue.create(draft('ZX-003', { packageVersionId: null }), vendor);
    const strict = createCatalogue({
      store: storage().courses,
      clock,
      checks: [async () => [{ path: 'quiz', message: 'quiz' }]],
    });
    expect((await failure(strict.publish(id))).problems.map(({ path }) => path)).to.deep.equal([
      'packageVersionId',
      'quiz',
    ]);
    await catalogue.update(id, { packageVersionId: 'v1' });
    const published = await catalogue.publish(id);
    expect(published).to.include({ status: 'published' });
    clock.advance(60);
    expect((await catalogue.publish(id)).publishedAt).to.deep.equal(published.publishedAt);
    expect((await failure(catalogue.update(id, { code: 'OTHER' }))).code).to.equal('course-code-fixed');
  });

  it('finds published courses by words, hours, type and organisation, newest first, in pages', async () => {
    for (const [code, hours, type] of [
      ['ENV-1', 1, 'open'],
      ['ENV-2', 2, 'micro'],
      ['ENV-3', 3, 'open'],
    ] as const) {
      clock.advance(60);
      const { id } = await catalogue.create(
        draft(code, { title: { 'zh-TW': `環境教育 ${code} 100%` }, certifiedHours: hours, type }),
        { personId: 'p', organisation: '綠社' },
      );
      await catalogue.publish(id);
    }
    const codes = async (filter: Parameters<Catalogue['published']>[0]) =>
      (await catalogue.published(filter)).courses.map(({ code }) => code);
    expect(await codes({ text: '環境 env' })).to.deep.equal(['ENV-3', 'ENV-2', 'ENV-1']);
    expect(await codes({ text: '100%' })).to.have.length(3);
    expect(await codes({ text: '環境 .*' })).to.deep.equal([]);
    expect(await codes({ organisation: '綠社', type: 'open' })).to.deep.equal(['ENV-3', 'ENV-1']);
    expect(await codes({ organisation: '綠社', hoursFrom: 2, hoursTo: 2 })).to.deep.equal(['ENV-2']);
    const page = await catalogue.published({ organisation: '綠社', limit: 1, offset: 1 });
    expect([page.total, page.courses[0]?.code]).to.deep.equal([3, 'ENV-2']);
    expect((await catalogue.ofOrganisation('綠社')).map(({ code }) => code)).to.deep.equal([
      'ENV-3',
      'ENV-2',
      'ENV-1',
    ]);
  });

  it('no longer offers an archived course', async () => {
    const course = await catalogue.byCode('ENV-1');
    await catalogue.archive(course?.id ?? '');
    expect((await catalogue.published({ text: 'ENV-1' })).total).to.equal(0);
  });

  const enrolment = (registration: string, overrides: Partial<Enrolment> = {}): Enrolment => ({
    registration,
    courseId: 'c1',
    personId: 'p1',
    enrolledAt: new Date('2026-11-23T08:00:00Z'),
    startedAt: null,
    withdrawnAt: null,
    packageVersionId: null,
    ...overrides,
  });

  it('gives a person one registration per course, however often and fast they enrol', async () => {
    const all = await Promise.all(
      ['r1', 'r2', 'r3'].map((registration) => storage().courses.enrol(enrolment(registration))),
    );
    expect(new Set(all.map(({ registration }) => registration)).size).to.equal(1);
    const kept = all[0]?.registration ?? '';
    expect(await storage().courses.enrolment('p1', 'c1')).to.deep.equal(enrolment(kept));
    expect(await storage().courses.byRegistration(kept)).to.deep.equal(enrolment(kept));
    expect(await storage().courses.byRegistration('nobody')).to.equal(null);
  });

  it('completes the Statement of an enrolment that a crash cut off, once', async () => {
    const iris = createIris('http://localhost:8080');
    const door = createStatementDoor({ store: storage().lrs.statements, clock });
    const enrolments = (on: StatementDoor) =>
      createEnrolments({ store: storage().courses, door: on, platform, iris, clock });
    const course = await catalogue.create(draft('ZX-OWED'), vendor);
    await catalogue.publish(course.id);
    const open = await catalogue.byId(course.id);
    if (!open) throw new Error('no course');
    const away: StatementDoor = { ...door, store: () => Promise.reject(new Error('died')) };
    const died = await enrolments(away)
      .enrol({ id: 'owing', name: '' }, open)
      .catch((error: Error) => error.message);
    expect(died).to.equal('died');
    const enrolled = await storage().courses.enrolment('owing', course.id);
    const registered = () => door.find({ registration: enrolled?.registration ?? '' });
    expect(await registered()).to.have.length(0);
    await Promise.all([enrolments(door).completeUnrecorded(), enrolments(door).completeUnrecorded()]);
    expect(await registered()).to.have.length(1);
    expect(
      (await storage().courses.unrecordedEnrolments(100)).map(({ personId }) => personId),
    ).to.not.include('owing');
    await enrolments(door).completeUnrecorded();
    expect(await registered()).to.have.length(1);
  });

  it('marks the first entry once', async () => {
    const { registration } = await storage().courses.enrol(enrolment('r9', { personId: 'p2' }));
    const times = [1, 2, 3].map((minute) => new Date(Date.UTC(2026, 10, 23, 9, minute)));
    const set = await Promise.all(times.map((time) => storage().courses.markStarted(registration, time)));
    expect(set.filter(Boolean)).to.have.length(1);
    const started = (await storage().courses.byRegistration(registration))?.startedAt;
    expect(await storage().courses.markStarted(registration, new Date())).to.equal(false);
    expect((await storage().courses.byRegistration(registration))?.startedAt).to.deep.equal(started);
  });

  it('fixes the version that a learner began, once, and moves those who began when told', async () => {
    const courses = storage().courses;
    const inCourse = (registration: string, overrides: Partial<Enrolment> = {}) =>
      courses.enrol(enrolment(registration, { courseId: 'pins', personId: registration, ...overrides }));
    for (const registration of ['pin-1', 'pin-2', 'pin-3', 'pin-4']) await inCourse(registration);
    await courses.enrol(enrolment('pin-5', { courseId: 'other', personId: 'pin-5' }));
    const fixed = await Promise.all(['v1', 'v2'].map((version) => courses.pinVersion('pin-1', version)));
    expect(new Set(fixed).size).to.equal(1);
    expect(await courses.pinVersion('pin-1', 'v9')).to.equal(fixed[0]);
    expect(await courses.pinVersion('nobody', 'v1')).to.equal(null);
    await courses.markStarted('pin-2', new Date(1000));
    await courses.pinVersion('pin-5', 'v1');
    const begun = async () =>
      (await courses.startedIn('pins', null, 10)).map(({ registration, packageVersionId }) => [
        registration,
        packageVersionId,
      ]);
    expect(await begun()).to.deep.equal([
      ['pin-1', fixed[0]],
      ['pin-2', null],
    ]);
    expect(await courses.pinStarted('pins', 'v1')).to.equal(1);
    expect(await courses.pinStarted('pins', 'v2')).to.equal(0);
    expect(await begun()).to.deep.equal([
      ['pin-1', fixed[0]],
      ['pin-2', 'v1'],
    ]);
    expect(await courses.moveToVersion('pins', 'v3')).to.equal(2);
    expect(await courses.moveToVersion('pins', 'v3')).to.equal(0);
    expect(await begun()).to.deep.equal([
      ['pin-1', 'v3'],
      ['pin-2', 'v3'],
    ]);
    expect((await courses.byRegistration('pin-3'))?.packageVersionId).to.equal(null);
    expect((await courses.byRegistration('pin-5'))?.packageVersionId).to.equal('v1');
    expect(
      (await courses.startedIn('pins', 'pin-1', 10)).map(({ registration }) => registration),
    ).to.deep.equal(['pin-2']);
    expect(await courses.startedIn('pins', null, 1)).to.have.length(1);
  });

  it("lists a person's enrolments, newest first", async () => {
    await storage().courses.enrol(
      enrolment('r10', { personId: 'p3', courseId: 'a', enrolledAt: new Date(1000) }),
    );
    await storage().courses.enrol(
      enrolment('r11', { personId: 'p3', courseId: 'b', enrolledAt: new Date(2000) }),
    );
    expect((await storage().courses.enrolmentsOf('p3')).map(({ courseId }) => courseId)).to.deep.equal([
      'b',
      'a',
    ]);
  });
});
