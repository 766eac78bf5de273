import { Router, type Response } from 'express';
import { z } from 'zod';
import { isDomainError, type Problem } from '../base/errors.ts';
import type { LocalText } from '../base/languages.ts';
import { parseQuiz, parseSurvey, quizText, surveyText } from '../assessment/text-format.ts';
import type { Course } from '../courses/types.ts';
import { parse } from '../http/validate.ts';
import { translate } from '../views/messages.ts';
import { languageOf, type PortalDeps } from './context.ts';
import { shownProblems, typed } from './course-form.ts';
import { createVendorAccess } from './vendor-access.ts';
import { courseView } from './view-models.ts';

const questionsForm = z.object({
  titleZh: z.string().trim().max(200).default(''),
  titleEn: z.string().trim().max(200).default(''),
  questions: z.string().max(500_000).default(''),
  drawn: z.literal('').or(z.coerce.number()).optional(),
  shuffle: z.literal('yes').optional(),
});

/** 教材專區: a course's quiz and survey as text. */
export function createQuestionRoutes(deps: PortalDeps): Router {
  const routes = Router();
  const { ownCourse } = createVendorAccess(deps);

  const showQuestions = (
    res: Response,
    kind: 'quiz' | 'survey',
    course: Course,
    state: {
      title: LocalText;
      text: string;
      drawn: unknown;
      shuffle: boolean;
      problems: Problem[];
    },
  ): void => {
    const language = languageOf(res);
    const name = kind === 'quiz' ? 'Quiz' : 'Survey';
    const { title, ...rest } = state;
    res.render('pages/vendor/questions', {
      ...rest,
      // Not `title`: within the layout that is the page's.
      titleZh: title['zh-TW'],
      titleEn: title.en,
      problems: shownProblems(language, state.problems),
      quiz: kind === 'quiz',
      heading: translate(language, `vendor.edit${name}`),
      hintKey: `vendor.${kind}Hint`,
      formatKey: `vendor.${kind}Format`,
      course: courseView(language, course),
    });
  };

  routes.get('/vendor/courses/:id/quiz', async (req, res) => {
    const course = await ownCourse(req);
    const quiz = await deps.assessments.quizOf(course.id);
    showQuestions(res, 'quiz', course, {
      title: quiz?.title ?? course.title,
      text: quizText(quiz?.questions ?? []),
      drawn: quiz?.drawn ?? '',
      shuffle: quiz?.shuffle ?? false,
      problems: [],
    });
  });

  routes.get('/vendor/courses/:id/survey', async (req, res) => {
    const course = await ownCourse(req);
    const survey = await deps.assessments.surveyOf(course.id);
    showQuestions(res, 'survey', course, {
      title: survey?.title ?? course.title,
      text: surveyText(survey?.questions ?? []),
      drawn: '',
      shuffle: false,
      problems: [],
    });
  });

  for (const kind of ['quiz', 'survey'] as const)
    routes.post(`/vendor/courses/:id/${kind}`, async (req, res) => {
      const course = await ownCourse(req);
      const form = parse(questionsForm, req.body);
      const title = typed(form.titleZh, form.titleEn);
      try {
        if (kind === 'quiz')
          await deps.assessments.saveQuiz({
            courseId: course.id,
            title,
            questions: parseQuiz(form.questions),
            drawn: typeof form.drawn === 'number' ? form.drawn : null,
            shuffle: form.shuffle === 'yes',
          });
        else
          await deps.assessments.saveSurvey({
            courseId: course.id,
            title,
            questions: parseSurvey(form.questions),
          });
      } catch (error) {
        if (!isDomainError(error, 'invalid')) throw error;
        res.status(400);
        return showQuestions(res, kind, course, {
          title,
          text: form.questions,
          drawn: form.drawn ?? '',
          shuffle: form.shuffle === 'yes',
          problems: error.problems,
        });
      }
      return res.redirect(303, `/vendor/courses/${course.id}?saved=1`);
    });

  return routes;
}
