import { createServer, type Server } from 'node:http';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AddressInfo } from 'node:net';
import { PassThrough, type Readable } from 'node:stream';
import express from 'express';
import yazl from 'yazl';
import { type Clock, systemClock } from '../../src/base/clock.ts';
import { createIris } from '../../src/base/iris.ts';
import { createLogger } from '../../src/base/logger.ts';
import { createErrorHandler } from '../../src/http/errors.ts';
import { byHost } from '../../src/http/hosts.ts';
import { createDocumentDoor } from '../../src/lrs/resource-documents.ts';
import { createStatementDoor } from '../../src/lrs/door.ts';
import type { Authority, StatementDoor } from '../../src/lrs/types.ts';
import { createPackageLibrary, type PackageLibraryService } from '../../src/player/packages/library.ts';
import { clientScripts, createContentRoutes } from '../../src/player/runtime/content-routes.ts';
import { createPackageFileServer } from '../../src/player/runtime/file-routes.ts';
import { createRuntime, type Runtime } from '../../src/player/runtime/runtime.ts';
import {
  createPlayerSessions,
  type PlayerSessionService,
} from '../../src/player/sessions/player-sessions.ts';
import { createPlayerRoutes } from '../../src/player/sessions/routes.ts';
import type { Launch, LaunchRequest, PackageVersion } from '../../src/player/types.ts';
import type { Storage } from '../../src/storage/open.ts';
import { buildClient } from '../../scripts/build-client.ts';
import { freePort } from './server.ts';

/** A ZIP of the given files. */
export function zipOf(files: Record<string, string | Buffer>): Readable {
  const zip = new yazl.ZipFile();
  for (const [path, content] of Object.entries(files)) zip.addBuffer(Buffer.from(content), path);
  zip.end();
  return zip.outputStream.pipe(new PassThrough());
}

interface Sco {
  id: string;
  title: string;
  href: string;
  kind?: 'sco' | 'asset';
  /** More XML inside the item. */
  extra?: string;
}

/** A SCORM 1.2 manifest over the items. */
export const manifest12 = (scos: Sco[]): string => `<?xml version="1.0" encoding="UTF-8"?>
<manifest identifier="tiny" version="1.0" xmlns="http://www.imsproject.org/xsd/imscp_rootv1p1p2" xmlns:adlcp="http://www.adlnet.org/xsd/adlcp_rootv1p2">
  <metadata><schema>ADL SCORM</schema><schemaversion>1.2</schemaversion></metadata>
  <organizations default="org"><organization identifier="org"><title>公園裡的樹</title>
${scos.map((sco) => `    <item identifier="${sco.id}" identifierref="r-${sco.id}"><title>${sco.title}</title>${sco.extra ?? ''}</item>`).join('\n')}
  </organization></organizations>
  <resources>
${scos.map((sco) => `    <resource identifier="r-${sco.id}" type="webcontent" adlcp:scormtype="${sco.kind ?? 'sco'}" href="${sco.href}"><file href="${sco.href.split('?')[0] ?? ''}"/></resource>`).join('\n')}
  </resources>
</manifest>`;

/** A SCORM 2004 4th Edition manifest over the items. */
export const manifest2004 = (scos: Sco[], sequencing = ''): string => `<?xml version="1.0" encoding="UTF-8"?>
<manifest identifier="tiny" version="1.0" xmlns="http://www.imsglobal.org/xsd/imscp_v1p1" xmlns:adlcp="http://www.adlnet.org/xsd/adlcp_v1p3" xmlns:adlseq="http://www.adlnet.org/xsd/adlseq_v1p3" xmlns:adlnav="http://www.adlnet.org/xsd/adlnav_v1p3" xmlns:imsss="http://www.imsglobal.org/xsd/imsss">
  <metadata><schema>ADL SCORM</schema><schemaversion>2004 4th Edition</schemaversion></metadata>
  <organizations default="org"><organization identifier="org"><title>公園裡的樹</title>
${scos.map((sco) => `    <item identifier="${sco.id}" identifierref="r-${sco.id}"><title>${sco.title}</title>${sco.extra ?? ''}</item>`).join('\n')}
    ${sequencing}
  </organization></organizations>
  <resources>
${scos.map((sco) => `    <resource identifier="r-${sco.id}" type="webcontent" adlcp:scormType="${sco.kind ?? 'sco'}" href="${sco.href}"><file href="${sco.href.split('?')[0] ?? ''}"/></resource>`).join('\n')}
  </resources>
</manifest>`;

/** A page that finds its API, initialises and says so in its title; what it does is driven from the test. */
export const scoPage = (title: string): string => `<!doctype html>
<html lang="zh-Hant"><head><meta charset="utf-8"><title>${title}</title>
<script>
  function find(name) {
    for (let w = window; ; w = w.parent) { if (w[name]) return w[name]; if (w === w.parent) return null; }
  }
  window.lms = find('API') || find('API_1484_11');
  window.is12 = !!(window.lms && window.lms.LMSInitialize);
  window.init = () => is12 ? lms.LMSInitialize('') : lms.Initialize('');
  window.get = (e) => is12 ? lms.LMSGetValue(e) : lms.GetValue(e);
  window.set = (e, v) => is12 ? lms.LMSSetValue(e, v) : lms.SetValue(e, v);
  window.commit = () => is12 ? lms.LMSCommit('') : lms.Commit('');
  window.finish = () => is12 ? lms.LMSFinish('') : lms.Terminate('');
  window.error = () => is12 ? lms.LMSGetLastError() : lms.GetLastError();
  window.started = init();
  window.addEventListener('unload', () => { if (!window.quiet) finish(); });
</script></head><body><h1>${title}</h1></body></html>`;

