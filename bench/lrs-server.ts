import { spawn } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');

/** The LRS alone in a process of its own, at a free port, with the credential that `headerOf` names. */
export async function serveLrs(dataDir: string): Promise<{ port: number; stop: () => Promise<void> }> {
  const child = spawn(process.execPath, ['--import', 'tsx', join(root, 'bench/serve-lrs.ts'), dataDir, '0'], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, LRS_KEY: 'bench', LRS_SECRET: 'bench-secret', LOG_LEVEL: 'warn' },
  });
  const gone = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const port = await new Promise<number>((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      const found = /:(\d+)\/xapi/.exec(chunk.toString());
      if (found) resolve(Number(found[1]));
    });
    void gone.then((code) => reject(new Error(`the server ended with ${code}`)));
  });
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await gone;
  };
  return { port, stop };
}

/** The header lines that every request to it has. */
export const headerOf = (port: number): string =>
  `Host: 127.0.0.1:${port}\r\nAuthorization: Basic ${Buffer.from('bench:bench-secret').toString('base64')}\r\nX-Experience-API-Version: 2.0.0\r\n`;
