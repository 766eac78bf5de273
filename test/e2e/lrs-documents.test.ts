import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { newUuid } from '../../src/base/ids.ts';
import { TestClock } from '../support/clock.ts';
import { onEveryEngine } from '../support/engines.ts';
import { lrsClient } from '../support/lrs-client.ts';
import { type LrsServer, startLrs } from '../support/lrs-server.ts';
import { agentNamed } from '../support/statements.ts';

const given = { key: 'test', secret: 'test-secret' };
const activityId = 'http://example.org/documents';
const agent = JSON.stringify(agentNamed('documents'));

/** A document of each resource: its address without an id, and the name of the id's parameter. */
const resources = [
  { name: 'State', path: '/activities/state', of: { activityId, agent }, idName: 'stateId' },
  { name: 'Activity Profile', path: '/activities/profile', of: { activityId }, idName: 'profileId' },
  { name: 'Agent Profile', path: '/agents/profile', of: { agent }, idName: 'profileId' },
] as const;

onEveryEngine('Documents over HTTP', ({ storage }) => {
  let lrs: LrsServer;
  const clock = new TestClock('2033-01-01T00:00:00.000Z');
  const { call } = lrsClient(() => lrs, given);
  before(async () => {
    lrs = await startLrs(storage(), given, { clock });
  });
  after(() => lrs?.close());
  const statusOf = async (response: Promise<Response>): Promise<number> => (await response).status;

  for (const { name, path, of, idName } of resources)
    describe(name, () => {
      const at = (id: string | null, more: Record<string, string> = {}): string =>
        `${path}?${new URLSearchParams({ ...of, ...(id === null ? {} : { [idName]: id }), ...more }).toString()}`;
      const put = (id: string, body: string, headers: Record<string, string> = { 'if-none-match': '*' }) =>
        call(at(id), { method: 'PUT', body, headers });

      it('keeps bytes and type as they were, under any id; the ETag is the SHA-1 (Communication 3.1)', async () => {
        const ids = ['plain', 'a/b?c=d&e#f', '中文 識別碼', 'http://e.x/1', '.', "'", '%25'];
        for (const id of ids) {
          const body = `\u0000bytes of ${id}`;
          const type = 'application/x-thing; v="1"';
          expect((await put(id, body, { 'if-none-match': '*', 'content-type': type })).status, id).to.equal(
            204,
          );
          const got = await call(at(id));
          expect([got.status, got.headers.get('content-type'), await got.text()]).to.deep.equal([
            200,
            type,
            body,
          ]);
          expect(got.headers.get('etag')).to.equal(`"${createHash('sha1').update(body).digest('hex')}"`);
          expect(got.headers.get('last-modified')).to.equal(clock.now().toUTCString());
        }
        expect((await (await call(at(null))).json()) as string[]).to.have.members(ids);
        for (const id of ids) await call(at(id), { method: 'DELETE' });
      });

      it('If-Match and If-None-Match decide PUT, POST and DELETE', async () => {
        const tag = (text: string): string => `"${createHash('sha1').update(text).digest('hex')}"`;
        const write = (method: string, body: string, headers: Record<string, string>): Promise<number> =>
          statusOf(call(at('guarded'), { method, ...(method === 'DELETE' ? {} : { body }), headers }));
        expect(await write('PUT', '{"a":1}', { 'if-match': '*' })).to.equal(412);
        expect(await write('PUT', '{"a":1}', { 'if-match': tag('{"a":1}') })).to.equal(412);
        expect(await write('DELETE', '', { 'if-match': tag('{"a":1}') })).to.equal(412);
        expect(await write('PUT', '{"a":1}', { 'if-none-match': '*' })).to.equal(204);
        for (const method of ['PUT', 'POST']) {
          expect(await write(method, '{"a":2}', { 'if-none-match': '*' }), method).to.equal(412);
          expect(await write(method, '{"a":2}', { 'if-match': tag('other') }), method).to.equal(412);
          expect(await write(method, '{"a":2}', { 'if-none-match': tag('{"a":1}') }), method).to.equal(412);
        }
        expect(await write('PUT', '{"a":2}', { 'if-match': `"x", ${tag('{"a":1}')}` })).to.equal(204);
        expect(await write('POST', '{"b":1.0}', { 'if-match': '*' })).to.equal(204);
        expect(await (await call(at('guarded'))).text()).to.equal('{"a":2,"b":1.0}');
        expect(await write('DELETE', '', { 'if-match': tag('other') })).to.equal(412);
        expect(await write('DELETE', '', { 'if-match': tag('{"a":2,"b":1.0}') })).to.equal(204);
        expect(await statusOf(call(at('guarded')))).to.equal(404);
        expect(await write('DELETE', '', {})).to.equal(204);
      });

      it('POST merges the top of two JSON objects and refuses to merge anything else (Communication 2.2)', async () => {
        const post = (body: string, type = 'application/json'): Promise<number> =>
          statusOf(call(at('merged'), { method: 'POST', body, headers: { 'content-type': type } }));
        expect(await post('{"a":{"x":1},"b":9007199254740993}')).to.equal(204);
        expect(await post('{"a":{"y":1.0},"c":[1]}', 'application/json; charset=utf-8')).to.equal(204);
        expect(await (await call(at('merged'))).text()).to.equal(
          '{"a":{"y":1.0},"b":9007199254740993,"c":[1]}',
        );
        for (const [body, type] of [
          ['[1]', 'application/json'],
          ['1', 'application/json'],
          ['{', 'application/json'],
          ['{"a":1,"a":2}', 'application/json'],
          ['{"a":1}', 'text/plain'],
          ['{"a":1}', 'application/jsonp'],
        ] as const)
          expect(await post(body, type), `${type} ${body}`).to.equal(400);
        expect(await (await call(at('merged'))).text()).to.equal(
          '{"a":{"y":1.0},"b":9007199254740993,"c":[1]}',
        );
        await call(at('merged'), { method: 'DELETE' });
        expect(await post('not JSON', 'text/plain')).to.equal(204);
        expect(await post('{"a":1}')).to.equal(400);
        await call(at('merged'), { method: 'DELETE' });
      });

      it('since lists what was written after it', async () => {
        await put('early', '"x"');
        const since = clock.now().toISOString();
        clock.advance(1);
        await put('late', '"x"');
        const listed = (instant: string): Promise<unknown> =>
          call(at(null, { since: instant })).then((response) => response.json());
        expect(await listed(since)).to.deep.equal(['late']);
        expect(await listed(since.replace('Z', '+08:00'))).to.deep.equal(['early', 'late']);
        expect(await statusOf(call(at(null, { since: 'x' })))).to.equal(400);
        expect(await statusOf(call(at('early', { since }), { method: 'DELETE' }))).to.equal(400);
        for (const id of ['early', 'late']) await call(at(id), { method: 'DELETE' });
      });

      it('refuses what it does not know and what is missing', async () => {
        for (const key of Object.keys(of)) {
          const rest = new URLSearchParams({ ...of, [idName]: 'x' });
          rest.delete(key);
          expect(await statusOf(call(`${path}?${rest.toString()}`)), `without ${key}`).to.equal(400);
        }
        expect(await statusOf(call(at('x', { X: '1' })))).to.equal(400);
        expect(await statusOf(call(at('x').replace(idName, idName.toLowerCase())))).to.equal(400);
        expect(await statusOf(call(at(null), { method: 'PUT', body: 'x' }))).to.equal(400);
        expect(await statusOf(call(at(null), { method: 'POST', body: '{}' }))).to.equal(400);
        expect(await statusOf(call(at('x'), { method: 'PATCH', body: '{}' }))).to.equal(405);
      });
    });

  it('a profile is never replaced blindly, in either edition (1.0.3 Communication 3.1; 2.0 4.1.4)', async () => {
    const at = `/activities/profile?${new URLSearchParams({ activityId: `${activityId}/blind`, profileId: 'p' }).toString()}`;
    const put = (version: string): Promise<number> =>
      statusOf(call(at, { method: 'PUT', body: '{}', version }));
    expect(await put('1.0.3')).to.equal(400);
    expect(await put('2.0.0')).to.equal(204);
    expect(await put('1.0.3')).to.equal(409);
    expect(await put('2.0.0')).to.equal(409);
  });

  it('States of one registration and of none are apart; a list and a DELETE without one cover all', async () => {
    const registration = newUuid();
    const at = (more: Record<string, string>): string =>
      `/activities/state?${new URLSearchParams({ activityId: `${activityId}/registrations`, agent, ...more }).toString()}`;
    const put = (more: Record<string, string>, body: string) => call(at(more), { method: 'PUT', body });
    await put({ stateId: 's', registration }, '"with"');
    await put({ stateId: 's' }, '"without"');
    expect(
      await (await call(at({ stateId: 's', registration: registration.toUpperCase() }))).text(),
    ).to.equal('"with"');
    expect(await (await call(at({ stateId: 's' }))).text()).to.equal('"without"');
    expect(await statusOf(call(at({ stateId: 's', registration: newUuid() })))).to.equal(404);
    expect(await statusOf(call(at({ stateId: 's', registration: 'x' })))).to.equal(400);
    expect(await statusOf(call(at({ registration }), { method: 'DELETE' }))).to.equal(204);
    expect(await (await call(at({}))).json()).to.deep.equal(['s']);
    expect(await statusOf(call(at({}), { method: 'DELETE' }))).to.equal(204);
    expect(await (await call(at({}))).json()).to.deep.equal([]);
  });
});
