import { randomBytes } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { expect } from 'chai';
import { newSortableId, newUuid } from '../../src/base/ids.ts';
import { hashOf } from '../../src/identity/audit/store.ts';
import type { Agency } from '../../src/identity/agencies/store.ts';
import { createIdNumberVault } from '../../src/identity/id-numbers.ts';
import { createPeople } from '../../src/identity/people.ts';
import { createStatementDoor } from '../../src/lrs/door.ts';
import { identityOf } from '../../src/xapi/actor.ts';
import { openMongo, type Connection } from '../../src/storage/mongo/open.ts';
import { storageOnMongo } from '../../src/storage/mongo/storage.ts';
import type { Storage } from '../../src/storage/open.ts';
import { certificateDraft } from '../support/certificates.ts';
import { TestClock } from '../support/clock.ts';
import { type CutConnection, startCutConnection } from '../support/cut-connection.ts';
import { emptyStore, type EmptyStore, openStorage } from '../support/engines.ts';
import { agentNamed, aStatement, platform } from '../support/statements.ts';

// Every method that writes more than one document, by a process whose way to the database ends after its first write,
// its second and so on: what it leaves behind is whole or nothing, and whoever comes next can go on.
describe('a process that dies between two writes on mongodb', function () {
  this.timeout(120_000);
  const clock = new TestClock();
  let empty: EmptyStore | null = null;
  let storage: Storage;
  before(async function () {
    this.timeout(600_000); // the first run builds the server
    empty = await emptyStore('mongodb');
    if (!empty) return this.skip();
    storage = await openStorage(empty.options);
  });
  after(async () => {
    await storage?.close();
    empty?.remove();
  });

  /** Runs the act on a store of its own until it dies after 1, 2, … writes, and at last does not; checks after each. */
  const dying = async (
    act: (doomed: Storage, round: number) => Promise<unknown>,
    check: (round: number, finished: boolean) => Promise<void>,
  ): Promise<number> => {
    for (let round = 1; ; round++) {
      const way: CutConnection = await startCutConnection(empty?.options.mongodbUri ?? '');
      const connection: Connection = await openMongo(way.uri);
      try {
        const doomed = await storageOnMongo(connection);
        const died = way.after(round).then(() => false);
        const done = act(doomed, round).then(() => true);
        done.catch(() => undefined); // what a dead process would have said
        const finished = await Promise.race([died, done]);
        await check(round, finished);
        if (finished) return way.done();
      } finally {
        await way.close();
        await connection.close(true).catch(() => undefined);
      }
    }
  };

  it('a version of a package: whole with its package, or nothing after the clean-up', async () => {
    const ids = new Map<number, { pkg: string; version: string }>();
    const most = await dying(
      (doomed, round) => {
        const [pkg, version] = [newSortableId(), newSortableId()];
        ids.set(round, { pkg, version });
        return doomed.packages.addVersion(
          {
            id: pkg,
            organisation: 'vendor-a',
            title: '課程',
            latestVersionId: version,
            publications: [],
            archivedAt: null,
          },
          {
            id: version,
            packageId: pkg,
            version: 0,
            standard: 'scorm-1.2',
            edition: '1.2',
            title: '課程',
            items: [],
            extra: {},
            fileCount: 600,
            totalBytes: 600,
            findings: [],
            uploadedBy: 'p1',
            uploadedAt: clock.now(),
          },
          Array.from({ length: 600 }, (_, at) => ({
            path: `${at}.html`,
            size: 1,
            blobKey: `packages/${version}/${at}`,
            sha256: 'x',
          })),
        );
      },
      async (round) => {
        const { pkg, version } = ids.get(round) ?? { pkg: '', version: '' };
        const there = await storage.packages.package(pkg);
        expect(await storage.packages.discardVersion(version), `${round}`).to.equal(there === null);
        expect((await storage.packages.version(version)) !== null).to.equal(there !== null);
        expect(await storage.packages.files(version)).to.have.length(there ? 600 : 0);
        expect((await storage.packages.packagesOf('vendor-a')).some(({ id }) => id === pkg)).to.equal(
          there !== null,
        );
      },
    );
    expect(most).to.be.at.least(4);
  });

  it('a person with a way to sign in: the next to come with it is one person, and has it', async () => {
    const on = (store: Storage) =>
      createPeople({ store: store.identity, vault: createIdNumberVault(Buffer.alloc(32, 1)), clock });
    const most = await dying(
      (doomed, round) =>
        on(doomed).create({
          name: '半人',
          accountKind: 'social',
          roles: [],
          nickname: `半-${round}`,
          identity: { provider: 'egov', subject: `half-${round}` },
        }),
      async (round) => {
        const identity = { provider: 'egov', subject: `half-${round}` };
        const there = await storage.identity.byIdentity(identity);
        const next =
          there ?? (await on(storage).create({ name: '新', accountKind: 'social', roles: [], identity }));
        expect((await storage.identity.byIdentity(identity))?.id).to.equal(next.id);
        expect(await storage.identity.link('someone-else', identity)).to.equal('identity');
        // A nickname belongs to a person who can come back with it.
        const named = await storage.identity.byNickname(`半-${round}`);
        expect(named?.id ?? next.id).to.equal(next.id);
      },
    );
    expect(most).to.equal(3);
  });

  it('a certificate: one per registration, numbers used once', async () => {
    const drafts = new Map<number, ReturnType<typeof certificateDraft>>();
    const numbers = new Set<string>();
    const in115 = (serial: number): string => `T-115-${serial}`;
    const most = await dying(
      (doomed, round) => {
        const draft = certificateDraft();
        drafts.set(round, draft);
        return doomed.certificates.issue(draft, 115, in115);
      },
      async (round) => {
        const draft = drafts.get(round) ?? certificateDraft();
        const there = await storage.certificates.byRegistration(draft.registration);
        const issued = await storage.certificates.issue(draft, 115, in115);
        if (there) expect(issued).to.deep.equal(there);
        expect(await storage.certificates.ofPerson(draft.personId)).to.deep.include(issued);
        expect(numbers.has(issued.number)).to.equal(false);
        numbers.add(issued.number);
      },
    );
    expect(most).to.equal(2);
  });

  it('progress: saved again it says the same', async () => {
    const completedAt = clock.now();
    const saved = { readingSeconds: 60, quizScore: 80, surveyDone: true, completedAt };
    const most = await dying(
      async (doomed, round) => {
        const before = { ...saved, registration: `r-${round}`, readingSeconds: 1, completedAt: null };
        await storage.completion.save(before);
        await doomed.completion.save({ ...saved, registration: `r-${round}` });
      },
      async (round, finished) => {
        const registration = `r-${round}`;
        const there = await storage.completion.progress(registration);
        if (finished) expect(there?.completedAt).to.deep.equal(completedAt);
        expect(await storage.completion.save({ ...saved, registration })).to.deep.equal({
          ...saved,
          registration,
        });
      },
    );
    expect(most).to.be.at.least(2);
  });

  it('the agency directory: the old one or the new one, and the next import takes the rest away', async () => {
    const directory = (name: string): Agency[] =>
      Array.from({ length: 1500 }, (_, at) => ({
        code: `A${at}`,
        name: { 'zh-TW': name },
        parentCode: null,
        active: true,
        nameSince: null,
        formerNames: [],
      }));
    await storage.agencies.replace(directory('起初'), 0);
    await dying(
      async (doomed, round) =>
        doomed.agencies.replace(directory(`新-${round}`), await storage.agencies.revision()),
      async (round) => {
        const { revision, agencies } = await storage.agencies.read();
        expect(agencies).to.have.length(1500);
        expect(new Set(agencies.map(({ name }) => name['zh-TW'])).size).to.equal(1);
        expect(await storage.agencies.replace(directory(`次-${round}`), revision)).to.equal(true);
        expect((await storage.agencies.read()).agencies.at(-1)?.name['zh-TW']).to.equal(`次-${round}`);
      },
    );
  });

  it('the audit log: its chain is whole and goes on', async () => {
    const event = (action: string) => ({
      at: clock.now().getTime(),
      event: {
        action,
        actorId: null,
        subjectId: null,
        outcome: 'success' as const,
        reason: null,
        address: null,
      },
    });
    await dying(
      (doomed, round) => doomed.audit.append([event(`a-${round}`), event(`b-${round}`)]),
      async (round) => {
        await storage.audit.append([event(`next-${round}`)]);
        const lines = await storage.audit.after(0, 1000);
        for (const [at, line] of lines.entries()) {
          expect(line.seq).to.equal(at + 1);
          expect(line.hash).to.equal(hashOf(line));
          if (at > 0) expect(line.previous).to.equal(lines[at - 1]?.hash);
        }
      },
    );
  });

  it('Statements: a batch is there whole, with what it voids and what is learnt from it, or not at all', async () => {
    const batches = new Map<number, { target: string; ids: string[]; activity: string; name: string }>();
    const most = await dying(
      async (doomed, round) => {
        const target = newUuid();
        await createStatementDoor({ store: storage.lrs.statements, clock }).store(
          [aStatement({ id: target })],
          platform,
        );
        const name = `died-${round}`;
        const activity = `http://localhost:8080/died/${round}`;
        const ids = [newUuid(), newUuid()];
        batches.set(round, { target, ids, activity, name });
        await createStatementDoor({ store: doomed.lrs.statements, clock }).store(
          [
            aStatement({
              id: ids[0] ?? '',
              actor: { ...agentNamed(name), name: '學員' },
              object: { id: activity, definition: { name: { 'zh-TW': '課程' } } },
            }),
            aStatement({
              id: ids[1] ?? '',
              verb: { id: 'http://adlnet.gov/expapi/verbs/voided' },
              object: { objectType: 'StatementRef', id: target },
            }),
          ],
          platform,
        );
      },
      async (round) => {
        const { target, ids, activity, name } = batches.get(round) ?? {
          target: '',
          ids: [],
          activity: '',
          name: '',
        };
        const store = storage.lrs.statements;
        const head = await store.head();
        clock.advance(11); // the dead writer's time is over
        await createStatementDoor({ store, clock }).store([aStatement()], platform);
        const there = await Promise.all(ids.map((id) => store.byId(id)));
        const whole = there.every((row) => row !== null);
        expect(whole || there.every((row) => row === null), `after write ${round}`).to.equal(true);
        expect((await store.byId(target))?.voided).to.equal(whole);
        expect((await store.definitions([activity])).has(activity)).to.equal(whole);
        expect(await store.agentNames(identityOf(agentNamed(name)) ?? '')).to.deep.equal(
          whole ? ['學員'] : [],
        );
        expect(await store.head()).to.be.above(head);
        // Its client heard nothing and sends it again.
        await createStatementDoor({ store, clock }).store(
          [
            aStatement({
              id: ids[0] ?? '',
              actor: { ...agentNamed(name), name: '學員' },
              object: { id: activity, definition: { name: { 'zh-TW': '課程' } } },
            }),
          ],
          platform,
        );
        expect(await store.byId(ids[0] ?? '')).to.not.equal(null);
      },
    );
    expect(most).to.be.at.least(6);
  });

  it('an erasure is finished by whoever erases again', async () => {
    const actors = new Map<number, string>();
    await dying(
      async (doomed, round) => {
        const actor = agentNamed(`erased-${round}`);
        const identity = identityOf(actor) ?? '';
        actors.set(round, identity);
        const ids = await createStatementDoor({ store: storage.lrs.statements, clock }).store(
          [aStatement({ actor: { ...actor, name: '某人' } }), aStatement({ actor })],
          platform,
        );
        await createStatementDoor({ store: storage.lrs.statements, clock }).store(
          [aStatement({ object: { objectType: 'StatementRef', id: ids[0] ?? '' } })],
          platform,
        );
        while ((await doomed.lrs.statements.erase(identity, 100)) > 0);
      },
      async (round) => {
        const identity = actors.get(round) ?? '';
        while ((await storage.lrs.statements.erase(identity, 100)) > 0);
        expect(await storage.lrs.statements.countOf(identity)).to.equal(0);
        expect(await storage.lrs.statements.agentNames(identity)).to.deep.equal([]);
      },
    );
  });

  it('a credential and its tokens: gone, or deleted once more', async () => {
    await dying(
      async (doomed, round) => {
        const id = `c-${round}`;
        await storage.lrs.credentials.create({
          id,
          key: id,
          secrets: [],
          label: '',
          owner: null,
          scopes: ['all'],
          authority: '{}',
          actorHomePage: null,
          activityPrefix: null,
          origins: [],
          ratePerMinute: null,
          expiresAt: null,
          disabled: false,
          createdAt: clock.now(),
          lastUsedAt: null,
        });
        const expiresAt = new Date(clock.now().getTime() + 3600_000);
        await storage.lrs.credentials.putToken({
          hash: `t-${round}`,
          credentialId: id,
          scopes: ['all'],
          expiresAt,
        });
        await doomed.lrs.credentials.delete(id);
      },
      async (round) => {
        // Whatever is left of it, no token outlives its credential.
        expect(await storage.lrs.credentials.token(`t-${round}`, clock.now())).to.equal(null);
        await storage.lrs.credentials.delete(`c-${round}`);
        expect(await storage.lrs.credentials.byId(`c-${round}`)).to.equal(null);
      },
    );
  });

  it('a forwarding rule with its dead letters: made, changed and removed', async () => {
    const rule = (id: string) => ({
      id,
      label: id,
      endpoint: 'https://lrs.example.org/xapi',
      authorization: 'sealed',
      terms: [],
      enabled: true,
      createdAt: clock.now(),
    });
    await dying(
      async (doomed, round) => {
        await doomed.lrs.admin.putRule(rule(`f-${round}`), 7);
        const letter = {
          id: `l-${round}`,
          ruleId: `f-${round}`,
          statementId: newUuid(),
          at: clock.now(),
          reason: '',
        };
        await doomed.lrs.admin.addDeadLetter(letter);
        await doomed.lrs.admin.deleteRule(`f-${round}`);
      },
      async (round) => {
        await storage.lrs.admin.putRule(rule(`f-${round}`), 7);
        const there = (await storage.lrs.admin.rules()).find(({ id }) => id === `f-${round}`);
        expect(there).to.include({ position: 7, label: `f-${round}` });
        await storage.lrs.admin.deleteRule(`f-${round}`);
        expect(await storage.lrs.admin.deadLetters(`f-${round}`, 10)).to.deep.equal([]);
      },
    );
  });

  it('a file: the old bytes or the new ones, and what was half written goes', async () => {
    const [older, newer] = [randomBytes(300_000), randomBytes(600_000)];
    const most = await dying(
      async (doomed, round) => {
        await storage.blobs.put(`attachments/${round}`, older);
        await doomed.blobs.put(`attachments/${round}`, newer);
      },
      async (round, finished) => {
        const kept = await buffer(await storage.blobs.read(`attachments/${round}`));
        expect(kept.equals(newer) || (!finished && kept.equals(older))).to.equal(true);
        await storage.blobs.put(`attachments/${round}`, newer);
        expect((await buffer(await storage.blobs.read(`attachments/${round}`))).equals(newer)).to.equal(true);
      },
    );
    expect(most).to.be.at.least(4);
    const later = new Date(Date.now() + 60_000); // the driver's ids have the machine's time
    expect(await storage.blobs.cleanUp(later)).to.be.at.least(1);
    expect(await storage.blobs.cleanUp(later)).to.equal(0);
    const chunks = await leftChunks();
    expect(chunks.every(({ whole }) => whole)).to.equal(true);
  });

  /** Every file that has chunks, and whether it is one. */
  const leftChunks = async (): Promise<{ whole: boolean }[]> => {
    const connection = await openMongo(empty?.options.mongodbUri ?? '');
    try {
      const chunks = await connection
        .collection('blobs.chunks')
        .find({}, { projection: { files_id: 1 } })
        .toArray();
      const files = await connection.collection('blobs.files').find().toArray();
      const known = new Set(files.map(({ _id }) => String(_id)));
      return chunks.map((chunk) => ({ whole: known.has(String(chunk['files_id'])) }));
    } finally {
      await connection.close();
    }
  };

  it('failed sign-ins and mails of the demonstration are kept to their number by the next one', async () => {
    await dying(
      async (doomed, round) => {
        await storage.outbox.add(
          { id: `m-${round}-a`, to: 'a', subject: 's', text: 't', at: clock.now() },
          2,
        );
        clock.advance(1);
        await doomed.outbox.add({ id: `m-${round}-b`, to: 'a', subject: 's', text: 't', at: clock.now() }, 2);
        await doomed.identity.addFailure('k', clock.now(), new Date(clock.now().getTime() - 60_000));
      },
      async (round) => {
        clock.advance(1);
        await storage.outbox.add(
          { id: `m-${round}-c`, to: 'a', subject: 's', text: 't', at: clock.now() },
          2,
        );
        expect(await storage.outbox.latest(10)).to.have.length(2);
        expect(
          await storage.identity.addFailure('k', clock.now(), new Date(clock.now().getTime() - 60_000)),
        ).to.be.at.least(1);
      },
    );
  });
});
