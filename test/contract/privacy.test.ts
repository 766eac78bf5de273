import { buffer } from 'node:stream/consumers';
import { expect } from 'chai';
import yauzl from 'yauzl';
import { isDomainError } from '../../src/base/errors.ts';
import { newUuid } from '../../src/base/ids.ts';
import { createIris } from '../../src/base/iris.ts';
import { createLogger } from '../../src/base/logger.ts';
import { createCompletion } from '../../src/completion/completion.ts';
import type { Config } from '../../src/config.ts';
import { createHandover } from '../../src/context-handover.ts';
import { createPrivacy } from '../../src/context-privacy.ts';
import { createCourseBoard } from '../../src/courses/board.ts';
import { createCatalogue } from '../../src/courses/catalogue.ts';
import { createEnrolments } from '../../src/courses/enrolments.ts';
import type { Course } from '../../src/courses/types.ts';
import { createRateLimits } from '../../src/http/rate-limit.ts';
import { createAudit } from '../../src/identity/audit/audit.ts';
import { createClaims } from '../../src/identity/claims/claims.ts';
import { inventIdNumber } from '../../src/identity/demo-idp/people.ts';
import { createIdNumberVault } from '../../src/identity/id-numbers.ts';
import { createPeople } from '../../src/identity/people.ts';
import { createProcessingGate, createRestrictionGuard } from '../../src/identity/privacy/gate.ts';
import { actorOf, type Person } from '../../src/identity/types.ts';
import { allRows } from '../../src/lrs/admin/export.ts';
import { createStatementDoor } from '../../src/lrs/door.ts';
import type { Authority } from '../../src/lrs/types.ts';
import {
  objectiveScope,
  scopesOfLearner,
  scopesOfRegistration,
} from '../../src/player/runtime/shared-data.ts';
import type { StoredItemState } from '../../src/player/runtime/store.ts';
import type { Storage } from '../../src/storage/open.ts';
import { verbs } from '../../src/xapi/verbs.ts';
import { certificateDraft } from '../support/certificates.ts';
import { TestClock } from '../support/clock.ts';
import { onEveryEngine } from '../support/engines.ts';

const iris = createIris('https://learn.example');
const platform: Authority = {
  id: 'platform',
  agent: { account: { homePage: iris.homePage, name: 'platform' } },
};
const partner: Authority = {
  id: 'partner-1',
  agent: { account: { homePage: 'https://p.example', name: 'p' } },
};
interface Beyond {
  scopes: string[];
  launchId: string;
  question: string;
  waiting: string;
}
const roles = [{ role: 'learner' as const, organisation: null }];
const day = 24 * 3600;

const unzip = (bytes: Buffer): Promise<Map<string, string>> =>
  new Promise((resolve, reject) => {
    yauzl.fromBuffer(bytes, { lazyEntries: true }, (error, zip) => {
      if (error) return reject(error);
      const files = new Map<string, string>();
      zip.on('entry', (entry: yauzl.Entry) =>
        zip.openReadStream(entry, (failed, stream) => {
          if (failed) return reject(failed);
          buffer(stream).then((content) => {
            files.set(entry.fileName, content.toString('utf8'));
            zip.readEntry();
          }, reject);
        }),
      );
      zip.on('end', () => resolve(files));
      zip.on('error', reject);
      zip.readEntry();
    });
  });

