import type { Request, Response } from 'express';
import type { Clock } from '../base/clock.ts';
import { DomainError } from '../base/errors.ts';
import type { Language } from '../base/languages.ts';
import type { Assessments, Taker } from '../assessment/types.ts';
import type { Completion } from '../completion/types.ts';
import type { CourseBoard } from '../courses/board.ts';
import type { Publishing } from '../courses/publishing.ts';
import type { Catalogue, Course, Enrolment, Enrolments } from '../courses/types.ts';
import type { Agencies } from '../identity/agencies/agencies.ts';
import { currentPerson, allowed } from '../identity/routes-access.ts';
import { allows } from '../identity/policy.ts';
import type { People } from '../identity/people.ts';
import type { IdentityStore } from '../identity/store.ts';
import type { Person, RecordAudit } from '../identity/types.ts';
import type { Iris } from '../base/iris.ts';
import type { PlayerSessions } from '../player/types.ts';
import type { Feed } from '../lrs/types.ts';
import type { PreviewLinks } from '../player/packages/preview-links.ts';
import type { PackageLibraryService } from '../player/packages/library.ts';
import type { PackageStore } from '../player/packages/store.ts';

/** What the pages are made of. */
export interface PortalDeps {
  catalogue: Catalogue;
  enrolments: Enrolments;
  assessments: Assessments;
  completion: Completion;
  library: PackageLibraryService;
  jobs: Pick<PackageStore, 'job'>;
  sessions: Pick<PlayerSessions, 'launch' | 'sessionsOf'>;
  publishing: Publishing;
  previews: PreviewLinks;
  board: CourseBoard;
  /** Those of these people who show a card to other learners. */
  cardHolders(personIds: string[]): Promise<{ nickname: string }[]>;
  people: Pick<People, 'byId' | 'byIds' | 'byLoginName'>;
  agencies: Pick<Agencies, 'lineOf' | 'treeOf' | 'byCode'>;
  /** Looks people up; who may be shown whom is the caller's to decide. */
  directory: Pick<IdentityStore, 'search'>;
  audit: RecordAudit;
  feed: Feed;
  iris: Iris;
  clock: Clock;
  publicOrigin: string;
  limits: { packageBytes: number; packageFiles: number };
}

export const languageOf = (res: Response): Language => res.locals['language'] as Language;

/** The course of this address; a draft only for those who may edit it. */
export async function courseOf(deps: PortalDeps, req: Request): Promise<Course> {
  const course = await deps.catalogue.byCode(String(req.params['code']));
  const visible =
    course &&
    (course.status !== 'draft' ||
      allows(currentPerson(req), 'course.edit', { organisation: course.organisation }));
  if (!course || !visible)
    throw new DomainError('not-found', 'There is no such course.', { code: 'no-course' });
  return course;
}

/** The learner of this request in this course; DomainError when not enrolled. */
export async function learnerIn(
  deps: PortalDeps,
  req: Request,
): Promise<{ person: Person; course: Course; enrolment: Enrolment; taker: Taker }> {
  const person = allowed(req, 'course.take');
  const course = await courseOf(deps, req);
  const enrolment = await deps.enrolments.find(person.id, course.id);
  if (!enrolment)
    throw new DomainError('unprocessable', 'Please enrol in this course first.', { code: 'not-enrolled' });
  return {
    person,
    course,
    enrolment,
    taker: {
      personId: person.id,
      registration: enrolment.registration,
      course: {
        id: course.id,
        code: course.code,
        title: course.title,
        passScore: course.conditions.passScore,
      },
    },
  };
}

/** A page waits so long for one's own fresh result; then it shows what there is and says that more is coming. */
export const catchUpMs = 2000;
