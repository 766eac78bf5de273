import { toIsoDuration } from '../../base/durations.ts';
import { uuidFrom } from '../../base/ids.ts';
import type { Iris } from '../../base/iris.ts';
import type { Statement } from '../../xapi/types.ts';
import { activityTypes, verbs } from '../../xapi/verbs.ts';
import type { PlayerLaunch, StoredReadingSession } from './store.ts';

/**
 * What an ended session says: `exited` the course after so many counted seconds (docs/decisions/0005). Its id follows
 * from the session's, so that storing it again changes nothing. Null when nothing counted.
 */
export function readingStatement(
  session: StoredReadingSession,
  launch: Pick<PlayerLaunch, 'learner' | 'course'>,
  iris: Iris,
): Statement | null {
  if (session.endedAt === null || session.milliseconds < 10) return null;
  return {
    id: uuidFrom('session-end', session.id),
    actor: launch.learner.agent,
    verb: verbs.exited,
    object: {
      objectType: 'Activity',
      id: launch.course.activityId,
      definition: { type: activityTypes.course, name: { 'zh-TW': launch.course.title } },
    },
    result: { duration: toIsoDuration(session.milliseconds / 1000) },
    context: {
      registration: session.registration,
      contextActivities: {
        category: [{ id: iris.term('reading-time'), definition: { type: activityTypes.profile } }],
      },
      extensions: { [iris.term('session')]: session.id },
    },
    timestamp: session.endedAt.toISOString(),
  };
}
