import type { Request, Response, Router } from 'express';
import { z } from 'zod';
import { DomainError } from '../../base/errors.ts';
import { parse } from '../../http/validate.ts';
import type { Person } from '../../identity/types.ts';
import type { Package, PackageVersion } from '../types.ts';
import type { PackageLibraryService, PackageOwner } from './library.ts';
import { uploadedFile } from './multipart-routes.ts';
import { openApi } from './openapi.ts';

export interface LibraryRoutesDeps {
  library: PackageLibraryService;
  uploader(req: Request): { person: Pick<Person, 'id'>; organisation: string };
}

const latestBody = z.object({ versionId: z.string().max(100) });
const archivedBody = z.object({ archived: z.boolean() });

const packageJson = ({ id, title, latestVersionId, archivedAt }: Package) => ({
  id,
  title,
  latestVersionId,
  archivedAt,
});
const versionJson = ({
  id,
  version,
  standard,
  edition,
  title,
  fileCount,
  totalBytes,
  uploadedAt,
}: PackageVersion) => ({
  id,
  version,
  standard,
  edition,
  title,
  fileCount,
  totalBytes,
  uploadedAt,
});

/** A vendor organisation's packages as JSON: list, versions, one file replaced, roll-back, archive. */
export function addLibraryRoutes(routes: Router, { library, uploader }: LibraryRoutesDeps): void {
  const ownerOf = (req: Request): PackageOwner => {
    const { person, organisation } = uploader(req);
    return { personId: person.id, organisation };
  };
  const answer = (res: Response): Response => res.set('Cache-Control', 'no-store');

  routes.get('/api/packages/openapi.json', (_req, res) => void res.json(openApi));

  routes.get('/api/packages', async (req, res) => {
    const { organisation } = ownerOf(req);
    const packages =
      req.query['archived'] === 'true'
        ? await library.archivedPackagesOf(organisation)
        : await library.packagesOf(organisation);
    answer(res).json({ packages: packages.map(packageJson) });
  });

  routes.get('/api/packages/:id', async (req, res) => {
    const { organisation } = ownerOf(req);
    const pkg = await library.package(String(req.params['id']));
    if (!pkg || pkg.organisation !== organisation)
      throw new DomainError('not-found', 'There is no such package in your organisation.', {
        code: 'no-package',
      });
    const versions = await library.versionsOf(pkg.id);
    answer(res).json({ ...packageJson(pkg), versions: versions.map(versionJson) });
  });

  routes.put('/api/packages/:id/files', async (req, res) => {
    const owner = ownerOf(req);
    const path = typeof req.query['path'] === 'string' ? req.query['path'] : '';
    const { stream } = await uploadedFile(req, 'file');
    const result = await library.replaceFile(String(req.params['id']), path, stream, owner);
    if (result.accepted) answer(res).json({ accepted: true, version: versionJson(result.version) });
    else answer(res).status(422).json(result);
  });

  routes.put('/api/packages/:id/latest', async (req, res) => {
    const owner = ownerOf(req);
    const { versionId } = parse(latestBody, req.body);
    answer(res).json(packageJson(await library.useVersion(String(req.params['id']), versionId, owner)));
  });

  routes.put('/api/packages/:id/archived', async (req, res) => {
    const owner = ownerOf(req);
    const { archived } = parse(archivedBody, req.body);
    answer(res).json(packageJson(await library.archive(String(req.params['id']), archived, owner)));
  });
}
