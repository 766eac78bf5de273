import { createHash, randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { isDomainError } from '../../src/base/errors.ts';
import { newUuid } from '../../src/base/ids.ts';
import { createLogger } from '../../src/base/logger.ts';
import { createSealer } from '../../src/base/sealing.ts';
import { createErasures } from '../../src/lrs/admin/erasure.ts';
import { allRows, toCsv, toNdjson, withWord } from '../../src/lrs/admin/export.ts';
import { createForwarding, type Send } from '../../src/lrs/admin/forwarding.ts';
import { createRejectionLog } from '../../src/lrs/admin/rejections.ts';
import { createStatementDoor, toQuery } from '../../src/lrs/door.ts';
import type { StatementRow } from '../../src/lrs/store.ts';
import { createDocumentDoor } from '../../src/lrs/resource-documents.ts';
import { boundaryOf, joinMultipart, type OutgoingPart, splitMultipart } from '../../src/xapi/multipart.ts';
import type { Attachment, Statement } from '../../src/xapi/types.ts';
import { TestClock } from '../support/clock.ts';
import { emptyStore, onEveryEngine, openStorage } from '../support/engines.ts';
import { startLrs } from '../support/lrs-server.ts';
import { agentNamed, aStatement, platform } from '../support/statements.ts';

const logger = createLogger('silent');
const sealer = createSealer(Buffer.alloc(32, 7), 'lrs-forwarding/seal');
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
        const ids = (JSON.parse(String(body)) as Statement[]).map(({ id }) => id ?? '');
        sent.push({ ids, authorization: headers['authorization'] });
        return { status: answer(ids), text: 'no' };
      };
      return { sent, send };
    };
    const forwardingTo = (send?: Send) =>
      createForwarding({
        statements: lrs().statements,
        attachments: lrs().attachments,
        store: lrs().admin,
        sealer,
        clock,
        logger,
        ...(send ? { send } : {}),
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

    it("the other LRS's secret is encrypted at rest and bound to its address", async () => {
      const { sent, send } = target(() => 200);
      const forwarding = forwardingTo(send);
      const { id } = await forwarding.add({ ...rule('sealed'), authorization: 'Basic very-secret' });
      const [kept] = await lrs().admin.rules();
      expect(JSON.stringify(kept)).to.not.include('very-secret');
      expect(kept?.authorization).to.match(/^v1\./);
      await door().store([aStatement({ actor: agentNamed('sealed') })], platform);
      if (kept) await lrs().admin.putRule({ ...kept, endpoint: 'https://elsewhere.example.org' }, 0);
      await forwarding.run();
      expect(sent).to.deep.equal([]);
      expect((await forwarding.rules())[0]?.lastError).to.match(/cannot be opened/);
      if (kept) await lrs().admin.putRule(kept, 0);
      clock.advance(60);
      await forwarding.run();
      expect(sent[0]?.authorization).to.equal('Basic very-secret');
      await forwarding.remove(id);
    });

    it('a secret that an earlier version kept in plain text is sealed at the next run, and works', async () => {
      const { sent, send } = target(() => 200);
      const forwarding = forwardingTo(send);
      const { id } = await forwarding.add(rule('plain'));
      const [kept] = await lrs().admin.rules();
      if (kept) await lrs().admin.putRule({ ...kept, authorization: 'Basic old' }, 0);
      const ids = await door().store([aStatement({ actor: agentNamed('plain') })], platform);
      await forwarding.run();
      expect(sent).to.deep.equal([{ ids, authorization: 'Basic old' }]);
      expect(JSON.stringify(await lrs().admin.rules())).to.not.include('Basic old');
      await forwarding.remove(id);
    });

    it('attachments arrive byte for byte at another LRS, those with a fileUrl by it (Communication 1.5.2)', async () => {
      const other = await emptyStore('sqlite');
      if (!other) throw new Error('no store');
      const otherStorage = await openStorage(other.options);
      const [own, there] = [
        await startLrs(storage(), { key: 'own', secret: 'own-secret' }, { clock }),
        await startLrs(otherStorage, { key: 'there', secret: 'there-secret' }),
      ];
      const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;
      const bytes = [randomBytes(3000), Buffer.from('--b\r\n\0'), Buffer.alloc(0)];
      const parts = bytes.map((body): OutgoingPart => ({
        contentType: 'application/octet-stream',
        sha2: createHash('sha256').update(body).digest('hex'),
        body,
      }));
      const attachment = ({ sha2, contentType, body }: OutgoingPart): Attachment => ({
        usageType: 'http://e.x/usage',
        display: { en: 'a' },
        contentType,
        length: body.length,
        sha2,
      });
      const actor = agentNamed('attached');
      const byUrl = {
        ...attachment({ contentType: 'text/plain', sha2: 'a'.repeat(64), body: Buffer.from('x') }),
        fileUrl: 'http://e.x/f',
      };
      const statements = [
        aStatement({ actor, attachments: parts.slice(0, 2).map(attachment) }),
        aStatement({ actor, attachments: [...parts.slice(1).map(attachment), byUrl] }),
        aStatement({ actor }),
      ];
      try {
        const forwarding = forwardingTo();
        const { id } = await forwarding.add({
          ...rule('attached'),
          endpoint: there.endpoint,
          authorization: basic('there:there-secret'),
        });
        const sent = await fetch(`${own.endpoint}/statements`, {
          method: 'POST',
          headers: {
            authorization: basic('own:own-secret'),
            'x-experience-api-version': '2.0.0',
            'content-type': 'multipart/mixed; boundary=bound',
          },
          body: joinMultipart(JSON.stringify(statements), parts, 'bound') as BodyInit,
        });
        expect(sent.status).to.equal(200);
        await forwarding.run();
        expect((await forwarding.rules())[0]).to.include({ failures: 0, lastError: null });
        expect(await forwarding.deadLetters(id)).to.deep.equal([]);
        for (const { id: statement = '', attachments } of statements) {
          const row = await otherStorage.lrs.statements.byId(statement);
          expect((JSON.parse(row?.body ?? '{}') as Statement).attachments).to.deep.equal(attachments);
        }
        for (const { sha2, body } of parts)
          expect((await otherStorage.lrs.attachments.get(sha2))?.equals(body)).to.equal(true);
        await forwarding.remove(id);
      } finally {
        await own.close();
        await there.close();
        await otherStorage.close();
        other.remove();
      }
    });

    it('a request ends early rather than carry more than 16 MiB of attachments; all arrive', async () => {
      const requests: { ids: string[]; bytes: number }[] = [];
      const forwarding = forwardingTo(async (_url, headers, body) => {
        const boundary = boundaryOf(headers['content-type'] ?? '');
        const [first, ...parts] = splitMultipart(Buffer.from(body), boundary, 10);
        const ids = (JSON.parse(String(first?.body)) as Statement[]).map(({ id }) => id ?? '');
        requests.push({ ids, bytes: parts.reduce((sum, part) => sum + part.body.length, 0) });
        return { status: 200, text: '' };
      });
      const { id } = await forwarding.add(rule('large'));
      const size = 9 * 1024 * 1024;
      const statements = [];
      for (const fill of [1, 2, 3]) {
        const body = Buffer.alloc(size, fill);
        const sha2 = createHash('sha256').update(body).digest('hex');
        await lrs().attachments.put(sha2, body);
        const attachment = {
          usageType: 'http://e.x/u',
          display: { en: 'a' },
          contentType: 'video/mp4',
          length: size,
          sha2,
        };
        statements.push(aStatement({ actor: agentNamed('large'), attachments: [attachment] }));
      }
      const ids = await door().store(statements, platform);
      await forwarding.run();
      expect(requests).to.deep.equal(ids.map((statement) => ({ ids: [statement], bytes: size })));
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
      createErasures({
        statements: lrs().statements,
        documents: lrs().documents,
        personas: lrs().personas,
        store: lrs().admin,
        clock,
      });

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
    const idsOf = async (rows: AsyncIterable<StatementRow>): Promise<string[]> => {
      const ids: string[] = [];
      for await (const { id } of rows) ids.push(id);
      return ids;
    };

    it('counts what it will hold: without voided ones, pinned while others arrive, no farther than asked', async () => {
      const actor = agentNamed('counted');
      const add = (count: number) =>
        door().store(
          Array.from({ length: count }, () => aStatement({ actor })),
          platform,
        );
      const ids = await add(450);
      // A voiding Statement refers to its target, so it is found with it.
      await door().void(ids.slice(0, 3), platform);
      const through = await lrs().statements.head();
      await add(5);
      const query = { ...toQuery({ agent: actor }, 1000), through };
      expect(await lrs().statements.count(query)).to.equal(450);
      const exported = await idsOf(allRows(lrs(), { agent: actor }, through));
      expect(exported.slice(0, 447)).to.deep.equal(ids.slice(3));
      expect(exported).to.have.length(450);
      expect(await lrs().statements.count({ ...query, through: null })).to.equal(455);
      expect(await lrs().statements.count({ ...query, limit: 100 })).to.equal(100);
      const nobody = toQuery({ agent: agentNamed('nobody') }, 10);
      expect(await lrs().statements.count(nobody)).to.equal(0);
      const verb = { id: 'http://adlnet.gov/expapi/verbs/experienced' };
      const both = toQuery(
        { agent: actor, verb: verb.id, activity: 'http://localhost:8080/courses/ZX1' },
        1000,
      );
      expect(await lrs().statements.count({ ...both, through })).to.equal(450);
    });

    it('keeps to the words that were looked for', async () => {
      const actor = agentNamed('words');
      const named = (name: string) => ({ id: 'http://e.x/o', definition: { name: { 'zh-TW': name } } });
      const [, wanted = ''] = await door().store(
        [aStatement({ actor, object: named('公文寫作') }), aStatement({ actor, object: named('資訊安全') })],
        platform,
      );
      const rows = withWord(allRows(lrs(), { agent: actor }), '資訊', 'zh-TW');
      expect(await idsOf(rows)).to.deep.equal([wanted]);
    });

    it('NDJSON keeps every digit; CSV is safe in a spreadsheet; both oldest first', async () => {
      const actor = { ...agentNamed('export'), name: '=cmd|"x"' };
      const [first = '', second = ''] = await door().store(
        [aStatement({ actor, result: { score: { raw: 85 } } }), aStatement({ actor })],
        platform,
      );
      const rows = () => allRows(lrs(), { agent: actor });
      const lines = (await textOf(toNdjson(rows()))).trim().split('\n');
      expect(lines.map((line) => (JSON.parse(line) as Statement).id)).to.deep.equal([first, second]);
      const csv = (await textOf(toCsv(rows()))).split('\r\n');
      expect(csv[0]).to.match(/^\ufeffid,stored,/);
      expect(await lrs().statements.count(toQuery({ agent: actor }, 100))).to.equal(2);
      expect(csv[1]).to.include(first).and.include('"\'=cmd|""x"""').and.include(',85,');
    });
  });
});
