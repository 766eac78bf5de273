import { toIsoDuration } from '../base/durations.ts';
import { uuidFrom } from '../base/ids.ts';
import type { Iris } from '../base/iris.ts';
import { actorOf } from '../identity/types.ts';
import type { Authority, FeedConsumer, StatementDoor, StoredStatement } from '../lrs/types.ts';
import type { Activity, Statement } from '../xapi/types.ts';
import { verbs } from '../xapi/verbs.ts';
import { activitiesOf, conditionStates, evaluate, type Rules } from './evaluate.ts';
import type { CompletionStore } from './store.ts';
import type { Completion, Progress } from './types.ts';

/** What completion must know of a registration; courses answer. */
export interface RegisteredCourse {
  personId: string;
  code: string;
  activity: Activity;
  rules: Rules;
}

export interface CompletionDeps {
  store: CompletionStore;
  door: StatementDoor;
  platform: Authority;
  iris: Iris;
  /** Null: the registration is not one of a course here, or it is withdrawn. */
  courseOf(registration: string): Promise<RegisteredCourse | null>;
}

export interface CompletionService extends Completion {
  consumer: FeedConsumer;
  /** Reads the registration's Statements again and brings the projection (and the `completed` Statement) up to date. */
  rebuild(registration: string): Promise<Progress>;
}

const nothing = (registration: string): Progress => ({
  registration,
  readingSeconds: 0,
  quizScore: null,
  surveyDone: false,
  completedAt: null,
});

const relevantVerbs = new Set<string>([
  verbs.exited.id,
  verbs.passed.id,
  verbs.failed.id,
  verbs.completed.id,
  verbs.voided.id,
]);

export function createCompletion({
  store,
  door,
  platform,
  iris,
  courseOf,
}: CompletionDeps): CompletionService {
  const rebuild = async (registration: string): Promise<Progress> => {
    const course = await courseOf(registration);
    if (!course) return nothing(registration);
    const of = activitiesOf(course.code, iris);
    const found = await Promise.all([
      door.find({ registration, verb: verbs.exited.id, activity: of.course }),
      door.find({ registration, verb: verbs.passed.id, activity: of.quiz }),
      door.find({ registration, verb: verbs.failed.id, activity: of.quiz }),
      door.find({ registration, verb: verbs.completed.id, activity: of.survey }),
    ]);
    // Trust: only what the platform itself vouches for (docs/architecture.md).
    const trusted = found.flat().filter(({ authorityId }) => authorityId === platform.id);
    const { progress, atCompletion } = evaluate(course.rules, trusted, of);
    const before = await store.progress(registration);
    if (atCompletion && !before?.completedAt) {
      // Stored before the projection says so: after a crash between the two, the next look does both again to the same effect.
      const id = uuidFrom('course-completed', registration);
      const already = await door.byId(id);
      if (already) progress.completedAt = new Date(already.statement.timestamp);
      else await door.store([completedStatement(id, registration, course, atCompletion)], platform);
    }
    return store.save({ registration, ...progress });
  };

  const completedStatement = (
    id: string,
    registration: string,
    course: RegisteredCourse,
    { at, readingSeconds, score }: { at: Date; readingSeconds: number; score: number | null },
  ): Statement => ({
    id,
    actor: actorOf({ id: course.personId }, iris),
    verb: verbs.completed,
    object: course.activity,
    result: {
      completion: true,
      success: true,
      duration: toIsoDuration(readingSeconds),
      ...(score === null ? {} : { score: { scaled: score / 100, raw: score, min: 0, max: 100 } }),
    },
    context: {
      registration,
      platform: 'Zhixing',
      contextActivities: { category: [{ objectType: 'Activity', id: iris.term('course-completion') }] },
    },
    timestamp: at.toISOString(),
  });

  /** The registration that a new Statement may move; null when it moves none. */
  const touched = ({ authorityId, statement }: StoredStatement): string | null =>
    authorityId === platform.id && relevantVerbs.has(statement.verb.id)
      ? (statement.context?.registration ?? null)
      : null;

  return {
    rebuild,
    consumer: {
      name: 'completion',
      async consume(batch) {
        const registrations = new Set(batch.map(touched).filter((registration) => registration !== null));
        for (const registration of registrations) await rebuild(registration);
      },
    },
    async progressOf(registration) {
      return (await store.progress(registration)) ?? nothing(registration);
    },
    async progressOfAll(registrations) {
      const known = new Map(
        (await store.progressOfAll(registrations)).map((progress) => [progress.registration, progress]),
      );
      return new Map(
        registrations.map((registration) => [registration, known.get(registration) ?? nothing(registration)]),
      );
    },
    conditions: conditionStates,
  };
}
