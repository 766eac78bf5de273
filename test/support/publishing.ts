import type { Clock } from '../../src/base/clock.ts';
import { createCatalogue } from '../../src/courses/catalogue.ts';
import { createCoursePublishing } from '../../src/courses/for-programs.ts';
import { createPublishing } from '../../src/courses/publishing.ts';
import type { Catalogue } from '../../src/courses/types.ts';
import type { PackageLibraryService } from '../../src/player/packages/library.ts';
import { createPreviewLinks, type PreviewLinks } from '../../src/player/packages/preview-links.ts';
import type { CoursePublishing } from '../../src/player/packages/routes-publish.ts';
import type { Storage } from '../../src/storage/open.ts';

/** What the package routes need beyond packages, over real courses; nobody has passed any. */
export function publishingOn(
  storage: Storage,
  library: PackageLibraryService,
  clock: Clock,
): { publishing: CoursePublishing; previews: PreviewLinks; catalogue: Catalogue } {
  const catalogue = createCatalogue({ store: storage.courses, clock, checks: [] });
  const publishing = createPublishing({
    store: storage.courses,
    catalogue,
    packages: library,
    passed: async () => new Set(),
    learnersByItem: (versionId) => storage.runtimeStates.countByItem(versionId),
  });
  return {
    catalogue,
    publishing: createCoursePublishing({ publishing, catalogue }),
    previews: createPreviewLinks({ store: storage.once, clock, publicOrigin: 'http://localhost' }),
  };
}
