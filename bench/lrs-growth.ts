import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setImmediate } from 'node:timers/promises';
import { systemClock } from '../src/base/clock.ts';
import { newUuid } from '../src/base/ids.ts';
import { toQuery } from '../src/lrs/door.ts';
import { prepareStatements } from '../src/lrs/intake.ts';
import type { StatementFilter } from '../src/lrs/types.ts';
import { openStorage } from '../src/storage/open.ts';
import { sampleStatement } from './lrs-load.ts';

// `npm run bench -- lrs-growth [statements]`: the same questions at 20,000 and at 1,000,000 Statements, in process;
// of each the median of three rounds.
const last = Number(process.argv[2] ?? 1_000_000);
const steps = [20_000, 200_000, 1_000_000].filter((step) => step <= last);
const dataDir = mkdtempSync(join(tmpdir(), 'zhixing-growth-'));
const storage = await openStorage({ mongodbUri: null, dataDir, sqliteSync: 'full' });
const store = storage.lrs.statements;
const authority = {
  id: '00000000-0000-4000-8000-000000000000',
  agent: { objectType: 'Agent' as const, account: { homePage: 'http://localhost:8080', name: 'lrs' } },
};

let n = 0;
/** The platform grows by learners: each makes a hundred Statements or so. */
const learners = (): number => Math.max(50, Math.floor(n / 100));
const some = () =>
  sampleStatement(n, newUuid, learners()) as {
    actor: StatementFilter['agent'] & object;
    verb: { id: string };
    object: { id: string };
    context: { registration: string; contextActivities: { grouping: [{ id: string }] } };
  };
/** On every fifth Statement, and never with the verb of another fifth: two large terms that nothing has both of. */
const tag = 'https://learn.example.org/tags/of-one-verb';
const tagged = (value: ReturnType<typeof some>): object => ({
  ...value,
  context: {
    ...value.context,
    contextActivities: { ...value.context.contextActivities, other: [{ id: tag }] },
  },
});
const add = (count: number): Promise<void> => {
  const sent = Array.from({ length: count }, () => {
    const sample = sampleStatement(n, newUuid, learners()) as ReturnType<typeof some>;
    const value = n++ % 5 === 1 ? tagged(sample) : sample;
    return { text: JSON.stringify(value), value };
  });
  return store.add(prepareStatements(sent, true, { version: '2.0.0', authority, define: true }), systemClock);
};

const questions: Record<string, () => StatementFilter> = {
  agent: () => ({ agent: some().actor }),
  verb: () => ({ verb: some().verb.id }),
  activity: () => ({ activity: some().object.id }),
  registration: () => ({ registration: some().context.registration }),
  'related activity': () => ({
    activity: some().context.contextActivities.grouping[0].id,
    relatedActivities: true,
  }),
  'related agent': () => ({ agent: some().actor, relatedAgents: true }),
  'verb + since': () => ({ verb: some().verb.id, since: new Date(Date.now() - 2000).toISOString() }),
  'agent + verb': () => ({ agent: some().actor, verb: some().verb.id }),
  'agent + activity': () => ({ agent: some().actor, activity: some().object.id }),
  'verb + activity': () => ({ verb: some().verb.id, activity: some().object.id }),
  'verb + related activity': () => ({
    verb: some().verb.id,
    activity: some().context.contextActivities.grouping[0].id,
    relatedActivities: true,
  }),
  'agent + registration': () => {
    const { actor: agent, context } = some();
    return { agent, registration: context.registration };
  },
  'agent + verb + activity': () => ({
    agent: some().actor,
    verb: some().verb.id,
    activity: some().object.id,
  }),
};

const loop = monitorEventLoopDelay({ resolution: 1 });
/** The 95th percentile of the question's time, and the longest that one of them kept the event loop, both in ms. */
const measured = async (
  question: () => StatementFilter,
  times = 300,
): Promise<{ p95: number; held: number }> => {
  const took: number[] = [];
  const queries = Array.from({ length: times }, () => toQuery(question(), 50));
  loop.enable();
  loop.reset();
  for (const query of queries) {
    const from = performance.now();
    await store.findText(query);
    took.push(performance.now() - from);
    await setImmediate();
  }
  loop.disable();
  const p95 = took.toSorted((a, b) => a - b)[Math.floor(took.length * 0.95)] ?? 0;
  return { p95, held: loop.max / 1e6 };
};
/** Nothing is found: the whole of the rarer term is looked through, in steps. */
const disjoint = (): StatementFilter => ({
  verb: 'http://adlnet.gov/expapi/verbs/completed',
  activity: tag,
  relatedActivities: true,
});

const table = new Map<string, number[]>();
const note = (name: string, value: number): void => void table.set(name, [...(table.get(name) ?? []), value]);
for (const step of steps) {
  // The rate of the last tenth before the step is the rate at that size; of eight thousand at least, or it says little.
  while (n < Math.min(step * 0.9, step - 8000)) await add(500);
  const [from, started] = [n, performance.now()];
  // Eight clients at once, as in the other bench.
  while (n < step) await Promise.all(Array.from({ length: 8 }, () => add(50)));
  note('insert by 50, Statements/s', ((n - from) * 1000) / (performance.now() - started));
  let longest = 0;
  const rounds = new Map<string, number[]>();
  for (let round = 0; round < 3; round++)
    for (const [name, question] of Object.entries(questions)) {
      const { p95, held } = await measured(question);
      rounds.set(name, [...(rounds.get(name) ?? []), p95]);
      longest = Math.max(longest, held);
    }
  for (const [name, values] of rounds) note(`${name}, p95 ms`, values.toSorted((a, b) => a - b)[1] ?? 0);
  note('any of these: event loop held, ms', longest);
  const none = await measured(disjoint, 10);
  note('two large terms, disjoint: p95 ms', none.p95);
  note('two large terms, disjoint: held, ms', none.held);
  const size = statSync(join(dataDir, 'zhixing.db')).size;
  note('bytes per Statement', size / n);
  note('memory, MB', process.memoryUsage().rss / 1e6);
}
await storage.close();
rmSync(dataDir, { recursive: true, force: true });

console.log(
  `\n${'GET limit 50, in process'.padEnd(38)}${steps.map((step) => String(step).padStart(12)).join('')}   growth`,
);
for (const [name, values] of table) {
  const growth = (values.at(-1) ?? 0) / (values[0] ?? 1);
  console.log(
    `${name.padEnd(38)}${values.map((value) => value.toFixed(2).padStart(12)).join('')}   ${growth.toFixed(2)}`,
  );
}
