import type { PassThrough } from 'node:stream';
import { Router, type Request } from 'express';
import type { Clock } from '../../base/clock.ts';
import { DomainError, isDomainError } from '../../base/errors.ts';
import { newUuid } from '../../base/ids.ts';
import type { Logger } from '../../base/logger.ts';
import type { Person } from '../../identity/types.ts';
import type { ImportResult } from '../types.ts';
import { jobAliveSeconds, jobAt, uploadFailed } from './jobs.ts';
import type { PackageLibraryService } from './library.ts';
import { uploadedFile } from './multipart-routes.ts';
import type { PreviewLinks } from './preview-links.ts';
import { addLibraryRoutes } from './routes-library.ts';
import { addPublishRoutes, type CoursePublishing } from './routes-publish.ts';
import { reportText } from './report.ts';
import type { ImportJob, PackageStore } from './store.ts';

export interface PackageRoutesDeps {
  library: PackageLibraryService;
  store: PackageStore;
  clock: Clock;
  logger: Logger;
  /** Who may upload, and for which organisation; throws `unauthenticated` or `forbidden`. */
  uploader(req: Request): { person: Pick<Person, 'id'>; organisation: string };
  publishing: CoursePublishing;
  previews: PreviewLinks;
}

const keepJobsSeconds = 7 * 24 * 3600;

/**
 * POST /api/packages takes a package and answers 202 `{jobId}` as soon as it is received; GET /api/packages/jobs/:id tells how
 * far it is and, in the end, the version or the findings. A form without JavaScript (`Accept: text/html`) waits and is
 * sent to the job's page.
 */
export function createPackageRoutes(deps: PackageRoutesDeps): Router {
  const { library, store, clock, logger, uploader } = deps;
  const routes = Router();

  const run = async (job: ImportJob, zip: PassThrough, packageId: string | undefined): Promise<ImportJob> => {
    let current = job;
    let written = 0;
    let writing: Promise<void> = Promise.resolve();
    const put = (next: Partial<ImportJob>): Promise<void> => {
      current = { ...current, ...next, updatedAt: clock.now() };
      const snapshot = current;
      // What was not stored once does not keep the next from being stored.
      writing = writing.catch(() => undefined).then(() => store.putJob(snapshot));
      return writing;
    };
    // Checking a large package may take long: it still runs.
    const alive = setInterval(() => {
      put({}).catch((error: unknown) => logger.warn({ err: error }, 'progress was not stored'));
    }, jobAliveSeconds * 1000);
    try {
      const result: ImportResult = await library.importZip(
        zip,
        { personId: job.personId, organisation: job.organisation },
        {
          ...(packageId === undefined ? {} : { packageId }),
          fileName: job.fileName,
          onProgress: (phase, done, total) => {
            const now = clock.now().getTime();
            if (phase === current.phase && now - written < 500) return;
            written = now;
            put({ phase, done, total }).catch((error: unknown) =>
              logger.warn({ err: error }, 'progress was not stored'),
            );
          },
        },
      );
      await put(
        result.accepted
          ? { phase: 'accepted', versionId: result.version.id, findings: result.version.findings }
          : { phase: 'refused', findings: result.findings },
      );
    } catch (error) {
      if (!isDomainError(error)) logger.error({ err: error }, 'an import failed');
      await put({ phase: 'failed', findings: [uploadFailed(error)] });
    } finally {
      clearInterval(alive);
    }
    return current;
  };

  routes.post('/api/packages', async (req, res) => {
    const { person, organisation } = uploader(req);
    const packageId = typeof req.query['packageId'] === 'string' ? req.query['packageId'] : undefined;
    const { stream, fileName } = await uploadedFile(req, 'package');
    const job: ImportJob = {
      id: newUuid(),
      personId: person.id,
      organisation,
      fileName,
      phase: 'receiving',
      done: 0,
      total: 0,
      versionId: null,
      findings: [],
      updatedAt: clock.now(),
    };
    await store.putJob(job);
    await store.deleteJobsBefore(new Date(clock.now().getTime() - keepJobsSeconds * 1000));
    const running = run(job, stream, packageId);
    if (req.accepts(['json', 'html']) === 'html') {
      await running;
      return res.redirect(303, `/vendor/uploads/${job.id}`);
    }
    // Answered when the bytes are here: until then the browser's own upload progress tells.
    await new Promise<void>((resolve) => {
      stream.once('close', resolve);
      stream.once('end', resolve);
    });
    running.catch((error: unknown) => logger.error({ err: error }, 'an import failed'));
    return res.status(202).json({ jobId: job.id });
  });

  const jobOf = async (req: Request): Promise<ImportJob> => {
    const { organisation } = uploader(req);
    const job = await store.job(String(req.params['id']));
    if (!job || job.organisation !== organisation)
      throw new DomainError('not-found', 'There is no such upload.', { code: 'no-upload' });
    return jobAt(job, clock.now());
  };

  routes.get('/api/packages/jobs/:id', async (req, res) => {
    const { id, fileName, phase, done, total, versionId, findings } = await jobOf(req);
    const packageId = versionId === null ? null : ((await library.version(versionId))?.packageId ?? null);
    res
      .set('Cache-Control', 'no-store')
      .json({ id, fileName, phase, done, total, packageId, versionId, findings });
  });

  routes.get('/api/packages/jobs/:id/report.json', async (req, res) => {
    const { fileName, phase, findings } = await jobOf(req);
    res.attachment('package-report.json').json({ fileName, accepted: phase === 'accepted', findings });
  });

  routes.get('/api/packages/jobs/:id/report.txt', async (req, res) => {
    const { fileName, phase, findings } = await jobOf(req);
    const language = String(req.query['lang'] ?? res.locals['language'] ?? 'zh-TW') === 'en' ? 'en' : 'zh-TW';
    res
      .attachment('package-report.txt')
      .type('text/plain; charset=utf-8')
      .send(reportText({ fileName, accepted: phase === 'accepted', findings }, language));
  });

  addPublishRoutes(routes, {
    ...deps,
    owner(req) {
      const { person, organisation } = uploader(req);
      return { personId: person.id, organisation };
    },
  });
  addLibraryRoutes(routes, { library, uploader });
  return routes;
}
