import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import express from 'express';
import { createLogger } from '../../src/base/logger.ts';
import { createErrorHandler } from '../../src/http/errors.ts';
import { createRateLimits } from '../../src/http/rate-limit.ts';
import { runCommand } from '../../src/player/packages/commands.ts';
import { createPackageLibrary } from '../../src/player/packages/library.ts';
import { newUuid } from '../../src/base/ids.ts';
import { openApi } from '../../src/player/packages/openapi.ts';
import { createPackageApi } from '../../src/player/packages/routes-api.ts';
import { createVendorTokens, type VendorTokens } from '../../src/player/packages/tokens.ts';
import type { Catalogue } from '../../src/courses/types.ts';
import type { PreviewLinks } from '../../src/player/packages/preview-links.ts';
import type { CoursePublishing } from '../../src/player/packages/routes-publish.ts';
import type { Storage } from '../../src/storage/open.ts';
import { TestClock } from '../support/clock.ts';
import { emptyStore, type EmptyStore, openStorage } from '../support/engines.ts';
import { publishingOn } from '../support/publishing.ts';
import { packageOf, zipOf } from '../support/zips.ts';

interface VersionJson {
  id: string;
  version: number;
  title: string;
}

describe('the package API for vendors’ programs (issue 6 item 10)', () => {
  let store: EmptyStore;
  let storage: Storage;
  let server: Server;
  let origin: string;
  let tokens: VendorTokens;
  let roleHeld = true;
  let token: string;
  let folder: string;
  let catalogue: Catalogue;
  let previews: PreviewLinks;
  const clock = new TestClock();
  const by = { personId: 'p1', organisation: 'a' };

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'zhixing-api-'));
    store = (await emptyStore('sqlite')) as EmptyStore;
    storage = await openStorage(store.options);
    tokens = createVendorTokens({ store: storage.packages, clock, holds: async () => roleHeld });
    const logger = createLogger('silent');
    const app = express();
    const library = createPackageLibrary({
      store: storage.packages,
      blobs: storage.blobs,
      clock,
      tempDir: join(store.options.dataDir, 'uploads'),
      limits: { packageBytes: 2_000_000, packageUnpackedBytes: 20_000_000, packageFiles: 100 },
    });
    let publishing: CoursePublishing;
    ({ catalogue, previews, publishing } = publishingOn(storage, library, clock));
    app.use(
      createPackageApi({
        tokens,
        library,
        publishing,
        previews,
        store: storage.packages,
        clock,
        logger,
        rateLimit: createRateLimits(
          storage.rateCounters,
          clock,
        )({ name: 'packages', limit: 500, windowSeconds: 60 }),
      }),
    );
    app.use((_req, res) => void res.status(418).end());
    app.use(createErrorHandler(logger, null));
    server = createServer(app);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    ({ token } = await tokens.issue(by, ' CI ', 30));
  });
  after(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await storage.close();
    store.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  const call = (method: string, path: string, body?: BodyInit | object, bearer = token) =>
    fetch(`${origin}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${bearer}`,
        accept: 'application/json',
        ...(body && !(body instanceof FormData) ? { 'content-type': 'application/json' } : {}),
      },
      ...(body === undefined ? {} : { body: body instanceof FormData ? body : JSON.stringify(body) }),
    });
  const formOf = (field: string, bytes: string | Buffer): FormData => {
    const form = new FormData();
    form.append(field, new Blob([new Uint8Array(Buffer.from(bytes as string))]), 'x.zip');
    return form;
  };
  const upload = async (...args: string[]) => {
    let out = '';
    let err = '';
    const code = await runCommand(
      ['upload', '--json', ...args],
      { ZHIXING_URL: origin, ZHIXING_TOKEN: token },
      { out: (text) => void (out += text), err: (text) => void (err += text) },
    );
    return {
      code,
      err,
      report: (out ? JSON.parse(out) : null) as {
        accepted: boolean;
        packageId: string;
        versionId: string;
        publication: { courses: number; moved: number } | null;
        preview: { url: string; expiresAt: string } | null;
      } | null,
    };
  };
  const fileOf = (name: string, bytes: Buffer): string => {
    writeFileSync(join(folder, name), bytes);
    return join(folder, name);
  };

  it('npx zhixing upload sends a package, waits for the report and ends with 0 or 1', async () => {
    const good = await upload(fileOf('good.zip', packageOf()));
    expect(good).to.deep.include({ code: 0, err: '' });
    const version = await storage.packages.version(good.report?.versionId ?? '');
    expect(version).to.deep.include({ uploadedBy: 'p1', version: 1 });
    const next = await upload('--package', version?.packageId ?? '', fileOf('good.zip', packageOf()));
    expect((await storage.packages.version(next.report?.versionId ?? ''))?.version).to.equal(2);
    const bad = await upload(fileOf('bad.zip', zipOf([{ name: 'a.bin' }])));
    expect(bad).to.deep.nested.include({ code: 1, 'report.accepted': false });
  });

  it('lists packages and versions, replaces a file, rolls back, archives', async () => {
    const { report } = await upload(fileOf('good.zip', packageOf()));
    const first = await storage.packages.version(report?.versionId ?? '');
    const path = `/api/packages/${first?.packageId}`;
    const listed = (await (await call('GET', '/api/packages')).json()) as { packages: { id: string }[] };
    expect(listed.packages.map(({ id }) => id)).to.include(first?.packageId);

    const replaced = await call('PUT', `${path}/files?path=index.html`, formOf('file', '<title>新</title>'));
    expect(replaced.status).to.equal(200);
    const refused = await call('PUT', `${path}/files?path=imsmanifest.xml`, formOf('file', '<x/>'));
    expect([refused.status, ((await refused.json()) as { accepted: boolean }).accepted]).to.deep.equal([
      422,
      false,
    ]);
    expect((await call('PUT', `${path}/files?path=../x`, formOf('file', 'x'))).status).to.equal(400);
    const shown = (await (await call('GET', path)).json()) as {
      latestVersionId: string;
      versions: VersionJson[];
    };
    expect(shown.versions.map(({ version }) => version)).to.deep.equal([2, 1]);
    // A draft until it is published.
    expect(shown.latestVersionId).to.equal(first?.id);
    await call('PUT', `${path}/latest`, { versionId: shown.versions[0]?.id });

    const back = await call('PUT', `${path}/latest`, { versionId: first?.id });
    expect(((await back.json()) as { latestVersionId: string }).latestVersionId).to.equal(first?.id);
    expect((await call('PUT', `${path}/latest`, { versionId: 7 })).status).to.equal(400);
    const archived = (await (await call('PUT', `${path}/archived`, { archived: true })).json()) as object;
    expect(archived).to.have.property('archivedAt', clock.now().toISOString());
    const rest = (await (await call('GET', '/api/packages')).json()) as { packages: { id: string }[] };
    expect(rest.packages.map(({ id }) => id)).to.not.include(first?.packageId);
  });

  const newCourse = (code: string, organisation = 'a') =>
    catalogue.create(
      { code, title: { 'zh-TW': '課' }, summary: { 'zh-TW': '課' }, certifiedHours: 1 },
      { personId: 'p1', organisation },
    );

  it('upload --course --publish gives a course its material, and then its next version; --move takes learners along', async () => {
    const course = await newCourse('API-1');
    const first = await upload('--course', 'API-1', '--publish', fileOf('good.zip', packageOf()));
    expect(first).to.deep.include({ code: 0, err: '' });
    expect((await catalogue.byId(course.id))?.packageVersionId).to.equal(first.report?.versionId);

    const registration = newUuid();
    await storage.courses.enrol({
      registration,
      courseId: course.id,
      personId: 'learner',
      enrolledAt: clock.now(),
      startedAt: clock.now(),
      withdrawnAt: null,
      packageVersionId: first.report?.versionId ?? null,
    });
    const draft = await upload('--course', 'API-1', fileOf('good.zip', packageOf()));
    expect(draft.report).to.deep.include({ packageId: first.report?.packageId, publication: null });
    expect((await catalogue.byId(course.id))?.packageVersionId).to.equal(first.report?.versionId);

    const at = `/api/packages/${first.report?.packageId}/publication`;
    const plan = (await (await call('GET', `${at}?versionId=${draft.report?.versionId}`)).json()) as object;
    expect(plan).to.deep.include({ courses: ['API-1'], inProgress: 1, passed: 0 });
    const moved = await upload('--course', 'API-1', '--publish', '--move', fileOf('good.zip', packageOf()));
    expect(moved.report?.publication).to.deep.include({ courses: 1, moved: 1 });
    expect((await storage.courses.byRegistration(registration))?.packageVersionId).to.equal(
      moved.report?.versionId,
    );
    const back = await call('POST', at, { versionId: first.report?.versionId });
    expect(await back.json()).to.deep.include({ learners: 'stay', courses: 1, moved: 0 });
    expect((await catalogue.byId(course.id))?.packageVersionId).to.equal(first.report?.versionId);
  });

  it('keeps to its own organisation’s courses, and replaces no material by the way', async () => {
    await newCourse('API-2');
    await newCourse('API-B', 'b');
    const mine = await upload('--course', 'API-2', '--publish', fileOf('good.zip', packageOf()));
    const other = await upload(fileOf('good.zip', packageOf()));
    const put = (code: string, versionId: unknown) =>
      call('PUT', `/api/packages/courses/${code}`, { versionId });
    expect((await put('API-2', other.report?.versionId)).status).to.equal(409);
    expect((await put('API-2', mine.report?.versionId)).status).to.equal(200);
    expect((await put('API-B', mine.report?.versionId)).status).to.equal(404);
    expect((await put('API-2', 'none')).status).to.equal(404);
    const foreign = await upload('--course', 'API-B', fileOf('good.zip', packageOf()));
    expect([foreign.code, foreign.err.slice(0, 4)]).to.deep.equal([1, '404 ']);
    const crossed = await call('POST', `/api/packages/${other.report?.packageId}/publication`, {
      versionId: mine.report?.versionId,
    });
    expect(crossed.status).to.equal(404);
    expect((await upload('--move', fileOf('good.zip', packageOf()))).code).to.equal(2);
  });

  it('a preview link opens its version once and for a quarter of an hour', async () => {
    const { report } = await upload('--preview', fileOf('good.zip', packageOf()));
    const tokenIn = (url: string | undefined): string => url?.split('/').at(-1) ?? '';
    const link = tokenIn(report?.preview?.url);
    expect(await previews.waits(link)).to.equal(true);
    expect(await Promise.all([previews.take(link), previews.take(link)])).to.have.members([
      report?.versionId,
      null,
    ]);
    expect(await previews.waits(link)).to.equal(false);
    const made = await call('POST', `/api/packages/${report?.packageId}/preview-links`, {});
    expect(made.status).to.equal(201);
    const late = tokenIn(((await made.json()) as { url: string }).url);
    clock.advance(15 * 60);
    expect(await previews.take(late)).to.equal(null);
  });

  it('a token may do what its scope says and nothing more', async () => {
    const { report } = await upload(fileOf('good.zip', packageOf()));
    const path = `/api/packages/${report?.packageId}`;
    const body = { versionId: report?.versionId };
    const statuses = async (scope: 'read' | 'upload' | 'publish'): Promise<number[]> => {
      const { token: bearer } = await tokens.issue(by, scope, 1, scope);
      const asked = [
        await call('GET', path, undefined, bearer),
        await call('POST', `${path}/preview-links`, body, bearer),
        await call('PUT', `${path}/files?path=index.html`, formOf('file', '<title>新</title>'), bearer),
        await call('PUT', `${path}/latest`, body, bearer),
        await call('POST', `${path}/publication`, body, bearer),
        await call('PUT', `${path}/archived`, { archived: false }, bearer),
      ];
      return asked.map(({ status }) => status);
    };
    expect(await statuses('read')).to.deep.equal([200, 403, 403, 403, 403, 403]);
    expect(await statuses('upload')).to.deep.equal([200, 201, 200, 403, 403, 403]);
    expect(await statuses('publish')).to.deep.equal([200, 201, 200, 200, 200, 200]);
  });

  it('another organisation’s token sees nothing of it', async () => {
    const { report } = await upload(fileOf('good.zip', packageOf()));
    const version = await storage.packages.version(report?.versionId ?? '');
    const path = `/api/packages/${version?.packageId}`;
    const other = (await tokens.issue({ personId: 'p2', organisation: 'b' }, 'b', 1)).token;
    for (const [method, at, body] of [
      ['GET', path, undefined],
      ['PUT', `${path}/latest`, { versionId: version?.id }],
      ['PUT', `${path}/archived`, { archived: true }],
      ['PUT', `${path}/files?path=index.html`, formOf('file', 'x')],
    ] as const)
      expect((await call(method, at, body, other)).status, at).to.equal(404);
    expect(await (await call('GET', '/api/packages', undefined, other)).json()).to.deep.equal({
      packages: [],
    });
  });

  it('every operation of the OpenAPI document exists and asks for a token', async () => {
    expect(await (await call('GET', '/api/packages/openapi.json')).json()).to.deep.equal(
      JSON.parse(JSON.stringify(openApi)),
    );
    for (const [path, operations] of Object.entries(openApi.paths))
      for (const method of Object.keys(operations)) {
        const at = path.replace(/\{\w+\}/, 'none');
        const denied = await call(method.toUpperCase(), at, undefined, 'zxv_0123456789012345678901234567');
        expect(denied.status, `${method} ${path}`).to.equal(401);
        expect(denied.headers.get('www-authenticate')).to.contain('invalid_token');
        // With a token each is known: 418 would be the program behind this one.
        const known = await call(method.toUpperCase(), at);
        expect(known.status, `${method} ${path}`).to.not.equal(418);
        const documented = (operations as Record<string, { responses: object }>)[method]?.responses;
        expect(documented, `${method} ${path}`).to.have.property(String(known.status));
      }
  });

  it('a token that was revoked, has expired, never was, or whose maker lost the role opens nothing; without one the request passes on', async () => {
    const { token: short, record } = await tokens.issue(by, 'short', 1);
    expect((await call('GET', '/api/packages', undefined, short)).status).to.equal(200);
    expect((await tokens.list('a')).find(({ id }) => id === record.id)?.lastUsedAt).to.deep.equal(
      clock.now(),
    );
    expect(JSON.stringify(await tokens.list('a'))).to.not.contain(short);
    await tokens.revoke(record.id, 'a');
    expect((await call('GET', '/api/packages', undefined, short)).status).to.equal(401);
    const { token: former } = await tokens.issue(by, 'former', 1);
    roleHeld = false;
    expect((await call('GET', '/api/packages', undefined, former)).status).to.equal(401);
    roleHeld = true;
    expect((await call('GET', '/api/packages', undefined, former)).status).to.equal(200);
    const { token: expiring } = await tokens.issue(by, 'expiring', 1);
    clock.advance(24 * 3600);
    expect((await call('GET', '/api/packages', undefined, expiring)).status).to.equal(401);
    expect((await call('GET', '/api/packages', undefined, `${token}x`)).status).to.equal(401);
    expect((await fetch(`${origin}/api/packages`)).status).to.equal(418);
    for (const [label, days] of [
      ['', 1],
      ['x'.repeat(101), 1],
      ['x', 0],
      ['x', 367],
      ['x', 1.5],
    ] as const)
      expect(await tokens.issue(by, label, days).catch((error: Error) => error)).to.be.instanceOf(Error);
  });
});
