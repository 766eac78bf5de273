import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { StorageOptions } from '../../src/storage/open.ts';
import { emptyStore, type EngineName } from './engines.ts';

const root = join(import.meta.dirname, '../..');

export const freePort = (): Promise<number> =>
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

/** The program that ships, as a process of its own on a store of its own. */
export interface RunningServer {
  port: number;
  /** The portal's origin. */
  origin: string;
  contentOrigin: string;
  /** LRS Basic credentials of all scope. */
  lrs: { endpoint: string; authorization: string };
  options: StorageOptions;
  /** The process that answers now; 0: none. */
  pid(): number;
  /** What it has printed so far. */
  output(): string;
  /** SIGKILL: nothing gets a chance to tidy up. */
  kill(): Promise<void>;
  /** Graceful; rejects when it does not end with 0. */
  stop(): Promise<void>;
  /** Starts again on the same store and port. */
  restart(environment?: Record<string, string>): Promise<void>;
  /** Stops and deletes the store. */
  remove(): Promise<void>;
}

export interface ServerOptions {
  environment?: Record<string, string>;
  /** A store to run on (for several processes on one store); by default an empty one of its own. */
  on?: StorageOptions;
  engine?: EngineName;
  /** By default a free one. */
  port?: number;
}

/** Null when the engine is not to be had here (the reason is printed). */
export async function startServer(given: ServerOptions = {}): Promise<RunningServer | null> {
  const store = given.on
    ? { options: given.on, remove: () => undefined }
    : await emptyStore(given.engine ?? 'sqlite');
  if (!store) return null;
  const port = given.port ?? (await freePort());
  const origin = `http://localhost:${port}`;
  const key = 'test-key';
  const secret = 'test-secret-0123456789';
  const base: Record<string, string> = {
    PATH: process.env['PATH'] ?? '',
    HOME: process.env['HOME'] ?? '',
    ...(process.env['PUPPETEER_EXECUTABLE_PATH']
      ? { PUPPETEER_EXECUTABLE_PATH: process.env['PUPPETEER_EXECUTABLE_PATH'] }
      : {}),
    PORT: String(port),
    DATA_DIR: store.options.dataDir,
    SQLITE_SYNC: store.options.sqliteSync,
    ...(store.options.mongodbUri ? { MONGODB_URI: store.options.mongodbUri } : {}),
    LRS_KEY: key,
    LRS_SECRET: secret,
    LOG_LEVEL: 'warn',
    DEMO_IDP: 'off',
    CERTIFICATE_BROWSER: 'on-demand',
    ...given.environment,
  };

  let child: ChildProcess | null = null;
  let printed = '';
  const start = async (environment: Record<string, string> = {}): Promise<void> => {
    const started = spawn(process.execPath, ['--import', 'tsx', 'src/main.ts'], {
      cwd: root,
      env: { ...base, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own, so that a hard kill takes the browser it started along.
      detached: true,
    });
    child = started;
    const take = (chunk: Buffer): void => void (printed += chunk.toString());
    started.stdout.on('data', take);
    started.stderr.on('data', take);
    for (let tries = 0; tries < 600; tries++) {
      if (started.exitCode !== null)
        throw new Error(`The server ended with ${started.exitCode}:\n${printed}`);
      const up = await fetch(`http://127.0.0.1:${port}/healthz`, {
        headers: { host: `localhost:${port}` },
      }).then(
        (answer) => answer.status < 500,
        () => false,
      );
      if (up) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(`The server did not answer within 60 s:\n${printed}`);
  };
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    const running = child;
    child = null;
    if (!running || running.exitCode !== null) return running?.exitCode ?? 0;
    const gone = new Promise<number | null>((resolve) => running.once('exit', (code) => resolve(code)));
    if (signal === 'SIGKILL' && running.pid !== undefined) process.kill(-running.pid, signal);
    else running.kill(signal);
    return gone;
  };
  try {
    await start();
  } catch (error) {
    await end('SIGKILL');
    store.remove();
    throw error;
  }
  const running: RunningServer = {
    port,
    origin,
    contentOrigin: `http://127.0.0.1:${port}`,
    lrs: {
      endpoint: `${origin}/xapi`,
      authorization: `Basic ${Buffer.from(`${key}:${secret}`).toString('base64')}`,
    },
    options: store.options,
    pid: () => child?.pid ?? 0,
    output: () => printed,
    async kill() {
      await end('SIGKILL');
    },
    async stop() {
      const code = await end('SIGTERM');
      if (code !== 0) throw new Error(`The server ended with ${code}:\n${printed}`);
    },
    restart: start,
    async remove() {
      const cut = setTimeout(() => void end('SIGKILL'), 15_000);
      await end('SIGTERM');
      clearTimeout(cut);
      store.remove();
    },
  };
  return running;
}
