import { Router, type Response } from 'express';
import { z } from 'zod';
import { isDomainError, DomainError, type Problem } from '../base/errors.ts';
import { inLanguage, type Language } from '../base/languages.ts';
import type { QuizAttempt, QuizQuestion, Survey } from '../assessment/types.ts';
import { parse } from '../http/validate.ts';
import { languageOf, learnerIn, type PortalDeps } from './context.ts';
import { courseView } from './view-models.ts';

const answersForm = z.object({
  answers: z.record(z.string().max(64), z.array(z.string().max(4000)).max(50)).default({}),
});

const asked = (language: Language, question: QuizQuestion, chosen: readonly string[]) => ({
  id: question.id,
  kind: question.kind,
  text: inLanguage(question.text, language),
  choices: question.choices.map(({ id, text }) => ({
    id,
    text: inLanguage(text, language),
    chosen: chosen.includes(id),
  })),
});

/** Faults with the question they belong to. */
const labelled = (
  language: Language,
  questions: readonly { id: string; text: { 'zh-TW': string; en?: string } }[],
  problems: Problem[],
) =>
  problems.map(({ path, message }) => {
    const at = questions.findIndex(({ id }) => id === path);
    return {
      label: at < 0 ? path : `${at + 1}. ${inLanguage(questions[at]?.text ?? { 'zh-TW': '' }, language)}`,
      message,
    };
  });

