import type { Request } from 'express';
import { DomainError } from '../base/errors.ts';
import type { Course } from '../courses/types.ts';
import { organisationFor } from '../identity/policy.ts';
import { allowed } from '../identity/routes-access.ts';
import type { Person } from '../identity/types.ts';
import type { PackageVersion } from '../player/types.ts';
import type { PortalDeps } from './context.ts';

/** Whose vendor area this is, and what in it is theirs: what belongs to another organisation is not there, or forbidden. */
export function createVendorAccess(deps: Pick<PortalDeps, 'catalogue' | 'library'>) {
  const vendor = (req: Request): { person: Person; organisation: string } => {
    const person = allowed(req, 'course.edit');
    return { person, organisation: organisationFor(person, 'course.edit') ?? person.name };
  };
  const ownCourse = async (req: Request): Promise<Course> => {
    const course = await deps.catalogue.byId(String(req.params['id']));
    if (!course) throw new DomainError('not-found', 'There is no such course.', { code: 'no-course' });
    allowed(req, 'course.edit', { organisation: course.organisation });
    return course;
  };
  const ownVersion = async (organisation: string, id: unknown): Promise<PackageVersion | null> => {
    const version = typeof id === 'string' && id !== '' ? await deps.library.version(id) : null;
    const pkg = version && (await deps.library.package(version.packageId));
    return pkg?.organisation === organisation ? version : null;
  };
  return { vendor, ownCourse, ownVersion };
}
