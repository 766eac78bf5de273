import type { CoursePublishing } from '../player/packages/routes-publish.ts';
import type { Publishing } from './publishing.ts';
import type { Catalogue } from './types.ts';

/** What vendors' programs may do with courses by the package API. */
export function createCoursePublishing({
  publishing,
  catalogue,
}: {
  publishing: Publishing;
  catalogue: Pick<Catalogue, 'byCode' | 'update'>;
}): CoursePublishing {
  return {
    async plan(packageId, versionId) {
      const { courses, inProgress, passed, inUse } = await publishing.plan(packageId, versionId);
      return {
        courses: courses.map(({ code }) => code),
        inProgress,
        passed,
        inUse: inUse.map(({ version, ...facts }) => ({ versionId: version.id, ...facts })),
      };
    },
    publish: (packageId, versionId, learners, personId) =>
      publishing.publish(packageId, versionId, learners, personId),
    async course(code, organisation) {
      const course = await catalogue.byCode(code);
      if (course?.organisation !== organisation) return null;
      return { code: course.code, versionId: course.packageVersionId };
    },
    async giveMaterial(code, versionId) {
      const course = await catalogue.byCode(code);
      if (course) await catalogue.update(course.id, { packageVersionId: versionId });
    },
  };
}
