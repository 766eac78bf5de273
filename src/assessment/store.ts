import type { Quiz, QuizAttempt, Survey, SurveyResponse } from './types.ts';

export type { Quiz, QuizAttempt, Survey, SurveyResponse } from './types.ts';

/** Port: quizzes, surveys, and what learners answered. */
export interface AssessmentStore {
  putQuiz(quiz: Quiz): Promise<void>;
  quiz(courseId: string): Promise<Quiz | null>;
  putSurvey(survey: Survey): Promise<void>;
  survey(courseId: string): Promise<Survey | null>;

  /** Stores the attempt unless the registration has an open one; gives the open one either way. */
  openAttempt(attempt: QuizAttempt): Promise<QuizAttempt>;
  attempt(id: string): Promise<QuizAttempt | null>;
  /** Oldest first. */
  attemptsOf(registration: string): Promise<QuizAttempt[]>;
  /** Submits the attempt if it is still open; gives it as it stands then (the first submission wins). Null: no such attempt. */
  submit(
    id: string,
    result: { answers: Record<string, string[]>; score: number; submittedAt: Date },
  ): Promise<QuizAttempt | null>;
  /** Sets the instant of viewing if there is none yet. */
  markViewed(id: string, at: Date): Promise<QuizAttempt | null>;

  /** Stores the response unless there is one; gives the stored one either way. */
  putResponse(response: SurveyResponse): Promise<SurveyResponse>;
  response(registration: string): Promise<SurveyResponse | null>;
  /** Takes the answers to these questions out of the response: free text may tell who wrote it. */
  dropAnswers(registration: string, questionIds: readonly string[]): Promise<void>;

  /** Submitted, but its Statements are not known to be stored yet: a crash came between. */
  unrecordedAttempts(limit: number): Promise<QuizAttempt[]>;
  unrecordedResponses(limit: number): Promise<SurveyResponse[]>;
  markAttemptRecorded(id: string): Promise<void>;
  markResponseRecorded(registration: string): Promise<void>;
}

/** The answers that are left without these questions. Shared by the engines. */
export const without = (
  answers: Record<string, string[]>,
  questionIds: readonly string[],
): Record<string, string[]> =>
  Object.fromEntries(Object.entries(answers).filter(([question]) => !questionIds.includes(question)));
