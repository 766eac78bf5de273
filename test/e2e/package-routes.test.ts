import { createServer, request, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { expect } from 'chai';
import compression from 'compression';
import express from 'express';
import { DomainError } from '../../src/base/errors.ts';
import { createLogger } from '../../src/base/logger.ts';
import { createErrorHandler } from '../../src/http/errors.ts';
import type { Person } from '../../src/identity/types.ts';
import { createPackageLibrary, type PackageLibraryService } from '../../src/player/packages/library.ts';
import { createPackageRoutes } from '../../src/player/packages/routes.ts';
import { createPackageFileServer } from '../../src/player/runtime/file-routes.ts';
import type { Storage } from '../../src/storage/open.ts';
import { TestClock } from '../support/clock.ts';
import { emptyStore, type EmptyStore, openStorage } from '../support/engines.ts';
import { publishingOn } from '../support/publishing.ts';
import { packageOf, zipOf } from '../support/zips.ts';

const person = (organisation: string): Person => ({
  id: `p-${organisation}`,
  name: '廠商',
  nameEn: null,
  nickname: null,
  email: null,
  accountKind: 'local',
  hasIdNumber: false,
  agencyCode: null,
  agencyName: null,
  personnelCategory: null,
  roles: [{ role: 'vendor', organisation }],
  language: 'zh-TW',
});

interface Job {
  id: string;
  phase: string;
  versionId: string | null;
  findings: { rule: string }[];
}

describe('packages over HTTP', () => {
  let store: EmptyStore;
  let storage: Storage;
  let server: Server;
  let origin: string;
  let library: PackageLibraryService;
  let versionId: string;
  const clock = new TestClock();
  const video = Buffer.from(Array.from({ length: 300_000 }, (_, n) => n & 255));

  before(async () => {
    store = (await emptyStore('sqlite')) as EmptyStore;
    storage = await openStorage(store.options);
    const logger = createLogger('silent');
    library = createPackageLibrary({
      store: storage.packages,
      blobs: storage.blobs,
      clock,
      tempDir: join(store.options.dataDir, 'uploads'),
      limits: { packageBytes: 2_000_000, packageUnpackedBytes: 20_000_000, packageFiles: 100 },
    });
    const app = express();
    app.use(compression({ threshold: 0 }));
    app.use(
      createPackageRoutes({
        library,
        store: storage.packages,
        clock,
        logger,
        ...publishingOn(storage, library, clock),
        uploader(req) {
          const organisation = req.headers['x-organisation'];
          if (typeof organisation !== 'string')
            throw new DomainError('unauthenticated', 'Please sign in first.');
          return { person: person(organisation), organisation };
        },
      }),
    );
    const serve = createPackageFileServer(library);
    app.get(/^\/f\/(.+)$/, async (req, res) =>
      serve(req, res, versionId, decodeURIComponent(req.path.slice(3))),
    );
    app.use(createErrorHandler(logger, null));
    server = createServer(app);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const result = await library.importZip(
      Readable.from([
        packageOf({}, [
          { name: '影片.mp4', data: video, stored: true },
          { name: 'style.css', data: 'p{}'.repeat(2000) },
          { name: 'old.html', data: '<meta charset=big5>' },
          { name: 'empty.txt', data: '' },
        ]),
      ]),
      { personId: 'p', organisation: 'a' },
    );
    if (!result.accepted) throw new Error('not accepted');
    versionId = result.version.id;
  });
  after(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await storage.close();
    store.remove();
  });

  const as = { 'x-organisation': 'a', accept: 'application/json' };
  const send = (zip: Buffer, headers: Record<string, string> = as, name = '課程.zip', field = 'package') => {
    const form = new FormData();
    form.append(field, new Blob([new Uint8Array(zip)]), name);
    return fetch(`${origin}/api/packages`, { method: 'POST', body: form, headers, redirect: 'manual' });
  };
  const job = async (id: string, organisation = 'a') =>
    fetch(`${origin}/api/packages/jobs/${id}`, { headers: { 'x-organisation': organisation } });
  const settled = async (id: string): Promise<Job> => {
    for (;;) {
      const now = (await (await job(id)).json()) as Job;
      if (!['receiving', 'checking', 'storing'].includes(now.phase)) return now;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };

  describe('upload', () => {
    it('answers with a job, which ends with the version', async () => {
      const answer = await send(packageOf());
      expect(answer.status).to.equal(202);
      const { jobId } = (await answer.json()) as { jobId: string };
      const done = await settled(jobId);
      expect(done.phase).to.equal('accepted');
      expect((await library.version(done.versionId ?? ''))?.uploadedBy).to.equal('p-a');
    });

    it('a refused package ends with its findings, as JSON and as text to keep', async () => {
      const { jobId } = (await (await send(zipOf([{ name: 'a.bin', data: 'x' }]))).json()) as {
        jobId: string;
      };
      const done = await settled(jobId);
      expect(done.phase).to.equal('refused');
      expect(done.findings.map(({ rule }) => rule)).to.deep.equal(['manifest.missing']);
      const report = (kind: string) =>
        fetch(`${origin}/api/packages/jobs/${jobId}/report.${kind}`, { headers: { 'x-organisation': 'a' } });
      const json = await report('json');
      expect(json.headers.get('content-disposition')).to.contain('attachment');
      expect(await json.json()).to.deep.include({ fileName: '課程.zip', accepted: false });
      expect(await (await report('txt')).text()).to.match(/課程\.zip: 未通過[^]*manifest\.missing[^]*→/);
      expect(await (await report('txt?lang=en')).text()).to.contain('refused');
    });

    it('without JavaScript the form ends on the page of its report', async () => {
      const answer = await send(packageOf(), { ...as, accept: 'text/html' });
      expect(answer.status).to.equal(303);
      expect(answer.headers.get('location')).to.match(/^\/vendor\/uploads\/[0-9a-f-]{36}$/);
    });

    it('a package over the limit is refused while it comes in', async () => {
      const answer = await send(Buffer.alloc(6_000_000, 7));
      expect(answer.status).to.equal(202);
      const { jobId } = (await answer.json()) as { jobId: string };
      const done = await settled(jobId);
      expect(done).to.deep.include({ phase: 'failed', versionId: null });
      expect(done.findings[0]?.rule).to.equal('package-too-large');
    });

    it('asks for a signed-in vendor, a multipart form and a file', async () => {
      expect((await send(packageOf(), {})).status).to.equal(401);
      const plain = await fetch(`${origin}/api/packages`, { method: 'POST', body: 'x', headers: as });
      expect(plain.status).to.equal(415);
      expect((await send(packageOf(), as, 'a.zip', 'other')).status).to.equal(400);
    });

    it('shows a job to its organisation only', async () => {
      const { jobId } = (await (await send(packageOf())).json()) as { jobId: string };
      await settled(jobId);
      expect((await job(jobId, 'b')).status).to.equal(404);
      expect((await job('none')).status).to.equal(404);
    });
  });

  describe('files (issue 6 item 8)', () => {
    const get = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
      new Promise<{ status: number; headers: IncomingMessage['headers']; body: Buffer }>(
        (resolve, reject) => {
          const asked = request(`${origin}/f/${encodeURI(path)}`, { method, headers }, (answer) => {
            const chunks: Buffer[] = [];
            answer.on('data', (chunk: Buffer) => chunks.push(chunk));
            answer.on('end', () =>
              resolve({
                status: answer.statusCode ?? 0,
                headers: answer.headers,
                body: Buffer.concat(chunks),
              }),
            );
          });
          asked.on('error', reject);
          asked.end();
        },
      );

    it('gives each file its MIME type; HTML keeps its own word about its encoding', async () => {
      for (const [path, type] of [
        ['index.html', 'text/html'],
        ['old.html', 'text/html'],
        ['style.css', 'text/css; charset=utf-8'],
        ['影片.mp4', 'video/mp4'],
        ['imsmanifest.xml', 'application/xml'],
      ] as const)
        expect((await get(path)).headers['content-type'], path).to.equal(type);
    });

    it('answers one range of bytes, and 416 where there is none', async () => {
      const range = async (value: string, more: Record<string, string> = {}) =>
        get('影片.mp4', { range: value, ...more });
      const part = await range('bytes=1000-1999');
      expect(part.status).to.equal(206);
      expect(part.headers['content-range']).to.equal('bytes 1000-1999/300000');
      expect(part.body.equals(video.subarray(1000, 2000))).to.equal(true);
      expect((await range('bytes=-5')).body.equals(video.subarray(-5))).to.equal(true);
      expect((await range('bytes=299999-')).body.equals(video.subarray(299_999))).to.equal(true);
      const beyond = await range('bytes=300000-');
      expect([beyond.status, beyond.headers['content-range']]).to.deep.equal([416, 'bytes */300000']);
      expect((await range('bytes=0-1,5-6')).status).to.equal(200);
      expect((await range('bytes=0-1', { 'if-range': '"other"' })).status).to.equal(200);
    });

    it('never packs a part of a file, and packs a whole one', async () => {
      const whole = await get('style.css', { 'accept-encoding': 'gzip' });
      expect(whole.headers['content-encoding']).to.equal('gzip');
      const part = await get('style.css', { 'accept-encoding': 'gzip', range: 'bytes=0-2' });
      expect(part.headers['content-encoding']).to.equal(undefined);
      expect(part.body.toString()).to.equal('p{}');
    });

    it('answers HEAD, and 304 to who has it', async () => {
      const head = await get('影片.mp4', {}, 'HEAD');
      expect([head.status, head.headers['content-length'], head.body.length]).to.deep.equal([
        200,
        '300000',
        0,
      ]);
      const etag = String(head.headers.etag);
      expect((await get('影片.mp4', { 'if-none-match': etag })).status).to.equal(304);
      expect((await get('empty.txt')).body.length).to.equal(0);
    });

    it('404 for what the package does not hold, without naming it', async () => {
      for (const path of ['none.html', 'INDEX.html', '../package.json', 'a/%2e%2e/x', '<script>']) {
        const answer = await get(path);
        expect(answer.status, path).to.equal(404);
        expect(answer.body.toString()).to.not.contain('script');
      }
    });
  });
});
