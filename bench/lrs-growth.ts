import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setImmediate } from 'node:timers/promises';
import { systemClock } from '../src/base/clock.ts';
import { newUuid } from '../src/base/ids.ts';
import { toQuery } from '../src/lrs/door.ts';
import { prepareStatements } from '../src/lrs/intake.ts';
import type { StatementStore } from '../src/lrs/store.ts';
import type { StatementFilter } from '../src/lrs/types.ts';
import { openStorage } from '../src/storage/open.ts';
import { sampleStatement, Wire } from './lrs-load.ts';
import { headerOf, serveLrs } from './lrs-server.ts';

// `npm run bench -- lrs-growth [statements]`: the same questions at 20,000 and at 1,000,000 Statements. First in process,
// while one store grows; then as GET over HTTP of that store and of one with 20,000, in turns, so that whatever else the
// machine does comes to both.
const last = Number(process.argv[2] ?? 1_000_000);
const steps = [20_000, 200_000, 1_000_000].filter((step) => step <= last);
const open = (dataDir: string) => openStorage({ mongodbUri: null, dataDir, sqliteSync: 'full' });
const authority = {
  id: '00000000-0000-4000-8000-000000000000',
  agent: { objectType: 'Agent' as const, account: { homePage: 'http://localhost:8080', name: 'lrs' } },
};

