import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { systemClock } from '../../src/base/clock.ts';
import { newUuid } from '../../src/base/ids.ts';
import { parseQuiz, parseSurvey } from '../../src/assessment/text-format.ts';
import { createCatalogue } from '../../src/courses/catalogue.ts';
import { createIdNumberVault } from '../../src/identity/id-numbers.ts';
import { createPeople } from '../../src/identity/people.ts';
import { openStorage } from '../../src/storage/open.ts';
import { emptyStore, type EmptyStore } from '../support/engines.ts';
import { freePort } from '../support/server.ts';
import { Visitor } from '../support/visitor.ts';

const root = join(import.meta.dirname, '../..');
/** So many as the test's own database bears: it scans where MongoDB uses an index. On a real one try `LEARNERS=500`. */
const learners = Number(process.env['LEARNERS'] ?? 24);

const childrenOf = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .split(' ')
    .filter((text) => text.trim() !== '')
    .map(Number);

describe('three processes on one database, one of them killed hard', function () {
  // Mostly the start of three processes and the wait for the dead one's lease; a busy machine takes several times as long.
  this.timeout(900_000);
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
    const catalogue = createCatalogue({ store: storage.courses, clock: systemClock, checks: [] });
    const course = await catalogue.create(
      {
        code: 'CLUSTER-1',
        title: { 'zh-TW': '叢集' },
        summary: { 'zh-TW': '叢集' },
        certifiedHours: 1,
        conditions: { readingSeconds: null, passScore: 60, survey: true },
        packageVersionId: 'none',
      },
      { personId: 'nobody', organisation: '測試' },
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

    const learn = async (at: number): Promise<void> => {
      const visitor = new Visitor(origin, `192.0.2.${at % 250}`);
      await visitor.submit('/sign-in', '/sign-in', { loginName: `learner-${at}`, password: 'cluster-test' });
      await visitor.submit('/courses/CLUSTER-1', '/courses/CLUSTER-1/enrol');
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

    const everyone = Promise.all(Array.from({ length: learners }, (_, at) => learn(at)));
    while (finished < learners / 3) await new Promise((resolve) => setTimeout(resolve, 50));
    const [victim] = childrenOf(primary?.pid ?? 0);
    if (victim === undefined) throw new Error('no process to kill');
    process.kill(victim, 'SIGKILL');
    await everyone;

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
    for (let tries = 0; tries < 120; tries++) {
      completed = await find(`verb=${verb('completed')}&activity=${course}`);
      if (completed.length >= learners) break;
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
    expect(completed).to.have.length(learners);
    expect(new Set(completed.map(({ context }) => context?.registration)).size).to.equal(learners);
    const registered = await find(`verb=${verb('registered')}&activity=${course}`);
    expect(registered).to.have.length(learners);
    const stored = (await find(`activity=${encodeURIComponent('http://example.org/cluster')}`)).map(
      ({ id }) => id,
    );
    expect(new Set(stored).size).to.equal(stored.length);
    expect(stored).to.include.members(acknowledged);
    expect(printed).to.include('ended (SIGKILL)');
  });
});
