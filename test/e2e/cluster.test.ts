import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { expect } from 'chai';
import { systemClock } from '../../src/base/clock.ts';
import { newUuid } from '../../src/base/ids.ts';
import { parseQuiz, parseSurvey } from '../../src/assessment/text-format.ts';
import { createCatalogue } from '../../src/courses/catalogue.ts';
import { createIdNumberVault } from '../../src/identity/id-numbers.ts';
import { createPeople } from '../../src/identity/people.ts';
import { createPackageLibrary } from '../../src/player/packages/library.ts';
import { emptyStore, type EmptyStore, openStorage } from '../support/engines.ts';
import { freePort } from '../support/server.ts';
import { packageOf } from '../support/zips.ts';
import { Visitor } from '../support/visitor.ts';

const root = join(import.meta.dirname, '../..');
/** So many as the test's own database bears in a minute: it scans where MongoDB uses an index. `npm run kill-test`: 500. */
const learners = Number(process.env['LEARNERS'] ?? 12);
/** So many of them at the same moment. */
const atOnce = Number(process.env['AT_ONCE'] ?? 12);
const readingSeconds = 2;

/** Does it for every learner, some at once. */
async function inCrowd(each: (at: number) => Promise<void>): Promise<void> {
  let next = 0;
  const one = async (): Promise<void> => {
    while (next < learners) await each(next++);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, learners) }, one));
}

const childrenOf = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .split(' ')
    .filter((text) => text.trim() !== '')
    .map(Number);

