import type { Clock } from '../base/clock.ts';
import { DomainError } from '../base/errors.ts';
import { newUuid, uuidFrom } from '../base/ids.ts';
import type { Iris } from '../base/iris.ts';
import { actorOf } from '../identity/types.ts';
import type { Authority, StatementDoor } from '../lrs/types.ts';
import type { Activity } from '../xapi/types.ts';
import { activityTypes, verbs } from '../xapi/verbs.ts';
import type { CourseStore } from './store.ts';
import type { Course, Enrolment, Enrolments } from './types.ts';

export interface EnrolmentsDeps {
  store: CourseStore;
  door: StatementDoor;
  platform: Authority;
  iris: Iris;
  clock: Clock;
  /** Throws when nothing new is to be kept about the person (identity/privacy/gate.ts). */
  gate?: (personId: string) => Promise<void>;
}

/** The course as the object of a Statement. */
export const courseActivity = (course: Pick<Course, 'code' | 'title'>, iris: Iris): Activity => ({
  objectType: 'Activity',
  id: iris.course(course.code),
  definition: {
    type: activityTypes.course,
    name: { 'zh-TW': course.title['zh-TW'], ...(course.title.en ? { en: course.title.en } : {}) },
  },
});

const closed = (code: string, message: string): DomainError =>
  new DomainError('unprocessable', message, { code });

export function createEnrolments({
  store,
  door,
  platform,
  iris,
  clock,
  gate = async () => undefined,
}: EnrolmentsDeps): Enrolments {
  /** The enrolment is kept already; its Statement follows from it alone, so this may run any number of times. */
  const record = async (enrolment: Enrolment, course: Course): Promise<void> => {
    await door.store(
      [
        {
          id: uuidFrom('registered', enrolment.registration),
          actor: actorOf({ id: enrolment.personId }, iris),
          verb: verbs.registered,
          object: courseActivity(course, iris),
          context: { registration: enrolment.registration, platform: 'Zhixing' },
          timestamp: enrolment.enrolledAt.toISOString(),
        },
      ],
      platform,
    );
    await store.markEnrolmentRecorded(enrolment.registration);
  };

  return {
    async enrol(person, course) {
      const already = await store.enrolment(person.id, course.id);
      if (already) return already;
      await gate(person.id);
      const now = clock.now();
      if (course.status !== 'published')
        throw closed('course-not-open', 'This course is not open for enrolment.');
      if (course.enrolment.from && now < course.enrolment.from)
        throw closed(
          'enrolment-not-yet',
          'Enrolment has not begun yet. See the enrolment period on the course page.',
        );
      if (course.enrolment.to && now > course.enrolment.to)
        throw closed('enrolment-over', 'Enrolment has ended. See the enrolment period on the course page.');
      const enrolment = await store.enrol({
        registration: newUuid(),
        courseId: course.id,
        personId: person.id,
        enrolledAt: now,
        startedAt: null,
        withdrawnAt: null,
        packageVersionId: null,
      });
      await record(enrolment, course);
      return enrolment;
    },
    async learnersOf(courseId, limit) {
      const begun = await store.startedIn(courseId, null, limit);
      return { count: begun.length, personIds: begun.map(({ personId }) => personId) };
    },
    async completeUnrecorded() {
      let completed = 0;
      for (const enrolment of await store.unrecordedEnrolments(1000)) {
        const found = await store.byId(enrolment.courseId);
        if (!found) continue;
        await record(enrolment, found.course);
        completed++;
      }
      return completed;
    },
    find: (personId, courseId) => store.enrolment(personId, courseId),
    byRegistration: (registration) => store.byRegistration(registration),
    ofPerson: (personId) => store.enrolmentsOf(personId),
    async versionFor(enrolment, courseVersionId) {
      if (enrolment.packageVersionId !== null) return enrolment.packageVersionId;
      return (await store.pinVersion(enrolment.registration, courseVersionId)) ?? courseVersionId;
    },
    async markStarted(registration) {
      await store.markStarted(registration, clock.now());
    },
  };
}
