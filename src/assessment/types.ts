import type { LocalText } from '../base/languages.ts';

export interface Choice {
  id: string;
  text: LocalText;
}
export interface QuizQuestion {
  id: string;
  kind: 'single' | 'multiple';
  text: LocalText;
  choices: Choice[];
  /** Ids of the right choices; never sent to a learner before the answers may be viewed. */
  correct: string[];
  explanation?: LocalText;
  /** Weight; the quiz's score is scaled to 0–100. */
  points: number;
}
/** 測驗/考試 */
export interface Quiz {
  courseId: string;
  title: LocalText;
  questions: QuizQuestion[];
  /** Questions drawn per attempt; null: all. */
  drawn: number | null;
  shuffle: boolean;
}
export interface SurveyQuestion {
  id: string;
  kind: 'scale' | 'single' | 'multiple' | 'text';
  text: LocalText;
  choices: Choice[];
  required: boolean;
}
/** 課後問卷 */
export interface Survey {
  courseId: string;
  title: LocalText;
  questions: SurveyQuestion[];
}

export interface QuizAttempt {
  id: string;
  registration: string;
  courseId: string;
  startedAt: Date;
  submittedAt: Date | null;
  /** Ids drawn for this attempt, in the order shown. */
  questionIds: string[];
  answers: Record<string, string[]>;
  /** 0–100, null until submitted. */
  score: number | null;
  /** The learner looked at the right answers: no further attempt (requirements 35). */
  answersViewedAt: Date | null;
}
