/** A projection of the registration's Statements; may be rebuilt at any time. */
export interface Progress {
  registration: string;
  /** Counted reading time in seconds. */
  readingSeconds: number;
  /** Best submitted score 0–100; null: none yet. */
  quizScore: number | null;
  surveyDone: boolean;
  /** When all conditions were first met: the end of the class period. Never changes again. */
  completedAt: Date | null;
}

/** One condition as the learner sees it (the three segments of the path). */
export interface ConditionState {
  kind: 'reading' | 'quiz' | 'survey';
  required: number | boolean;
  actual: number | boolean | null;
  met: boolean;
}

export interface Completion {
  /** Zeroes when nothing is known yet. */
  progressOf(registration: string): Promise<Progress>;
  progressOfAll(registrations: string[]): Promise<Map<string, Progress>>;
  /** In the order reading, quiz, survey; only those the course asks. Pure. */
  conditions(
    rules: { readingSeconds: number | null; passScore: number | null; survey: boolean },
    progress: Progress,
  ): ConditionState[];
}
