import { expect } from 'chai';
import { isDomainError } from '../../src/base/errors.ts';
import { newUuid } from '../../src/base/ids.ts';
import { createLogger } from '../../src/base/logger.ts';
import { createErasures } from '../../src/lrs/admin/erasure.ts';
import { allRows, toCsv, toNdjson } from '../../src/lrs/admin/export.ts';
import { createForwarding, type Send } from '../../src/lrs/admin/forwarding.ts';
import { createRejectionLog } from '../../src/lrs/admin/rejections.ts';
import { createStatementDoor, toQuery } from '../../src/lrs/door.ts';
import { createDocumentDoor } from '../../src/lrs/resource-documents.ts';
import type { Statement } from '../../src/xapi/types.ts';
import { TestClock } from '../support/clock.ts';
import { onEveryEngine } from '../support/engines.ts';
import { agentNamed, aStatement, platform } from '../support/statements.ts';

const logger = createLogger('silent');
const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => null,
    (error: unknown) => error,
  );
const textOf = async (parts: AsyncIterable<string>): Promise<string> => {
  let text = '';
  for await (const part of parts) text += part;
  return text;
};

onEveryEngine('LRS administration', ({ storage }) => {
  const clock = new TestClock();
  const lrs = () => storage().lrs;
  const door = () => createStatementDoor({ store: lrs().statements, clock });
  const count = async (name: string): Promise<number> =>
    (await lrs().statements.find(toQuery({ agent: agentNamed(name), relatedAgents: true }, 100))).rows.length;

  it('keeps rejected requests with their reasons for 30 days', async () => {
    const log = createRejectionLog(lrs().admin, clock, logger);
    const rejection = {
      credentialId: 'partner',
      method: 'POST',
      resource: 'statements',
      status: 400,
      message: 'A rule of xAPI is not met.',
      problems: [{ path: '$.actor', message: 'is missing' }],
    };
    log.note(rejection);
    log.note({ ...rejection, credentialId: 'other' });
    const [found, ...rest] = await log.list('partner', 10);
    expect(rest).to.deep.equal([]);
    expect(found).to.deep.include({ ...rejection, at: clock.now() });
    expect(await log.list(null, 10)).to.have.length(2);
    clock.advance(30 * 24 * 3600 - 1);
    expect(await log.tidy()).to.equal(0);
    clock.advance(2);
    expect(await log.tidy()).to.equal(2);
    await log.stop();
  });

  describe('forwarding', () => {
    interface Sent {
      ids: string[];
      authorization: string | undefined;
    }
    const target = (answer: (ids: string[]) => number) => {
      const sent: Sent[] = [];
      const send: Send = async (_url, headers, body) => {
        const ids = (JSON.parse(body) as Statement[]).map(({ id }) => id ?? '');
        sent.push({ ids, authorization: headers['authorization'] });
        return { status: answer(ids), text: 'no' };
      };
      return { sent, send };
    };
    const forwardingTo = (send: Send) =>
      createForwarding({
        statements: lrs().statements,
        store: lrs().admin,
        clock,
        logger,
        send,
        batchSize: 3,
      });
    const rule = (name: string) => ({
      label: name,
      endpoint: 'https://lrs.example.org/xapi/',
      authorization: 'Basic x',
      filter: { agent: agentNamed(name) },
      from: 'now' as const,
    });

    it('sends what matches, in order, in batches, once', async () => {
      const { sent, send } = target(() => 200);
      const forwarding = forwardingTo(send);
      await door().store([aStatement({ actor: agentNamed('before') })], platform);
      const { id } = await forwarding.add(rule('before'));
      const actor = agentNamed('before');
      const ids = await door().store(
        [...Array.from({ length: 4 }, () => aStatement({ actor })), aStatement()],
        platform,
      );
      await forwarding.run();
      await forwarding.run();
      expect(sent.flatMap((entry) => entry.ids)).to.deep.equal(ids.slice(0, 4));
      expect(sent.map((entry) => entry.ids.length)).to.deep.equal([3, 1]);
      expect(sent[0]?.authorization).to.equal('Basic x');
      expect(JSON.stringify(await forwarding.rules())).to.not.include('Basic');
      await forwarding.remove(id);
    });

    it('tries again with growing pauses when the other side fails', async () => {
      let status = 503;
      const { sent, send } = target(() => status);
      const forwarding = forwardingTo(send);
      const { id } = await forwarding.add(rule('retry'));
      const [statement = ''] = await door().store([aStatement({ actor: agentNamed('retry') })], platform);
      await forwarding.run();
      await forwarding.run();
      expect(sent).to.have.length(1);
      clock.advance(60);
      await forwarding.run();
      clock.advance(60);
      await forwarding.run();
      expect(sent).to.have.length(2);
      status = 200;
      clock.advance(60);
      await forwarding.run();
      expect(sent.at(-1)?.ids).to.deep.equal([statement]);
      expect((await forwarding.rules())[0]).to.include({ failures: 0, lastError: null });
      await forwarding.remove(id);
    });

    it('what is refused for good becomes a dead letter, holds nothing up, and can be sent again', async () => {
      const bad = newUuid();
      let fixed = false;
      const { send } = target((ids) => (ids.includes(bad) && !fixed ? 400 : 200));
      const forwarding = forwardingTo(send);
      const { id } = await forwarding.add(rule('dead'));
      const actor = agentNamed('dead');
      await door().store(
        [aStatement({ actor }), aStatement({ id: bad, actor }), aStatement({ actor })],
        platform,
      );
      await forwarding.run();
      const letters = await forwarding.deadLetters(id);
      expect(letters.map(({ statementId }) => statementId)).to.deep.equal([bad]);
      expect(letters[0]?.reason).to.match(/^answered 400/);
      expect(await forwarding.replay(id)).to.equal(0);
      fixed = true;
      expect(await forwarding.replay(id)).to.equal(1);
      expect(await forwarding.deadLetters(id)).to.deep.equal([]);
      await forwarding.remove(id);
    });

    it('of two processes one works on a rule at a time', async () => {
      const { send } = target(() => 200);
      const forwarding = forwardingTo(send);
      const { id } = await forwarding.add(rule('lease'));
      const now = clock.now();
      const until = new Date(now.getTime() + 60_000);
      const taken = await Promise.all(
        ['a', 'b', 'c'].map((holder) => lrs().admin.takeRule(id, holder, now, until)),
      );
      expect(taken.filter(Boolean)).to.have.length(1);
      expect(await lrs().admin.takeRule(id, 'd', until, until)).to.not.equal(null);
      await forwarding.remove(id);
    });
  });

  describe('erasure', () => {
    const erasures = () =>
      createErasures({ statements: lrs().statements, documents: lrs().documents, store: lrs().admin, clock });

    it('counts first; two persons; everything about the actor goes, nothing else', async () => {
      const actor = { ...agentNamed('erase-me'), name: '王小明' };
      const [own = ''] = await door().store([aStatement({ actor })], platform);
      await door().store(
        [aStatement({ actor: agentNamed('teacher'), context: { instructor: actor } })],
        platform,
      );
      const [comment = ''] = await door().store(
        [aStatement({ actor: agentNamed('teacher'), object: { objectType: 'StatementRef', id: own } })],
        platform,
      );
      const key = { activityId: 'http://example.org/a', agent: actor, stateId: 's' };
      const documents = createDocumentDoor(lrs().documents, clock);
      await documents.putState(key, { contentType: 'text/plain', body: Buffer.from('x') });
      expect(await erasures().dryRun(actor)).to.deep.equal({ statements: 2, documents: 1 });
      expect(await count('erase-me')).to.equal(3);

      const { id } = await erasures().request(actor, 'asked for by mail', 'admin-1');
      expect(isDomainError(await failure(erasures().confirm(id, 'admin-1')), 'forbidden')).to.equal(true);
      expect(await count('erase-me')).to.equal(3);
      const done = await erasures().confirm(id, 'admin-2');
      expect(done).to.include({ statements: 2, documents: 1, confirmedBy: 'admin-2' });
      expect(isDomainError(await failure(erasures().confirm(id, 'admin-3')), 'forbidden')).to.equal(true);

      expect(await erasures().dryRun(actor)).to.deep.equal({ statements: 0, documents: 0 });
      expect(await lrs().statements.byId(own)).to.equal(null);
      expect((await lrs().statements.byId(comment))?.id).to.equal(comment);
      expect(await documents.getState(key)).to.equal(null);
      expect(await lrs().statements.agentNames('account:http://localhost:8080 erase-me')).to.deep.equal([]);
      expect((await erasures().list())[0]).to.include({ id, requestedBy: 'admin-1', confirmedBy: 'admin-2' });
    });

    it('what arrives about the same actor afterwards is found again', async () => {
      await door().store([aStatement({ actor: agentNamed('erase-me') })], platform);
      expect(
        (await lrs().statements.find(toQuery({ agent: agentNamed('erase-me') }, 10))).rows,
      ).to.have.length(1);
    });
  });

  describe('export', () => {
    it('NDJSON keeps every digit; CSV is safe in a spreadsheet; both oldest first', async () => {
      const actor = { ...agentNamed('export'), name: '=cmd|"x"' };
      const [first = '', second = ''] = await door().store(
        [aStatement({ actor, result: { score: { raw: 85 } } }), aStatement({ actor })],
        platform,
      );
      const rows = () => allRows(lrs().statements, { agent: actor });
      const lines = (await textOf(toNdjson(rows()))).trim().split('\n');
      expect(lines.map((line) => (JSON.parse(line) as Statement).id)).to.deep.equal([first, second]);
      const csv = (await textOf(toCsv(rows()))).split('\r\n');
      expect(csv[0]).to.match(/^\ufeffid,stored,/);
      expect(csv[1]).to.include(first).and.include('"\'=cmd|""x"""').and.include(',85,');
    });
  });
});
