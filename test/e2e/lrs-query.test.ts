import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { newUuid } from '../../src/base/ids.ts';
import type { Statement, SubStatement } from '../../src/xapi/types.ts';
import { TestClock } from '../support/clock.ts';
import { onEveryEngine } from '../support/engines.ts';
import { attachmentOf, basic, lrsClient, multipartOf, type Page } from '../support/lrs-client.ts';
import { type LrsServer, startLrs } from '../support/lrs-server.ts';
import { agentNamed, aStatement } from '../support/statements.ts';

const given = { key: 'test', secret: 'test-secret' };
const refTo = (id: string | undefined) => ({ objectType: 'StatementRef' as const, id: id ?? '' });
const voided = { id: 'http://adlnet.gov/expapi/verbs/voided' };

onEveryEngine('GET statements', ({ storage }) => {
  let lrs: LrsServer;
  const clock = new TestClock('2033-01-01T00:00:00.000Z');
  const { call, post, get } = lrsClient(() => lrs, given);
  before(async () => {
    lrs = await startLrs(storage(), given, { clock });
  });
  after(() => lrs?.close());
  const ids = (page: Page): (string | undefined)[] => page.statements.map(({ id }) => id);
  const agent = (name: string): string => JSON.stringify(agentNamed(name));

  describe('who is meant by agent (Communication 2.1.3)', () => {
    it('each of the four identifiers, names aside; a member of a Group; an identified Group itself', async () => {
      const actors = [
        { mbox: 'mailto:who@example.org' },
        { mbox_sha1sum: 'c6d8a0e0f9b7c3d2e1f0a9b8c7d6e5f4a3b2c1d0' },
        { openid: 'http://example.org/openid/who' },
        { account: { homePage: 'http://example.org', name: 'who' } },
        { objectType: 'Group' as const, account: { homePage: 'http://example.org', name: 'who-group' } },
      ];
      for (const actor of actors) {
        const statement = aStatement({ actor: { ...actor, name: 'Somebody' } as Statement['actor'] });
        await post(statement);
        expect(
          ids(await get({ agent: JSON.stringify({ ...actor, name: 'Another' }) })),
          JSON.stringify(actor),
        ).to.deep.equal([statement.id]);
      }
      const anonymous = aStatement({
        actor: { objectType: 'Group', member: [agentNamed('m1'), agentNamed('m2')] },
      });
      const asObject = aStatement({
        object: { objectType: 'Group', mbox: 'mailto:g@example.org', member: [agentNamed('m1')] },
      });
      await post([anonymous, asObject]);
      expect(ids(await get({ agent: agent('m1'), ascending: 'true' }))).to.deep.equal([
        anonymous.id,
        asObject.id,
      ]);
      expect(ids(await get({ agent: agent('m2') }))).to.deep.equal([anonymous.id]);
    });

    it('related_agents reaches authority, instructor, team, contextAgents, contextGroups and SubStatements', async () => {
      const { id: _, ...inner } = aStatement({
        actor: agentNamed('r-sub'),
        context: { instructor: agentNamed('r-sub-instructor') },
      });
      const group = (name: string) => ({ objectType: 'Group' as const, member: [agentNamed(name)] });
      const statement = aStatement({
        object: { objectType: 'SubStatement', ...inner } as SubStatement,
        context: {
          instructor: agentNamed('r-instructor'),
          team: group('r-team'),
          contextAgents: [{ objectType: 'contextAgent', agent: agentNamed('r-agent') }],
          contextGroups: [{ objectType: 'contextGroup', group: group('r-group') }],
        },
      });
      await post(statement);
      for (const name of ['r-sub', 'r-sub-instructor', 'r-instructor', 'r-team', 'r-agent', 'r-group']) {
        expect(ids(await get({ agent: agent(name) })), name).to.deep.equal([]);
        expect(ids(await get({ agent: agent(name), related_agents: 'true' })), name).to.deep.equal([
          statement.id,
        ]);
      }
    });

    it('related_activities reaches every kind of context Activity and SubStatements', async () => {
      const activity = (name: string) => ({ id: `http://example.org/related/${name}` });
      const { id: _, ...inner } = aStatement({
        object: activity('sub'),
        context: { contextActivities: { parent: [activity('sub-parent')] } },
      });
      const statement = aStatement({
        object: { objectType: 'SubStatement', ...inner } as SubStatement,
        context: {
          contextActivities: {
            parent: [activity('parent')],
            grouping: [activity('grouping')],
            category: [activity('category')],
            other: [activity('other'), activity('other-2')],
          },
        },
      });
      await post(statement);
      for (const name of ['sub', 'sub-parent', 'parent', 'grouping', 'category', 'other', 'other-2']) {
        const { id } = activity(name);
        expect(ids(await get({ activity: id })), name).to.deep.equal([]);
        expect(ids(await get({ activity: id, related_activities: 'true' })), name).to.deep.equal([
          statement.id,
        ]);
      }
    });
  });

  describe('what refers to a match', () => {
    it('is found by the target under every filter; since and until look at its own instant', async () => {
      const registration = newUuid();
      const target = aStatement({
        actor: agentNamed('ref'),
        verb: { id: 'http://example.org/verbs/ref' },
        object: { id: 'http://example.org/ref' },
        context: { registration, instructor: agentNamed('ref-instructor') },
      });
      await post(target);
      const [start, middle] = [clock.now().toISOString(), (clock.advance(10), clock.now().toISOString())];
      const one = aStatement({ object: refTo(target.id) });
      const two = aStatement({ object: refTo(one.id) });
      await post([two, one]);
      for (const filter of [
        { agent: agent('ref') },
        { agent: agent('ref-instructor'), related_agents: 'true' },
        { verb: 'http://example.org/verbs/ref' },
        { activity: 'http://example.org/ref' },
        { activity: 'http://example.org/ref', related_activities: 'true' },
        { registration },
        {
          registration: registration.toUpperCase(),
          agent: agent('ref'),
          verb: 'http://example.org/verbs/ref',
        },
      ] as Record<string, string>[]) {
        expect(ids(await get({ ...filter, ascending: 'true' }))).to.deep.equal([target.id, two.id, one.id]);
        expect(ids(await get({ ...filter, since: start }))).to.deep.equal([one.id, two.id]);
        expect(ids(await get({ ...filter, until: start }))).to.deep.equal([target.id]);
        expect(ids(await get({ ...filter, since: start, until: middle, limit: '1' }))).to.deep.equal([
          one.id,
        ]);
      }
    });

    it('stays found when the target is voided, and so does what refers to the voiding', async () => {
      const actor = agentNamed('ref-voided');
      const target = aStatement({ actor });
      const about = aStatement({ object: refTo(target.id) });
      const voiding = aStatement({ verb: voided, object: refTo(target.id) });
      const aboutVoiding = aStatement({ object: refTo(voiding.id) });
      await post([target, about, voiding, aboutVoiding]);
      expect(ids(await get({ agent: JSON.stringify(actor), ascending: 'true' }))).to.deep.equal([
        about.id,
        voiding.id,
        aboutVoiding.id,
      ]);
    });

    it('a reference in the context or in a SubStatement does not count', async () => {
      const target = aStatement({ actor: agentNamed('ref-context') });
      const { id: _, ...inner } = aStatement({ object: refTo(target.id) });
      await post([
        target,
        aStatement({ context: { statement: refTo(target.id) } }),
        aStatement({ object: { objectType: 'SubStatement', ...inner } as SubStatement }),
      ]);
      expect(ids(await get({ agent: agent('ref-context') }))).to.deep.equal([target.id]);
    });
  });

  describe('one Statement', () => {
    it('a voided one is there by voidedStatementId only, in every format and with its attachments', async () => {
      const file = Buffer.from('voided file');
      const target = aStatement({ attachments: [attachmentOf(file)] });
      expect((await call('/statements', multipartOf(target, [file]))).status).to.equal(200);
      expect((await call(`/statements?voidedStatementId=${target.id}`)).status).to.equal(404);
      await post(aStatement({ verb: voided, object: refTo(target.id) }));
      expect((await call(`/statements?statementId=${target.id}`)).status).to.equal(404);
      for (const format of ['exact', 'ids', 'canonical']) {
        const response = await call(`/statements?voidedStatementId=${target.id}&format=${format}`);
        expect(((await response.json()) as Statement).id).to.equal(target.id);
      }
      const whole = await call(`/statements?voidedStatementId=${target.id?.toUpperCase()}&attachments=true`);
      expect(whole.headers.get('content-type')).to.match(/^multipart\/mixed/);
      expect(await whole.text()).to.include('voided file');
    });

    it('attachments=true is multipart even without any; the JSON comes first', async () => {
      const statement = aStatement();
      await post(statement);
      for (const query of [`statementId=${statement.id}`, 'limit=1']) {
        const response = await call(`/statements?${query}&attachments=true`);
        const boundary = /boundary=(.+)$/.exec(response.headers.get('content-type') ?? '')?.[1] ?? '';
        const text = await response.text();
        expect(text.startsWith(`--${boundary}\r\nContent-Type: application/json\r\n\r\n{`)).to.equal(true);
        expect(text.endsWith(`\r\n--${boundary}--\r\n`)).to.equal(true);
      }
    });

    it('an attachment hashed by SHA-384 or SHA-512 is kept too; one with a fileUrl needs no bytes', async () => {
      const actor = agentNamed('hashes');
      const file = Buffer.from('hashed');
      for (const digest of ['sha224', 'sha384', 'sha512']) {
        const sha2 = createHash(digest).update(file).digest('hex');
        const statement = aStatement({ actor, attachments: [{ ...attachmentOf(file), sha2 }] });
        const body = `--b\r\nContent-Type: application/json\r\n\r\n${JSON.stringify(statement)}\r\n--b\r\nContent-Transfer-Encoding: binary\r\nX-Experience-API-Hash: ${sha2.toUpperCase()}\r\n\r\nhashed\r\n--b--`;
        const headers = { 'content-type': 'multipart/mixed; boundary="b"' };
        expect((await call('/statements', { method: 'POST', body, headers })).status, digest).to.equal(200);
      }
      const elsewhere = { ...attachmentOf(Buffer.from('elsewhere')), fileUrl: 'http://example.org/file' };
      expect((await post(aStatement({ actor, attachments: [elsewhere] }))).status).to.equal(200);
      const answer = await (
        await call(`/statements?attachments=true&agent=${encodeURIComponent(JSON.stringify(actor))}`)
      ).text();
      expect(answer.split('X-Experience-API-Hash').length - 1).to.equal(3);
    });
  });

  describe('pages', () => {
    it('a more link keeps format, attachments, direction and language, and what it began with', async () => {
      const actor = agentNamed('paged');
      const object = {
        id: 'http://example.org/paged',
        definition: { name: { en: 'Paged', 'zh-TW': '分頁' } },
      };
      const statements = Array.from({ length: 5 }, () => aStatement({ actor, object }));
      await post(statements);
      const accept = { headers: { 'accept-language': 'zh-TW' } };
      let page = await get(
        { agent: JSON.stringify(actor), format: 'canonical', limit: '2', ascending: 'true' },
        accept,
      );
      const seen: Statement[] = [...page.statements];
      await post([
        aStatement({ actor, object }),
        aStatement({ verb: voided, object: refTo(statements[3]?.id) }),
      ]);
      while (page.more !== '') {
        expect(page.more).to.match(/^\/xapi\/statements\?/);
        const response = await fetch(new URL(page.more, lrs.endpoint), {
          headers: {
            authorization: basic(given.key, given.secret),
            'x-experience-api-version': '1.0.3',
            ...accept.headers,
          },
        });
        page = (await response.json()) as Page;
        seen.push(...page.statements);
      }
      // The fourth was voided meanwhile: it is gone, and neither it nor what came later makes another appear twice.
      expect(seen.map(({ id }) => id)).to.deep.equal([0, 1, 2, 4].map((at) => statements[at]?.id));
      for (const { object: shown } of seen)
        expect((shown as { definition: { name: object } }).definition.name).to.deep.equal({
          'zh-TW': '分頁',
        });
    });

    it("a limit that fits exactly has no more; limit=0 and a huge one are the server's most", async () => {
      const actor = agentNamed('exactly');
      await post([aStatement({ actor }), aStatement({ actor })]);
      for (const [limit, more] of [
        ['2', false],
        ['1', true],
        ['0', false],
        ['999999999', false],
      ] as const)
        expect((await get({ agent: JSON.stringify(actor), limit })).more !== '', limit).to.equal(more);
      expect((await call('/statements?limit=9999999999')).status).to.equal(400);
    });
  });

  describe('formats', () => {
    it('ids keeps what identifies and nothing else; members of an anonymous Group are identified', async () => {
      const actor = {
        objectType: 'Group' as const,
        name: 'Those',
        member: [
          { ...agentNamed('ids-1'), name: 'One' },
          { mbox: 'mailto:ids-2@example.org', name: 'Two' },
        ],
      };
      const statement = aStatement({
        actor,
        object: { id: 'http://example.org/ids', definition: { name: { en: 'x' } } },
        context: {
          instructor: { ...agentNamed('ids-3'), name: 'Three' },
          contextActivities: {
            parent: [{ id: 'http://example.org/ids-parent', definition: { name: { en: 'y' } } }],
          },
          extensions: { 'http://example.org/kept': { name: 'kept' } },
        },
      });
      await post(statement);
      const response = await call(`/statements?statementId=${statement.id}&format=ids`);
      const found = (await response.json()) as Statement;
      expect(found.actor).to.deep.equal({
        objectType: 'Group',
        member: [agentNamed('ids-1'), { mbox: 'mailto:ids-2@example.org' }],
      });
      expect(found.verb).to.deep.equal({ id: statement.verb.id });
      expect(found.object).to.deep.equal({ id: 'http://example.org/ids' });
      expect(found.context).to.deep.equal({
        instructor: agentNamed('ids-3'),
        contextActivities: { parent: [{ id: 'http://example.org/ids-parent' }] },
        extensions: { 'http://example.org/kept': { name: 'kept' } },
      });
    });

    it('canonical picks one language by ranges and quality values, in verbs, definitions and interaction components', async () => {
      const names = { 'en-US': 'US', 'en-GB': 'GB', 'zh-Hant-TW': '繁', fr: 'FR' };
      const statement = aStatement({
        verb: { id: 'http://example.org/verbs/canonical', display: names },
        object: {
          id: 'http://example.org/canonical-languages',
          definition: {
            name: names,
            description: names,
            interactionType: 'choice',
            choices: [{ id: 'a', description: names }],
          },
        },
      });
      await post(statement);
      for (const [accept, tag] of [
        ['en-GB', 'en-GB'],
        ['en-AU, fr;q=0.9', 'en-US'],
        ['fr;q=0.1, en-GB;q=0.2', 'en-GB'],
        ['zh-TW, zh-Hant;q=0.9', 'zh-Hant-TW'],
        ['de, *;q=0.1', 'en-US'],
        ['en;q=0, *', 'zh-Hant-TW'],
        ['FR', 'fr'],
        [';q=x,,', 'en-US'],
      ] as const) {
        const response = await call(`/statements?statementId=${statement.id}&format=canonical`, {
          headers: { 'accept-language': accept },
        });
        const { verb, object } = (await response.json()) as {
          verb: { display: object };
          object: { definition: { name: object; description: object; choices: { description: object }[] } };
        };
        const { definition } = object;
        for (const map of [
          verb.display,
          definition.name,
          definition.description,
          definition.choices[0]?.description,
        ])
          expect(Object.keys(map ?? {}), accept).to.deep.equal([tag]);
      }
    });
  });

  describe('agents and activities (Communication 2.4, 2.5)', () => {
    it('a Person has every name and its one identifier, each in an array; an unknown one is the question itself', async () => {
      const mbox = 'mailto:person@example.org';
      await post([
        aStatement({ actor: { mbox, name: '王小明' } }),
        aStatement({ object: { objectType: 'Agent', mbox, name: 'Wang' } }),
      ]);
      const person = (of: object): Promise<unknown> =>
        call(`/agents?agent=${encodeURIComponent(JSON.stringify(of))}`).then((response) => response.json());
      expect(await person({ mbox })).to.deep.equal({
        objectType: 'Person',
        name: ['王小明', 'Wang'],
        mbox: [mbox],
      });
      expect(await person({ ...agentNamed('unknown'), name: 'U' })).to.deep.equal({
        objectType: 'Person',
        name: ['U'],
        account: [agentNamed('unknown').account],
      });
      const group = { objectType: 'Group', mbox };
      expect((await call(`/agents?agent=${encodeURIComponent(JSON.stringify(group))}`)).status).to.equal(400);
    });

    it('an Activity grows by what Statements say of it, wherever they name it; digits stay', async () => {
      const id = 'http://example.org/grows';
      await post(
        aStatement({
          context: { contextActivities: { other: [{ id, definition: { name: { en: 'E' } } }] } },
        }),
      );
      await post(
        `{"actor":{"mbox":"mailto:a@b.tw"},"verb":{"id":"http://e.x/v"},"object":{"id":"${id}","definition":{"name":{"zh-TW":"中"},"extensions":{"http://e.x/n":1.50}}}}`,
      );
      const text = await (await call(`/activities?activityId=${encodeURIComponent(id)}`)).text();
      expect(text).to.include('1.50');
      expect(JSON.parse(text)).to.deep.equal({
        objectType: 'Activity',
        id,
        definition: { name: { en: 'E', 'zh-TW': '中' }, extensions: { 'http://e.x/n': 1.5 } },
      });
    });
  });
});
