import { Router } from 'express';
import { DomainError } from '../base/errors.ts';
import { isUnderWay, jobAt } from '../player/packages/jobs.ts';
import { versionState } from '../player/packages/library.ts';
import { standardName } from '../player/packages/standard-name.ts';
import { translate } from '../views/messages.ts';
import { languageOf, type PortalDeps } from './context.ts';
import { countItems, versionView } from './package-views.ts';
import { createVendorAccess } from './vendor-access.ts';
import { courseView } from './view-models.ts';

/** 教材專區: what a vendor organisation has, and uploading. */
export function createVendorRoutes(deps: PortalDeps): Router {
  const routes = Router();
  const { vendor, ownVersion } = createVendorAccess(deps);

  routes.get('/vendor', async (req, res) => {
    const { organisation } = vendor(req);
    const language = languageOf(res);
    const packages = await deps.library.packagesOf(organisation);
    const rows = await Promise.all(
      packages.map(async (pkg) => {
        const versions = await deps.library.versionsOf(pkg.id);
        const current = versions.find(({ id }) => id === pkg.latestVersionId);
        const draft = versions.find((version) => versionState(pkg, version) === 'draft');
        return current
          ? [{ ...versionView(language, pkg, current), title: pkg.title, draft: draft?.version ?? null }]
          : [];
      }),
    );
    res.render('pages/vendor/index', {
      organisation,
      courses: (await deps.catalogue.ofOrganisation(organisation)).map((course) =>
        courseView(language, course),
      ),
      packages: rows.flat(),
    });
  });

  routes.get('/vendor/upload', async (req, res) => {
    const { organisation } = vendor(req);
    const asked = typeof req.query['package'] === 'string' ? req.query['package'] : null;
    const pkg = asked === null ? null : await deps.library.package(asked);
    if (asked !== null && pkg?.organisation !== organisation)
      throw new DomainError('not-found', 'There is no such package in your organisation.', {
        code: 'no-package',
      });
    const language = languageOf(res);
    const words = Object.fromEntries([
      ...['waiting', 'receiving', 'checking', 'storing', 'failed'].map((phase) => [
        phase,
        translate(language, `vendor.phase.${phase}`),
      ]),
      ['accepted', translate(language, 'vendor.accepted')],
      ['acceptedWarnings', translate(language, 'vendor.acceptedWarnings', { count: 'COUNT' })],
      ['refused', translate(language, 'vendor.refusedErrors', { count: 'COUNT' })],
      ['progress', translate(language, 'vendor.progress')],
      ['report', translate(language, 'vendor.report')],
    ]);
    res.render('pages/vendor/upload', {
      package: pkg && { id: pkg.id, title: pkg.title },
      limitMb: Math.floor(deps.limits.packageBytes / 1_048_576),
      limitFiles: deps.limits.packageFiles,
      // Inside a script element: no `<` may end it.
      wordsJson: JSON.stringify(words).replaceAll('<', '\\u003c'),
    });
  });

  routes.get('/vendor/uploads/:id', async (req, res) => {
    const { organisation } = vendor(req);
    const kept = await deps.jobs.job(String(req.params['id']));
    const job = kept && jobAt(kept, deps.clock.now());
    if (!job || job.organisation !== organisation)
      throw new DomainError('not-found', 'There is no such upload.', { code: 'no-upload' });
    const version = await ownVersion(organisation, job.versionId);
    const pkg = version && (await deps.library.package(version.packageId));
    res.status(job.phase === 'refused' ? 422 : 200).render('pages/vendor/report', {
      jobId: job.id,
      fileName: job.fileName,
      accepted: job.phase === 'accepted',
      waiting: isUnderWay(job),
      version: version && {
        id: version.id,
        title: version.title,
        edition: standardName(version),
        itemCount: countItems(version.items),
        packageId: version.packageId,
        versionNumber: version.version,
        draft: pkg !== null && versionState(pkg, version) === 'draft',
      },
      findings: job.findings,
    });
  });

  return routes;
}
