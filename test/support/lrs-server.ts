import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { type Clock, systemClock } from '../../src/base/clock.ts';
import { createLogger } from '../../src/base/logger.ts';
import { createCredentials, type Credentials } from '../../src/lrs/credentials.ts';
import { createStatementDoor, type StatementIntake } from '../../src/lrs/door.ts';
import { createLrsHandler, createLrsListener } from '../../src/lrs/handler.ts';
import { createLrsRoutes } from '../../src/lrs/routes.ts';
import type { Storage } from '../../src/storage/open.ts';

export interface LrsServer {
  /** Without a trailing slash: `http://127.0.0.1:40000/xapi`. */
  endpoint: string;
  door: StatementIntake;
  credentials: Credentials;
  close(): Promise<void>;
}

export const lrsLimits = { xapiBodyBytes: 32 * 1024 * 1024, xapiBatch: 1000, xapiDepth: 64 };

/** The LRS alone on a port of its own, wired as the program wires it. */
export async function startLrs(
  storage: Storage,
  given: { key: string; secret: string },
  options: { clock?: Clock; port?: number; limits?: typeof lrsLimits; listener?: boolean } = {},
): Promise<LrsServer> {
  const clock = options.clock ?? systemClock;
  const { lrs: stores, rateCounters } = storage;
  const door = createStatementDoor({ store: stores.statements, clock });
  const credentials = createCredentials({
    store: stores.credentials,
    clock,
    homePage: 'http://localhost:8080',
  });
  await credentials.ensure(given);
  const handler = createLrsHandler({
    stores,
    door,
    credentials,
    rateCounters,
    clock,
    logger: createLogger(process.env['LOG_LEVEL'] ?? 'warn'),
    limits: options.limits ?? lrsLimits,
  });
  const app = express();
  app.disable('x-powered-by');
  app.use('/xapi', createLrsRoutes(handler));
  // As the program does: the listener first, express for what it leaves.
  let listener: ReturnType<typeof createLrsListener> | null = null;
  const server = createServer((req, res) => {
    if (!listener?.(req, res)) app(req, res);
  });
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  if (options.listener) listener = createLrsListener(handler, '/xapi', `http://127.0.0.1:${port}`);
  return {
    endpoint: `http://127.0.0.1:${port}/xapi`,
    door,
    credentials,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
