import { expect } from 'chai';
import { isDomainError } from '../../src/base/errors.ts';
import { newUuid } from '../../src/base/ids.ts';
import type { Course } from '../../src/courses/store.ts';
import type { PersonRecord } from '../../src/identity/store.ts';
import { emptyProfile } from '../../src/identity/types.ts';
import type { Credential } from '../../src/lrs/store.ts';
import { createStatementDoor, toQuery } from '../../src/lrs/door.ts';
import { TestClock } from '../support/clock.ts';
import { onEveryEngine } from '../support/engines.ts';
import { agentNamed, aStatement, platform } from '../support/statements.ts';

// What the other suites reach through the modules, asked of the ports themselves.
const at = (seconds: number): Date => new Date(Date.UTC(2026, 10, 23, 8, 0, seconds));
const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => null,
    (error: unknown) => error,
  );

onEveryEngine('CourseStore itself', ({ storage }) => {
  const aCourse = (code: string): Course => ({
    id: newUuid(),
    code,
    type: 'open',
    title: { 'zh-TW': '課程' },
    summary: { 'zh-TW': '簡介' },
    organisation: '教材社',
    teacher: null,
    categoryPath: [],
    categoryCode: null,
    certifiedHours: 1,
    enrolment: { from: null, to: null },
    classPeriod: { from: null, to: null },
    conditions: { readingSeconds: null, passScore: null, survey: false },
    packageVersionId: null,
    status: 'draft',
    createdBy: 'p1',
    createdAt: at(0),
    publishedAt: null,
  });

  it('replaces a course at the revision that was read only, and keeps codes apart', async () => {
    const store = storage().courses;
    const [one, other] = [aCourse('PORT-1'), aCourse('PORT-2')];
    expect(await store.insert(one)).to.equal(true);
    expect(await store.insert(aCourse('port-1'))).to.equal(false);
    expect(await store.insert(other)).to.equal(true);
    const revision = (await store.byId(one.id))?.revision ?? -1;
    const results = await Promise.all(
      ['甲', '乙', '丙'].map((title) => store.replace({ ...one, title: { 'zh-TW': title } }, revision)),
    );
    expect(results.toSorted()).to.deep.equal(['done', 'stale', 'stale']);
    const now = await store.byId(one.id);
    expect(await store.replace({ ...one, code: 'port-2' }, now?.revision ?? -1)).to.equal('code-taken');
    expect((await store.byCode('PORT-1'))?.course.id).to.equal(one.id);
  });
});

onEveryEngine('IdentityStore itself', ({ storage }) => {
  const store = () => storage().identity;
  const someone = (overrides: Partial<PersonRecord>): PersonRecord => ({
    id: newUuid(),
    name: '測試',
    nameEn: null,
    nickname: null,
    email: null,
    accountKind: 'local',
    agencyCode: null,
    agencyName: null,
    personnelCategory: null,
    roles: [],
    language: 'zh-TW',
    local: null,
    idNumber: null,
    profile: emptyProfile,
    consent: null,
    emailConfirmed: false,
    vouchers: {},
    totp: null,
    lockedAt: null,
    restrictedAt: null,
    claimedBy: null,
    erasedAt: null,
    createdAt: at(0),
    ...overrides,
  });

  it('finds by login name in any case and width', async () => {
    const person = someone({ local: { loginName: 'Port', passwordHash: 'x' } });
    expect(await store().create(person)).to.equal(null);
    expect((await store().byLoginName('ｐｏｒｔ'))?.id).to.equal(person.id);
    expect(await store().byLoginName('ports')).to.equal(null);
  });

  it('spends a step and a recovery code once, of the second factor that is there only', async () => {
    const since = at(1).toISOString();
    const totp = { sealed: 's', lastStep: 5, recoveryHashes: ['a', 'b'], since };
    const { id } = someone({});
    await store().create(someone({ id, totp }));
    const once = async (acts: Promise<boolean>[]): Promise<number> =>
      (await Promise.all(acts)).filter(Boolean).length;
    expect(await once([6, 6, 6].map((step) => store().spendTotpStep(id, { since, step })))).to.equal(1);
    expect(await store().spendTotpStep(id, { since, step: 6 })).to.equal(false);
    expect(await once(['a', 'a'].map((hash) => store().spendRecoveryCode(id, { since, hash })))).to.equal(1);
    const other = at(2).toISOString();
    expect(await store().spendTotpStep(id, { since: other, step: 9 })).to.equal(false);
    expect(await store().spendRecoveryCode(id, { since: other, hash: 'b' })).to.equal(false);
    expect(await store().renewRecoveryCodes(id, { since: other, hashes: ['z'] })).to.equal(false);
    expect(await store().renewRecoveryCodes(id, { since, hashes: ['c'] })).to.equal(true);
    expect((await store().byId(id))?.totp).to.deep.equal({ ...totp, lastStep: 6, recoveryHashes: ['c'] });
  });

  it('counts failures since an instant, loses none that come at once, and clears a key alone', async () => {
    await Promise.all([1, 2, 3].map((second) => store().addFailure('k', at(second), at(0))));
    await store().addFailure('other', at(1), at(0));
    expect(await store().failures('k', at(0))).to.equal(3);
    expect(await store().failures('k', at(2))).to.equal(2);
    await store().clearFailures('k');
    expect(await store().failures('k', at(0))).to.equal(0);
    expect(await store().failures('other', at(0))).to.equal(1);
  });
});

