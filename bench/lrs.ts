import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { prepareStatements } from '../src/lrs/intake.ts';
import { sealBody } from '../src/xapi/raw.ts';
import { term } from '../src/xapi/terms.ts';
import { createFloor, type FloorRow } from './lrs-floor.ts';
import { load, type LoadResult, sampleStatement } from './lrs-load.ts';
import { headerOf, serveLrs } from './lrs-server.ts';

// `npm run bench -- lrs [rounds] [seconds]`: POST and GET over HTTP beside the raw floor, medians of several rounds.
const [rounds, seconds] = process.argv.slice(2).map(Number);
const mongo = process.env['MONGODB_URI'] !== undefined;
const concurrency = 8;

const uuid = (): string => {
  const hex = randomBytes(16).toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`;
};
let n = 0;
const statement = (): object => sampleStatement(n++, uuid);

const authority = {
  id: '00000000-0000-4000-8000-000000000000',
  agent: {
    objectType: 'Agent' as const,
    account: { homePage: 'http://localhost:8080', name: 'lrs' },
    name: 'LRS_KEY',
  },
};
/** What the LRS itself would write for a Statement, derived beforehand. */
const floorRow = (): FloorRow => {
  const value = statement();
  const [row] = prepareStatements([{ text: JSON.stringify(value), value }], false, {
    version: '2.0.0',
    authority,
    define: false,
  });
  if (!row) throw new Error('not prepared');
  return {
    id: Buffer.from(row.id.replaceAll('-', ''), 'hex'),
    body: sealBody(row.body, '2026-11-23T08:00:00.000Z', false),
    terms: row.terms,
  };
};
const someCourse = (): string => `https://learn.example.org/courses/ZX${Math.floor(Math.random() * 400)}`;

let header = '';
const post = (batch: number): Buffer => {
  const body = JSON.stringify(batch === 1 ? statement() : Array.from({ length: batch }, statement));
  return Buffer.from(
    `POST /xapi/statements HTTP/1.1\r\n${header}Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
};
const get = (query: string): Buffer =>
  Buffer.from(`GET /xapi/statements?limit=50&${query} HTTP/1.1\r\n${header}\r\n`);
const byActivity = (): Buffer => get(`related_activities=true&activity=${encodeURIComponent(someCourse())}`);

/** Requests made beforehand: the generator must not be what is measured. */
const prepared = (make: () => Buffer, count: number): (() => Buffer) => {
  const made = Array.from({ length: count }, make);
  let at = 0;
  return () => made[at++] ?? make();
};

const median = (values: number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
const results = new Map<string, number[]>();
const note = (name: string, value: number): void =>
  void results.set(name, [...(results.get(name) ?? []), value]);

for (let round = 0; round < (rounds || 3); round++) {
  const dataDir = mkdtempSync(join(tmpdir(), 'zhixing-bench-'));
  const time = seconds || 4;
  const floor = createFloor(dataDir, 'FULL');
  const { port, stop } = await serveLrs(join(dataDir, 'lrs'));
  header = headerOf(port);
  try {
    for (const batch of [1, 10, 50]) {
      // Side by side in time, so that a noisy neighbour spoils both.
      const raw = floor.write(batch, time / 2, floorRow);
      const made: LoadResult = await load(
        port,
        concurrency,
        time,
        prepared(() => post(batch), Math.ceil(20_000 / batch)),
      );
      note(`POST of ${batch}: floor, Statements/s`, raw);
      note(`POST of ${batch}: LRS, Statements/s`, made.rate * batch);
      note(`POST of ${batch}: ratio`, (made.rate * batch) / raw);
      note(`POST of ${batch}: p50 ms`, made.p50);
      note(`POST of ${batch}: p99 ms`, made.p99);
    }
    const raw = floor.read(time / 2, () => term.relatedActivity(someCourse()));
    const read = await load(port, concurrency, time, prepared(byActivity, 2000));
    note('GET of 50 by one term: floor, pages/s', raw);
    note('GET of 50 by one term: LRS, pages/s', read.rate);
    note('GET of 50 by one term: ratio', read.rate / raw);
    note('GET of 50 by one term: p99 ms', read.p99);
  } finally {
    await stop();
    floor.close();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

console.log(
  `\nLRS on ${mongo ? 'MongoDB' : 'SQLite, synchronous=FULL'}, concurrency ${concurrency}, medians of ${rounds || 3}:`,
);
for (const [name, values] of results)
  console.log(`  ${name.padEnd(44)} ${median(values).toFixed(2).padStart(10)}`);
