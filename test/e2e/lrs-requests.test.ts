import { gzipSync } from 'node:zlib';
import { expect } from 'chai';
import { newUuid } from '../../src/base/ids.ts';
import { TestClock } from '../support/clock.ts';
import { onEveryEngine } from '../support/engines.ts';
import { lrsClient, type Page } from '../support/lrs-client.ts';
import { type LrsServer, startLrs } from '../support/lrs-server.ts';
import { agentNamed, aStatement } from '../support/statements.ts';

const given = { key: 'test', secret: 'test-secret' };
const state = (of: Record<string, string> = {}): string =>
  `/activities/state?${new URLSearchParams({
    activityId: 'http://example.org/requests',
    agent: JSON.stringify(agentNamed('requests')),
    stateId: 's',
    ...of,
  }).toString()}`;

onEveryEngine('Requests to the LRS', ({ storage }) => {
  let lrs: LrsServer;
  const clock = new TestClock();
  const { call, post, get, raw } = lrsClient(() => lrs, given);
  before(async () => {
    lrs = await startLrs(storage(), given, { clock });
  });
  after(() => lrs?.close());

  describe('versions (Communication 3.3; 2.0 4.1.5)', () => {
    it('every 1.0.x is served as 1.0.3, every 2.0.x as 2.0.0; nothing else is', async () => {
      for (const [asked, served] of [
        ['1.0', '1.0.3'],
        ['1.0.0', '1.0.3'],
        ['1.0.3', '1.0.3'],
        ['1.0.9', '1.0.3'],
        ['2.0', '2.0.0'],
        ['2.0.0', '2.0.0'],
        ['2.0.7', '2.0.0'],
      ] as const) {
        const response = await call('/statements?limit=1', { version: asked });
        expect([response.status, response.headers.get('x-experience-api-version')], asked).to.deep.equal([
          200,
          served,
        ]);
      }
      for (const asked of ['0.9', '0.95', '1', '1.1.0', '1.0.x', '2', '2.1.0', '3.0.0', 'x', '']) {
        const response = await call('/statements?limit=1', { version: asked });
        expect([response.status, response.headers.get('x-experience-api-version')], asked).to.deep.equal([
          400,
          '0.95',
        ]);
      }
    });

    it('about needs neither version nor credential; it answers HEAD; nothing else is allowed on it', async () => {
      const response = await fetch(`${lrs.endpoint}/about`, { method: 'HEAD' });
      expect([response.status, await response.text()]).to.deep.equal([200, '']);
      expect((await fetch(`${lrs.endpoint}/about`, { method: 'PUT' })).status).to.equal(405);
      expect((await call('/about', { version: '0.95' })).status).to.equal(200);
    });

    it('what one edition stored the other reads, each Statement with its own version', async () => {
      const actor = agentNamed('editions');
      for (const version of ['1.0.3', '2.0.0'])
        await call('/statements', { method: 'POST', body: JSON.stringify(aStatement({ actor })), version });
      const found = await get({ agent: JSON.stringify(actor), ascending: 'true' }, { version: '1.0.3' });
      expect(found.statements.map(({ version }) => version)).to.deep.equal(['1.0.0', '2.0.0']);
    });
  });

  describe('headers', () => {
    it('X-Experience-API-Consistent-Through on every answer of the statements resource, refusals too', async () => {
      for (const [path, status, init] of [
        ['/statements?limit=1', 200, {}],
        [`/statements?statementId=${newUuid()}`, 404, {}],
        ['/statements?limit=x', 400, {}],
        ['/statements', 400, { version: null }],
        ['/statements', 401, { headers: { authorization: 'Basic eDp5' } }],
        ['/statements', 405, { method: 'DELETE' }],
      ] as const) {
        const response = await call(path, init);
        expect(response.status).to.equal(status);
        expect(response.headers.get('x-experience-api-consistent-through'), `${path} ${status}`).to.match(
          /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/,
        );
      }
    });

    it('Last-Modified is the instant of storing; content types are exact', async () => {
      const statement = aStatement();
      await post(statement);
      const one = await call(`/statements?statementId=${statement.id}`);
      const { stored = '' } = (await one.json()) as { stored?: string };
      expect(one.headers.get('last-modified')).to.equal(new Date(stored).toUTCString());
      expect(one.headers.get('content-type')).to.equal('application/json');
      expect((await call('/statements?limit=1')).headers.get('last-modified')).to.equal(
        new Date(stored).toUTCString(),
      );
      expect((await call('/statements?x=1')).headers.get('content-type')).to.equal('application/json');
    });

    it('a charset parameter is no other type; another type and half a type are refused', async () => {
      for (const type of ['application/json; charset=utf-8', 'Application/JSON;charset=UTF-8'])
        expect((await post(aStatement(), { 'content-type': type })).status).to.equal(200);
      for (const type of [
        'text/plain',
        'application/jsonx',
        'application/xml',
        'application',
        'multipart/form-data; boundary=b',
      ])
        expect((await post(aStatement(), { 'content-type': type })).status, type).to.equal(400);
    });
  });

  describe('HEAD (Communication 1.1)', () => {
    it('answers as GET on every resource, without a body', async () => {
      await call(state(), { method: 'PUT', body: '{"a":1}', version: '1.0.3' });
      const agent = encodeURIComponent(JSON.stringify(agentNamed('requests')));
      for (const path of [
        '/statements?limit=2',
        state(),
        state().replace('&stateId=s', ''),
        '/activities?activityId=http%3A%2F%2Fe.x%2Fa',
        '/activities/profile?activityId=http%3A%2F%2Fe.x%2Fa',
        `/agents?agent=${agent}`,
        `/agents/profile?agent=${agent}`,
        '/about',
        '/openapi.json',
      ]) {
        const [asked, told] = [await call(path), await call(path, { method: 'HEAD' })];
        expect([told.status, await told.text()], path).to.deep.equal([asked.status, '']);
        for (const name of ['content-type', 'etag', 'last-modified'])
          expect(told.headers.get(name), `${name} of ${path}`).to.equal(asked.headers.get(name));
        if (!path.startsWith('/statements'))
          expect(told.headers.get('content-length')).to.equal(String((await asked.arrayBuffer()).byteLength));
      }
      expect((await call('/statements?x=1', { method: 'HEAD' })).status).to.equal(400);
    });
  });

  describe('parameters (Communication 3.2)', () => {
    it('count by case, once, and only where they belong', async () => {
      const id = newUuid();
      for (const query of [
        'Limit=1',
        'AGENT=%7B%7D',
        'statementid=' + id,
        `statementId=${id}&limit=1`,
        `statementId=${id}&agent=%7B%22mbox%22%3A%22mailto%3Aa%40b.tw%22%7D`,
        `statementId=${id}&voidedStatementId=${id}`,
        `voidedStatementId=${id}&since=2026-01-01T00:00:00Z`,
        `statementId=${id}&statementId=${id}`,
        'statementId=x',
        'more=x',
        'limit=1.5',
        'limit=',
        'ascending=yes',
        'related_agents=1',
        'agent=%7B%22mbox%22%3A%22mailto%3Aa%40b.tw%22%2C%22mbox%22%3A%22mailto%3Ac%40d.tw%22%7D',
        'agent=%7B%22objectType%22%3A%22Group%22%2C%22member%22%3A%5B%7B%22mbox%22%3A%22mailto%3Aa%40b.tw%22%7D%5D%7D',
        'format=Exact',
        'until=2026-13-01T00:00:00Z',
      ])
        expect((await call(`/statements?${query}`)).status, query).to.equal(400);
      for (const path of [
        '/agents',
        '/activities',
        '/agents?agent=%7B%7D',
        '/activities?activityId=x',
        '/activities?activityId=http%3A%2F%2Fe.x&x=1',
      ])
        expect((await call(path)).status, path).to.equal(400);
    });

    it('may be escaped in more than one way', async () => {
      const object = { id: 'http://example.org/課程?a=1&b=2+3%20#段' };
      await post(aStatement({ object }));
      const plain = encodeURIComponent(object.id);
      const thorough = [...Buffer.from(object.id)]
        .map((byte) => `%${byte.toString(16).padStart(2, '0')}`)
        .join('');
      for (const escaped of [plain, thorough, plain.replaceAll('%20', '%20')]) {
        const response = await call(`/statements?activity=${escaped}&`);
        expect(((await response.json()) as Page).statements, escaped).to.have.length(1);
      }
    });

    it("PUT wants the id of the address; it becomes the Statement's own", async () => {
      const { id = '', ...rest } = aStatement();
      const put = (path: string, body: unknown): Promise<Response> =>
        call(path, { method: 'PUT', body: JSON.stringify(body) });
      expect((await put('/statements', rest)).status).to.equal(400);
      expect((await put(`/statements?statementId=${newUuid()}`, { id, ...rest })).status).to.equal(400);
      expect((await put(`/statements?statementId=${id}`, [{ id, ...rest }])).status).to.equal(400);
      expect((await put(`/statements?statementId=${id.toUpperCase()}`, rest)).status).to.equal(204);
      expect((await put(`/statements?statementId=${id}`, { id, ...rest })).status).to.equal(204);
      expect(
        (await put(`/statements?statementId=${id}`, { ...rest, result: { success: true } })).status,
      ).to.equal(409);
    });

    it('an id twice in a batch, in whatever case, is refused', async () => {
      const statement = aStatement();
      const response = await post([statement, { ...statement, id: statement.id?.toUpperCase() }]);
      expect(response.status).to.equal(400);
      expect((await call(`/statements?statementId=${statement.id}`)).status).to.equal(404);
    });

    it('POST of nothing, of scalars and of broken JSON is refused', async () => {
      for (const body of [
        '',
        ' ',
        'null',
        '1',
        '"x"',
        'true',
        '{',
        '[{}',
        '{}',
        '[null]',
        '[[]]',
        '\ufeff{}',
      ])
        expect((await post(body)).status, body).to.equal(400);
    });
  });

  describe('bodies', () => {
    const sent = () => JSON.stringify(aStatement());
    const headers = { 'content-type': 'application/json' };

    it('in many chunks, compressed, and after 100-continue', async () => {
      const text = sent();
      const { status } = await raw('/statements', { method: 'POST', headers, chunks: [...text] });
      expect(status).to.equal(200);
      const packed = gzipSync(sent());
      const unpacked = await raw('/statements', {
        method: 'POST',
        headers: { ...headers, 'content-encoding': 'GZIP' },
        chunks: [packed.subarray(0, 7), packed.subarray(7)],
      });
      expect(unpacked.status).to.equal(200);
      const body = sent();
      const waited = await raw('/statements', {
        method: 'POST',
        headers: { ...headers, expect: '100-continue', 'content-length': String(Buffer.byteLength(body)) },
        chunks: [body],
      });
      expect(waited.status).to.equal(200);
    });

    it('that do not unpack or are not UTF-8 are refused', async () => {
      const broken = await raw('/statements', {
        method: 'POST',
        headers: { ...headers, 'content-encoding': 'gzip' },
        chunks: [Buffer.from('not gzip')],
      });
      expect(broken.status).to.equal(400);
      const latin = Buffer.from(sent().replace('experienced', 'exp\u00e9rienced'), 'latin1');
      expect((await raw('/statements', { method: 'POST', headers, chunks: [latin] })).status).to.equal(400);
    });
  });

  describe('alternate request syntax (1.0.3 Communication 1.3)', () => {
    const form = (method: string, fields: Record<string, string>, path = '/statements'): Promise<Response> =>
      call(`${path}?method=${method}`, {
        method: 'POST',
        body: new URLSearchParams(fields).toString(),
        version: '1.0.3',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      });

    it('carries parameters, headers and content in the form, on every resource', async () => {
      const statement = aStatement({ actor: agentNamed('alternate') });
      expect((await form('POST', { content: JSON.stringify([statement]) })).status).to.equal(200);
      const agent = JSON.stringify(agentNamed('alternate'));
      const found = (await (await form('GET', { agent, limit: '1' })).json()) as Page;
      expect(found.statements.map(({ id }) => id)).to.deep.equal([statement.id]);
      const of = { activityId: 'http://e.x/a', agent, stateId: 'alternate' };
      const content = '中文 & = + %';
      const put = await form(
        'PUT',
        { ...of, content, 'Content-Type': 'text/plain; charset=utf-8' },
        '/activities/state',
      );
      expect(put.status).to.equal(204);
      const got = await form('GET', of, '/activities/state');
      expect([got.headers.get('content-type'), await got.text()]).to.deep.equal([
        'text/plain; charset=utf-8',
        content,
      ]);
      const etag = got.headers.get('etag') ?? '';
      expect(
        (
          await form(
            'PUT',
            { ...of, content, 'Content-Type': 'text/plain', 'If-Match': '"x"' },
            '/activities/state',
          )
        ).status,
      ).to.equal(412);
      expect((await form('DELETE', { ...of, 'If-Match': etag }, '/activities/state')).status).to.equal(204);
    });

    it('refuses other query parameters, other methods, a lack of content, and what no header can hold', async () => {
      expect((await form('PATCH', { content: '{}' })).status).to.equal(400);
      expect((await form('POST', {})).status).to.equal(400);
      expect((await form('GET', { content: '' }, '/statements?limit=1&x=')).status).to.equal(400);
      expect((await call('/statements?method=GET', { version: '1.0.3' })).status).to.equal(400);
      const agent = JSON.stringify(agentNamed('alternate'));
      for (const type of ['text/plain\r\nSet-Cookie: a=b', '文字/普通'])
        expect(
          (
            await form(
              'PUT',
              { activityId: 'http://e.x/a', agent, stateId: 'bad', content: 'x', 'Content-Type': type },
              '/activities/state',
            )
          ).status,
          type,
        ).to.equal(400);
    });
  });

  describe('CORS', () => {
    it('lets a page read every answer, refusals too, and every header it needs', async () => {
      const origin = 'https://content.example.org';
      for (const response of [
        await call('/statements?limit=1', { headers: { origin } }),
        await call('/statements?x=1', { headers: { origin } }),
        await call('/statements', { headers: { origin, authorization: 'Basic eDp5' } }),
      ]) {
        expect(response.headers.get('access-control-allow-origin')).to.equal(origin);
        expect(response.headers.get('vary')).to.include('Origin');
        const exposed = (response.headers.get('access-control-expose-headers') ?? '').toLowerCase();
        for (const name of [
          'etag',
          'last-modified',
          'x-experience-api-version',
          'x-experience-api-consistent-through',
          'retry-after',
        ])
          expect(exposed).to.include(name);
      }
      const preflight = await fetch(`${lrs.endpoint}${state()}`, {
        method: 'OPTIONS',
        headers: {
          origin,
          'access-control-request-method': 'DELETE',
          'access-control-request-headers':
            'authorization,content-type,if-match,if-none-match,x-experience-api-version',
        },
      });
      const allowed = (preflight.headers.get('access-control-allow-headers') ?? '').toLowerCase();
      for (const name of [
        'authorization',
        'content-type',
        'if-match',
        'if-none-match',
        'x-experience-api-version',
      ])
        expect(allowed).to.include(name);
      expect(preflight.headers.get('access-control-allow-methods')).to.include('DELETE');
    });
  });
});
