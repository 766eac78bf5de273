import type { QuizQuestion } from './types.ts';

/** A question is right when exactly its correct choices are chosen; there are no part marks. */
export const isRight = (question: QuizQuestion, chosen: readonly string[]): boolean => {
  const given = new Set(chosen);
  return given.size === question.correct.length && question.correct.every((id) => given.has(id));
};

/** Points of the right answers over all points, scaled to 0–100 and rounded to the nearest whole (half up). Pure. */
export function grade(
  questions: readonly QuizQuestion[],
  answers: Readonly<Record<string, string[]>>,
): number {
  const all = questions.reduce((sum, question) => sum + question.points, 0);
  if (all === 0) return 0;
  const reached = questions
    .filter((question) => isRight(question, answers[question.id] ?? []))
    .reduce((sum, question) => sum + question.points, 0);
  return Math.round((reached / all) * 100);
}
