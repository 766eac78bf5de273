import { Router } from 'express';
import { createAssessmentRoutes } from './assessment-routes.ts';
import { createBoardRoutes } from './board-routes.ts';
import { createCatalogueRoutes } from './catalogue-routes.ts';
import type { PortalDeps } from './context.ts';
import { createCourseEditorRoutes } from './course-editor-routes.ts';
import { createInterfaceRoutes } from './interface-routes.ts';
import { createLearnRoutes } from './learn-routes.ts';
import { createLibraryRoutes } from './library-routes.ts';
import { createPeopleRecordRoutes } from './people-record-routes.ts';
import { createQuestionRoutes } from './question-routes.ts';
import { createRecordRoutes } from './record-routes.ts';
import { createSessionRoutes } from './session-routes.ts';
import { createVendorRoutes } from './vendor-routes.ts';

/** The portal's pages. */
export function createPortalRoutes(deps: PortalDeps): Router {
  const routes = Router();
  routes.use(createCatalogueRoutes(deps));
  routes.use(createLearnRoutes(deps));
  routes.use(createAssessmentRoutes(deps));
  routes.use(createRecordRoutes(deps));
  routes.use(createPeopleRecordRoutes(deps));
  routes.use(createSessionRoutes(deps));
  routes.use(createBoardRoutes(deps));
  routes.use(createVendorRoutes(deps));
  routes.use(createCourseEditorRoutes(deps));
  routes.use(createQuestionRoutes(deps));
  routes.use(createLibraryRoutes(deps));
  routes.use(createInterfaceRoutes(deps));
  return routes;
}