export interface PlayerHouse {
  port: number;
  publicOrigin: string;
  contentOrigin: string;
  library: PackageLibraryService;
  sessions: PlayerSessionService;
  runtime: Runtime;
  statements: StatementDoor;
  started: string[];
  /** Bytes of the request log, as the program writes it. */
  import(files: Record<string, string | Buffer>): Promise<PackageVersion>;
  launch(version: PackageVersion, overrides?: Partial<LaunchRequest>): Promise<Launch>;
  close(): Promise<void>;
}

export interface HouseOptions {
  clock?: Clock;
  contentOrigin?: (port: number) => string;
  /** Seen before everything else: to cut the network, or to watch. */
  before?: express.RequestHandler;
  /** Answers at the portal, e.g. with a page that holds the player. */
  portal?: (house: () => PlayerHouse) => express.RequestHandler;
  signedIn?: () => { id: string } | null;
}

let built: Promise<void> | null = null;
const clientDir = join(import.meta.dirname, '../../build/client');

export const platform: Authority = {
  id: 'platform',
  agent: { objectType: 'Agent', account: { homePage: 'http://localhost', name: 'platform' } },
};

/** The player on a port of its own: real parts, wired as the program wires them. */
export async function startPlayer(storage: Storage, options: HouseOptions = {}): Promise<PlayerHouse> {
  await (built ??= buildClient(clientDir));
  const clock = options.clock ?? systemClock;
  const logger = createLogger(process.env['LOG_LEVEL'] ?? 'silent');
  const port = await freePort();
  const publicOrigin = `http://localhost:${port}`;
  const contentOrigin = options.contentOrigin?.(port) ?? `http://127.0.0.1:${port}`;
  const iris = createIris(publicOrigin);
  const temp = mkdtempSync(join(tmpdir(), 'zhixing-player-'));
  const library = createPackageLibrary({
    store: storage.packages,
    blobs: storage.blobs,
    clock,
    limits: { packageBytes: 1e9, packageUnpackedBytes: 1e9, packageFiles: 10_000, packageRatio: 1000 },
    tempDir: temp,
  });
  const statements = createStatementDoor({ store: storage.lrs.statements, clock });
  const documents = createDocumentDoor(storage.lrs.documents, clock);
  const started: string[] = [];
  const sessions = createPlayerSessions({
    store: storage.playerSessions,
    clock,
    secret: 'a secret of at least 32 characters',
    contentOrigin,
    packages: library,
    statements,
    authority: platform,
    iris,
    logger,
    onStarted: async (registration) => void started.push(registration),
  });
  const runtime = createRuntime({
    store: storage.runtimeStates,
    clock,
    packages: library,
    statements,
    documents,
    authority: platform,
    iris,
    logger,
  });
  let house: PlayerHouse | null = null;
  const app = express();
  if (options.before) app.use(options.before);
  const portal = express.Router();
  portal.use(createPlayerRoutes({ sessions, currentPerson: options.signedIn ?? (() => null) }));
  portal.use('/client', clientScripts(clientDir));
  if (options.portal)
    portal.use(
      options.portal(() => {
        if (!house) throw new Error('used before it stands');
        return house;
      }),
    );
  const content = createContentRoutes({
    sessions,
    runtime,
    servePackageFile: createPackageFileServer(library),
    clientDir,
    publicOrigin,
    contentOrigin,
  });
  app.use(byHost({ publicOrigin, contentOrigin, portal, content }));
  app.use(createErrorHandler(logger, null));
  const server: Server = createServer(app);
  await new Promise<void>((resolve) => server.listen(port, '0.0.0.0', resolve));
  void (server.address() as AddressInfo);
  const made: PlayerHouse = {
    port,
    publicOrigin,
    contentOrigin,
    library,
    sessions,
    runtime,
    statements,
    started,
    async import(files) {
      const result = await library.importZip(zipOf(files), { personId: 'vendor', organisation: 'org' });
      if (!result.accepted) throw new Error(JSON.stringify(result.findings, null, 1));
      return result.version;
    },
    launch: (version, overrides = {}) =>
      sessions.launch({
        learner: {
          id: 'learner-1',
          name: '王小明',
          agent: { objectType: 'Agent', account: { homePage: publicOrigin, name: 'learner-1' } },
          language: 'zh-TW',
        },
        registration: '11111111-1111-4111-8111-111111111111',
        packageVersionId: version.id,
        course: { activityId: iris.course('TREE'), title: '公園裡的樹', requiredSeconds: 60 },
        ...overrides,
      }),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      rmSync(temp, { recursive: true, force: true });
    },
  };
  house = made;
  return made;
}