let n = 0;
/** When the last Statement was stored, in milliseconds. */
let grown = 0;
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
const add = (store: StatementStore, count: number): Promise<void> => {
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
  'verb + since': () => ({ verb: some().verb.id, since: new Date(grown - 2000).toISOString() }),
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

const middleOf = (values: number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
const p95Of = (values: number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length * 0.95)] ?? 0;

const loop = monitorEventLoopDelay({ resolution: 1 });
/** The 95th percentile of the question's time, and the longest that one of them kept the event loop, both in ms. */
const measured = async (
  question: () => StatementFilter,
  times = 300,
): Promise<{ p95: number; held: number }> => {
  const took: number[] = [];
  const store = storage.lrs.statements;
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
  return { p95: p95Of(took), held: loop.max / 1e6 };
};

/** The question's GET over HTTP. */
const parametersOf = (filter: StatementFilter): URLSearchParams => {
  const given = new URLSearchParams({ limit: '50' });
  if (filter.agent) given.set('agent', JSON.stringify(filter.agent));
  for (const name of ['verb', 'activity', 'registration', 'since'] as const)
    if (filter[name] !== undefined) given.set(name, filter[name]);
  if (filter.relatedAgents) given.set('related_agents', 'true');
  if (filter.relatedActivities) given.set('related_activities', 'true');
  return given;
};
/** The 95th percentile of each question's GET in ms at both, by turns: of each the median of nine rounds after one to get warm. */
const measuredOverHttp = async (
  stores: readonly { dir: string; n: number; grown: number }[],
): Promise<Map<string, number[]>> => {
  const servers = await Promise.all(stores.map(({ dir }) => serveLrs(dir)));
  const wires = servers.map(({ port }) => new Wire(port));
  const rounds = new Map<string, number[][]>();
  for (let round = 0; round < 10; round++)
    for (const [name, question] of Object.entries(questions)) {
      const took: number[][] = [[], []];
      for (let at = 0; at < 600; at++) {
        const which = at % 2;
        ({ n, grown } = stores[which] ?? { n, grown });
        const header = headerOf(servers[which]?.port ?? 0);
        const request = Buffer.from(
          `GET /xapi/statements?${parametersOf(question())} HTTP/1.1\r\n${header}\r\n`,
        );
        const from = performance.now();
        const status = await wires[which]?.send(request);
        took[which]?.push(performance.now() - from);
        if (status !== 200) throw new Error(`${name}: answered with ${status}`);
      }
      if (round > 0) rounds.set(name, [...(rounds.get(name) ?? []), took.map(p95Of)]);
    }
  for (const wire of wires) wire.close();
  await Promise.all(servers.map(({ stop }) => stop()));
  return new Map(
    [...rounds].map(([name, values]) => [
      name,
      stores.map((_, which) => middleOf(values.map((each) => each[which] ?? 0))),
    ]),
  );
};
/** Nothing is found: the whole of the rarer term is looked through, in steps. */
const disjoint = (): StatementFilter => ({
  verb: 'http://adlnet.gov/expapi/verbs/completed',
  activity: tag,
  relatedActivities: true,
});

/** A store of the first size, for the comparison at the end. */
const small = { dir: mkdtempSync(join(tmpdir(), 'zhixing-small-')), n: 0, grown: 0 };
const smallStorage = await open(small.dir);
while (n < (steps[0] ?? last)) await add(smallStorage.lrs.statements, 500);
Object.assign(small, { n, grown: Date.now() });
await smallStorage.close();

n = 0;
const dataDir = mkdtempSync(join(tmpdir(), 'zhixing-growth-'));
const storage = await open(dataDir);
const table = new Map<string, number[]>();
const note = (name: string, value: number): void => void table.set(name, [...(table.get(name) ?? []), value]);
for (const step of steps) {
  // The rate of the last tenth before the step is the rate at that size; of eight thousand at least, or it says little.
  while (n < Math.min(step * 0.9, step - 8000)) await add(storage.lrs.statements, 500);
  const [from, started] = [n, performance.now()];
  // Eight clients at once, as in the other bench.
  while (n < step) await Promise.all(Array.from({ length: 8 }, () => add(storage.lrs.statements, 50)));
  grown = Date.now();
  note('insert by 50, Statements/s', ((n - from) * 1000) / (performance.now() - started));
  let longest = 0;
  const rounds = new Map<string, number[]>();
  for (let round = 0; round < 3; round++)
    for (const [name, question] of Object.entries(questions)) {
      const { p95, held } = await measured(question);
      rounds.set(name, [...(rounds.get(name) ?? []), p95]);
      longest = Math.max(longest, held);
    }
  for (const [name, values] of rounds) note(`${name}, p95 ms`, middleOf(values));
  note('any of these: event loop held, ms', longest);
  const none = await measured(disjoint, 10);
  note('two large terms, disjoint: p95 ms', none.p95);
  note('two large terms, disjoint: held, ms', none.held);
  const size = statSync(join(dataDir, 'zhixing.db')).size;
  note('bytes per Statement', size / n);
  note('memory, MB', process.memoryUsage().rss / 1e6);
}
/** Statements/s by 50, eight at once, into the small store and the grown one by turns: the machine's pace comes to both. */
const insertedByTurns = async (): Promise<number[]> => {
  const again = await open(small.dir);
  const sizes = [small.n, n];
  const stores = [again.lrs.statements, storage.lrs.statements];
  const [sent, spent] = [[0, 0] as number[], [0, 0] as number[]];
  for (let round = 0; round < 50; round++)
    for (const [which, store] of stores.entries()) {
      n = sizes[which] ?? 0;
      const from = performance.now();
      await Promise.all(Array.from({ length: 8 }, () => add(store, 50)));
      sizes[which] = n;
      if (round < 10) continue;
      sent[which] = (sent[which] ?? 0) + 400;
      spent[which] = (spent[which] ?? 0) + performance.now() - from;
    }
  await again.close();
  [small.n = 0, n = 0] = sizes;
  return sent.map((count, which) => (count * 1000) / (spent[which] ?? 1));
};
const byTurns = new Map([['insert by 50, Statements/s', await insertedByTurns()]]);
small.grown = grown = Date.now();
await storage.close();
const overHttp = await measuredOverHttp([small, { dir: dataDir, n, grown }]);
for (const dir of [small.dir, dataDir]) rmSync(dir, { recursive: true, force: true });

/** A line for each: its values, and the last one by the first. */
const print = (title: string, sizes: readonly number[], of: Map<string, number[]>): void => {
  console.log(`\n${title.padEnd(46)}${sizes.map((size) => String(size).padStart(12)).join('')}   growth`);
  for (const [name, values] of of) {
    const growth = (values.at(-1) ?? 0) / (values[0] ?? 1);
    console.log(
      `${name.padEnd(46)}${values.map((value) => value.toFixed(2).padStart(12)).join('')}   ${growth.toFixed(2)}`,
    );
  }
};
print('limit 50, in process', steps, table);
print('inserts by turns', [steps[0] ?? last, last], byTurns);
print('GET limit 50 over HTTP, by turns, p95 ms', [steps[0] ?? last, last], overHttp);