onEveryEngine('Personal data rights', ({ storage }) => {
  const clock = new TestClock();
  const logger = createLogger('silent');
  const vault = createIdNumberVault(Buffer.alloc(32, 6));
  const gate = () => createProcessingGate(storage().identity);
  const door = () =>
    createStatementDoor({
      store: storage().lrs.statements,
      clock,
      guards: [createRestrictionGuard({ identity: storage().identity, iris, platformId: platform.id })],
    });
  const people = () => createPeople({ store: storage().identity, vault, clock });
  const enrolments = () =>
    createEnrolments({ store: storage().courses, door: door(), platform, iris, clock, gate: gate() });

  /** One process with all of it; `fault` may break off any call of a port. */
  const process = (
    policy: Partial<Config['privacy']> = {},
    fault: (call: string) => void = () => undefined,
  ) => {
    const breaking = <T extends object>(port: T, path: string): T =>
      new Proxy(port, {
        get(target, name) {
          const value: unknown = Reflect.get(target, name);
          if (typeof value === 'object' && value !== null) return breaking(value, `${path}.${String(name)}`);
          if (typeof value !== 'function') return value;
          return (...args: unknown[]): unknown => {
            fault(`${path}.${String(name)}`);
            return Reflect.apply(value, target, args);
          };
        },
      });
    const store: Storage = breaking(storage(), 'storage');
    const audit = createAudit({ store: storage().audit, clock }).record;
    const completion = createCompletion({
      store: storage().completion,
      door: door(),
      platform,
      iris,
      courseOf: async () => null,
    });
    const handover = createHandover({ storage: store, completion, iris, clock });
    const claims = createClaims({
      cases: storage().cases,
      identity: storage().identity,
      handover,
      worker: () => privacy.worker,
      audit,
      clock,
    });
    const privacy = createPrivacy({
      config: {
        privacy: {
          graceDays: 14,
          erasedStatements: 'erase',
          erasedCertificates: 'keep',
          exportDays: 7,
          ...policy,
        },
      },
      storage: store,
      clock,
      logger,
      rateLimit: createRateLimits(storage().rateCounters, clock),
      people: people(),
      vault,
      audit,
      claims,
      handover,
      completion,
      door: door(),
      platform,
      iris,
    });
    return { ...privacy, claims };
  };

  let course: Course;
  before(async () => {
    await storage().packages.addVersion(
      {
        id: 'privacy',
        organisation: '教材社',
        title: '個資課程',
        latestVersionId: 'v',
        publications: [],
        archivedAt: null,
      },
      {
        id: 'v',
        packageId: 'privacy',
        version: 1,
        standard: 'scorm-2004',
        edition: '2004 4th Edition',
        title: '個資課程',
        items: [],
        extra: {},
        fileCount: 0,
        totalBytes: 0,
        findings: [],
        uploadedBy: 'v',
        uploadedAt: clock.now(),
      },
      [],
    );
    const catalogue = createCatalogue({ store: storage().courses, clock, checks: [] });
    const { id } = await catalogue.create(
      {
        code: 'PRIVACY-1',
        title: { 'zh-TW': '個資課程' },
        summary: { 'zh-TW': '簡介' },
        certifiedHours: 1,
        packageVersionId: 'v',
      },
      { personId: 'v', organisation: '教材社' },
    );
    await storage().assessment.putSurvey({
      courseId: id,
      title: { 'zh-TW': '問卷' },
      questions: [
        { id: 'q1', kind: 'scale', text: { 'zh-TW': '滿意' }, choices: [], required: true },
        { id: 'q2', kind: 'text', text: { 'zh-TW': '建議' }, choices: [], required: false },
      ],
    });
    course = await catalogue.publish(id);
  });

  /** A person with something of every kind. */
  const somebody = async (idNumber = inventIdNumber()) => {
    const person = await people().create({
      name: '林美惠',
      nickname: `惠${newUuid().slice(0, 8)}`,
      email: 'lin@example.org',
      accountKind: 'verified',
      roles,
      idNumber,
      identity: { provider: 'egov', subject: newUuid() },
      vouchers: { egov: 'verified' },
      consent: { version: '2026-09-01', at: clock.now().toISOString() },
      profile: { introduction: '<b>喜歡讀書</b>', shownOnCard: ['introduction'] },
    });
    const { registration } = await enrolments().enrol(person, course);
    await storage().completion.save({
      registration,
      readingSeconds: 1800,
      quizScore: 90,
      surveyDone: true,
      completedAt: clock.now(),
    });
    await storage().assessment.putResponse({
      registration,
      courseId: course.id,
      answers: { q1: ['5'], q2: ['我是林美惠'] },
      submittedAt: clock.now(),
    });
    await storage().runtimeStates.put({
      registration,
      item: 'i',
      launchId: 'l',
      sequence: 1,
      body: '{"suspend":"x"}',
      outbox: null,
      updatedAt: clock.now(),
      revision: 0,
    });
    // What courses keep beyond one item: global objectives, stores of the vendor's courses and of the second attempt.
    const scopes = [
      objectiveScope({ learner: person }, '教材社'),
      ...scopesOfLearner(person.id, ['教材社']).slice(0, 1),
      ...scopesOfRegistration(registration, courseState(registration)).slice(-1),
    ];
    await storage().runtimeStates.put(courseState(registration));
    for (const scope of scopes)
      await storage().runtimeStates.put({
        ...courseState(scope),
        item: 'urn:notes',
        body: '{"value":"林美惠的筆記"}',
      });
    const launchId = newUuid();
    await storage().playerSessions.putLaunch({
      id: launchId,
      learner: { id: person.id, name: '林美惠', agent: actorOf(person, iris), language: 'zh-TW' },
      registration,
      packageId: 'p',
      packageVersionId: 'v',
      course: { activityId: 'https://x/c', title: 'c', requiredSeconds: null, inactivitySeconds: null },
      browse: false,
      createdAt: clock.now(),
      expiresAt: new Date(clock.now().getTime() + 400 * day * 1000),
    });
    const board = createCourseBoard({ store: storage().board, clock });
    const question = await board.say(course.id, 'question', person.id, '我是林美惠，請問期限？');
    await board.answer(course.id, question.id, 'teacher', '月底。');
    const waiting = await board.say(course.id, 'feedback', person.id, '林美惠覺得很好');
    const { number, verificationCode } = await storage().certificates.issue(
      certificateDraft({ registration, personId: person.id, personName: '林美惠' }),
      115,
      (serial) => `ZX-115-${String(serial).padStart(7, '0')}`,
    );
    await storage().lrs.documents.put(
      { kind: 'agent-profile', activityId: null, agent: agentOf(person), registration: null },
      'note',
      { contentType: 'text/plain', body: Buffer.from('note'), etag: 'e', updated: clock.now().getTime() },
      null,
    );
    await storage().webSessions.put({
      id: newUuid(),
      data: '{}',
      personId: person.id,
      seenAt: clock.now(),
      expiresAt: new Date(clock.now().getTime() + 400 * day * 1000),
      endsAt: null,
    });
    const beyond = { scopes, launchId, question: question.id, waiting: waiting.id };
    return { person, registration, number, verificationCode, idNumber, beyond };
  };
  /** Of the course as a whole, in its second attempt. */
  const courseState = (registration: string): StoredItemState => ({
    registration,
    item: '',
    launchId: 'l',
    sequence: 1,
    body: '{"cmi":{"attempt":"2"}}',
    outbox: null,
    updatedAt: clock.now(),
    revision: 0,
  });
  const beyondGone = async ({ scopes, launchId, question, waiting }: Beyond): Promise<void> => {
    for (const scope of scopes)
      expect(await storage().runtimeStates.ofRegistration(scope), scope).to.deep.equal([]);
    expect(await storage().playerSessions.launch(launchId)).to.equal(null);
    expect(await storage().board.byId(waiting)).to.equal(null);
    const left = await storage().board.byId(question);
    expect(left).to.deep.include({ authorId: '', text: '' });
    expect(left?.answer).to.include({ text: '月底。', personId: 'teacher' });
  };
  const agentOf = ({ id }: Pick<Person, 'id'>): string => `account:${iris.homePage} ${id}`;
  const statementsOf = async (person: Person) => {
    const found: string[] = [];
    // What voids a Statement is found with it, and says nothing of the person.
    for await (const { body, voiding } of allRows(storage().lrs, {
      agent: actorOf(person, iris),
      relatedAgents: true,
    }))
      if (!voiding) found.push(body);
    return found;
  };
  const say = (person: Person, more: object = {}) => ({
    actor: actorOf(person, iris),
    verb: verbs.initialized,
    object: { objectType: 'Activity' as const, id: iris.course('PRIVACY-1') },
    ...more,
  });
  const codeOf = async (act: Promise<unknown>): Promise<string | null> => {
    const error = await act.then(
      () => null,
      (thrown: unknown) => thrown,
    );
    return isDomainError(error) ? error.code : error === null ? null : String(error);
  };

  describe('download', () => {
    it('holds everything, once, as pages and as JSON; the ID number only in part', async () => {
      const { person, number, idNumber } = await somebody();
      await door().store(
        Array.from({ length: 450 }, () => say(person)),
        platform,
      );
      const one = process();
      const [a, b] = await Promise.all([
        one.exports.request(person.id, 'zh-TW', null),
        one.exports.request(person.id, 'zh-TW', null),
      ]);
      expect(a.id).to.equal(b.id);
      await one.worker.run();
      const [ready] = await one.exports.of(person.id);
      expect(ready).to.include({ state: 'ready', total: 902 });
      const { open, size } = await one.exports.download(person.id, a.id, '192.0.2.9');
      const bytes = await buffer(await open());
      expect(bytes.length).to.equal(size);
      const files = await unzip(bytes);
      expect([...files.keys()]).to.deep.equal([
        'index.html',
        'data.json',
        'statements.html',
        'statements.json',
      ]);
      const data = JSON.parse(files.get('data.json') ?? '') as Record<string, Record<string, unknown>[]>;
      expect(data['account']?.[0]).to.deep.include({ name: '林美惠', introduction: '<b>喜歡讀書</b>' });
      expect(data['account']?.[0]?.['idNumber']).to.equal(`${idNumber[0]}******${idNumber.slice(-3)}`);
      expect(data['signIns']?.[0]).to.deep.include({ provider: 'egov', assurance: 'verified' });
      expect(data['consents']).to.deep.equal([{ version: '2026-09-01', at: clock.now().toISOString() }]);
      for (const name of ['enrolments', 'surveys', 'certificates', 'documents', 'sessions'])
        expect(data[name], name).to.have.length(1);
      expect(data['runtime']?.map(({ item }) => item)).to.deep.equal(['', 'i']);
      expect(data['sharedData']?.map(({ state }) => state)).to.deep.equal(
        Array.from({ length: 3 }, () => '{"value":"林美惠的筆記"}'),
      );
      expect(data['posts']?.map(({ kind, text, answer }) => [kind, text, answer])).to.deep.equal([
        ['question', '我是林美惠，請問期限？', '月底。'],
        ['feedback', '林美惠覺得很好', null],
      ]);
      expect(data['certificates']?.[0]?.['number']).to.equal(number);
      expect(data['documents']?.[0]?.['text']).to.equal('note');
      expect(data['audit']?.map(({ action }) => action)).to.include('data.export.request');
      const statements = JSON.parse(files.get('statements.json') ?? '') as unknown[];
      expect(statements).to.have.length(451);
      const index = files.get('index.html') ?? '';
      expect(index).to.include('林美惠').and.include('&lt;b&gt;喜歡讀書').and.not.include('<b>喜歡');
      expect(files.get('statements.html')).to.include('個資課程');
      expect([...files.values()].join()).to.not.include(idNumber);
    });

    it("is nobody else's, and is gone when its days are over", async () => {
      const { person } = await somebody();
      const other = await somebody();
      const one = process();
      const { id } = await one.exports.request(person.id, 'en', null);
      expect(await codeOf(one.exports.download(person.id, id, null))).to.equal('export-none');
      await one.worker.run();
      expect(await codeOf(one.exports.download(other.person.id, id, null))).to.equal('export-none');
      clock.advance(7 * day);
      expect(await codeOf(one.exports.download(person.id, id, null))).to.equal('export-none');
      await one.worker.run();
      const left: string[] = [];
      for await (const { key } of storage().blobs.list(`exports/${id}/`)) left.push(key);
      expect(left).to.deep.equal([]);
      expect((await one.exports.of(person.id)).map(({ state }) => state)).to.deep.equal(['expired']);
    });

    it('is made anew by another process when the first has died in the middle', async () => {
      const { person } = await somebody();
      let reads = 0;
      const dying = process({}, (call) => {
        if (call.endsWith('statements.find') && ++reads === 2) throw new Error('the process has died');
      });
      const { id } = await dying.exports.request(person.id, 'zh-TW', null);
      await dying.worker.run();
      expect((await dying.exports.of(person.id))[0]).to.include({ state: 'running', trying: true });
      clock.advance(120);
      const other = process();
      await other.worker.run();
      const { open } = await other.exports.download(person.id, id, null);
      expect((await unzip(await buffer(await open()))).size).to.equal(4);
      const kept: string[] = [];
      for await (const { key } of storage().blobs.list(`exports/${id}/`)) kept.push(key);
      expect(kept).to.have.length(1);
    });
  });

  describe('restriction', () => {
    it('lets nothing new be kept, keeps what is owed of before, and can be lifted', async () => {
      const { person, registration } = await somebody();
      const one = process();
      const before = clock.now().toISOString();
      clock.advance(60);
      await one.restrictions.restrict(person.id, null);
      await one.restrictions.restrict(person.id, null);
      const restricted = 'processing-restricted';
      expect(await codeOf(gate()(person.id))).to.equal(restricted);
      clock.advance(60);
      const now = clock.now().toISOString();
      expect(await codeOf(door().store([say(person, { timestamp: now })], platform))).to.equal(restricted);
      expect(await codeOf(door().store([say(person, { timestamp: before })], partner))).to.equal(restricted);
      expect(
        await codeOf(
          door().store(
            [{ ...say(person), actor: { objectType: 'Group', member: [actorOf(person, iris)] } }],
            partner,
          ),
        ),
      ).to.equal(restricted);
      // Reading that ended before: what was done counts.
      expect(await codeOf(door().store([say(person, { timestamp: before })], platform))).to.equal(null);
      const catalogue = createCatalogue({ store: storage().courses, clock, checks: [] });
      const other = await catalogue.create(
        {
          code: `P-${newUuid().slice(0, 6)}`,
          title: { 'zh-TW': '另一門' },
          summary: { 'zh-TW': '簡介' },
          certifiedHours: 1,
          packageVersionId: 'v',
        },
        { personId: 'v', organisation: '教材社' },
      );
      expect(await codeOf(enrolments().enrol(person, await catalogue.publish(other.id)))).to.equal(
        restricted,
      );
      expect(await storage().courses.enrolmentsOf(person.id)).to.have.length(1);
      const board = createCourseBoard({ store: storage().board, clock, gate: gate() });
      const ask = board.say('restricted-course', 'question', person.id, '請問');
      expect(await codeOf(ask)).to.equal(restricted);
      expect(await board.messagesOf('restricted-course', person.id)).to.deep.equal([]);
      // What is there stays, also under a restriction.
      expect((await enrolments().enrol(person, course)).registration).to.equal(registration);
      await one.restrictions.lift(person.id, null);
      expect(await codeOf(door().store([say(person)], partner))).to.equal(null);
    });
  });

  describe('correction', () => {
    it('is asked and answered once, never with an ID number in it', async () => {
      const { person, idNumber } = await somebody();
      const { corrections } = process();
      expect(
        await codeOf(corrections.ask(person.id, { about: 'name', text: `我是 ${idNumber}` }, null)),
      ).to.equal('invalid-fields');
      expect(await codeOf(corrections.ask(person.id, { about: 'nothing', text: 'x' }, null))).to.equal(
        'invalid-fields',
      );
      const { id } = await corrections.ask(person.id, { about: 'name', text: '姓名應為林美慧' }, null);
      expect((await corrections.open()).map((one) => one.id)).to.include(id);
      const by = { id: 'support-1', address: null };
      const answers = await Promise.all([
        codeOf(corrections.answer(id, { state: 'corrected', answer: '已更正' }, by)),
        codeOf(corrections.answer(id, { state: 'refused', answer: '不能更正' }, by)),
      ]);
      expect(answers.toSorted()).to.deep.equal([null, 'correction-answered'].toSorted());
      expect((await corrections.of(person.id))[0]?.answeredBy).to.equal('support-1');
      expect((await corrections.open()).map((one) => one.id)).to.not.include(id);
    });
  });

  describe('erasure', () => {
    it('waits for the days of grace, in which it can be undone', async () => {
      const { person } = await somebody();
      const one = process();
      await one.erasures.request(person.id, null);
      expect((await storage().identity.byId(person.id))?.restrictedAt).to.not.equal(null);
      expect(await codeOf(one.restrictions.lift(person.id, null))).to.equal('restricted-by-erasure');
      clock.advance(14 * day - 60);
      await one.worker.run();
      expect((await people().active(person.id))?.name).to.equal('林美惠');
      await one.erasures.cancel(person.id, null);
      expect((await storage().identity.byId(person.id))?.restrictedAt).to.equal(null);
      clock.advance(day);
      await one.worker.run();
      expect((await people().active(person.id))?.name).to.equal('林美惠');
      expect(await one.erasures.pending(person.id)).to.equal(null);
      expect(await codeOf(one.erasures.cancel(person.id, null))).to.equal('erase-none');
    });

    it('takes the person away and leaves counts, and certificates that say nothing of whose they are', async () => {
      const { person, registration, number, verificationCode, idNumber, beyond } = await somebody();
      const other = await somebody();
      await door().store([say(person), say(person)], platform);
      const one = process();
      const { id: exportId } = await one.exports.request(person.id, 'zh-TW', null);
      await one.worker.run();
      const before = await storage().courses.startedIn(course.id, null, 1000);
      await one.erasures.request(person.id, '192.0.2.9');
      clock.advance(14 * day);
      await one.worker.run();

      const left = await storage().identity.byId(person.id);
      expect(left).to.deep.include({ name: '', nickname: null, email: null, idNumber: null, roles: [] });
      expect(left?.erasedAt).to.not.equal(null);
      expect(JSON.stringify(left)).to.not.include('讀書');
      expect(await people().active(person.id)).to.equal(null);
      expect(await storage().identity.identitiesOf(person.id)).to.deep.equal([]);
      expect(await storage().webSessions.ofPerson(person.id, clock.now())).to.deep.equal([]);
      expect(await statementsOf(person)).to.deep.equal([]);
      expect(await storage().lrs.documents.countOf(agentOf(person))).to.equal(0);
      expect(await storage().runtimeStates.ofRegistration(registration)).to.deep.equal([]);
      await beyondGone(beyond);
      expect((await storage().assessment.response(registration))?.answers).to.deep.equal({ q1: ['5'] });
      expect(await codeOf(one.exports.download(person.id, exportId, null))).to.equal('export-none');

      // Counted, but nobody's.
      const enrolment = await storage().courses.byRegistration(registration);
      expect(enrolment?.personId).to.match(/^erased:/);
      expect(await storage().courses.everyEnrolmentOf(person.id)).to.deep.equal([]);
      expect(await storage().courses.startedIn(course.id, null, 1000)).to.have.length(before.length);
      expect((await storage().completion.progress(registration))?.readingSeconds).to.equal(1800);
      const certificate = await storage().certificates.byNumber(number);
      expect(certificate).to.deep.include({ personName: '', personNameEn: null, revokedAt: null });
      expect(certificate?.personId).to.match(/^erased:/);
      expect((await storage().certificates.byVerificationCode(verificationCode))?.number).to.equal(number);

      // The audit line stays, with a code and without a name; nothing new may be said; others are untouched.
      const lines = await storage().audit.find({
        personId: person.id,
        action: 'data.erase',
        outcome: null,
        from: null,
        to: null,
        before: null,
        limit: 10,
      });
      expect(lines).to.have.length(1);
      expect(lines[0]?.detail).to.include({
        learning: '1',
        certificates: '1',
        statements: '3',
        documents: '1',
        player: '3',
        posts: '2',
      });
      expect(await codeOf(door().store([say(person)], partner))).to.equal('processing-restricted');
      expect(await statementsOf(other.person)).to.have.length(1);
      // The ID number is free: who comes back is somebody new.
      expect((await somebody(idNumber)).person.id).to.not.equal(person.id);
    });

    it('as the policy says: Statements voided, certificates revoked', async function () {
      this.timeout(120_000);
      const { person, number } = await somebody();
      const one = process({ erasedStatements: 'void', erasedCertificates: 'revoke', graceDays: 0 });
      await door().store(
        Array.from({ length: 130 }, () => say(person)),
        platform,
      );
      await one.erasures.request(person.id, null);
      await one.worker.run();
      expect(await statementsOf(person)).to.deep.equal([]);
      let voided = 0;
      for await (const row of allRows(storage().lrs, { agent: actorOf(person, iris) }, null, {
        withVoided: true,
      }))
        if (row.voided) voided++;
      expect(voided).to.equal(131);
      expect((await storage().certificates.byNumber(number))?.revocation?.reason).to.equal('erasure');
    });

    it('is carried on after a crash at any call, and ends the same', async function () {
      this.timeout(240_000);
      for (let at = 1; ; at += 3) {
        const { person, registration, number, beyond } = await somebody();
        let calls = 0;
        const dying = process({ graceDays: 0 }, () => {
          if (++calls === at) throw new Error('the process has died');
        });
        await process({ graceDays: 0 }).erasures.request(person.id, null);
        calls = 0;
        await dying.worker.run().catch(() => undefined);
        const reached = calls;
        clock.advance(3600);
        await process({ graceDays: 0 }).worker.run();
        expect((await storage().identity.byId(person.id))?.erasedAt, `at ${at}`).to.not.equal(null);
        expect((await storage().identity.byId(person.id))?.name, `at ${at}`).to.equal('');
        expect(await statementsOf(person), `at ${at}`).to.deep.equal([]);
        expect((await storage().courses.byRegistration(registration))?.personId).to.match(/^erased:/);
        expect((await storage().certificates.byNumber(number))?.personName).to.equal('');
        await beyondGone(beyond);
        if (reached < at) break;
      }
    });

    it('takes along an account whose record was taken over', async () => {
      const { person } = await somebody();
      const social = await people().create({
        name: '小芳',
        accountKind: 'social',
        roles,
        identity: { provider: 'social', subject: newUuid() },
      });
      await door().store([say(social)], platform);
      const one = process({ graceDays: 0 });
      const { fingerprint } = await one.claims.preview(person.id, social.id);
      await one.claims.confirm(person.id, social.id, fingerprint, null);
      expect(await statementsOf(person)).to.have.length(2);
      await one.erasures.request(person.id, null);
      await one.worker.run();
      expect((await storage().identity.byId(social.id))?.name).to.equal('');
      expect(await statementsOf(social)).to.deep.equal([]);
      expect(await storage().lrs.personas.joined(agentOf(social))).to.deep.equal([agentOf(social)]);
      expect(await storage().cases.ofPerson(person.id, 'claim')).to.deep.equal([]);
    });

    it('waits for an administrator to take a role away first', async () => {
      const staff = await people().create({
        name: '客服',
        accountKind: 'local',
        roles: [{ role: 'support', organisation: null }],
      });
      expect(await codeOf(process().erasures.request(staff.id, null))).to.equal('erase-staff');
    });
  });
});
