import { createHash, createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { newUuid } from '../src/base/ids.ts';
import type { PlayerLaunch } from '../src/player/sessions/store.ts';
import { createLaunchTokens } from '../src/player/sessions/tokens.ts';
import { openStorage } from '../src/storage/open.ts';
import { newContext, newPage, stopBrowserForTests } from '../test/support/browser.ts';
import { follow, signInAs } from '../test/support/portal.ts';
import { startServer } from '../test/support/server.ts';

/**
 * `npm run bench -- player [seconds] [open|commit|beat]`: the player's budgets, against the program that ships as a process of its own on SQLite
 * with synchronous=FULL. From the click to content that can be used (real Chromium); a commit with 200 learners at work; the
 * process's CPU while 2,000 learners beat every 15 s. Ends with 1 when a budget is missed. CPU times come from /proc: Linux.
 */
const seconds = Number(process.argv[2] ?? 30);
const only = process.argv[3] ?? null;
const opens = 20;
const budgets = { interactive: 1000, commit: 20, cpu: 10 };

const secret = 'a secret of the bench, of more than 32 characters';
const server = await startServer({
  environment: {
    SESSION_SECRET: secret,
    ID_NUMBER_KEY: 'ab'.repeat(32),
    SQLITE_SYNC: 'full',
  },
});
if (!server) throw new Error('the server does not start');
const storage = await openStorage(server.options);
const tokens = createLaunchTokens(secret);
const agent = new Agent({ keepAlive: true, maxSockets: 300 });

/** One request as a browser sends it; gives the answer's JSON. */
const post = (host: string, path: string, body: object, cookie = ''): Promise<unknown> =>
  new Promise((resolve, reject) => {
    const text = JSON.stringify(body);
    const sent = request(
      {
        host: '127.0.0.1',
        port: server.port,
        path,
        method: 'POST',
        agent,
        headers: {
          host: `${host}:${server.port}`,
          'content-type': 'application/json',
          ...(cookie ? { cookie } : {}),
          'content-length': Buffer.byteLength(text),
        },
      },
      (answer) => {
        let read = '';
        answer.setEncoding('utf8');
        answer.on('data', (chunk: string) => (read += chunk));
        answer.on('end', () =>
          answer.statusCode === 200
            ? resolve(JSON.parse(read))
            : reject(new Error(`${path} answered ${answer.statusCode}: ${read.slice(0, 300)}`)),
        );
      },
    );
    sent.once('error', reject);
    sent.end(text);
  });

const percentile = (times: number[], share: number): number =>
  times.toSorted((a, b) => a - b)[Math.min(times.length - 1, Math.floor(times.length * share))] ?? NaN;
/** Seconds of CPU that the server has used, in all its threads. */
const cpuSeconds = (): number => {
  const [, after = ''] = /\) (.*)$/s.exec(readFileSync(`/proc/${server.pid()}/stat`, 'latin1')) ?? [];
  const fields = after.split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
};
const wait = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, Math.max(0, milliseconds)));

const code = 'ZX115110001';
const course = (await storage.courses.byCode(code))?.course;
const version = course?.packageVersionId ? await storage.packages.version(course.packageVersionId) : null;
const item = version?.items.find(({ href }) => href !== null);
if (!course || !version || !item) throw new Error(`the sample course ${code} is missing`);

const launches = async (count: number): Promise<PlayerLaunch[]> => {
  const made: PlayerLaunch[] = [];
  for (let n = 0; n < count; n++) {
    const id = newUuid();
    const launch: PlayerLaunch = {
      id: newUuid(),
      learner: {
        id,
        name: '王小明',
        agent: { objectType: 'Agent', account: { homePage: server.origin, name: id } },
        language: 'zh-TW',
      },
      registration: newUuid(),
      packageId: version.packageId,
      packageVersionId: version.id,
      course: {
        activityId: `${server.origin}/courses/${code}`,
        title: course.title['zh-TW'],
        requiredSeconds: 1800,
        inactivitySeconds: null,
      },
      browse: false,
      createdAt: new Date(),
      expiresAt: new Date(Date.now() + 3600_000),
    };
    await storage.playerSessions.putLaunch(launch);
    made.push(launch);
  }
  return made;
};

