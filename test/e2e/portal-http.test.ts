import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { freePort, type RunningServer, startServer } from '../support/server.ts';

const root = join(import.meta.dirname, '../..');

/** A request with a Host header of the test's choice. */
const withHost = (
  port: number,
  host: string,
  path: string,
  more: Record<string, string> = {},
): Promise<{ status: number; body: string }> =>
  new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path, headers: { host, ...more } }, (answer) => {
      let body = '';
      answer.on('data', (chunk: Buffer) => (body += chunk.toString()));
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body }));
    });
    sent.once('error', reject);
    sent.end();
  });

describe('the portal over HTTP', function () {
  this.timeout(60_000);
  let server: RunningServer;
  before(async () => {
    const started = await startServer();
    if (!started) throw new Error('no server');
    server = started;
  });
  after(() => server?.remove());

  it('says in demo mode what it is, on every page, and prints address and accounts at the start', async () => {
    for (const path of ['/', '/courses', '/sign-in', '/verify', '/nowhere'])
      expect(
        await (await fetch(server.origin + path, { headers: { accept: 'text/html' } })).text(),
        path,
      ).to.include('展示模式');
    expect(server.output()).to.include(server.origin).and.include('learner-demo').and.include('vendor-demo');
  });

  it('listens on loopback only', async () => {
    const { networkInterfaces } = await import('node:os');
    const outside = Object.values(networkInterfaces())
      .flat()
      .find((address) => address && !address.internal && address.family === 'IPv4');
    if (!outside) return;
    const reached = await fetch(`http://${outside.address}:${server.port}/healthz`).then(
      () => true,
      () => false,
    );
    expect(reached).to.equal(false);
  });

  it('takes a filter that makes no sense for none', async () => {
    for (const query of ['hoursFrom=abc', 'type=nonsense', 'hoursTo=-1', 'page=x'])
      expect((await fetch(`${server.origin}/courses?${query}`)).status, query).to.equal(200);
  });

  it('refuses a forged Host and keeps the two origins apart', async () => {
    expect((await withHost(server.port, 'evil.example', '/')).status).to.equal(400);
    const atContent = await withHost(server.port, `127.0.0.1:${server.port}`, '/sign-in');
    expect(atContent.status).to.equal(404);
    const atPortal = await withHost(server.port, `localhost:${server.port}`, '/runtime/commit');
    expect(atPortal.status).to.equal(404);
  });

  it('sends the headers that fence a page in', async () => {
    const { headers } = await fetch(server.origin);
    const policy = headers.get('content-security-policy') ?? '';
    expect(policy)
      .to.include("default-src 'self'")
      .and.include("frame-ancestors 'none'")
      .and.include(`frame-src ${server.contentOrigin}`);
    expect(policy).to.not.include('unsafe');
    expect(headers.get('x-powered-by')).to.equal(null);
    expect(headers.get('set-cookie'), 'a guest who only looks gets no session').to.equal(null);
  });

  it('refuses a form without its token, or from another site', async () => {
    const post = (headers: Record<string, string>) =>
      fetch(`${server.origin}/sign-in`, {
        method: 'POST',
        redirect: 'manual',
        headers: { accept: 'text/html', ...headers },
        body: new URLSearchParams({ loginName: 'learner', password: 'learner-demo' }),
      });
    expect((await post({})).status).to.equal(403);
    expect((await post({ origin: 'https://evil.example' })).status).to.equal(403);
    expect(await (await post({})).text()).to.include('表單已逾時');
  });

  it('signs in from a page whose session has ended, and again when the first answer got lost', async () => {
    const shown = await fetch(`${server.origin}/sign-in`);
    const cookie = /zhixing=[^;]+/.exec(shown.headers.get('set-cookie') ?? '')?.[0] ?? '';
    const _csrf = /name="_csrf" value="([^"]+)"/.exec(await shown.text())?.[1] ?? '';
    const signIn = (origin: string, sent: string, token: string) =>
      fetch(`${server.origin}/sign-in`, {
        method: 'POST',
        redirect: 'manual',
        headers: { accept: 'text/html', origin, ...(sent === '' ? {} : { cookie: sent }) },
        body: new URLSearchParams({ _csrf: token, loginName: 'citizen', password: 'citizen-demo' }),
      });
    const first = await signIn(server.origin, cookie, _csrf);
    expect(first.status).to.equal(303);
    const again = await signIn(server.origin, cookie, _csrf);
    expect(again.status, 'the answer to the first one got lost').to.equal(303);
    expect((await signIn(server.origin, '', _csrf)).status, 'no session at all').to.equal(303);
    const signedIn = /zhixing=[^;]+/.exec(again.headers.get('set-cookie') ?? '')?.[0] ?? '';
    expect((await signIn('https://evil.example', cookie, _csrf)).status).to.equal(403);
    expect((await signIn(server.origin, signedIn, _csrf)).status, 'signed in: its own token').to.equal(403);
  });

  it('says where a form sent after the session ended can be sent again', async () => {
    const sent = (headers: Record<string, string>) =>
      fetch(`${server.origin}/courses/ZX115110001/enrol`, {
        method: 'POST',
        redirect: 'manual',
        headers: { accept: 'text/html', origin: server.origin, ...headers },
        body: new URLSearchParams({ _csrf: 'of a session that has ended' }),
      });
    const known = await sent({ referer: `${server.origin}/courses/ZX115110001?tab=1` });
    expect(known.status).to.equal(401);
    expect(await known.text())
      .to.include('剛才的內容沒有送出')
      .and.include('href="/sign-in?returnTo=%2Fcourses%2FZX115110001%3Ftab%3D1"');
    const elsewhere = await (await sent({ referer: 'https://evil.example/courses/ZX115110001' })).text();
    expect(elsewhere).to.include('href="/sign-in"').and.not.include('剛才的內容沒有送出');
  });

  it('changes the session id at sign-in, and tells what was wrong', async () => {
    const page = await fetch(`${server.origin}/sign-in`);
    const before = /zhixing=([^;]+)/.exec(page.headers.get('set-cookie') ?? '')?.[1] ?? '';
    const csrf = /name="_csrf" value="([^"]+)"/.exec(await page.text())?.[1] ?? '';
    const attempt = (password: string) =>
      fetch(`${server.origin}/sign-in`, {
        method: 'POST',
        redirect: 'manual',
        headers: { cookie: `zhixing=${before}`, accept: 'text/html', origin: server.origin },
        body: new URLSearchParams({
          _csrf: csrf,
          loginName: 'citizen',
          password,
          returnTo: '//evil.example/',
        }),
      });
    const wrong = await attempt('wrong');
    expect(wrong.status).to.equal(401);
    expect(await wrong.text()).to.include('帳號或密碼不正確');
    const right = await attempt('citizen-demo');
    expect([right.status, right.headers.get('location')]).to.deep.equal([303, '/']);
    const after = /zhixing=([^;]+)/.exec(right.headers.get('set-cookie') ?? '')?.[1];
    expect(after).to.be.a('string').and.not.equal(before);
  });

  it('answers programs in JSON and people in their language', async () => {
    const json = await fetch(`${server.origin}/api/packages/jobs/x`, {
      headers: { accept: 'application/json' },
    });
    expect(json.status).to.equal(401);
    expect(await json.json()).to.have.nested.property('error.code', 'sign-in-first');
    const chinese = await fetch(`${server.origin}/api/packages/jobs/x`, {
      headers: { accept: 'application/json', 'accept-language': 'zh-TW' },
    });
    expect(await chinese.text()).to.include('請先登入');
    const english = await fetch(`${server.origin}/nowhere`, {
      headers: { accept: 'text/html', 'accept-language': 'en' },
    });
    expect(english.headers.get('content-language')).to.equal('en');
    expect(await english.text()).to.include('Page not found');
  });

  it('serves fonts, styles and scripts with ETags, and nothing outside their folder', async () => {
    const css = await fetch(`${server.origin}/assets/base.css`);
    expect(css.headers.get('content-type')).to.include('text/css');
    // Not by fetch: it asks for no-cache whenever a condition is given.
    const again = await withHost(server.port, `localhost:${server.port}`, '/assets/base.css', {
      'if-none-match': css.headers.get('etag') ?? '',
    });
    expect(again.status).to.equal(304);
    expect((await fetch(`${server.origin}/assets/..%2f..%2fconfig.ts`)).status).to.equal(404);
  });

  it('puts neither a query nor a file handle into its log', async () => {
    const loud = await startServer({ environment: { LOG_LEVEL: 'debug' } });
    if (!loud) throw new Error('no server');
    try {
      await fetch(`${loud.origin}/courses?text=geheim-1`);
      await withHost(loud.port, `127.0.0.1:${loud.port}`, '/s/geheim-2/index.html');
      await loud.stop();
      expect(loud.output())
        .to.include('"path":"/courses"')
        .and.include('/s/…/index.html')
        .and.not.include('geheim');
    } finally {
      await loud.remove();
    }
  });
});

