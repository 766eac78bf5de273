import type { Clock } from '../base/clock.ts';
import { DomainError } from '../base/errors.ts';
import { newSortableId } from '../base/ids.ts';
import type { CourseBoardStore, CoursePost } from './store.ts';

export type { CoursePost } from './store.ts';

/** 學習互動區: announcements to all learners, and what a learner says to the course's staff, who answer it. */
export interface CourseBoard {
  /** Newest first. */
  announcements(courseId: string): Promise<CoursePost[]>;
  /** What this learner has said, with the answers; nobody else's. */
  messagesOf(courseId: string, authorId: string): Promise<CoursePost[]>;
  /** What all learners have said: for the course's staff. */
  messages(courseId: string): Promise<CoursePost[]>;
  /**
   * DomainError `invalid` for an empty or overlong text, `rate-limited` when too much waits for an answer, and what the
   * gate says of a learner about whom nothing new is to be kept.
   */
  say(courseId: string, kind: CoursePost['kind'], authorId: string, text: string): Promise<CoursePost>;
  /** DomainError `not-found` when the course has no such message. */
  answer(courseId: string, postId: string, personId: string, text: string): Promise<void>;
  /** Takes an announcement away. */
  withdraw(courseId: string, postId: string): Promise<void>;
}

const longest = 2000;
/** So much of one learner may wait for an answer in a course. */
const mostWaiting = 20;
const shown = 200;

export interface CourseBoardDeps {
  store: CourseBoardStore;
  clock: Clock;
  /** Throws when nothing new is to be kept about the person (identity/privacy/gate.ts). */
  gate?: (personId: string) => Promise<void>;
}

export function createCourseBoard({
  store,
  clock,
  gate = async () => undefined,
}: CourseBoardDeps): CourseBoard {
  const checked = (text: string): string => {
    const said = text.trim().replaceAll('\r\n', '\n');
    if (said === '' || said.length > longest)
      throw new DomainError('invalid', `Write between 1 and ${longest} characters.`, {
        code: 'board-text',
        params: { most: longest },
      });
    return said;
  };
  const postIn = async (courseId: string, id: string, announcement: boolean): Promise<CoursePost> => {
    const post = await store.byId(id);
    if (post?.courseId !== courseId || (post.kind === 'announcement') !== announcement)
      throw new DomainError('not-found', 'The course has no such message.', { code: 'board-no-post' });
    return post;
  };
  return {
    announcements: (courseId) => store.announcements(courseId, shown),
    messagesOf: (courseId, authorId) => store.messages(courseId, shown, authorId),
    messages: (courseId) => store.messages(courseId, shown),
    async say(courseId, kind, authorId, text) {
      const said = checked(text);
      if (kind !== 'announcement') {
        await gate(authorId);
        const own = await store.messages(courseId, shown, authorId);
        if (own.filter(({ answer }) => answer === null).length >= mostWaiting)
          throw new DomainError(
            'rate-limited',
            'Many of your messages wait for an answer. Please wait for it.',
            {
              code: 'board-waiting',
            },
          );
      }
      const post: CoursePost = {
        id: newSortableId(),
        courseId,
        kind,
        authorId,
        text: said,
        at: clock.now(),
        answer: null,
      };
      await store.add(post);
      return post;
    },
    async answer(courseId, postId, personId, text) {
      const said = checked(text);
      const post = await postIn(courseId, postId, false);
      await store.answer(post.id, { text: said, personId, at: clock.now() });
    },
    async withdraw(courseId, postId) {
      await store.remove((await postIn(courseId, postId, true)).id);
    },
  };
}