/** Each of them acts once a period, spread evenly; an open loop: a slow answer delays nobody's next step. */
async function rhythm(
  learners: PlayerLaunch[],
  periodMs: number,
  rounds: number,
  act: (launch: PlayerLaunch, round: number) => Promise<unknown>,
): Promise<number[]> {
  const times: number[] = [];
  const begun = performance.now();
  await Promise.all(
    learners.map(async (launch, n) => {
      for (let round = 0; round < rounds; round++) {
        const due = begun + periodMs * (round + n / learners.length);
        await wait(due - performance.now());
        const from = performance.now();
        await act(launch, round);
        times.push(performance.now() - from);
      }
    }),
  );
  return times;
}

/** From the click on 開始上課 to a lesson that has initialised and a player that shows its contents. */
async function interactive(): Promise<{ cold: number; warm: number[] }> {
  const browser = await newContext();
  await signInAs(browser, server!.origin, 'learner');
  const page = await newPage(browser);
  await page.goto(`${server!.origin}/courses/${code}`);
  await follow(page, 'form[action$="/enrol"] button');
  const times: number[] = [];
  for (let n = 0; n < opens; n++) {
    await page.goto(`${server!.origin}/courses/${code}/enter`);
    // Entered before: the question is not asked again.
    if (!page.url().endsWith('/enter')) await page.goto(`${server!.origin}/courses/${code}`);
    await page.evaluate(() =>
      document.addEventListener('click', () => sessionStorage.setItem('clicked', String(Date.now())), true),
    );
    await page.click('a.primary');
    const lesson = await page.waitForFrame((frame) => /\/s\/[^/]+\//.test(frame.url()));
    await page.waitForSelector('#player-toc-list [aria-current]');
    await lesson.waitForFunction('document.readyState === "complete"', { polling: 5 });
    const loaded = await lesson.evaluate(() => {
      const [navigation] = performance.getEntriesByType('navigation') as PerformanceNavigationTiming[];
      return performance.timeOrigin + (navigation?.loadEventEnd ?? NaN);
    });
    const clicked = await page.evaluate(() => Number(sessionStorage.getItem('clicked')));
    times.push(loaded - clicked);
    await follow(page, '#player-leave');
  }
  await browser.close();
  const [cold = NaN, ...warm] = times;
  return { cold, warm };
}

/** The same rhythm and the same wire, and nothing to do: what the machine itself takes while the figures are made. */
const floor = async (learners: PlayerLaunch[]): Promise<number[]> =>
  rhythm(learners, 2000, 5, (launch) =>
    post('127.0.0.1', '/runtime/progress', { token: tokens.make('api', launch) }),
  );

async function commits(): Promise<{ times: number[]; idle: number[]; cpu: number }> {
  const learners = await launches(200);
  const host = '127.0.0.1';
  const openings = new Map<string, string>();
  for (const launch of learners) {
    const token = tokens.make('api', launch);
    openings.set(launch.id, token);
    await post(host, '/runtime/open', { token, item: item!.identifier });
    await post(host, '/runtime/commit', {
      token,
      commits: [{ item: item!.identifier, sequence: 1, start: true, set: [] }],
    });
  }
  const bookmark = '第三章，第五節；已看過的頁面：'.padEnd(2000, '1a,');
  const idle = await floor(learners);
  const before = cpuSeconds();
  const begun = performance.now();
  // As often as the player saves by itself while a learner is busy; each fifth commit holds an answer, so a Statement.
  const times = await rhythm(learners, 2000, Math.ceil(seconds / 2), (launch, round) =>
    post(host, '/runtime/commit', {
      token: openings.get(launch.id),
      commits: [
        {
          item: item!.identifier,
          sequence: round + 2,
          set: [
            ['cmi.core.lesson_location', `page-${round}`],
            ['cmi.suspend_data', bookmark + String(round)],
            ...(round % 5 === 0
              ? [
                  [`cmi.interactions.${round / 5}.id`, `q${round / 5}`],
                  [`cmi.interactions.${round / 5}.type`, 'choice'],
                  [`cmi.interactions.${round / 5}.student_response`, 'a'],
                  [`cmi.interactions.${round / 5}.result`, 'correct'],
                ]
              : []),
          ],
        },
      ],
    }),
  );
  return { times, idle, cpu: ((cpuSeconds() - before) / (performance.now() - begun)) * 100_000 };
}

/** Signs the learner of a launch in, as the portal would have done; gives the browser's cookies. */
async function signedIn({ learner }: PlayerLaunch): Promise<string> {
  const model = await storage.identity.byLoginName('learner');
  if (!model) throw new Error('the demo learner is missing');
  await storage.identity.create({
    ...model,
    id: learner.id,
    nickname: null,
    idNumber: null,
    local: { loginName: learner.id, passwordHash: model.local?.passwordHash ?? '' },
  });
  const id = newUuid();
  await storage.webSessions.put({
    id: createHash('sha256').update(id).digest('base64url'),
    data: JSON.stringify({
      cookie: { originalMaxAge: null, httpOnly: true },
      passport: { user: learner.id },
    }),
    personId: learner.id,
    seenAt: new Date(),
    expiresAt: new Date(Date.now() + 3600_000),
    endsAt: null,
  });
  const signature = createHmac('sha256', secret).update(id).digest('base64').replace(/=+$/, '');
  return `zhixing=${encodeURIComponent(`s:${id}.${signature}`)}; zhixing-language=zh-TW`;
}

async function beats(): Promise<{ times: number[]; cpu: number }> {
  const learners = await launches(2000);
  const cookies = new Map<string, string>();
  for (const launch of learners) cookies.set(launch.id, await signedIn(launch));
  // Each twentieth beat goes the long way through session and person, as one in five minutes of every learner does.
  const detour = (n: number): string => (n % 20 === 0 ? `; detour=${n}` : '');
  let sent = 0;
  const beat = (launch: PlayerLaunch): Promise<unknown> =>
    post(
      'localhost',
      `/api/player/sessions/${launch.id}/beat`,
      { token: tokens.make('beat', launch), visible: true, idleSeconds: 3 },
      `${cookies.get(launch.id)}${detour(sent++)}`,
    );
  // Everybody has begun before the clock runs.
  await rhythm(learners, 15_000, 1, beat);
  const before = cpuSeconds();
  const begun = performance.now();
  const times = await rhythm(learners, 15_000, Math.max(2, Math.ceil(seconds / 15)), beat);
  return { times, cpu: ((cpuSeconds() - before) / (performance.now() - begun)) * 100_000 };
}

let missed = 0;
const say = (what: string, value: number, unit: string, budget: number | null = null): void => {
  if (budget !== null && !(value < budget)) missed++;
  const verdict = budget === null ? '' : `  ${value < budget ? 'within' : 'ABOVE'} ${budget} ${unit}`;
  console.log(`  ${what.padEnd(58)} ${value.toFixed(1).padStart(8)} ${unit}${verdict}`);
};

try {
  console.log('\nThe player, on SQLite with synchronous=FULL:');
  if (only === null || only === 'open') {
    const opened = await interactive();
    say('click to usable lesson, first (nothing cached)', opened.cold, 'ms', budgets.interactive);
    say(`click to usable lesson, median of ${opened.warm.length}`, percentile(opened.warm, 0.5), 'ms');
    say('click to usable lesson, worst', Math.max(...opened.warm), 'ms', budgets.interactive);
  }
  if (only === null || only === 'commit') {
    const { times, idle, cpu } = await commits();
    say('a request that writes nothing, at the same rhythm, p95', percentile(idle, 0.95), 'ms');
    say(`commit, 200 sessions each 2 s (${times.length}), p50`, percentile(times, 0.5), 'ms');
    say('commit, p95', percentile(times, 0.95), 'ms', budgets.commit);
    say('commit, p99', percentile(times, 0.99), 'ms');
    say('commit, CPU of the server', cpu, '%');
  }
  if (only === null || only === 'beat') {
    const { times, cpu } = await beats();
    say(`beat, 2,000 learners each 15 s (${times.length}), p95`, percentile(times, 0.95), 'ms');
    say('beat, CPU of the server', cpu, '%', budgets.cpu);
  }
} finally {
  agent.destroy();
  await stopBrowserForTests();
  await storage.close();
  await server.remove();
}
if (missed > 0) process.exitCode = 1;
