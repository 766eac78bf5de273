import { createHash } from 'node:crypto';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../..');

/** A MongoDB-compatible server for the tests, or why there is none. */
export type MongoForTests = { uri: string; kind: string; stop(): Promise<void> } | { missing: string };

const onPath = (name: string): string | null =>
  (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find((file) => existsSync(file)) ?? null;

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        typeof address === 'object' && address ? resolve(address.port) : reject(new Error('no port')),
      );
    });
  });

/** `MONGODB_URI`, else a mongod on the PATH, else FerretDB built with Go (once, kept under build/). */
export async function startMongoForTests(): Promise<MongoForTests> {
  const given = process.env['MONGODB_URI'];
  if (given) return { uri: given, kind: 'MONGODB_URI', stop: async () => undefined };
  return startOwnMongo(mkdtempSync(join(tmpdir(), 'zhixing-mongo-')), await freePort());
}

/** Builds ahead what `startMongoForTests` would build, so that two processes need not. */
export async function prepareMongoForTests(): Promise<void> {
  if (!process.env['MONGODB_URI'] && onPath('mongod') === null) await buildFerretdb();
}

/** A server of the test's own in this folder and on this port, so that it can be stopped and started again. */
export async function startOwnMongo(dir: string, port: number, keep = false): Promise<MongoForTests> {
  const mongod = onPath('mongod');
  if (mongod)
    return listening(
      spawn(mongod, ['--port', String(port), '--bind_ip', '127.0.0.1', '--dbpath', dir]),
      port,
      dir,
      'mongod',
      keep,
    );

  const binary = await buildFerretdb();
  if (typeof binary !== 'string') return binary;
  return listening(spawn(binary, [`127.0.0.1:${port}`, dir]), port, dir, 'FerretDB', keep);
}

async function buildFerretdb(): Promise<string | { missing: string }> {
  // Named after its source: a changed door is built anew.
  const source = readFileSync(join(import.meta.dirname, 'ferretdb/main.go'));
  const binary = join(
    root,
    `build/ferretdb-${createHash('sha256').update(source).digest('hex').slice(0, 8)}`,
  );
  if (existsSync(binary)) return binary;
  const go = onPath('go') ?? (existsSync('/usr/local/go/bin/go') ? '/usr/local/go/bin/go' : null);
  if (!go)
    return { missing: 'no MONGODB_URI, no mongod on the PATH, and no Go to build the test server with' };
  mkdirSync(join(root, 'build'), { recursive: true });
  try {
    const part = `${binary}.${process.pid}.part`;
    await run(go, ['build', '-o', part, '.'], {
      cwd: join(import.meta.dirname, 'ferretdb'),
      timeout: 600_000,
    });
    renameSync(part, binary);
    return binary;
  } catch (error) {
    return {
      missing: `the MongoDB-compatible server does not build: ${(error as Error).message.slice(0, 400)}`,
    };
  }
}

async function listening(
  child: ChildProcess,
  port: number,
  dir: string,
  kind: string,
  keep: boolean,
): Promise<MongoForTests> {
  child.stdout?.resume();
  let errors = '';
  child.stderr?.on('data', (chunk: Buffer) => (errors = (errors + chunk.toString()).slice(-2000)));
  const { connect } = await import('node:net');
  const stop = async (): Promise<void> => {
    if (child.exitCode === null) {
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await gone;
    }
    if (!keep) rmSync(dir, { recursive: true, force: true });
  };
  for (let tries = 0; tries < 200; tries++) {
    if (child.exitCode !== null) return { missing: `${kind} stopped at once: ${errors}` };
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.destroy();
        resolve(true);
      });
      socket.once('error', () => resolve(false));
    });
    if (open) return { uri: `mongodb://127.0.0.1:${port}/`, kind, stop };
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  await stop();
  return { missing: `${kind} did not listen within 20 s: ${errors}` };
}