describe('three processes on one database, one of them killed hard', function () {
  // Mostly the start of three processes and the wait for the dead one's lease; a busy machine takes several times as long.
  this.timeout(Math.max(900_000, learners * 20_000));
  let store: EmptyStore | null = null;
  let primary: ChildProcess | null = null;
  let printed = '';
  let origin = '';
  const authorization = `Basic ${Buffer.from('cluster-key:cluster-secret').toString('base64')}`;

  before(async function () {
    store = await emptyStore('mongodb');
    if (!store) return this.skip();
    const storage = await openStorage(store.options);
    const people = createPeople({
      store: storage.identity,
      vault: createIdNumberVault(Buffer.alloc(32, 1)),
      clock: systemClock,
    });
    for (let at = 0; at < learners; at++)
      await people.create({
        name: `學員${at}`,
        accountKind: 'local',
        roles: [{ role: 'learner', organisation: null }],
        login: { name: `learner-${at}`, password: 'cluster-test' },
      });
    const by = { personId: 'nobody', organisation: '測試' };
    const library = createPackageLibrary({
      store: storage.packages,
      blobs: storage.blobs,
      clock: systemClock,
      limits: { packageBytes: 1e7, packageUnpackedBytes: 1e7, packageFiles: 100 },
      tempDir: join(store.options.dataDir, 'uploads'),
    });
    const material = await library.importZip(Readable.from([await packageOf()]), by);
    if (!material.accepted) throw new Error(JSON.stringify(material.findings));
    const catalogue = createCatalogue({ store: storage.courses, clock: systemClock, checks: [] });
    const course = await catalogue.create(
      {
        code: 'CLUSTER-1',
        title: { 'zh-TW': '叢集' },
        summary: { 'zh-TW': '叢集' },
        certifiedHours: 1,
        conditions: { readingSeconds, passScore: 60, survey: true },
        packageVersionId: material.version.id,
      },
      by,
    );
    await storage.assessment.putQuiz({
      courseId: course.id,
      title: { 'zh-TW': '測驗' },
      questions: parseQuiz('對嗎？\n(*) 對\n( ) 不對'),
      drawn: null,
      shuffle: false,
    });
    await storage.assessment.putSurvey({
      courseId: course.id,
      title: { 'zh-TW': '問卷' },
      questions: parseSurvey('* 好嗎？\n( ) 好\n( ) 不好'),
    });
    await catalogue.publish(course.id);
    await storage.close();

    const port = await freePort();
    origin = `http://localhost:${port}`;
    const started = spawn(process.execPath, ['--import', 'tsx', 'scripts/start-cluster.ts'], {
      cwd: root,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env['PATH'] ?? '',
        HOME: process.env['HOME'] ?? '',
        PORT: String(port),
        WORKERS: '3',
        TRUST_PROXY: '1',
        DATA_DIR: store.options.dataDir,
        MONGODB_URI: store.options.mongodbUri ?? '',
        LRS_KEY: 'cluster-key',
        LRS_SECRET: 'cluster-secret',
        LOG_LEVEL: 'fatal',
      },
    });
    primary = started;
    const take = (chunk: Buffer): void => void (printed += chunk.toString());
    started.stdout.on('data', take);
    started.stderr.on('data', take);
    for (let tries = 0; tries < 3000; tries++) {
      if (started.exitCode !== null) throw new Error(`The cluster ended:\n${printed}`);
      if (started.pid !== undefined && printed.split('LRS  ').length > 3) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(`The cluster did not start:\n${printed}`);
  });

  after(async () => {
    const running = primary;
    if (running?.pid !== undefined && running.exitCode === null) {
      const gone = new Promise((resolve) => running.once('exit', resolve));
      process.kill(-running.pid, 'SIGKILL');
      await gone;
    }
    store?.remove();
  });

  it('keeps every acknowledged Statement once and completes every course once', async () => {
    const acknowledged: string[] = [];
    const headers = {
      authorization,
      'x-experience-api-version': '1.0.3',
      'content-type': 'application/json',
    };
    let finished = 0;
    const began = performance.now();

    /** A session in the player: opened, read for a while, committed by the content, left. Gives its registration. */
    const read = async (visitor: Visitor): Promise<string> => {
      const { text } = await visitor.get('/courses/CLUSTER-1/learn');
      const configuration = /id="player-configuration">(.*?)<\/script>/s.exec(text)?.[1];
      if (configuration === undefined)
        throw new Error(`no player: ${/<main.*?<\/main>/s.exec(text)?.[0] ?? text}`);
      const { sessionId, beatToken, contentOrigin } = JSON.parse(configuration) as {
        sessionId: string;
        beatToken: string;
        contentOrigin: string;
      };
      const beat = () =>
        visitor.post<{ seconds: number }>(`/api/player/sessions/${sessionId}/beat`, {
          token: beatToken,
          visible: true,
        });
      await beat();
      const token = /name="token" value="([^"]+)"/.exec(text)?.[1] ?? '';
      const frame = await visitor.post<string>(`${contentOrigin}/launch`, new URLSearchParams({ token }));
      const launched = JSON.parse(/id="configuration">(.*?)<\/script>/s.exec(frame)?.[1] ?? '{}') as {
        token: string;
        registration: string;
        items: { identifier: string }[];
      };
      const item = launched.items[0]?.identifier ?? '';
      await visitor.post(`${contentOrigin}/runtime/open`, { token: launched.token, item });
      const steps = [
        { item, sequence: 1, start: true, set: [] },
        { item, sequence: 2, set: [['cmi.core.lesson_status', 'completed']] },
        { item, sequence: 3, set: [['cmi.core.session_time', '00:00:02']], end: { exit: '' } },
      ];
      for (const step of steps) {
        const { acknowledged: kept } = await visitor.post<{ acknowledged: { sequence: number }[] }>(
          `${contentOrigin}/runtime/commit`,
          { token: launched.token, commits: [step] },
        );
        expect(kept.map(({ sequence }) => sequence)).to.deep.equal([step.sequence]);
      }
      // The learner's own time: the server's clock measures it.
      while ((await beat()).seconds < readingSeconds)
        await new Promise((resolve) => setTimeout(resolve, 500));
      await visitor.post(`/api/player/sessions/${sessionId}/leave`, { token: beatToken, how: 'left' });
      return launched.registration;
    };

    const registrations = new Set<string>();
    const learn = async (at: number): Promise<void> => {
      const visitor = new Visitor(origin, `192.0.2.${at % 250}`);
      await visitor.submit('/sign-in', '/sign-in', { loginName: `learner-${at}`, password: 'cluster-test' });
      await visitor.submit('/courses/CLUSTER-1', '/courses/CLUSTER-1/enrol');
      registrations.add(await read(visitor));
      const { text } = await visitor.submit('/courses/CLUSTER-1/quiz', '/courses/CLUSTER-1/quiz/attempts');
      const action = /action="(\/courses\/CLUSTER-1\/quiz\/attempts\/[^"]+)"/.exec(text)?.[1];
      if (action === undefined) throw new Error(`learner ${at} has no attempt: ${text.slice(0, 200)}`);
      await visitor.submit('/courses/CLUSTER-1/survey', action, { 'answers[q1][]': 'a' });
      await visitor.submit('/record', '/courses/CLUSTER-1/survey', { 'answers[s1][]': 'a' });
      const id = newUuid();
      const answer = await fetch(`${origin}/xapi/statements`, {
        method: 'POST',
        headers: { ...headers, connection: 'close' },
        body: JSON.stringify({
          id,
          actor: { mbox: `mailto:learner-${at}@example.org` },
          verb: { id: 'http://adlnet.gov/expapi/verbs/experienced' },
          object: { id: 'http://example.org/cluster' },
        }),
      }).catch(() => null);
      if (answer?.status === 200) acknowledged.push(id);
      finished++;
    };

    const everyone = inCrowd(learn);
    everyone.catch(() => undefined); // awaited below
    while (finished < learners / 2) {
      await Promise.race([everyone, new Promise((resolve) => setTimeout(resolve, 50))]);
    }
    const [victim] = childrenOf(primary?.pid ?? 0);
    if (victim === undefined) throw new Error('no process to kill');
    process.kill(victim, 'SIGKILL');
    const killed = performance.now();
    await everyone;
    expect(registrations.size).to.equal(learners);

    const find = async (query: string): Promise<{ id: string; context?: { registration?: string } }[]> => {
      const all: { id: string }[] = [];
      let more = `/xapi/statements?${query}&limit=100`;
      while (more !== '') {
        const answer = await fetch(new URL(more, origin), { headers });
        const page = (await answer.json()) as { statements: { id: string }[]; more: string };
        all.push(...page.statements);
        more = page.more;
      }
      return all;
    };
    const verb = (name: string): string => encodeURIComponent(`http://adlnet.gov/expapi/verbs/${name}`);
    const course = encodeURIComponent(`${origin}/courses/CLUSTER-1`);
    // The killed process may have held the feed's lease: it is taken over within 30 s.
    let completed: Awaited<ReturnType<typeof find>> = [];
    for (let tries = 0; tries < 120 + learners; tries++) {
      completed = await find(`verb=${verb('completed')}&activity=${course}`);
      if (completed.length >= learners) break;
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
    const caughtUp = performance.now();
    expect(completed).to.have.length(learners);
    const registrationsOf = (of: Awaited<ReturnType<typeof find>>) =>
      of.map(({ context }) => context?.registration ?? '').toSorted();
    const everyRegistration = [...registrations].toSorted();
    expect(registrationsOf(completed)).to.deep.equal(everyRegistration);
    // What commits, submissions and sessions said: once for each learner, whichever process took it.
    for (const [name, where] of [
      ['registered', `&activity=${course}`],
      ['initialized', ''],
      ['terminated', ''],
      ['completed', `&activity=${course}&related_activities=true`],
    ] as const) {
      const found = registrationsOf(await find(`verb=${verb(name)}${where}`));
      if (name === 'completed')
        expect(found.filter((each) => each !== '').length).to.be.at.least(learners * 2);
      else expect(found, name).to.deep.equal(everyRegistration);
    }
    const exited = await find(`verb=${verb('exited')}`);
    expect([...new Set(registrationsOf(exited))]).to.deep.equal(everyRegistration);
    const stored = (await find(`activity=${encodeURIComponent('http://example.org/cluster')}`)).map(
      ({ id }) => id,
    );
    expect(new Set(stored).size).to.equal(stored.length);
    expect(stored).to.include.members(acknowledged);
    expect(printed).to.include('ended (SIGKILL)');
    const seconds = (from: number, to: number): string => ((to - from) / 1000).toFixed(0);
    console.log(
      `      ${learners} learners, ${atOnce} at once: ${seconds(began, killed)} s up to the kill, all complete ` +
        `${seconds(killed, caughtUp)} s after it; ${acknowledged.length} Statements acknowledged, ${stored.length} stored`,
    );
  });
});
