import { createHash } from 'node:crypto';
import type { LocalText } from '../../base/languages.ts';
import type { ExternalIdentity } from '../store.ts';

/** What a person has in one course: the registration's projection. */
export interface CourseStanding {
  registration: string;
  courseId: string;
  code: string;
  title: LocalText;
  readingSeconds: number;
  quizScore: number | null;
  surveyDone: boolean;
  completedAt: Date | null;
  certificates: number;
}

/** Both accounts have a current enrolment in the course: one of them goes on, the other is set aside and not lost. */
export interface Meeting {
  claimed: CourseStanding;
  own: CourseStanding;
  keeps: 'claimed' | 'own';
  /** Why: only one is complete, it was complete first, it is further on, or there is no difference. */
  because: 'complete' | 'first' | 'further' | 'own';
}

export interface ClaimPlan {
  /** Ways to sign in that lead to the claiming account afterwards. */
  identities: ExternalIdentity[];
  /** Courses that only the claimed account has. */
  moves: CourseStanding[];
  meetings: Meeting[];
  readingSeconds: number;
  completed: number;
  certificates: number;
}

/**
 * Which of two enrolments in one course goes on. Reading time is not added up: it belongs to a registration, and what was
 * stored of it is not rewritten.
 */
function meeting(claimed: CourseStanding, own: CourseStanding): Meeting {
  const [c, o] = [claimed.completedAt?.getTime(), own.completedAt?.getTime()];
  if (c !== undefined || o !== undefined) {
    if (o === undefined) return { claimed, own, keeps: 'claimed', because: 'complete' };
    if (c === undefined) return { claimed, own, keeps: 'own', because: 'complete' };
    return { claimed, own, keeps: c < o ? 'claimed' : 'own', because: 'first' };
  }
  const further = (a: CourseStanding, b: CourseStanding): number =>
    Number(a.quizScore ?? -1) - Number(b.quizScore ?? -1) ||
    Number(a.surveyDone) - Number(b.surveyDone) ||
    a.readingSeconds - b.readingSeconds;
  const difference = further(claimed, own);
  return difference === 0
    ? { claimed, own, keeps: 'own', because: 'own' }
    : { claimed, own, keeps: difference > 0 ? 'claimed' : 'own', because: 'further' };
}

/** What would be taken over. Pure. */
export function planClaim(
  claimed: readonly CourseStanding[],
  own: readonly CourseStanding[],
  identities: readonly ExternalIdentity[],
): ClaimPlan {
  const ofCourse = new Map(own.map((standing) => [standing.courseId, standing]));
  const moves: CourseStanding[] = [];
  const meetings: Meeting[] = [];
  for (const standing of claimed) {
    const there = ofCourse.get(standing.courseId);
    if (there) meetings.push(meeting(standing, there));
    else moves.push(standing);
  }
  const taken = [...moves, ...meetings.flatMap((one) => (one.keeps === 'claimed' ? [one.claimed] : []))];
  const sum = (of: (standing: CourseStanding) => number): number =>
    taken.reduce((total, standing) => total + of(standing), 0);
  return {
    identities: [...identities],
    moves,
    meetings,
    readingSeconds: sum(({ readingSeconds }) => readingSeconds),
    completed: sum(({ completedAt }) => (completedAt ? 1 : 0)),
    certificates: sum(({ certificates }) => certificates),
  };
}

/** Equal as long as the same would happen: whoever confirms, confirms what the page showed. */
export const fingerprintOf = ({ identities, moves, meetings }: ClaimPlan): string =>
  createHash('sha256')
    .update(
      JSON.stringify([
        identities.map(({ provider, subject }) => [provider, subject]).sort(),
        moves.map(({ registration }) => registration).sort(),
        meetings.map(({ claimed, own, keeps }) => [claimed.registration, own.registration, keeps]).sort(),
      ]),
    )
    .digest('base64url');
