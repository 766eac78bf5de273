import { createHash, createSign, generateKeyPairSync } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { gzipSync } from 'node:zlib';
import { expect } from 'chai';
import { newUuid } from '../../src/base/ids.ts';
import { signatureUsage } from '../../src/xapi/attachments.ts';
import type { Statement } from '../../src/xapi/types.ts';
import { TestClock } from '../support/clock.ts';
import { onEveryEngine } from '../support/engines.ts';
import { type LrsServer, lrsLimits, startLrs } from '../support/lrs-server.ts';
import { agentNamed, aStatement } from '../support/statements.ts';

const given = { key: 'test', secret: 'test-secret' };
const basic = (key: string, secret: string): string =>
  `Basic ${Buffer.from(`${key}:${secret}`).toString('base64')}`;

interface Result {
  statements: Statement[];
  more: string;
}

onEveryEngine('LRS over HTTP', ({ storage }) => {
  let lrs: LrsServer;
  const clock = new TestClock();
  before(async function () {
    lrs = await startLrs(storage(), given, {
      clock,
      limits: { ...lrsLimits, xapiBodyBytes: 1_000_000, xapiBatch: 50 },
    });
  });
  after(async () => {
    await lrs?.close();
  });

  const call = (
    path: string,
    {
      headers = {},
      version = '2.0.0',
      ...init
    }: Omit<RequestInit, 'headers'> & { headers?: Record<string, string>; version?: string } = {},
  ): Promise<Response> =>
    fetch(`${lrs.endpoint}${path}`, {
      ...init,
      headers: {
        authorization: basic(given.key, given.secret),
        'x-experience-api-version': version,
        ...(init.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
    });
  const post = (body: unknown, headers: Record<string, string> = {}): Promise<Response> =>
    call('/statements', {
      method: 'POST',
      body: typeof body === 'string' ? body : JSON.stringify(body),
      headers,
    });
  const get = async (query: Record<string, string>): Promise<Result> => {
    const response = await call(`/statements?${new URLSearchParams(query).toString()}`);
    expect(response.status).to.equal(200);
    return (await response.json()) as Result;
  };
  const problemsOf = async (response: Response): Promise<{ path: string; message: string }[]> =>
    ((await response.json()) as { error: { problems: { path: string; message: string }[] } }).error.problems;

  describe('versions (Communication 3.3)', () => {
    it('serves both editions on one endpoint and names them in about', async () => {
      expect(await (await fetch(`${lrs.endpoint}/about`)).json()).to.deep.equal({
        version: ['1.0.3', '2.0.0'],
      });
      for (const version of ['1.0.3', '2.0.0']) {
        const response = await call('/statements?limit=1', { version });
        expect(response.headers.get('x-experience-api-version')).to.equal(version);
      }
    });

    it('without a version answers 400 with one that neither edition has', async () => {
      const response = await fetch(`${lrs.endpoint}/statements`);
      expect([response.status, response.headers.get('x-experience-api-version')]).to.deep.equal([
        400,
        '0.95',
      ]);
    });
  });

  describe('what goes in comes out', () => {
    it('numbers, key order, odd keys and surrogates in their exact text', async () => {
      const id = newUuid();
      const extensions =
        '{"http://e.x/z":[1.10,9007199254740993,1E400,-0.0],"http://e.x/a":{"__proto__":{"$a.b":""},"":"\\ud83d\\ude00 \\ud800"}}';
      const text = `{"id":"${id}","actor":{"mbox":"mailto:x@example.org"},"verb":{"id":"http://e.x/v"},"object":{"id":"http://e.x/o"},"context":{"extensions":${extensions}}}`;
      expect((await post(text)).status).to.equal(200);
      expect(await (await call(`/statements?statementId=${id}`)).text()).to.include(extensions);
    });

    it('a batch keeps each Statement its own text', async () => {
      const actor = agentNamed('own-text');
      const texts = ['1.0', '2.00'].map((raw) =>
        JSON.stringify(aStatement({ actor })).replace(/}$/, `,"result":{"score":{"raw":${raw}}}}`),
      );
      expect((await post(`[ ${texts.join(' ,\n ')} ]`)).status).to.equal(200);
      const response = await call(`/statements?agent=${encodeURIComponent(JSON.stringify(actor))}`);
      const text = await response.text();
      expect(text).to.include('"raw":1.0}').and.include('"raw":2.00}');
    });

    it('a key given twice is refused, with its path', async () => {
      const response = await post('{"actor":{"mbox":"mailto:a@b.c","mbox":"mailto:d@e.f"}}');
      expect(response.status).to.equal(400);
      expect((await problemsOf(response))[0]?.path).to.equal('$.actor.mbox');
    });
  });

  describe('bad input', () => {
    it('400 names path, rule and finding for every member of a batch', async () => {
      const response = await post([
        aStatement(),
        { ...aStatement(), verb: {} },
        { ...aStatement(), actor: 1 },
      ]);
      expect(response.status).to.equal(400);
      const problems = await problemsOf(response);
      expect(problems.map(({ path }) => path)).to.deep.equal(['$[1].verb.id', '$[2].actor']);
      expect(problems[0]?.message).to.match(/found nothing \(xAPI 2\.0 4\.2\.2\.2\)/);
    });

    it('409 names where the stored Statement differs', async () => {
      const statement = aStatement();
      await post(statement);
      const response = await post({ ...statement, result: { response: 'x' } });
      expect(response.status).to.equal(409);
      expect((await problemsOf(response))[0]?.path).to.equal('$.result');
    });

    it('413 for a body or batch beyond the limit, 415 for an unknown encoding, 400 for depth', async () => {
      expect((await post(`"${'x'.repeat(1_000_001)}"`)).status).to.equal(413);
      expect((await post(Array.from({ length: 51 }, () => aStatement()))).status).to.equal(413);
      expect((await post('{}', { 'content-encoding': 'pack200' })).status).to.equal(415);
      expect((await post(`${'['.repeat(65)}${']'.repeat(65)}`)).status).to.equal(400);
    });

    it('a small gzip body that unpacks beyond the limit is stopped', async () => {
      const bomb = gzipSync(Buffer.alloc(20_000_000, 32));
      const response = await call('/statements', {
        method: 'POST',
        body: bomb,
        headers: { 'content-encoding': 'gzip' },
      });
      expect(response.status).to.equal(413);
    });

    it('401 with a challenge; 404 for unknown resources; 405 for unknown methods', async () => {
      const response = await call('/statements', { headers: { authorization: basic('test', 'wrong') } });
      expect([response.status, response.headers.get('www-authenticate')?.split(' ')[0]]).to.deep.equal([
        401,
        'Basic',
      ]);
      expect((await call('/nothing')).status).to.equal(404);
      expect((await call('/statements', { method: 'DELETE' })).status).to.equal(405);
    });

    it('400 for unknown and repeated parameters and broken values (Communication 3.2)', async () => {
      for (const query of [
        'x=1',
        'limit=1&limit=2',
        'limit=-1',
        'agent={',
        'since=x',
        'verb=x',
        'format=x',
        'registration=1',
        '%ff=1',
        'more=abc',
      ])
        expect((await call(`/statements?${query}`)).status, query).to.equal(400);
    });
  });

  describe('bodies', () => {
    it('gzip and chunked bodies', async () => {
      const statement = aStatement();
      const packed = gzipSync(JSON.stringify(statement));
      const response = await call('/statements', {
        method: 'POST',
        body: packed,
        headers: { 'content-encoding': 'gzip' },
      });
      expect(await response.json()).to.deep.equal([statement.id]);
      const other = aStatement();
      const status = await new Promise<number>((resolve, reject) => {
        const sending = httpRequest(
          `${lrs.endpoint}/statements`,
          {
            method: 'POST',
            headers: {
              authorization: basic(given.key, given.secret),
              'x-experience-api-version': '1.0.3',
              'content-type': 'application/json',
            },
          },
          (answer) => {
            answer.resume();
            resolve(answer.statusCode ?? 0);
          },
        );
        sending.once('error', reject);
        const text = JSON.stringify(other);
        sending.write(text.slice(0, 20));
        sending.write(text.slice(20));
        sending.end();
      });
      expect(status).to.equal(200);
    });

    it('HEAD answers as GET without a body', async () => {
      const response = await call('/statements?limit=1', { method: 'HEAD' });
      expect(response.status).to.equal(200);
      expect(Number(response.headers.get('content-length'))).to.be.above(20);
      expect(await response.text()).to.equal('');
    });
  });

  describe('GET statements (Communication 2.1.3)', () => {
    it('more links stay stable while Statements arrive, and end', async () => {
      const actor = agentNamed('more');
      const ids = Array.from({ length: 5 }, () => newUuid());
      await post(ids.map((id) => aStatement({ id, actor })));
      const agent = JSON.stringify(actor);
      let page = await get({ agent, limit: '2', ascending: 'true' });
      const seen = page.statements.map(({ id }) => id);
      await post(aStatement({ actor }));
      while (page.more !== '') {
        const response = await fetch(new URL(page.more, lrs.endpoint), {
          headers: { authorization: basic(given.key, given.secret), 'x-experience-api-version': '2.0.0' },
        });
        page = (await response.json()) as Result;
        seen.push(...page.statements.map(({ id }) => id));
      }
      expect(seen).to.deep.equal(ids);
    });

    it('limit=0 is the most that the server gives', async () => {
      expect((await get({ limit: '0' })).statements.length).to.be.above(5);
    });

    it('canonical uses the LRS definition and the accepted language', async () => {
      const id = 'http://example.org/canonical';
      await post(aStatement({ object: { id, definition: { name: { en: 'One', 'zh-TW': '一' } } } }));
      const response = await call(`/statements?format=canonical&activity=${encodeURIComponent(id)}`, {
        headers: { 'accept-language': 'en;q=0.4, zh-TW;q=0.9' },
      });
      const { statements } = (await response.json()) as Result;
      expect((statements[0]?.object as { definition: unknown }).definition).to.deep.equal({
        name: { 'zh-TW': '一' },
      });
      const activity = await call(`/activities?activityId=${encodeURIComponent(id)}`);
      expect(await activity.json()).to.deep.include({
        id,
        definition: { name: { en: 'One', 'zh-TW': '一' } },
      });
    });

    it('related_agents reaches SubStatements and the authority', async () => {
      const { id: _, ...inner } = aStatement({ actor: agentNamed('in-sub') });
      await post({ ...aStatement(), object: { objectType: 'SubStatement', ...inner } });
      const agent = JSON.stringify(agentNamed('in-sub'));
      expect((await get({ agent })).statements).to.have.length(0);
      const { statements } = await get({ agent, related_agents: 'true' });
      expect(statements).to.have.length(1);
      const authority = JSON.stringify(statements[0]?.authority);
      expect((await get({ agent: authority, related_agents: 'true', limit: '1' })).statements).to.have.length(
        1,
      );
    });
  });

  describe('attachments (Data 2.4.11, Communication 1.5.2)', () => {
    const sha2Of = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
    const attachment = (bytes: Buffer, usageType = 'http://example.org/file') => ({
      usageType,
      display: { en: 'file' },
      contentType: 'application/octet-stream',
      length: bytes.length,
      sha2: sha2Of(bytes),
    });
    const multipart = (
      statements: unknown,
      parts: Buffer[],
    ): RequestInit & { headers: Record<string, string> } => {
      const chunks: Buffer[] = [
        Buffer.from(`--b\r\ncontent-type: application/json\r\n\r\n${JSON.stringify(statements)}\r\n`),
      ];
      for (const part of parts)
        chunks.push(
          Buffer.from(
            `--b\r\nContent-Transfer-Encoding: binary\r\nX-Experience-API-Hash: ${sha2Of(part)}\r\n\r\n`,
          ),
          part,
          Buffer.from('\r\n'),
        );
      chunks.push(Buffer.from('--b--\r\n'));
      return {
        method: 'POST',
        body: Buffer.concat(chunks),
        headers: { 'content-type': 'multipart/mixed; boundary=b' },
      };
    };

    it('many of them, one shared by several Statements, come back byte for byte', async () => {
      const files = Array.from({ length: 20 }, (_, at) => Buffer.from(`\r\n--${at}\u0000\r\n`));
      const actor = agentNamed('attached');
      const shared = files[0] ?? Buffer.from('');
      const statements = [
        aStatement({ actor, attachments: files.map((file) => attachment(file)) }),
        aStatement({ actor, attachments: [attachment(shared)] }),
      ];
      expect((await call('/statements', multipart(statements, files))).status).to.equal(200);
      const response = await call(
        `/statements?attachments=true&agent=${encodeURIComponent(JSON.stringify(actor))}`,
      );
      expect(response.headers.get('content-type')).to.match(/^multipart\/mixed; boundary=/);
      const bytes = Buffer.from(await response.arrayBuffer());
      for (const file of files) expect(bytes.includes(file)).to.equal(true);
      expect(bytes.toString('latin1').split(sha2Of(shared)).length - 1).to.equal(3); // two Statements, one part
    });

    it('missing, additional and altered bytes are refused and nothing is stored', async () => {
      const file = Buffer.from('file');
      const statement = aStatement({ attachments: [attachment(file)] });
      expect((await post(statement)).status).to.equal(400);
      expect((await call('/statements', multipart([statement], []))).status).to.equal(400);
      expect(
        (await call('/statements', multipart([statement], [file, Buffer.from('other')]))).status,
      ).to.equal(400);
      expect((await call(`/statements?statementId=${statement.id}`)).status).to.equal(404);
    });

    it('a signed Statement is verified (Data 2.6)', async () => {
      const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
      const statement = aStatement();
      const part = (text: string): string => Buffer.from(text).toString('base64url');
      const input = `${part('{"alg":"RS384"}')}.${part(JSON.stringify(statement))}`;
      const jws = Buffer.from(
        `${input}.${createSign('RSA-SHA384').update(input).sign(privateKey).toString('base64url')}`,
      );
      const signed = { ...statement, attachments: [attachment(jws, signatureUsage)] };
      expect(
        (await call('/statements', multipart([{ ...signed, result: { success: true } }], [jws]))).status,
      ).to.equal(400);
      expect((await call('/statements', multipart([signed], [jws]))).status).to.equal(200);
    });
  });

  describe('documents (Communication 2.2, 3.1)', () => {
    const state = `/activities/state?${new URLSearchParams({
      activityId: 'http://example.org/state',
      agent: JSON.stringify(agentNamed('state')),
      stateId: 'a/b c',
    }).toString()}`;

    it('of ten writers with the same ETag one wins; the rest get 412', async () => {
      await call(state, { method: 'PUT', body: '{"a":1}', version: '1.0.3' });
      const etag = (await call(state)).headers.get('etag') ?? '';
      const statuses = await Promise.all(
        Array.from(
          { length: 10 },
          async (_, at) =>
            (await call(state, { method: 'PUT', body: `{"b":${at}}`, headers: { 'if-match': etag } })).status,
        ),
      );
      expect(statuses.filter((status) => status === 204)).to.have.length(1);
      expect(statuses.filter((status) => status === 412)).to.have.length(9);
    });

    it('ten merges at once lose nothing', async () => {
      await call(state, { method: 'DELETE' });
      await Promise.all(
        Array.from({ length: 10 }, (_, at) => call(state, { method: 'POST', body: `{"k${at}":1.0}` })),
      );
      const text = await (await call(state)).text();
      for (let at = 0; at < 10; at++) expect(text).to.include(`"k${at}":1.0`);
    });

    it('2.0 4.1.6.2: a State is not overwritten blindly; 1.0.3 allows it', async () => {
      await call(state, { method: 'PUT', body: '{}', version: '1.0.3' });
      expect((await call(state, { method: 'PUT', body: '{}', version: '2.0.0' })).status).to.equal(409);
      expect((await call(state, { method: 'PUT', body: '{}', version: '1.0.3' })).status).to.equal(204);
    });

    it('If-None-Match on GET saves the body', async () => {
      const etag = (await call(state)).headers.get('etag') ?? '';
      expect((await call(state, { headers: { 'if-none-match': etag } })).status).to.equal(304);
    });
  });

  describe('alternate request syntax (1.0.3 Communication 1.3)', () => {
    it('works in 1.0.3 and is refused in 2.0', async () => {
      const statement = aStatement();
      for (const [version, status] of [
        ['2.0.0', 400],
        ['1.0.3', 204],
      ] as const) {
        const response = await fetch(`${lrs.endpoint}/statements?method=PUT`, {
          method: 'POST',
          body: new URLSearchParams({
            statementId: statement.id ?? '',
            content: JSON.stringify(statement),
            Authorization: basic(given.key, given.secret),
            'X-Experience-API-Version': version,
            'Content-Type': 'application/json',
          }),
        });
        expect(response.status).to.equal(status);
      }
    });
  });

  describe('CORS (for content in a browser)', () => {
    it('answers a preflight without a credential and exposes the headers', async () => {
      const preflight = await fetch(`${lrs.endpoint}/statements`, {
        method: 'OPTIONS',
        headers: { origin: 'http://content.example.org', 'access-control-request-method': 'PUT' },
      });
      expect(preflight.status).to.equal(204);
      expect(preflight.headers.get('access-control-allow-origin')).to.equal('http://content.example.org');
      expect(preflight.headers.get('access-control-allow-headers')).to.include('X-Experience-API-Version');
      const response = await call('/statements?limit=1', {
        headers: { origin: 'http://content.example.org' },
      });
      expect(response.headers.get('access-control-expose-headers')).to.include('Consistent-Through');
    });
  });

  describe('credentials', () => {
    const as = async (
      draft: Parameters<LrsServer['credentials']['create']>[0],
    ): Promise<Record<string, string>> => {
      const { credential, secret } = await lrs.credentials.create(draft);
      return { authorization: basic(credential.key, secret) };
    };

    it('scopes open what they name and nothing else (Communication 4.2)', async () => {
      const writer = await as({ label: 'w', scopes: ['statements/write'] });
      expect((await post(aStatement(), writer)).status).to.equal(200);
      expect((await call('/statements', { headers: writer })).status).to.equal(403);
      const reader = await as({ label: 'r', scopes: ['all/read'] });
      expect((await call('/statements?limit=1', { headers: reader })).status).to.equal(200);
      expect((await post(aStatement(), reader)).status).to.equal(403);
      const state =
        '/activities/state?activityId=http%3A%2F%2Fe.x%2Fa&agent=%7B%22mbox%22%3A%22mailto%3Aa%40b.c%22%7D&stateId=s';
      expect((await call(state, { method: 'PUT', body: '{}', headers: reader })).status).to.equal(403);
      const keeper = await as({ label: 's', scopes: ['state'] });
      expect((await call(state, { method: 'PUT', body: '{}', headers: keeper })).status).to.equal(204);
    });

    it('statements/read/mine isolates: queries, single Statements, voided ones, references', async () => {
      const mine = await as({ label: 'mine', scopes: ['statements/write', 'statements/read/mine'] });
      const [own, foreign] = [
        aStatement({ actor: agentNamed('shared') }),
        aStatement({ actor: agentNamed('shared') }),
      ];
      await post(own, mine);
      await post(foreign);
      await post(aStatement({ object: { objectType: 'StatementRef', id: own.id ?? '' } }));
      const response = await call('/statements', { headers: mine });
      const { statements } = (await response.json()) as Result;
      expect(statements.map(({ id }) => id)).to.deep.equal([own.id]);
      expect((await call(`/statements?statementId=${foreign.id}`, { headers: mine })).status).to.equal(404);
      expect((await call(`/statements?statementId=${own.id}`, { headers: mine })).status).to.equal(200);
    });

    it("stamps the credential's authority whatever the client says (Data 2.4.9)", async () => {
      const headers = await as({
        label: 'Partner P',
        scopes: ['all'],
        authority: { mbox: 'mailto:p@example.org' },
      });
      const statement = aStatement({ authority: agentNamed('forged') });
      await post(statement, headers);
      const kept = (await (await call(`/statements?statementId=${statement.id}`)).json()) as Statement;
      expect(kept.authority).to.deep.equal({ mbox: 'mailto:p@example.org' });
    });

    it('may be bound to an actor home page and a prefix of Activities', async () => {
      const headers = await as({
        label: 'bound',
        scopes: ['all'],
        actorHomePage: 'https://mooc.example.org',
        activityPrefix: 'https://mooc.example.org/courses/',
      });
      const actor = { account: { homePage: 'https://mooc.example.org', name: 'u1' } };
      const object = { id: 'https://mooc.example.org/courses/1' };
      expect((await post(aStatement({ actor, object }), headers)).status).to.equal(200);
      const response = await post(aStatement(), headers);
      expect(response.status).to.equal(403);
      expect((await problemsOf(response)).map(({ path }) => path)).to.deep.equal(['$.actor', '$.object']);
    });

    it('without define, Statements are kept but the LRS definitions stay', async () => {
      const headers = await as({ label: 'nodefine', scopes: ['statements/write'] });
      const id = 'http://example.org/undefined';
      await post(aStatement({ object: { id, definition: { name: { en: 'x' } } } }), headers);
      const activity = await call(`/activities?activityId=${encodeURIComponent(id)}`);
      expect(await activity.json()).to.deep.equal({ objectType: 'Activity', id });
    });

    it('may be bound to origins, and to requests per minute with Retry-After', async () => {
      const bound = await as({ label: 'origin', scopes: ['all'], origins: ['https://ok.example.org'] });
      expect(
        (await call('/statements?limit=1', { headers: { ...bound, origin: 'https://ok.example.org' } }))
          .status,
      ).to.equal(200);
      expect(
        (await call('/statements?limit=1', { headers: { ...bound, origin: 'https://no.example.org' } }))
          .status,
      ).to.equal(403);
      const limited = await as({ label: 'rate', scopes: ['all'], ratePerMinute: 2 });
      const responses = [];
      for (let at = 0; at < 3; at++) responses.push(await call('/statements?limit=1', { headers: limited }));
      expect(responses.map(({ status }) => status)).to.deep.equal([200, 200, 429]);
      expect(Number(responses[2]?.headers.get('retry-after'))).to.be.within(1, 60);
    });

    it('OAuth 2: a bearer token by client credentials (RFC 6749 §4.4)', async () => {
      const { credential, secret } = await lrs.credentials.create({ label: 'oauth', scopes: ['all/read'] });
      const ask = (scope?: string): Promise<Response> =>
        fetch(`${lrs.endpoint}/oauth/token`, {
          method: 'POST',
          headers: { authorization: basic(credential.key, secret) },
          body: new URLSearchParams({ grant_type: 'client_credentials', ...(scope ? { scope } : {}) }),
        });
      const answer = await ask();
      expect(answer.headers.get('cache-control')).to.equal('no-store');
      const token = (await answer.json()) as { access_token: string; token_type: string; expires_in: number };
      expect(token).to.include({ token_type: 'Bearer', expires_in: 3600 });
      const headers = { authorization: `Bearer ${token.access_token}` };
      expect((await call('/statements?limit=1', { headers })).status).to.equal(200);
      expect((await post(aStatement(), headers)).status).to.equal(403);
      expect(((await (await ask('all')).json()) as { error: string }).error).to.equal('invalid_scope');
    });
  });
});
