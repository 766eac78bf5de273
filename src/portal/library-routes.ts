import { Router, type Request, type Response } from 'express';
import { z } from 'zod';
import { DomainError, isDomainError } from '../base/errors.ts';
import { inLanguage } from '../base/languages.ts';
import type { PublicationPlan } from '../courses/publishing.ts';
import { parse } from '../http/validate.ts';
import { allowed } from '../identity/routes-access.ts';
import { allows, organisationFor } from '../identity/policy.ts';
import { versionState, type PackageOwner } from '../player/packages/library.ts';
import { uploadedFile } from '../player/packages/multipart-routes.ts';
import type { Finding, ImportResult, Package, PackageVersion } from '../player/types.ts';
import { errorText } from '../views/error-model.ts';
import { translate } from '../views/messages.ts';
import { languageOf, type PortalDeps } from './context.ts';
import { versionView } from './package-views.ts';

const publishForm = z.object({
  version: z.string().max(100),
  learners: z.enum(['stay', 'move']).default('stay'),
});
const archiveForm = z.object({ archived: z.enum(['yes', 'no']) });

/** Paths offered for replacement at most: a list beyond that helps nobody choose. */
const offeredPaths = 2000;

/** The library of a vendor organisation: packages, their versions, what is in use, and what becomes of learners. */
export function createLibraryRoutes(deps: PortalDeps): Router {
  const routes = Router();
  const { library, publishing } = deps;

  /** The package of this address, if it is this person's to manage, and for whom they act. */
  const packageOf = async (req: Request): Promise<{ pkg: Package; owner: PackageOwner }> => {
    const person = allowed(req, 'package.upload');
    const pkg = await library.package(String(req.params['id']));
    if (!pkg || !allows(person, 'package.upload', { organisation: pkg.organisation }))
      throw new DomainError('not-found', 'There is no such package in your organisation.', {
        code: 'no-package',
      });
    return { pkg, owner: { personId: person.id, organisation: pkg.organisation } };
  };
  const versionOf = async (pkg: Package, id: unknown): Promise<PackageVersion> => {
    const version = typeof id === 'string' && id !== '' ? await library.version(id) : null;
    if (version?.packageId !== pkg.id)
      throw new DomainError('not-found', 'The package has no such version.', { code: 'no-package' });
    return version;
  };
  const address = (pkg: Package): string => `/vendor/packages/${pkg.id}`;
  const namesOf = (versions: PackageVersion[], pkg?: Package) =>
    deps.people.byIds([
      ...new Set([
        ...versions.map(({ uploadedBy }) => uploadedBy),
        ...(pkg?.publications ?? []).map(({ personId }) => personId),
      ]),
    ]);

  routes.get('/vendor/packages/archived', async (req, res) => {
    const person = allowed(req, 'package.upload');
    const organisation = organisationFor(person, 'package.upload') ?? person.name;
    const packages = await library.archivedPackagesOf(organisation);
    res.render('pages/vendor/archived', {
      organisation,
      packages: packages.map(({ id, title, archivedAt }) => ({ id, title, archivedAt })),
    });
  });

  routes.get('/vendor/packages/:id', async (req, res) => {
    const { pkg } = await packageOf(req);
    const language = languageOf(res);
    const versions = await library.versionsOf(pkg.id);
    const courses = await publishing.coursesWith(pkg.id);
    const names = await namesOf(versions, pkg);
    const number = new Map(versions.map(({ id, version }) => [id, version]));
    const done = String(req.query['done'] ?? '');
    res.render('pages/vendor/package', {
      pkg,
      versions: versions.map((version) => ({
        ...versionView(language, pkg, version, names),
        inCourses: courses.filter(({ packageVersionId }) => packageVersionId === version.id).length,
      })),
      courses: courses.map((course) => ({
        id: course.id,
        code: course.code,
        title: inLanguage(course.title, language),
        versionNumber: number.get(course.packageVersionId ?? ''),
        behind: course.packageVersionId !== pkg.latestVersionId,
      })),
      publications: pkg.publications.toReversed().map((each) => ({
        ...each,
        versionNumber: number.get(each.versionId),
        by: names.get(each.personId)?.name ?? '--',
        what: translate(language, `library.history.${each.learners}`, {
          courses: each.courses,
          moved: each.moved,
        }),
      })),
      done: ['published', 'archived', 'restored', 'replaced'].includes(done)
        ? translate(language, `library.done.${done}`)
        : null,
    });
  });

  routes.get('/vendor/packages/:id/versions/:versionId', async (req, res) => {
    const { pkg } = await packageOf(req);
    const version = await versionOf(pkg, req.params['versionId']);
    res.render('pages/vendor/version', {
      pkg,
      version: versionView(languageOf(res), pkg, version, await namesOf([version])),
      findings: version.findings,
      paths: await library.paths(version.id),
    });
  });

  /** What moving does, in numbers: for one version in use, and as a sentence over all. */
  const planView = (res: Response, plan: PublicationPlan) => {
    const language = languageOf(res);
    const count = (fate: string): number =>
      plan.inUse.reduce((sum, { items }) => sum + items.filter((item) => item.fate === fate).length, 0);
    return {
      pkg: plan.package,
      version: versionView(language, plan.package, plan.version),
      back: versionState(plan.package, plan.version) === 'former',
      courses: plan.courses.map((course) => ({
        id: course.id,
        code: course.code,
        title: inLanguage(course.title, language),
      })),
      inProgress: plan.inProgress,
      passed: plan.passed,
      learners: plan.inProgress + plan.passed,
      kept: count('kept'),
      restarted: count('restarted'),
      removed: count('removed'),
      added: count('new'),
      inUse: plan.inUse.map((from) => ({
        versionNumber: from.version.version,
        inProgress: from.inProgress,
        passed: from.passed,
        sequenced: plan.version.standard === 'scorm-2004',
        placeText: translate(language, `library.place.${from.sequencing}`),
        items: from.items.map((item) => ({
          ...item,
          word: translate(language, `library.fate.${item.fate}`),
          text: translate(language, `library.fateText.${item.fate}`),
        })),
      })),
    };
  };

  routes.get('/vendor/packages/:id/publish', async (req, res) => {
    const { pkg } = await packageOf(req);
    const version = await versionOf(pkg, req.query['version']);
    res.render('pages/vendor/publish', planView(res, await publishing.plan(pkg.id, version.id)));
  });

  routes.post('/vendor/packages/:id/publish', async (req, res) => {
    const { pkg, owner } = await packageOf(req);
    const { version, learners } = parse(publishForm, req.body);
    await publishing.publish(pkg.id, version, learners, owner.personId);
    res.redirect(303, `${address(pkg)}?done=published`);
  });

  routes.post('/vendor/packages/:id/archived', async (req, res) => {
    const { pkg, owner } = await packageOf(req);
    const { archived } = parse(archiveForm, req.body);
    await library.archive(pkg.id, archived === 'yes', owner);
    res.redirect(303, `${address(pkg)}?done=${archived === 'yes' ? 'archived' : 'restored'}`);
  });

  const showReplace = async (
    res: Response,
    pkg: Package,
    version: PackageVersion,
    state: { path: string; findings: Finding[]; problems: { label: string | null; message: string }[] },
  ): Promise<void> => {
    const paths = await library.paths(version.id);
    res.render('pages/vendor/replace', {
      ...state,
      pkg,
      version: versionView(languageOf(res), pkg, version),
      paths: paths.filter((path) => !path.startsWith('zhixing-content')).slice(0, offeredPaths),
    });
  };

  routes.get('/vendor/packages/:id/replace', async (req, res) => {
    const { pkg } = await packageOf(req);
    // By default where work on the package stands: its newest draft, or else what is in use.
    const [newest] = await library.versionsOf(pkg.id);
    const base = newest && versionState(pkg, newest) === 'draft' ? newest.id : pkg.latestVersionId;
    const version = await versionOf(pkg, req.query['version'] ?? base);
    await showReplace(res, pkg, version, { path: '', findings: [], problems: [] });
  });

  // The form's origin is the proof here, as for every form with a file (http/csrf.ts).
  routes.post('/vendor/packages/:id/replace', async (req, res) => {
    const { pkg, owner } = await packageOf(req);
    const { stream, fields } = await uploadedFile(req, 'file');
    const path = (fields['path'] ?? '').trim();
    const again = async (
      status: number,
      state: { findings?: Finding[]; problem?: string },
    ): Promise<void> => {
      stream.resume();
      res.status(status);
      await showReplace(res, pkg, await versionOf(pkg, fields['version']), {
        path,
        findings: state.findings ?? [],
        problems: state.problem
          ? [{ label: translate(languageOf(res), 'library.path'), message: state.problem }]
          : [],
      });
    };
    if (path === '') return again(400, { problem: translate(languageOf(res), 'library.pathMissing') });
    let result: ImportResult;
    try {
      result = await library.replaceFile(pkg.id, path, stream, owner, fields['version']);
    } catch (error) {
      if (!isDomainError(error, 'invalid')) throw error;
      return again(400, { problem: errorText(languageOf(res), error) });
    }
    if (!result.accepted) return again(422, { findings: result.findings });
    return res.redirect(303, `/vendor/packages/${pkg.id}?done=replaced`);
  });

  return routes;
}
