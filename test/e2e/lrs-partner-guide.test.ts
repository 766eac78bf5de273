import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { build } from 'esbuild';
import type { Storage } from '../../src/storage/open.ts';
import { newContext, newPage } from '../support/browser.ts';
import { emptyStore, type EmptyStore, openStorage } from '../support/engines.ts';
import { type LrsServer, startLrs } from '../support/lrs-server.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../..');
const guide = readFileSync(join(root, 'docs/partner-guide.md'), 'utf8');

/** The code that follows `<!-- example: NAME -->`, as it stands in the guide. */
function example(name: string): string {
  const found = new RegExp(`<!-- example: ${name} -->\\s*\`\`\`\\w+\\n([\\s\\S]*?)\`\`\``).exec(guide)?.[1];
  if (found === undefined) throw new Error(`the guide has no example ${name}`);
  return found;
}

const has = (command: string, args: string[]): Promise<boolean> =>
  run(command, args).then(
    () => true,
    () => false,
  );

describe('partner guide', () => {
  let empty: EmptyStore | null;
  let storage: Storage;
  let lrs: LrsServer;
  let folder: string;
  const environment = () => ({
    ...process.env,
    ENDPOINT: lrs.endpoint,
    KEY: 'partner',
    SECRET: 'partner-secret',
  });
  before(async () => {
    empty = await emptyStore('sqlite');
    if (!empty) throw new Error('no store');
    storage = await openStorage(empty.options);
    lrs = await startLrs(storage, { key: 'partner', secret: 'partner-secret' });
    folder = mkdtempSync(join(root, 'build', 'guide-'));
  });
  after(async () => {
    await lrs?.close();
    await storage?.close();
    empty?.remove();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  it('the curl example stores its Statement, and again without harm', async () => {
    for (let times = 0; times < 2; times++) {
      const { stdout } = await run('sh', ['-c', example('curl')], { env: environment() });
      expect(JSON.parse(stdout)).to.deep.equal(['7b1c7f0a-51c8-4a0f-9f0e-2f8f2a6d1c01']);
    }
  });

  it('the browser example stores from the origin that its credential allows, and says what is refused', async function () {
    this.timeout(60_000);
    const { outputFiles } = await build({
      stdin: { contents: example('browser'), resolveDir: root },
      bundle: true,
      format: 'iife',
      globalName: 'guide',
      write: false,
    });
    const script = outputFiles[0]?.text ?? '';
    const site = createServer((req, res) => {
      res.setHeader('Content-Type', req.url === '/guide.js' ? 'text/javascript' : 'text/html');
      res.end(req.url === '/guide.js' ? script : '<!doctype html><script src="/guide.js"></script>');
    });
    await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve));
    const origin = `http://127.0.0.1:${(site.address() as AddressInfo).port}`;
    const context = await newContext();
    try {
      const { credential, secret } = await lrs.credentials.create({
        label: 'page',
        scopes: ['statements/write'],
        origins: [origin],
        actorHomePage: 'https://mooc.example.org',
        activityPrefix: 'https://mooc.example.org/courses/',
      });
      const page = await newPage(context);
      const send = (address: string, course: string): Promise<string> =>
        page
          .goto(address)
          .then(() =>
            page.evaluate(
              (access, activity) =>
                (window as unknown as { guide: { completed: (...args: unknown[]) => Promise<string> } }).guide
                  .completed(access, 'learner-42', activity)
                  .catch((error: Error) => `refused: ${error.message}`),
              { endpoint: lrs.endpoint, key: credential.key, secret },
              course,
            ),
          );
      const id = await send(origin, 'https://mooc.example.org/courses/1');
      expect((await lrs.door.byId(id))?.authorityId).to.equal(credential.id);
      expect(await send(origin, 'https://other.example.org/1')).to.match(/^refused: .*\$\.object/);
      // The same page under another name is another origin.
      expect(
        await send(origin.replace('127.0.0.1', 'localhost'), 'https://mooc.example.org/courses/1'),
      ).to.match(/^refused: .*origin/);
    } finally {
      await context.close();
      await new Promise((resolve) => site.close(resolve));
    }
  });

  it('the Node example stores and reads back', async () => {
    const file = join(folder, 'example.mjs');
    writeFileSync(file, example('node'));
    const { stdout } = await run(process.execPath, [file], { env: environment(), cwd: root });
    expect(stdout.trim()).to.equal('http://adlnet.gov/expapi/verbs/passed');
  });

  it('the Python example stores its Statement, or is valid Python where requests is not installed', async () => {
    const file = join(folder, 'example.py');
    writeFileSync(file, example('python'));
    if (await has('python3', ['-c', 'import requests'])) {
      const { stdout } = await run('python3', [file], { env: environment() });
      expect(await lrs.door.byId(stdout.trim())).to.not.equal(null);
    } else if (await has('python3', ['--version']))
      await run('python3', ['-c', `import ast, sys; ast.parse(open(sys.argv[1]).read())`, file]);
    expect(example('python')).to.include('requests.Session()');
  });

  it('OpenAPI: every path and method of the document is served, and no other method', async () => {
    const response = await fetch(`${lrs.endpoint}/openapi.json`);
    const document = (await response.json()) as {
      openapi: string;
      paths: Record<string, Record<string, unknown>>;
    };
    expect(document.openapi).to.equal('3.1.0');
    const headers = {
      authorization: `Basic ${Buffer.from('partner:partner-secret').toString('base64')}`,
      'x-experience-api-version': '2.0.0',
    };
    for (const [path, methods] of Object.entries(document.paths))
      for (const method of ['get', 'put', 'post', 'delete']) {
        const parameters = (
          (methods[method] as { parameters?: { name?: string; required?: boolean }[] }) ?? {}
        ).parameters;
        const required = (parameters ?? []).filter(
          ({ name, required: needed }) => needed && name !== undefined,
        );
        const query = new URLSearchParams(
          required.map(({ name }) => [String(name), exampleOf(String(name))]),
        );
        const answer = await fetch(`${lrs.endpoint}${path}?${query.toString()}`, {
          method: method.toUpperCase(),
          headers,
        });
        const what = `${method} ${path}: ${await answer.text()}`;
        if (methods[method] === undefined) expect(answer.status, what).to.equal(405);
        else expect(answer.status, what).to.be.oneOf([200, 204, 400, 404, 415]);
        if (methods[method] !== undefined && answer.status === 400)
          expect(what).to.not.match(/not known here/);
      }
  });
});

const exampleOf = (name: string): string =>
  ({
    agent: '{"mbox":"mailto:a@example.org"}',
    activityId: 'http://example.org/a',
    statementId: '7b1c7f0a-51c8-4a0f-9f0e-2f8f2a6d1c01',
  })[name] ?? 'x';
