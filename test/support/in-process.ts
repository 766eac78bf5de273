import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Express } from 'express';
import { createLogger } from '../../src/base/logger.ts';
import type { Context } from '../../src/context.ts';
import { freePort } from './server.ts';

/** The whole program in this process, listening: for tests that look into it. Wired as main.ts wires it. */
export interface InProcess {
  origin: string;
  contentOrigin: string;
  context: Context;
  app: Express;
  close(): Promise<void>;
}

/** Imported late, so that test/support/routes.ts sees every router that is made. */
export async function startInProcess(environment: Record<string, string> = {}): Promise<InProcess> {
  const { createApp } = await import('../../src/app.ts');
  const { createContext } = await import('../../src/context.ts');
  const { readConfig } = await import('../../src/config.ts');
  const dataDir = mkdtempSync(join(tmpdir(), 'zhixing-data-'));
  const port = await freePort();
  const config = readConfig(
    { DATA_DIR: dataDir, PORT: String(port), SQLITE_SYNC: 'normal', DEMO_IDP: 'off', ...environment },
    () => ({ session: 'a secret of this test, and of no other', idNumberKey: Buffer.alloc(32, 5) }),
  );
  const context = await createContext(config, { logger: createLogger('silent') });
  const app = createApp(context);
  const server = createServer((req, res) => {
    if (!context.lrsListener(req, res)) app(req, res);
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    origin: config.publicOrigin,
    contentOrigin: config.contentOrigin,
    context,
    app,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await context.close();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}
