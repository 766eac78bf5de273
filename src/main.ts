import cluster from 'node:cluster';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { ListenOptions } from 'node:net';
import { join } from 'node:path';
import { loadEnvFile } from 'node:process';
import { createApp } from './app.ts';
import { isDomainError } from './base/errors.ts';
import { createLogger } from './base/logger.ts';
import { readConfig, type Config, type DemoSecrets } from './config.ts';
import { createContext } from './context.ts';
import { demoIdpInstalled } from './identity/demo-idp/routes.ts';

const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** Demo mode keeps its own secrets beside its data, so that a restart keeps sessions and ID numbers readable. */
function demoSecrets(dataDir: string): DemoSecrets {
  const file = join(dataDir, 'demo-secrets.json');
  try {
    const kept = JSON.parse(readFileSync(file, 'utf8')) as { session: string; idNumberKey: string };
    return { session: kept.session, idNumberKey: Buffer.from(kept.idNumberKey, 'hex') };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const made = {
    session: randomBytes(32).toString('base64url'),
    idNumberKey: randomBytes(32).toString('hex'),
  };
  try {
    writeFileSync(file, JSON.stringify(made), { mode: 0o600, flag: 'wx' });
  } catch (error) {
    // Another process of the same cluster was first: its secrets count.
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return demoSecrets(dataDir);
    throw error;
  }
  return { session: made.session, idNumberKey: Buffer.from(made.idNumberKey, 'hex') };
}

function configuration(): Config {
  try {
    loadEnvFile('.env');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  return readConfig(process.env, demoSecrets);
}

const listening = (server: Server, options: ListenOptions): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(options, () => {
      server.off('error', reject);
      const address = server.address();
      resolve(typeof address === 'object' && address ? address.port : 0);
    });
  });

/** Demo mode's identity providers have a listener of their own, on this machine only: another origin, other cookies. */
async function openDemoIdp(config: Config): Promise<{ server: Server; origin: string } | null> {
  if (config.mode !== 'demo' || config.demoIdpPort === null) return null;
  if (!demoIdpInstalled()) {
    say(
      'The demo identity providers need the development dependencies (npm ci); without them there are none.',
    );
    return null;
  }
  const server = createServer();
  // Cookies know no ports: the providers must not stand under the portal's host name.
  const host = new URL(config.publicOrigin).hostname === '127.0.0.1' ? 'localhost' : '127.0.0.1';
  const on = { host: '127.0.0.1', port: config.demoIdpPort, exclusive: true };
  const port = await listening(server, on).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EADDRINUSE') throw error;
    // In a cluster one process plays the providers for all; else somebody else has the port, and any will do.
    return cluster.isWorker ? on.port : listening(server, { ...on, port: 0 });
  });
  return { server, origin: `http://${host}:${port}` };
}

async function main(): Promise<void> {
  const config = configuration();
  const logger = createLogger(config.logLevel);
  const demoIdp = await openDemoIdp(config);
  const context = await createContext(config, { logger, demoIdpOrigin: demoIdp?.origin ?? null });
  if (demoIdp && context.demoIdp) demoIdp.server.on('request', context.demoIdp);
  const app = createApp(context);
  // The LRS's hot routes and players' beats need nothing of express: the same code that the app mounts answers them first.
  const server = createServer((req, res) => {
    if (!context.lrsListener(req, res) && !context.beatListener(req, res)) app(req, res);
  });
  // Slow or idle clients may not hold a connection for ever; a large upload may take its time.
  server.headersTimeout = 20_000;
  server.requestTimeout = 30 * 60_000;
  // A beat comes every 15 s, and proxies keep their connections for a minute: the server must not be the first to hang up.
  server.keepAliveTimeout = 75_000;

  let stopping = false;
  const stop = async (signal: string): Promise<void> => {
    if (stopping) return;
    stopping = true;
    logger.info({ signal }, 'stopping');
    // Whoever is being answered is answered; a connection that stays open after 10 s is cut.
    const cut = setTimeout(() => server.closeAllConnections(), 10_000);
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeIdleConnections();
    });
    clearTimeout(cut);
    demoIdp?.server.close();
    demoIdp?.server.closeAllConnections();
    await context.close();
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => {
      stop(signal).then(
        () => process.exit(0),
        (error: unknown) => {
          logger.fatal({ err: error }, 'the stop failed');
          process.exit(1);
        },
      );
    });

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(config.port, config.host, () => resolve());
  });
  context.start();
  for (const line of context.greeting()) say(line);
}

try {
  await main();
} catch (error) {
  const listening = (error as NodeJS.ErrnoException).code;
  if (isDomainError(error)) process.stderr.write(`${error.message}\n`);
  else if (listening === 'EADDRINUSE')
    process.stderr.write('The port is in use. Stop what listens there, or set PORT to another one.\n');
  else if (listening === 'EACCES')
    process.stderr.write('The port may not be opened by this user. Set PORT above 1023.\n');
  else process.stderr.write(`${(error as Error).stack ?? String(error)}\n`);
  process.exit(1);
}