/** 測驗/考試 and 課後問卷. */
export function createAssessmentRoutes(deps: PortalDeps): Router {
  const routes = Router();
  const base = '/courses/:code';

  routes.get(`${base}/quiz`, async (req, res) => {
    const { course, enrolment } = await learnerIn(deps, req);
    const language = languageOf(res);
    const quiz = await deps.assessments.quizOf(course.id);
    if (!quiz) throw new DomainError('not-found', 'This course has no quiz.', { code: 'no-quiz' });
    const attempts = await deps.assessments.attemptsOf(enrolment.registration);
    const passScore = course.conditions.passScore ?? 0;
    res.render('pages/quiz', {
      course: courseView(language, course),
      quiz: { title: inLanguage(quiz.title, language) },
      passScore,
      questionCount: quiz.drawn ?? quiz.questions.length,
      mayTake: attempts.every(({ answersViewedAt }) => answersViewedAt === null),
      open: attempts.some(({ submittedAt }) => submittedAt === null),
      attempts: attempts
        .filter(({ submittedAt }) => submittedAt !== null)
        .map(({ id, score, submittedAt }) => ({ id, score, submittedAt, passed: (score ?? 0) >= passScore })),
    });
  });

  routes.post(`${base}/quiz/attempts`, async (req, res) => {
    const { course, taker } = await learnerIn(deps, req);
    const attempt = await deps.assessments.startAttempt(taker);
    res.redirect(303, `/courses/${encodeURIComponent(course.code)}/quiz/attempts/${attempt.id}`);
  });

  const showAttempt = async (
    res: Response,
    course: Parameters<typeof courseView>[1],
    attempt: QuizAttempt,
    given: Record<string, string[]>,
    problems: Problem[],
  ): Promise<void> => {
    const language = languageOf(res);
    const quiz = await deps.assessments.quizOf(course.id);
    if (!quiz) throw new DomainError('not-found', 'This course has no quiz.', { code: 'no-quiz' });
    const questions = attempt.questionIds.flatMap((id) =>
      quiz.questions.filter((question) => question.id === id),
    );
    const common = {
      course: courseView(language, course),
      quiz: { title: inLanguage(quiz.title, language) },
      attemptId: attempt.id,
    };
    if (attempt.submittedAt === null)
      return res.render('pages/quiz-attempt', {
        ...common,
        questions: questions.map((question) => asked(language, question, given[question.id] ?? [])),
        problems: labelled(language, questions, problems),
      });
    const passScore = course.conditions.passScore ?? 0;
    return res.render('pages/quiz-result', {
      ...common,
      score: attempt.score,
      passScore,
      passed: (attempt.score ?? 0) >= passScore,
      mayTakeAgain: attempt.answersViewedAt === null,
      answers:
        attempt.answersViewedAt === null
          ? null
          : questions.map((question) => ({
              ...asked(language, question, attempt.answers[question.id] ?? []),
              explanation: question.explanation ? inLanguage(question.explanation, language) : null,
              choices: question.choices.map(({ id, text }) => ({
                text: inLanguage(text, language),
                right: question.correct.includes(id),
                chosen: (attempt.answers[question.id] ?? []).includes(id),
              })),
            })),
    });
  };
  const attemptOf = async (registration: string, id: string): Promise<QuizAttempt> => {
    const attempt = (await deps.assessments.attemptsOf(registration)).find((each) => each.id === id);
    if (!attempt) throw new DomainError('not-found', 'There is no such attempt.', { code: 'no-attempt' });
    return attempt;
  };

  routes.get(`${base}/quiz/attempts/:id`, async (req, res) => {
    const { course, enrolment } = await learnerIn(deps, req);
    await showAttempt(res, course, await attemptOf(enrolment.registration, String(req.params['id'])), {}, []);
  });

  routes.post(`${base}/quiz/attempts/:id`, async (req, res) => {
    const { course, enrolment, taker } = await learnerIn(deps, req);
    const { answers } = parse(answersForm, req.body);
    const id = String(req.params['id']);
    try {
      await deps.assessments.submitAttempt(taker, id, answers);
    } catch (error) {
      if (!isDomainError(error, 'invalid')) throw error;
      res.status(400);
      return showAttempt(res, course, await attemptOf(enrolment.registration, id), answers, error.problems);
    }
    return res.redirect(303, `/courses/${encodeURIComponent(course.code)}/quiz/attempts/${id}`);
  });

  routes.post(`${base}/quiz/attempts/:id/answers`, async (req, res) => {
    const { course, taker } = await learnerIn(deps, req);
    const attempt = await deps.assessments.viewAnswers(taker, String(req.params['id']));
    res.redirect(303, `/courses/${encodeURIComponent(course.code)}/quiz/attempts/${attempt.id}`);
  });

  const showSurvey = (
    res: Response,
    course: Parameters<typeof courseView>[1],
    survey: Survey,
    state: { submittedAt: Date | null; given: Record<string, string[]>; problems: Problem[] },
  ): void => {
    const language = languageOf(res);
    res.render('pages/survey', {
      course: courseView(language, course),
      survey: { title: inLanguage(survey.title, language) },
      done: state.submittedAt !== null,
      submittedAt: state.submittedAt,
      problems: labelled(language, survey.questions, state.problems),
      questions: survey.questions.map(({ id, kind, text, choices, required }) => ({
        id,
        kind,
        required,
        text: inLanguage(text, language),
        given: state.given[id]?.[0] ?? '',
        choices: choices.map((choice) => ({
          id: choice.id,
          text: inLanguage(choice.text, language),
          chosen: state.given[id]?.includes(choice.id) ?? false,
        })),
      })),
    });
  };
  const surveyOf = async (courseId: string): Promise<Survey> => {
    const survey = await deps.assessments.surveyOf(courseId);
    if (!survey) throw new DomainError('not-found', 'This course has no survey.', { code: 'no-survey' });
    return survey;
  };

  routes.get(`${base}/survey`, async (req, res) => {
    const { course, enrolment } = await learnerIn(deps, req);
    const response = await deps.assessments.surveyResponse(enrolment.registration);
    showSurvey(res, course, await surveyOf(course.id), {
      submittedAt: response?.submittedAt ?? null,
      given: {},
      problems: [],
    });
  });

  routes.post(`${base}/survey`, async (req, res) => {
    const { course, taker } = await learnerIn(deps, req);
    const { answers } = parse(answersForm, req.body);
    try {
      await deps.assessments.submitSurvey(taker, answers);
    } catch (error) {
      if (!isDomainError(error, 'invalid')) throw error;
      res.status(400);
      return showSurvey(res, course, await surveyOf(course.id), {
        submittedAt: null,
        given: answers,
        problems: error.problems,
      });
    }
    return res.redirect(303, `/courses/${encodeURIComponent(course.code)}/survey`);
  });

  return routes;
}
