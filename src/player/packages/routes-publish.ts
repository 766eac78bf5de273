import type { Request, Response, Router } from 'express';
import { z } from 'zod';
import { DomainError } from '../../base/errors.ts';
import { parse } from '../../http/validate.ts';
import type { Publication } from '../types.ts';
import type { PackageLibraryService, PackageOwner } from './library.ts';
import type { PreviewLinks } from './preview-links.ts';

/** What publishing does before it is done, in numbers. */
export interface PublicationFacts {
  /** Codes of the courses that would take the version. */
  courses: string[];
  inProgress: number;
  passed: number;
  /** Per version in use: what moving would do to the learners' data of each item. */
  inUse: {
    versionId: string;
    inProgress: number;
    passed: number;
    sequencing: string;
    items: { identifier: string; title: string; fate: string; learners: number }[];
  }[];
}

/** Courses lie above the player: what a vendor's program may do with them is wired in (context.ts). */
export interface CoursePublishing {
  plan(packageId: string, versionId: string): Promise<PublicationFacts>;
  publish(
    packageId: string,
    versionId: string,
    learners: Publication['learners'],
    personId: string,
  ): Promise<Publication>;
  /** The organisation's course of this code with its material; null: there is no such course. */
  course(code: string, organisation: string): Promise<{ code: string; versionId: string | null } | null>;
  /** Gives a course that has no material yet this version. */
  giveMaterial(code: string, versionId: string): Promise<void>;
}

export interface PublishRoutesDeps {
  library: PackageLibraryService;
  publishing: CoursePublishing;
  previews: PreviewLinks;
  owner(req: Request): PackageOwner;
}

const publishBody = z.object({
  versionId: z.string().max(100),
  learners: z.enum(['stay', 'move']).default('stay'),
});
const materialBody = z.object({ versionId: z.string().max(100) });
const previewBody = z.object({ versionId: z.string().max(100).optional() }).default({});

/** Publication with its courses, a preview link, a course's material: the part of the API that reaches beyond the package. */
export function addPublishRoutes(routes: Router, deps: PublishRoutesDeps): void {
  const { library, publishing, previews, owner } = deps;
  const answer = (res: Response): Response => res.set('Cache-Control', 'no-store');

  /** The version asked for, of a package of this organisation. */
  const own = async (req: Request, packageId: string, versionId: string): Promise<string> => {
    const { organisation } = owner(req);
    const version = await library.version(versionId);
    const pkg = version && (await library.package(version.packageId));
    if (!version || pkg?.organisation !== organisation || pkg.id !== packageId)
      throw new DomainError('not-found', 'Your organisation has no such version of a package.', {
        code: 'no-package',
      });
    return version.id;
  };
  const courseOf = async (req: Request) => {
    const course = await publishing.course(String(req.params['code']), owner(req).organisation);
    if (!course)
      throw new DomainError('not-found', 'Your organisation has no course of this code.', {
        code: 'no-course',
      });
    return course;
  };
  const materialOf = async ({ code, versionId }: { code: string; versionId: string | null }) => ({
    code,
    versionId,
    packageId: versionId === null ? null : ((await library.version(versionId))?.packageId ?? null),
  });

  routes.get('/api/packages/courses/:code', async (req, res) => {
    answer(res).json(await materialOf(await courseOf(req)));
  });

  routes.put('/api/packages/courses/:code', async (req, res) => {
    const course = await courseOf(req);
    const { versionId } = parse(materialBody, req.body);
    const version = await library.version(versionId);
    await own(req, version?.packageId ?? '', versionId);
    if (course.versionId !== null && course.versionId !== versionId)
      throw new DomainError(
        'conflict',
        'The course has material already. Upload a new version of that package and publish it.',
        { code: 'course-has-material' },
      );
    if (course.versionId === null) await publishing.giveMaterial(course.code, versionId);
    answer(res).json(await materialOf({ code: course.code, versionId }));
  });

  routes.get('/api/packages/:id/publication', async (req, res) => {
    const id = String(req.params['id']);
    const versionId = await own(req, id, String(req.query['versionId'] ?? ''));
    answer(res).json(await publishing.plan(id, versionId));
  });

  routes.post('/api/packages/:id/publication', async (req, res) => {
    const id = String(req.params['id']);
    const body = parse(publishBody, req.body);
    const versionId = await own(req, id, body.versionId);
    const { at, learners, courses, moved } = await publishing.publish(
      id,
      versionId,
      body.learners,
      owner(req).personId,
    );
    answer(res).json({ versionId, at, learners, courses, moved });
  });

  routes.post('/api/packages/:id/preview-links', async (req, res) => {
    const id = String(req.params['id']);
    const asked = parse(previewBody, req.body ?? {}).versionId;
    const [newest] = asked === undefined ? await library.versionsOf(id) : [];
    const versionId = await own(req, id, asked ?? newest?.id ?? '');
    answer(res.status(201)).json({ versionId, ...(await previews.make(versionId)) });
  });
}
