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

export interface SurveyResponse {
  registration: string;
  courseId: string;
  answers: Record<string, string[]>;
  submittedAt: Date;
}

/** Who answers, in which course. */
export interface Taker {
  personId: string;
  registration: string;
  course: { id: string; code: string; title: LocalText; passScore: number | null };
}

export interface Assessments {
  quizOf(courseId: string): Promise<Quiz | null>;
  /** DomainError `invalid` with problems per question. */
  saveQuiz(quiz: Quiz): Promise<void>;
  surveyOf(courseId: string): Promise<Survey | null>;
  saveSurvey(survey: Survey): Promise<void>;
  /** Continues an open attempt or draws a new one; DomainError `unprocessable` after the answers were viewed. */
  startAttempt(taker: Taker): Promise<QuizAttempt>;
  /** Grades on the server, once; writes `answered` per question and `passed`/`failed` with the score. A repeat gives the same result. */
  submitAttempt(taker: Taker, attemptId: string, answers: Record<string, string[]>): Promise<QuizAttempt>;
  attemptsOf(registration: string): Promise<QuizAttempt[]>;
  /** The attempt with right answers, from then on no further attempt. */
  viewAnswers(taker: Taker, attemptId: string): Promise<QuizAttempt>;
  /** Once; writes `answered` per question and `completed` on the survey. */
  submitSurvey(taker: Taker, answers: Record<string, string[]>): Promise<SurveyResponse>;
  surveyResponse(registration: string): Promise<SurveyResponse | null>;
}
