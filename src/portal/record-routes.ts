import { Router } from 'express';
import { inLanguage, type Language } from '../base/languages.ts';
import { allowed } from '../identity/routes-access.ts';
import { translate } from '../views/messages.ts';
import { catchUpMs, languageOf, type PortalDeps } from './context.ts';
import { day, ownPeriod, ruleTexts } from './view-models.ts';

/** What a learning record shows: one row for each course, and the hours of this year. */
export async function recordOf(
  deps: Pick<PortalDeps, 'enrolments' | 'completion' | 'catalogue' | 'feed' | 'clock'>,
  personId: string,
  language: Language,
) {
  const caughtUp = await deps.feed.drain(catchUpMs);
  const enrolments = await deps.enrolments.ofPerson(personId);
  const progress = await deps.completion.progressOfAll(enrolments.map(({ registration }) => registration));
  const thisYear = day(deps.clock.now()).slice(0, 4);
  let hours = 0;
  const rows = [];
  for (const enrolment of enrolments) {
    const course = await deps.catalogue.byId(enrolment.courseId);
    const own = progress.get(enrolment.registration);
    if (!course || !own) continue;
    if (own.completedAt && day(own.completedAt).startsWith(thisYear)) hours += course.certifiedHours;
    rows.push({
      registration: enrolment.registration,
      code: course.code,
      title: inLanguage(course.title, language),
      type: translate(language, `courses.type.${course.type}`),
      period: ownPeriod(enrolment, own),
      readingSeconds: own.readingSeconds,
      quizScore: own.quizScore === null ? '--' : String(Math.round(own.quizScore)),
      surveyAsked: course.conditions.survey,
      surveyDone: own.surveyDone,
      rules: ruleTexts(language, course),
      passed: own.completedAt !== null,
      certifiedHours: course.certifiedHours,
    });
  }
  return {
    rows,
    catchingUp: !caughtUp,
    anyPassed: rows.some(({ passed }) => passed),
    hoursThisYear: Math.round(hours * 10) / 10,
  };
}

/** 學習紀錄 (requirements 41). */
export function createRecordRoutes(deps: PortalDeps): Router {
  const routes = Router();
  routes.get('/record', async (req, res) => {
    const person = allowed(req, 'course.take');
    res.render('pages/record', await recordOf(deps, person.id, languageOf(res)));
  });
  return routes;
}
