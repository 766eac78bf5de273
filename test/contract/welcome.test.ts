import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import express, { type Request, type RequestHandler } from 'express';
import { isDomainError } from '../../src/base/errors.ts';
import { createLogger } from '../../src/base/logger.ts';
import { createErrorHandler } from '../../src/http/errors.ts';
import { createSessions } from '../../src/http/sessions.ts';
import { createIdNumberVault } from '../../src/identity/id-numbers.ts';
import { createPeople, type NewPerson, type People } from '../../src/identity/people.ts';
import { createWelcomeGate } from '../../src/identity/routes-welcome-gate.ts';
import { createTerms } from '../../src/identity/terms.ts';
import type { AuditEvent, Person } from '../../src/identity/types.ts';
import { createWelcome, type Welcome } from '../../src/identity/welcome.ts';
import { TestClock } from '../support/clock.ts';
import { onEveryEngine } from '../support/engines.ts';
import { PlainBrowser } from '../support/plain-browser.ts';

onEveryEngine('the welcome', ({ storage }) => {
  const clock = new TestClock('2026-11-30T12:00:00.000Z');
  const lines: AuditEvent[] = [];
  let folder: string;
  let people: People;
  let welcome: Welcome;
  const create = (overrides: Partial<NewPerson> = {}): Promise<Person> =>
    people.create({
      name: '新人',
      accountKind: 'verified',
      roles: [{ role: 'learner', organisation: null }],
      ...overrides,
    });

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'zhixing-terms-'));
    for (const version of ['2026-01-01', '2026-12-01'])
      for (const language of ['zh-TW', 'en'])
        writeFileSync(join(folder, `${version}.${language}.md`), `# ${version}\ntext\n`);
    const store = storage().identity;
    people = createPeople({ store, vault: createIdNumberVault(Buffer.alloc(32, 1)), clock });
    welcome = createWelcome({
      store,
      people,
      terms: createTerms({ clock, folder }),
      audit: async (event) => void lines.push(event),
      clock,
      localAgrees: true,
    });
  });
  after(() => rmSync(folder, { recursive: true }));
  beforeEach(() => clock.set('2026-11-30T12:00:00.000Z'));

  it('asks for the terms, then the nickname, then nothing; local staff for the terms only', async () => {
    const { id } = await create();
    expect(await welcome.nextStep(id)).to.equal('terms');
    await welcome.agree(id, { version: '2026-01-01', language: 'en', address: '192.0.2.1' });
    expect(lines.at(-1)).to.deep.equal({
      action: 'terms.agree',
      actorId: id,
      subjectId: id,
      outcome: 'success',
      reason: null,
      address: '192.0.2.1',
      detail: { version: '2026-01-01', language: 'en' },
    });
    expect((await welcome.record(id)).consent).to.deep.equal({
      version: '2026-01-01',
      at: '2026-11-30T12:00:00.000Z',
    });
    expect(await welcome.nextStep(id)).to.equal('nickname');
    expect(
      (await welcome.choose(id, { nickname: ' 初來　乍到 ', email: 'a@example.org' })).nickname,
    ).to.equal('初來 乍到');
    expect(await welcome.nextStep(id)).to.equal(null);

    const staff = await create({ accountKind: 'local' });
    expect(await welcome.nextStep(staff.id)).to.equal('terms');
    await welcome.agree(staff.id, { version: '2026-01-01', language: 'zh-TW', address: null });
    expect(await welcome.nextStep(staff.id)).to.equal(null);
  });

  it('asks again when a new version comes into force, and takes no consent to another one', async () => {
    const { id } = await create({
      nickname: '老朋友',
      consent: { version: '2026-01-01', at: '2026-02-01T00:00:00Z' },
    });
    expect(await welcome.nextStep(id)).to.equal(null);
    clock.set('2026-12-01T12:00:00.000Z');
    expect(await welcome.nextStep(id)).to.equal('terms');
    const error: unknown = await welcome
      .agree(id, { version: '2026-01-01', language: 'zh-TW', address: null })
      .catch((thrown: unknown) => thrown);
    expect(isDomainError(error, 'conflict') && error.code).to.equal('terms-changed');
    await welcome.agree(id, { version: '2026-12-01', language: 'zh-TW', address: null });
    expect(await welcome.nextStep(id)).to.equal(null);
  });

  it('gives a nickname wanted by five to one, and offers each of the others three free ones', async () => {
    const wanting = await Promise.all([1, 2, 3, 4, 5].map(() => create()));
    const answers = await Promise.all(
      wanting.map(({ id }) => welcome.choose(id, { nickname: '大家要', email: `${id}@example.org` })),
    );
    expect(answers.filter(({ fault }) => fault === null)).to.have.length(1);
    for (const { fault, suggestions } of answers.filter((answer) => answer.fault !== null)) {
      expect(fault).to.equal('taken');
      expect(suggestions).to.have.length(3);
      for (const suggestion of suggestions)
        expect(await storage().identity.byNickname(suggestion), suggestion).to.equal(null);
    }
    const loser = wanting[answers.findIndex(({ fault }) => fault !== null)];
    expect((await welcome.record(loser?.id ?? '')).email, 'nothing of a refused choice is kept').to.equal(
      null,
    );
  });

  it('takes one’s own nickname for free, in any case and width', async () => {
    const { id } = await create({ nickname: 'Wang' });
    expect((await welcome.check(id, 'ＷＡＮＧ')).fault).to.equal(null);
    expect((await welcome.check((await create()).id, 'wang')).fault).to.equal('taken');
  });

  it('keeps an e-mail confirmed only while it is the same', async () => {
    const { id } = await create({ email: 'same@example.org' });
    await people.update(id, { emailConfirmed: true });
    await welcome.choose(id, { nickname: '同信箱', email: 'same@example.org' });
    expect((await welcome.record(id)).emailConfirmed).to.equal(true);
    await welcome.choose(id, { nickname: '同信箱', email: 'other@example.org' });
    expect((await welcome.record(id)).emailConfirmed).to.equal(false);
  });

  it('lets what is being sent in the middle of a session pass when a new version comes, and asks at the next page', async () => {
    const person = await create({
      nickname: '作答中',
      consent: { version: '2026-01-01', at: '2026-02-01T00:00:00Z' },
    });
    const origin = 'http://localhost';
    const app = express();
    const signedIn: RequestHandler = (req: Request, _res, next) => {
      req.user = person;
      next();
    };
    const passed: RequestHandler = (_req, res) => void res.send('passed');
    app.use(
      createSessions({
        store: storage().webSessions,
        clock,
        secret: 'x'.repeat(32),
        publicOrigin: origin,
        idleSeconds: 30 * 24 * 3600,
        maxSeconds: 30 * 24 * 3600,
      }),
    );
    app.use(signedIn, createWelcomeGate({ welcome, open: ['/logout-callback'] }), passed);
    app.use(createErrorHandler(createLogger('silent'), null));
    const server = createServer(app);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const who = new PlainBrowser(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
      expect((await who.get('/quiz')).text).to.equal('passed');
      clock.set('2026-12-01T12:00:00.000Z');
      expect((await who.post('/quiz/answers')).text).to.equal('passed');
      expect((await who.get('/api/anything')).text).to.equal('passed');
      expect((await who.get('/quiz?page=2')).location).to.equal('/welcome?returnTo=%2Fquiz%3Fpage%3D2');
      expect((await who.get('/logout-callback/x')).text).to.equal('passed');
      // A session that never passed sends nothing.
      const fresh = new PlainBrowser(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
      expect((await fresh.post('/quiz/answers')).location).to.equal('/welcome');
      expect((await fresh.get('/api/anything')).status).to.equal(403);
      await welcome.agree(person.id, { version: '2026-12-01', language: 'zh-TW', address: null });
      expect((await who.get('/quiz')).text).to.equal('passed');
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
});
