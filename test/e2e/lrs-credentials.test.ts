import { expect } from 'chai';
import { newUuid } from '../../src/base/ids.ts';
import type { Scope } from '../../src/lrs/store.ts';
import { scopes } from '../../src/lrs/store.ts';
import type { Statement, SubStatement } from '../../src/xapi/types.ts';
import { TestClock } from '../support/clock.ts';
import { onEveryEngine } from '../support/engines.ts';
import { basic, lrsClient, type Page, problemsOf } from '../support/lrs-client.ts';
import { type LrsServer, startLrs } from '../support/lrs-server.ts';
import { agentNamed, aStatement } from '../support/statements.ts';

const given = { key: 'test', secret: 'test-secret' };
const voided = { id: 'http://adlnet.gov/expapi/verbs/voided' };
const query = (of: Record<string, string>): string => new URLSearchParams(of).toString();
const refTo = (id: string | undefined) => ({ objectType: 'StatementRef' as const, id: id ?? '' });

onEveryEngine('What a credential opens', ({ storage }) => {
  let lrs: LrsServer;
  const clock = new TestClock('2033-01-01T00:00:00.000Z');
  const { call, post, get, as } = lrsClient(() => lrs, given);
  before(async () => {
    lrs = await startLrs(storage(), given, { clock });
  });
  after(() => lrs?.close());

  describe('scopes (1.0.3 Communication 4.2)', () => {
    const agent = JSON.stringify(agentNamed('scopes'));
    const activityId = 'http://example.org/scopes';
    /** Every way into the LRS, and the scopes that open it beside `all`. */
    const doors: [name: string, method: string, path: string, body: string | null, opening: Scope[]][] = [
      [
        'read Statements',
        'GET',
        '/statements?limit=1',
        null,
        ['statements/read', 'statements/read/mine', 'all/read'],
      ],
      ['write Statements', 'POST', '/statements', 'statement', ['statements/write']],
      [
        'read a State',
        'GET',
        `/activities/state?${query({ activityId, agent })}`,
        null,
        ['state', 'all/read'],
      ],
      [
        'write a State',
        'PUT',
        `/activities/state?${query({ activityId, agent, stateId: 's' })}`,
        '{}',
        ['state'],
      ],
      [
        'merge a State',
        'POST',
        `/activities/state?${query({ activityId, agent, stateId: 's' })}`,
        '{}',
        ['state'],
      ],
      ['delete States', 'DELETE', `/activities/state?${query({ activityId, agent })}`, null, ['state']],
      [
        'read Activity Profiles',
        'GET',
        `/activities/profile?${query({ activityId })}`,
        null,
        ['profile', 'all/read'],
      ],
      [
        'write an Activity Profile',
        'POST',
        `/activities/profile?${query({ activityId, profileId: 'p' })}`,
        '{}',
        ['profile'],
      ],
      [
        'delete an Activity Profile',
        'DELETE',
        `/activities/profile?${query({ activityId, profileId: 'p' })}`,
        null,
        ['profile'],
      ],
      ['read Agent Profiles', 'GET', `/agents/profile?${query({ agent })}`, null, ['profile', 'all/read']],
      [
        'write an Agent Profile',
        'POST',
        `/agents/profile?${query({ agent, profileId: 'p' })}`,
        '{}',
        ['profile'],
      ],
      [
        'read an Activity',
        'GET',
        `/activities?${query({ activityId })}`,
        null,
        ['statements/read', 'statements/read/mine', 'define', 'all/read'],
      ],
      [
        'read a Person',
        'GET',
        `/agents?${query({ agent })}`,
        null,
        ['statements/read', 'profile', 'all/read'],
      ],
    ];

    for (const scope of scopes)
      it(`${scope} opens what it names and nothing else`, async () => {
        const headers = await as({ scopes: [scope] });
        for (const [name, method, path, body, opening] of doors) {
          const { status } = await call(path, {
            method,
            headers,
            version: '1.0.3',
            ...(body === null ? {} : { body: body === 'statement' ? JSON.stringify(aStatement()) : body }),
          });
          const open = scope === 'all' || opening.includes(scope);
          expect(status === 403, `${scope}: ${name} gave ${status}`).to.equal(!open);
          if (open) expect(status, name).to.be.below(300);
        }
      });

    it('several add up; statements/read beside statements/read/mine reads all', async () => {
      const headers = await as({ scopes: ['statements/read/mine', 'statements/read'] });
      const statement = aStatement();
      await post(statement);
      expect((await call(`/statements?statementId=${statement.id}`, { headers })).status).to.equal(200);
    });

    it('statements/read/mine sees of others neither page, Statement, voided one, reference nor count', async () => {
      const mine = await as({ scopes: ['statements/write', 'statements/read/mine'] });
      const actor = agentNamed('mine');
      const [own, foreign, gone] = [aStatement({ actor }), aStatement({ actor }), aStatement({ actor })];
      await post(own, mine);
      await post([foreign, gone]);
      await post(aStatement({ verb: voided, object: refTo(gone.id) }));
      const reference = aStatement({ object: refTo(foreign.id) });
      await post(reference, mine);
      for (const path of [`statementId=${foreign.id}`, `voidedStatementId=${gone.id}`])
        expect((await call(`/statements?${path}`, { headers: mine })).status).to.equal(404);
      const seen = async (of: Record<string, string>): Promise<unknown[]> =>
        (await get(of, { headers: mine })).statements.map(({ id }) => id);
      expect(await seen({})).to.deep.equal([reference.id, own.id]);
      expect(await seen({ agent: JSON.stringify(actor) })).to.deep.equal([reference.id, own.id]);
      // A link that somebody else was given shows no more.
      const page = await get({ limit: '1', ascending: 'true' });
      const next = await call(page.more.replace(/^\/xapi/, ''), { headers: mine });
      for (const { id } of ((await next.json()) as Page).statements)
        expect([own.id, reference.id]).to.include(id);
    });

    it("without define neither Activities nor names of people become the LRS's own", async () => {
      const writer = await as({ scopes: ['statements/write'] });
      const actor = { mbox: 'mailto:undefined@example.org', name: 'Nobody' };
      await post(
        aStatement({ actor, object: { id: activityId, definition: { name: { en: 'x' } } } }),
        writer,
      );
      const read = async (path: string): Promise<unknown> => (await call(path)).json();
      expect(await read(`/activities?${query({ activityId })}`)).to.deep.equal({
        objectType: 'Activity',
        id: activityId,
      });
      const asked = JSON.stringify({ mbox: actor.mbox });
      expect(await read(`/agents?${query({ agent: asked })}`)).to.deep.equal({
        objectType: 'Person',
        mbox: [actor.mbox],
      });
    });
  });

  describe('voiding (1.0.3 Data 2.3.2)', () => {
    it('a partner voids what it stored itself, later or in the same batch, and nothing else', async () => {
      const partner = await as({ scopes: ['statements/write', 'statements/read/mine'] });
      const own = aStatement();
      const foreign = aStatement();
      await post(own, partner);
      await post(foreign);
      const voiding = (id: string | undefined): Statement => aStatement({ verb: voided, object: refTo(id) });
      expect((await post(voiding(own.id), partner)).status).to.equal(200);
      const later = aStatement();
      expect((await post([later, voiding(later.id?.toUpperCase())], partner)).status).to.equal(200);
      for (const id of [foreign.id, newUuid()]) {
        const response = await post([aStatement(), voiding(id)], partner);
        expect(response.status).to.equal(403);
        expect((await problemsOf(response)).map(({ path }) => path)).to.deep.equal(['$[1].object.id']);
      }
      expect((await call(`/statements?statementId=${foreign.id}`)).status).to.equal(200);
      expect((await call(`/statements?voidedStatementId=${own.id}`)).status).to.equal(200);
    });

    it('whoever holds all voids anything, also before it arrives', async () => {
      const id = newUuid();
      expect((await post(aStatement({ verb: voided, object: refTo(id) }))).status).to.equal(200);
      await post(aStatement({ id }));
      expect((await call(`/statements?voidedStatementId=${id}`)).status).to.equal(200);
    });
  });

  describe('bound to an actor home page and a prefix of Activities', () => {
    const homePage = 'https://mooc.example.org';
    const actor = { account: { homePage, name: 'u1' } };
    const object = { id: `${homePage}/courses/1` };
    const bound = (scope: Scope[] = ['statements/write', 'define', 'state', 'profile']) =>
      as({ scopes: scope, actorHomePage: homePage, activityPrefix: `${homePage}/courses/` });

    it('speaks about nobody else: not as a member, an object, or in a SubStatement', async () => {
      const headers = await bound();
      const { id: _, ...inner } = aStatement({ actor, object });
      const sub = (of: object) => ({ objectType: 'SubStatement', ...inner, ...of }) as SubStatement;
      const groupOf = (...member: object[]) => ({ objectType: 'Group', member }) as Statement['actor'];
      for (const good of [
        { actor, object },
        { actor: groupOf(actor, actor), object },
        { actor, object: sub({}) },
        { actor, object: refTo(newUuid()) },
      ])
        expect((await post(aStatement(good), headers)).status).to.equal(200);
      for (const [bad, path] of [
        [{ actor: agentNamed('x'), object }, '$.actor'],
        [{ actor: { mbox: 'mailto:a@mooc.example.org' }, object }, '$.actor'],
        [{ actor: groupOf(actor, agentNamed('x')), object }, '$.actor.member[1]'],
        [{ actor: { ...groupOf(agentNamed('x')), ...actor }, object }, '$.actor.member[0]'],
        [{ actor: { ...groupOf(actor), mbox: 'mailto:g@example.org' }, object }, '$.actor'],
        [{ actor, object: { id: 'https://mooc.example.org/course' } }, '$.object'],
        [{ actor, object: sub({ actor: agentNamed('x') }) }, '$.object.actor'],
        [{ actor, object: sub({ object: { id: 'http://e.x/o' } }) }, '$.object.object'],
        [{ actor, object: { objectType: 'Agent', ...actor } }, '$.object'],
      ] as [Partial<Statement>, string][]) {
        const response = await post(aStatement(bad), headers);
        expect(response.status, path).to.equal(403);
        expect((await problemsOf(response)).map((problem) => problem.path)).to.deep.equal([path]);
      }
    });

    it('defines only Activities under its prefix', async () => {
      const headers = await bound();
      const named = (id: string) => ({ id, definition: { name: { en: 'Mine' } } });
      const foreign = 'http://localhost:8080/courses/ZX1';
      await post(
        aStatement({
          actor,
          object: named(object.id),
          context: { contextActivities: { parent: [named(foreign)] } },
        }),
        headers,
      );
      const read = async (activityId: string): Promise<unknown> =>
        (await call(`/activities?${query({ activityId })}`)).json();
      expect(await read(object.id)).to.have.property('definition');
      expect(await read(foreign)).to.not.have.property('definition');
    });

    it('reads and writes no documents of others; all/read reads them', async () => {
      const headers = await bound();
      const reader = await bound(['all/read']);
      const of = (about: object, activityId: string): string =>
        query({ activityId, agent: JSON.stringify(about), stateId: 's' });
      const own = `/activities/state?${of(actor, object.id)}`;
      expect((await call(own, { method: 'PUT', body: '{}', headers, version: '1.0.3' })).status).to.equal(
        204,
      );
      expect((await call(own, { headers })).status).to.equal(200);
      for (const path of [
        `/activities/state?${of(agentNamed('x'), object.id)}`,
        `/activities/state?${of(actor, 'http://e.x/o')}`,
        `/activities/profile?${query({ activityId: 'http://e.x/o', profileId: 'p' })}`,
        `/agents/profile?${query({ agent: JSON.stringify(agentNamed('x')), profileId: 'p' })}`,
      ]) {
        for (const method of ['GET', 'DELETE'])
          expect((await call(path, { method, headers })).status, `${method} ${path}`).to.equal(403);
        expect((await call(path, { method: 'POST', body: '{}', headers })).status, path).to.equal(403);
        expect((await call(path, { headers: reader })).status, path).to.equal(404);
      }
    });
  });

  it('expiry closes it; what it stored stays', async () => {
    const statement = aStatement();
    const headers = await as({ expiresAt: new Date(clock.now().getTime() + 60_000) });
    expect((await post(statement, headers)).status).to.equal(200);
    clock.advance(60);
    expect((await post(aStatement(), headers)).status).to.equal(401);
    expect((await call(`/statements?statementId=${statement.id}`)).status).to.equal(200);
  });

  it('rotation: no request is refused while the secret is replaced, by either secret; then the old one is', async () => {
    const { credential, secret } = await lrs.credentials.create({ label: 'rotating', scopes: ['all'] });
    const reads = async (with_: string): Promise<number> =>
      (await call('/statements?limit=1', { headers: { authorization: basic(credential.key, with_) } }))
        .status;
    expect(await reads(secret)).to.equal(200);
    const [fresh] = await Promise.all([
      lrs.credentials.rotate(credential.id, 3600),
      reads(secret),
      reads(secret),
    ]);
    expect([await reads(secret), await reads(fresh)]).to.deep.equal([200, 200]);
    clock.advance(3601);
    expect([await reads(secret), await reads(fresh)]).to.deep.equal([401, 200]);
  });

  it('a rate holds for everything it asks, tokens too; Retry-After says how long, and then it goes on', async () => {
    const limited = await as({ ratePerMinute: 3 });
    const token = (): Promise<Response> =>
      fetch(`${lrs.endpoint}/oauth/token`, {
        method: 'POST',
        headers: limited,
        body: new URLSearchParams({ grant_type: 'client_credentials' }),
      });
    const { access_token: bearer } = (await (await token()).json()) as { access_token: string };
    expect(
      (await call('/statements?limit=1', { headers: { authorization: `Bearer ${bearer}` } })).status,
    ).to.equal(200);
    expect((await call('/statements?limit=1', { headers: limited })).status).to.equal(200);
    const refused = await call('/statements?limit=1', { headers: limited });
    expect(refused.status).to.equal(429);
    expect((await token()).status).to.equal(429);
    const wait = Number(refused.headers.get('retry-after'));
    expect(wait).to.be.within(1, 60);
    clock.advance(wait);
    expect((await call('/statements?limit=1', { headers: limited })).status).to.equal(200);
  });

  it('origins: a page of another is refused, also when it asks for a token; programs have none', async () => {
    const bound = await as({ origins: ['https://ok.example.org'] });
    const from = async (origin: string | null): Promise<number> =>
      (await call('/statements?limit=1', { headers: { ...bound, ...(origin === null ? {} : { origin }) } }))
        .status;
    expect([await from('https://ok.example.org'), await from(null)]).to.deep.equal([200, 200]);
    for (const origin of [
      'https://no.example.org',
      'http://ok.example.org',
      'https://ok.example.org.evil.example',
      'null',
    ])
      expect(await from(origin), origin).to.equal(403);
    const asked = await fetch(`${lrs.endpoint}/oauth/token`, {
      method: 'POST',
      headers: { ...bound, origin: 'https://no.example.org' },
      body: new URLSearchParams({ grant_type: 'client_credentials' }),
    });
    expect(asked.status).to.equal(403);
  });
});