describe('production', function () {
  this.timeout(60_000);

  it('refuses to start without its secrets and names every missing setting at once', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'zhixing-data-'));
    try {
      const child = spawn(process.execPath, ['--import', 'tsx', 'src/main.ts'], {
        cwd: root,
        env: {
          PATH: process.env['PATH'] ?? '',
          NODE_ENV: 'production',
          DATA_DIR: dataDir,
          PORT: String(await freePort()),
        },
      });
      let printed = '';
      child.stderr.on('data', (chunk: Buffer) => (printed += chunk.toString()));
      const code = await new Promise((resolve) => child.once('exit', resolve));
      expect(code).to.equal(1);
      for (const name of ['PUBLIC_ORIGIN', 'CONTENT_ORIGIN', 'SESSION_SECRET', 'ID_NUMBER_KEY'])
        expect(printed).to.include(name);
    } finally {
      rmSync(dataDir, { recursive: true, force: true });
    }
  });

  it('has no demo accounts, no banner, and the administrator that was asked for', async () => {
    const server = await startServer({
      environment: {
        NODE_ENV: 'production',
        HOST: '127.0.0.1',
        SESSION_SECRET: 'x'.repeat(40),
        ID_NUMBER_KEY: 'ab'.repeat(32),
        ADMIN_LOGIN: 'chief',
        ADMIN_PASSWORD: 'a-long-password',
        PUBLIC_ORIGIN: 'https://learn.example.org',
        CONTENT_ORIGIN: 'https://{package}.content.example.org',
      },
    });
    if (!server) throw new Error('no server');
    try {
      const page = await withHost(server.port, 'learn.example.org', '/sign-in');
      expect(page.status).to.equal(200);
      expect(page.body).to.not.include('展示').and.not.include('learner-demo');
      expect(server.output()).to.not.include('a-long-password').and.not.include('learner-demo');
      expect((await withHost(server.port, `localhost:${server.port}`, '/')).status).to.equal(400);
    } finally {
      await server.remove();
    }
  });
});