onEveryEngine('AssessmentStore itself', ({ storage }) => {
  it('finds an attempt by its id', async () => {
    const attempt = {
      id: newUuid(),
      registration: 'r-port',
      courseId: 'c1',
      startedAt: at(0),
      submittedAt: null,
      questionIds: ['q1'],
      answers: {},
      score: null,
      answersViewedAt: null,
    };
    await storage().assessment.openAttempt(attempt);
    expect(await storage().assessment.attempt(attempt.id)).to.deep.equal(attempt);
    expect(await storage().assessment.attempt('none')).to.equal(null);
  });
});

onEveryEngine('LRS ports themselves', ({ storage }) => {
  const clock = new TestClock();
  const lrs = () => storage().lrs;

  it('findText gives the rows of find as one text, page by page, whatever their size and order', async () => {
    const actor = agentNamed('text');
    const door = createStatementDoor({ store: lrs().statements, clock });
    // Characters of two, three and four bytes; every third text is far larger than its share of a page.
    for (let batch = 0; batch < 3; batch++) {
      clock.advance(1);
      await door.store(
        Array.from({ length: 5 }, (_, at) => ({
          ...aStatement({ actor }),
          result: { response: `é學🎓${(batch * 5 + at) % 3 === 2 ? '知行'.repeat(6_000) : ''}` },
        })),
        platform,
      );
    }
    for (const ascending of [false, true])
      for (const limit of [1, 4, 15, 400]) {
        const query = { ...toQuery({ agent: actor, ascending }, limit) };
        let pages = 0;
        for (let after: number | null = null; pages === 0 || after !== null; pages++) {
          const { rows, next, through } = await lrs().statements.find({ ...query, after });
          const page = await lrs().statements.findText({ ...query, after });
          expect(rows).to.have.length(Math.min(limit, 15 - pages * limit));
          expect(page.text.toString()).to.equal(rows.map(({ body }) => body).join(','));
          const newest = Math.max(...rows.map(({ stored }) => stored));
          expect(page).to.include({ next, through, newest });
          if (next !== null) expect(next).to.equal(rows.at(-1)?.seq);
          after = next;
        }
        expect(pages).to.equal(Math.ceil(15 / limit));
      }
  });

  it('erases the documents about an agent, and no others', async () => {
    const scope = { kind: 'state' as const, activityId: 'http://example.org/a', registration: null };
    const document = { contentType: 'text/plain', body: Buffer.from('x'), etag: 'x', updated: 1 };
    for (const agent of ['mailto:gone@example.org', 'mailto:stays@example.org'])
      for (const id of ['1', '2']) await lrs().documents.put({ ...scope, agent }, id, document, null);
    expect(await lrs().documents.eraseAgent('mailto:gone@example.org')).to.equal(2);
    expect(await lrs().documents.countOf('mailto:gone@example.org')).to.equal(0);
    expect(await lrs().documents.countOf('mailto:stays@example.org')).to.equal(2);
  });

  it('a credential is found by its key, its last use moves forward only, its tokens can be taken back', async () => {
    const store = lrs().credentials;
    const credential: Credential = {
      id: newUuid(),
      key: 'port-key',
      secrets: [{ hash: 'h', expiresAt: at(9) }],
      label: '',
      owner: null,
      scopes: ['state'],
      authority: '{}',
      actorHomePage: null,
      activityPrefix: null,
      origins: [],
      ratePerMinute: 5,
      expiresAt: at(10),
      disabled: false,
      createdAt: at(0),
      lastUsedAt: null,
    };
    await store.create(credential);
    expect(await store.byKey('port-key')).to.deep.equal(credential);
    expect(isDomainError(await failure(store.create({ ...credential, id: newUuid() })), 'conflict')).to.equal(
      true,
    );
    await store.used(credential.id, at(5));
    await store.used(credential.id, at(3));
    expect((await store.byKey('port-key'))?.lastUsedAt).to.deep.equal(at(5));
    const token = { hash: 't', credentialId: credential.id, scopes: ['state' as const], expiresAt: at(60) };
    await store.putToken(token);
    expect(await store.token('t', at(0))).to.deep.equal(token);
    await store.deleteTokens(credential.id);
    expect(await store.token('t', at(0))).to.equal(null);
  });

  it('rejections: newest first, of one credential or of all, until they are old', async () => {
    const rejection = (id: string, credentialId: string, second: number) => ({
      id,
      at: at(second),
      credentialId,
      method: 'POST',
      resource: 'statements',
      status: 400,
      message: 'no',
      problems: [{ path: '$.a.b', message: 'wrong' }],
    });
    const list = [rejection('1', 'a', 1), rejection('2', 'b', 2), rejection('3', 'a', 3)];
    await lrs().admin.addRejections(list);
    await lrs().admin.addRejections(list.slice(0, 1));
    expect(await lrs().admin.rejections(null, 2)).to.deep.equal([list[2], list[1]]);
    expect((await lrs().admin.rejections('a', 10)).map(({ id }) => id)).to.deep.equal(['3', '1']);
    expect(await lrs().admin.deleteRejections(at(3))).to.equal(2);
  });

  it('a rule is left by its holder only, with the state that it gives', async () => {
    const state = { position: 9, failures: 2, nextAttemptAt: at(7), lastError: 'away' };
    const rule = {
      id: 'rule',
      label: 'r',
      endpoint: 'https://lrs.example.org',
      authorization: 'x',
      terms: [],
      enabled: true,
      createdAt: at(0),
    };
    await lrs().admin.putRule(rule, 4);
    expect(await lrs().admin.takeRule('rule', 'one', at(0), at(25))).to.include({ position: 4 });
    expect(await lrs().admin.leaveRule('rule', 'two', state)).to.equal(false);
    expect(await lrs().admin.takeRule('rule', 'two', at(24), at(50))).to.equal(null);
    expect(
      await lrs().admin.takeRule('rule', 'two', at(25), at(50)),
      'the first holder has died',
    ).to.not.equal(null);
    expect(await lrs().admin.leaveRule('rule', 'one', state)).to.equal(false);
    expect(await lrs().admin.leaveRule('rule', 'two', state)).to.equal(true);
    expect((await lrs().admin.rules()).find(({ id }) => id === 'rule')).to.deep.equal({ ...rule, ...state });
    await lrs().admin.addDeadLetter({ id: 'l', ruleId: 'rule', statementId: 's', at: at(1), reason: 'r' });
    await lrs().admin.deleteDeadLetter('l');
    expect(await lrs().admin.deadLetters('rule', 9)).to.deep.equal([]);
  });

  it('an erasure is confirmed once, by another person than the one who asked', async () => {
    const erasure = {
      id: 'e',
      identity: 'mailto:e@example.org',
      reason: '當事人請求',
      requestedBy: 'one',
      requestedAt: at(0),
      confirmedBy: null,
      confirmedAt: null,
      finishedAt: null,
      statements: 1,
      documents: 2,
    };
    await lrs().admin.addErasure(erasure);
    expect(await lrs().admin.confirmErasure('e', 'one', at(1))).to.equal(null);
    const confirmed = await Promise.all(
      ['two', 'three'].map((by) => lrs().admin.confirmErasure('e', by, at(1))),
    );
    expect(confirmed.filter(Boolean)).to.have.length(1);
    await lrs().admin.finishErasure('e', at(2), 3, 4);
    expect((await lrs().admin.erasures()).find(({ id }) => id === 'e')).to.include({
      statements: 3,
      documents: 4,
    });
  });
});
