// Several processes behind one port, on MongoDB: `WORKERS=4 npm run start:cluster`. One that dies is replaced.
import cluster, { type Worker } from 'node:cluster';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { loadEnvFile } from 'node:process';

try {
  loadEnvFile('.env');
} catch (error) {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
}
const count = Number(process.env['WORKERS'] ?? availableParallelism());
if (!process.env['MONGODB_URI']) {
  console.error(
    'Several processes need MongoDB: set MONGODB_URI. (On SQLite, npm start runs the one process there can be.)',
  );
  process.exit(1);
}
if (!Number.isInteger(count) || count < 1 || count > 128) {
  console.error('WORKERS must be a whole number from 1 to 128.');
  process.exit(1);
}

// The processes accept connections themselves. Were they handed out from here, one on its way to a process that dies just
// then would stay open and unanswered.
cluster.schedulingPolicy = cluster.SCHED_NONE;
cluster.setupPrimary({ exec: join(import.meta.dirname, '../src/main.ts'), execArgv: ['--import', 'tsx'] });

let stopping = false;
const lately: number[] = [];
const isUp = (worker: Worker): Promise<boolean> =>
  new Promise((resolve) => {
    worker.once('listening', () => resolve(true));
    worker.once('exit', () => resolve(false));
  });

cluster.on('exit', (worker, code, signal) => {
  if (stopping) return;
  const now = Date.now();
  lately.push(now);
  while ((lately[0] ?? now) < now - 60_000) lately.shift();
  console.error(`Process ${worker.process.pid} ended (${signal ?? code}).`);
  // Something is wrong with all of them (a setting, the database): starting them for ever would hide it.
  if (lately.length > count * 5) {
    console.error('Too many processes ended within a minute. Stopping.');
    process.exit(1);
  }
  setTimeout(() => stopping || cluster.fork(), 500);
});

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    stopping = true;
    for (const worker of Object.values(cluster.workers ?? {})) worker?.process.kill('SIGTERM');
  });

// The first makes the indexes and the sample courses; the others find them made.
if (await isUp(cluster.fork())) for (let more = 1; more < count; more++) cluster.fork();
