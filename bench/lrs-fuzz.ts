import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newUuid } from '../src/base/ids.ts';
import { openStorage } from '../src/storage/open.ts';
import { startLrs } from '../test/support/lrs-server.ts';
import { sampleStatement } from './lrs-load.ts';

// `npm run fuzz [requests] [seed]`: mutated requests against the LRS. Fails on a 5xx, on no answer, or when memory keeps growing.
const total = Number(process.argv[2] ?? 100_000);
let seed = Number(process.argv[3] ?? 20261123);
const random = (below: number): number => {
  // mulberry32: the same seed makes the same requests
  seed = (seed + 0x6d2b79f5) | 0;
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) % below;
};
const pick = <T>(list: readonly T[]): T => list[random(list.length)] as T;

const dataDir = mkdtempSync(join(tmpdir(), 'zhixing-fuzz-'));
const storage = await openStorage({ mongodbUri: null, dataDir, sqliteSync: 'normal' });
const server = await startLrs(storage, { key: 'fuzz', secret: 'fuzz-secret' });
const authorization = `Basic ${Buffer.from('fuzz:fuzz-secret').toString('base64')}`;

const odd: unknown[] = [
  null,
  true,
  -1,
  1e308,
  '',
  'x',
  '\ud800',
  '\u0000',
  [],
  {},
  [[]],
  { objectType: 'Group' },
  { __proto__: 1 },
  'mailto:a@b.c',
  'http://e.x/a',
  'P1Y',
  '2026-11-23T08:00:00Z',
  'http://adlnet.gov/expapi/verbs/voided',
  'zh-TW',
  { objectType: 'StatementRef', id: newUuid() },
  { objectType: 'SubStatement' },
  'a'.repeat(3000),
];
/** Puts something odd anywhere into a value. */
function mutate(value: unknown): unknown {
  if (random(6) === 0) return pick(odd);
  if (Array.isArray(value)) return value.map((item: unknown) => (random(2) ? mutate(item) : item));
  if (typeof value !== 'object' || value === null) return random(3) === 0 ? pick(odd) : value;
  const entries = Object.entries(value).filter(() => random(20) > 0);
  const at = random(entries.length || 1);
  const changed = entries.map(([key, member], index) => [
    random(40) === 0 ? String(pick(odd)) : key,
    index === at ? mutate(member) : member,
  ]);
  if (random(10) === 0)
    changed.push([String(pick(['id', 'version', 'attachments', 'extra', '__proto__'])), pick(odd)]);
  return Object.fromEntries(changed as [string, unknown][]);
}
const damage = (text: string): string => {
  const at = random(text.length || 1);
  switch (random(4)) {
    case 0:
      return text.slice(0, at);
    case 1:
      return text.slice(0, at) + pick(['"', '{', ']', '\\', '\u0000', ',']) + text.slice(at);
    case 2:
      return '['.repeat(random(200)) + text;
    default:
      return text.slice(0, at) + text.slice(at + random(20));
  }
};
const query = (): string => {
  const names = [
    'statementId',
    'voidedStatementId',
    'agent',
    'verb',
    'activity',
    'registration',
    'since',
    'until',
    'limit',
    'format',
    'attachments',
    'ascending',
    'more',
    'activityId',
    'stateId',
    'profileId',
    'method',
    'x',
  ];
  return Array.from({ length: random(4) }, () => {
    const value = pick([
      newUuid(),
      'http://e.x/a',
      '{"mbox":"mailto:a@b.c"}',
      '2026-11-23T08:00:00Z',
      'true',
      '-1',
      '5',
      'ids',
      '%',
      '%00',
      String(pick(odd)),
    ]);
    return `${pick(names)}=${random(3) ? encodeURIComponent(!/\p{Surrogate}/u.test(value) ? value : 'x') : value.replace(/[^\x21-\x7e]|#/g, '')}`;
  }).join('&');
};

let n = 0;
const counts = new Map<number, number>();
const statuses = async (): Promise<void> => {
  const method = pick(['POST', 'POST', 'POST', 'PUT', 'GET', 'GET', 'DELETE', 'HEAD']);
  const resource = pick([
    'statements',
    'statements',
    'statements',
    'activities/state',
    'agents/profile',
    'activities/profile',
    'activities',
    'agents',
    'about',
    'oauth/token',
    'nothing',
  ]);
  const given =
    random(4) === 0
      ? [sampleStatement(n++, newUuid), mutate(sampleStatement(n, newUuid))]
      : mutate(sampleStatement(n++, newUuid));
  const text = JSON.stringify(given) ?? '';
  const body = method === 'GET' || method === 'HEAD' ? null : random(4) === 0 ? damage(text) : text;
  const params = query();
  const headers: Record<string, string> = {
    authorization: random(50) === 0 ? 'Basic !' : authorization,
    'x-experience-api-version': pick(['1.0.3', '2.0.0', '2.0.0', '1.0', '0.9']),
    'content-type': pick([
      'application/json',
      'application/json',
      'application/json',
      'multipart/mixed; boundary=b',
      'text/plain',
      'application/x-www-form-urlencoded',
    ]),
  };
  if (random(10) === 0)
    headers[pick(['if-match', 'if-none-match', 'accept-language'])] = pick(['*', '"x"', ',;q=', 'zh;q=2']);
  const response = await fetch(`${server.endpoint}/${resource}${params ? `?${params}` : ''}`, {
    method,
    headers,
    ...(body === null ? {} : { body }),
  });
  await response.arrayBuffer();
  counts.set(response.status, (counts.get(response.status) ?? 0) + 1);
  if (response.status >= 500) {
    console.error(`${response.status} for ${method} ${resource}?${params}\n${body ?? ''}`);
    process.exitCode = 1;
  }
};

const memory: number[] = [];
let sent = 0;
const started = performance.now();
await Promise.all(
  Array.from({ length: 8 }, async () => {
    while (sent < total) {
      if (sent++ % Math.ceil(total / 10) === 0) memory.push(process.memoryUsage().rss / 1e6);
      await statuses();
    }
  }),
);
await server.close();
await storage.close();
rmSync(dataDir, { recursive: true, force: true });
console.log(
  `${total} requests in ${((performance.now() - started) / 1000).toFixed(0)} s; answers: ${[...counts]
    .sort(([a], [b]) => a - b)
    .map(([status, count]) => `${status}: ${count}`)
    .join(', ')}`,
);
console.log(`memory, MB: ${memory.map((value) => value.toFixed(0)).join(' ')}`);
const half = memory.slice(Math.floor(memory.length / 2));
if ((half.at(-1) ?? 0) > (half[0] ?? 0) * 1.5) {
  console.error('Memory kept growing.');
  process.exitCode = 1;
}
