import { request } from 'node:http';
import { expect } from 'chai';
import { newUuid } from '../../src/base/ids.ts';
import type { Launch, PackageVersion } from '../../src/player/types.ts';
import { onEveryEngine } from '../support/engines.ts';
import { manifest12, scoPage, startPlayer, type PlayerHouse } from '../support/player.ts';

interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: Buffer;
}

/** fetch may not set Host; this does, and sends paths as they are. */
function ask(
  port: number,
  host: string,
  path: string,
  options: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        port,
        host: '127.0.0.1',
        path,
        method: options.method ?? 'GET',
        headers: { host, ...options.headers },
      },
      (res) => {
        const chunks: Buffer[] = [];
        res.on('data', (chunk: Buffer) => chunks.push(chunk));
        res.on('end', () =>
          resolve({ status: res.statusCode ?? 0, headers: res.headers, body: Buffer.concat(chunks) }),
        );
      },
    );
    sent.on('error', reject);
    sent.end(options.body);
  });
}

onEveryEngine('Content is alone (an origin per package, one launch, one version)', ({ storage }) => {
  let house: PlayerHouse;
  let one: PackageVersion;
  let other: PackageVersion;
  const video = Buffer.from(Array.from({ length: 5000 }, (_, n) => n % 251));

  before(async () => {
    house = await startPlayer(storage(), { contentOrigin: (port) => `http://{package}.localhost:${port}` });
    const files = {
      'imsmanifest.xml': manifest12([{ id: 'A', title: '樹', href: 'a.html' }]),
      'a.html': scoPage('樹'),
      '圖 片/影片.mp4': video,
    };
    one = await house.import(files);
    other = await house.import(files);
  });
  after(() => house.close());

  const hostOf = (version: PackageVersion): string => `${version.packageId}.localhost:${house.port}`;
  const form = (launch: Launch): { method: string; headers: Record<string, string>; body: string } => ({
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: `token=${encodeURIComponent(launch.launchToken)}`,
  });
  const opened = async (
    version: PackageVersion,
  ): Promise<{ token: string; filesPath: string; page: Answer; launch: Launch }> => {
    const launch = await house.launch(version, { registration: newUuid() });
    const page = await ask(house.port, hostOf(version), '/launch', form(launch));
    expect(page.status).to.equal(200);
    const json = /id="configuration">(.*?)<\/script>/s.exec(page.body.toString())?.[1] ?? '{}';
    const { token, filesPath } = JSON.parse(json) as { token: string; filesPath: string };
    return { token, filesPath, page, launch };
  };

  it('opens a launch only on the origin of its package, without a cookie, framed by the portal only', async () => {
    const { launch, page } = await opened(one);
    expect(launch.frameUrl).to.equal(`http://${hostOf(one)}/launch`);
    expect(page.headers['set-cookie']).to.equal(undefined);
    expect(page.headers['cache-control']).to.equal('no-store');
    expect(page.headers['referrer-policy']).to.equal('no-referrer');
    expect(page.headers['content-security-policy']).to.contain(`frame-ancestors ${house.publicOrigin}`);
    expect(page.headers['content-security-policy']).to.contain("script-src 'self'");
    expect((await ask(house.port, hostOf(other), '/launch', form(launch))).status).to.equal(404);
    expect((await ask(house.port, `localhost:${house.port}`, '/launch', form(launch))).status).to.equal(404);
    expect((await ask(house.port, `evil.example:${house.port}`, '/launch', form(launch))).status).to.equal(
      400,
    );
  });

  it('reads files of its own version only, by its own handle only', async () => {
    const { filesPath, token } = await opened(one);
    expect((await ask(house.port, hostOf(one), `${filesPath}a.html`)).status).to.equal(200);
    expect((await ask(house.port, hostOf(other), `${filesPath}a.html`)).status).to.equal(404);
    expect((await ask(house.port, hostOf(one), `/s/${token}/a.html`)).status).to.equal(401);
    expect((await ask(house.port, hostOf(one), '/s/nonsense/a.html')).status).to.equal(401);
    const commit = (given: string, host: string): Promise<Answer> =>
      ask(house.port, host, '/runtime/open', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ token: given, item: 'A' }),
      });
    expect((await commit(token, hostOf(one))).status).to.equal(200);
    expect((await commit(token, hostOf(other))).status).to.equal(404);
    const handle = /^\/s\/([^/]+)\//.exec(filesPath)?.[1] ?? '';
    expect((await commit(handle, hostOf(one))).status).to.equal(401);
  });

  it('climbs out of nothing: every form of a path that leads elsewhere is refused', async () => {
    const { filesPath } = await opened(one);
    for (const path of [
      '../a.html',
      '..%2f..%2fetc%2fpasswd',
      '%2e%2e/a.html',
      'x/../../a.html',
      '..%5c..%5ca.html',
      'a.html%00.png',
      '%E0%A4%A',
      './a.html',
      '/a.html',
      'A.HTML',
    ])
      expect((await ask(house.port, hostOf(one), `${filesPath}${path}`)).status, path).to.be.oneOf([
        400, 404,
      ]);
  });

  it('serves ranges, ETags, HEAD and types; the policy of content lets only the portal frame it', async () => {
    const { filesPath } = await opened(one);
    const path = `${filesPath}${encodeURIComponent('圖 片')}/${encodeURIComponent('影片.mp4')}`;
    const get = (headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> =>
      ask(house.port, hostOf(one), path, { headers, method });
    const whole = await get();
    expect(whole.body.equals(video)).to.equal(true);
    expect(whole.headers['content-type']).to.equal('video/mp4');
    expect(whole.headers['accept-ranges']).to.equal('bytes');
    expect(whole.headers['x-content-type-options']).to.equal('nosniff');
    expect(whole.headers['cross-origin-resource-policy']).to.equal('same-origin');
    expect(whole.headers['content-security-policy']).to.contain(
      `frame-ancestors 'self' ${house.publicOrigin}`,
    );
    const etag = String(whole.headers['etag']);
    expect((await get({ 'if-none-match': etag })).status).to.equal(304);
    const part = await get({ range: 'bytes=100-199' });
    expect([part.status, part.headers['content-range'], part.body.length]).to.deep.equal([
      206,
      'bytes 100-199/5000',
      100,
    ]);
    expect(part.body.equals(video.subarray(100, 200))).to.equal(true);
    expect((await get({ range: 'bytes=-10' })).body.equals(video.subarray(4990))).to.equal(true);
    expect((await get({ range: 'bytes=4990-' })).body.length).to.equal(10);
    const beyond = await get({ range: 'bytes=5000-' });
    expect([beyond.status, beyond.headers['content-range']]).to.deep.equal([416, 'bytes */5000']);
    expect((await get({ range: 'bytes=0-9', 'if-range': '"other"' })).status).to.equal(200);
    const head = await get({}, 'HEAD');
    expect([head.status, head.headers['content-length'], head.body.length]).to.deep.equal([200, '5000', 0]);
    const page = await ask(house.port, hostOf(one), `${filesPath}a.html`);
    expect(page.headers['content-type']).to.match(/^text\/html/);
  });

  it('beats only for the learner who is signed in, by the token in the body', async () => {
    const launch = await house.launch(one, { registration: newUuid() });
    const beat = (id: string, token: string): Promise<Answer> =>
      ask(house.port, `localhost:${house.port}`, `/api/player/sessions/${id}/beat`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ token, visible: true }),
      });
    const fine = await beat(launch.sessionId, launch.beatToken);
    expect(fine.status).to.equal(200);
    expect(JSON.parse(fine.body.toString())).to.deep.include({
      counting: true,
      seconds: 0,
      requiredSeconds: 60,
    });
    expect((await beat(launch.sessionId, launch.launchToken)).status).to.equal(401);
    expect((await beat(newUuid(), launch.beatToken)).status).to.equal(403);
    expect((await beat(launch.sessionId, 'x')).status).to.equal(401);
  });
});
