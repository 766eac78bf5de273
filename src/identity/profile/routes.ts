import { type Request, type Response, Router } from 'express';
import { DomainError, isDomainError, type Problem } from '../../base/errors.ts';
import type { Language, LocalText } from '../../base/languages.ts';
import { translate } from '../../views/messages.ts';
import type { Agencies } from '../agencies/agencies.ts';
import { agencyChoice } from '../agencies/routes.ts';
import { allowed, currentPerson } from '../routes-access.ts';
import type { Person } from '../types.ts';
import { createFieldViews } from './field-views.ts';
import type { ProfileForm, Profiles } from './profiles.ts';

export interface ProfileRoutesDeps {
  profiles: Profiles;
  agencies: Agencies;
  /** What a way of signing in is called; null: it is not offered any more. */
  providerLabel(key: string): LocalText | null;
}

const languageOf = (res: Response): Language => res.locals['language'] as Language;
const texts = [
  'name',
  'nameEn',
  'nickname',
  'gender',
  'agency',
  'partTimeAgency',
  'personnelCategory',
  'email',
  'backupEmail',
  'website',
  'introduction',
] as const;

const formOf = (body: unknown): ProfileForm => {
  const sent = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>;
  const shown = sent['shownOnCard'];
  const form: ProfileForm = {
    shownOnCard: (Array.isArray(shown) ? shown : [shown]).filter((one) => typeof one === 'string'),
  };
  for (const name of texts) {
    const value = sent[name];
    if (typeof value === 'string') form[name] = value.slice(0, 5000);
  }
  return form;
};

/** 個人資料 and the card that other learners see. */
export function createProfileRoutes({ profiles, agencies, providerLabel }: ProfileRoutesDeps): Router {
  const routes = Router();
  const views = createFieldViews({ categories: profiles.categories, providerLabel });

  const signedIn = (req: Request): Person => {
    const person = currentPerson(req);
    if (!person) throw new DomainError('unauthenticated', 'Please sign in first.', { code: 'sign-in-first' });
    return person;
  };

  const show = async (
    res: Response,
    person: Person,
    form: ProfileForm | null,
    problems: Problem[],
    saved: string | null,
  ): Promise<void> => {
    const language = languageOf(res);
    const own = await profiles.of(person.id);
    const fields = views.rows(language, own, form, problems);
    const suggestions = async (text: string | undefined) =>
      text === undefined
        ? []
        : (await agencies.search(text.split(/\s/)[0] ?? '', { limit: 8 })).map(({ agency }) =>
            agencyChoice(agency, language),
          );
    const wrong = (path: string): boolean => problems.some((problem) => problem.path === path);
    res.render('pages/profile', {
      fields,
      nickname: own.record.nickname,
      restricted: own.record.restrictedAt !== null,
      unconfirmed: own.record.email !== null && !own.record.emailConfirmed,
      saved:
        saved === null
          ? null
          : translate(language, saved === 'email' ? 'profile.savedEmail' : 'profile.saved'),
      problems: problems.map(({ path, message }) => ({
        label: fields.find(({ input }) => input === path)?.label ?? path,
        message: translate(language, `profile.problem.${message}`),
      })),
      suggested: {
        agency: wrong('agency') ? await suggestions(form?.agency) : [],
        partTimeAgency: wrong('partTimeAgency') ? await suggestions(form?.partTimeAgency) : [],
      },
    });
  };

  routes.get('/account', (_req, res) => res.redirect(303, '/account/profile'));

  routes.get('/account/profile', async (req, res) => {
    const saved = req.query['saved'];
    await show(res, signedIn(req), null, [], typeof saved === 'string' ? saved : null);
  });

  routes.post('/account/profile', async (req, res) => {
    const person = signedIn(req);
    const form = formOf(req.body);
    try {
      const { emailChanged } = await profiles.save(person.id, form, {
        language: languageOf(res),
        address: req.ip ?? null,
      });
      res.redirect(303, `/account/profile?saved=${emailChanged ? 'email' : 'yes'}`);
    } catch (error) {
      if (!isDomainError(error, 'invalid')) throw error;
      res.status(400);
      await show(res, person, form, error.problems, null);
    }
  });

  routes.get('/people/:nickname', async (req, res) => {
    const reader = allowed(req, 'course.take');
    const language = languageOf(res);
    const card = await profiles.card(String(req.params['nickname']), {
      id: reader.id,
      address: req.ip ?? null,
    });
    if (!card)
      throw new DomainError('not-found', 'Nobody has this nickname, or the card is not shown.', {
        code: 'profile-no-card',
      });
    res.set('X-Robots-Tag', 'noindex');
    res.render('pages/card', {
      nickname: card.nickname,
      initial: [...card.nickname][0],
      own: card.personId === reader.id,
      facts: views.card(language, card),
    });
  });

  return routes;
}
