import { type Request, type RequestHandler, type Response, Router } from 'express';
import { z } from 'zod';
import { isDomainError } from '../../base/errors.ts';
import { inLanguage, type Language, type LocalText } from '../../base/languages.ts';
import { statusOfKind } from '../../http/errors.ts';
import type { RateLimit } from '../../http/rate-limit.ts';
import { parse } from '../../http/validate.ts';
import { errorText } from '../../views/error-model.ts';
import { translate } from '../../views/messages.ts';
import type { Agencies } from '../agencies/agencies.ts';
import { allows, roleScopes } from '../policy.ts';
import { allowed, currentPerson } from '../routes-access.ts';
import { type Person, type RoleGrant, roles } from '../types.ts';
import type { Asking, FoundPeople, PeopleAdministration } from './administration.ts';
import { linkHours, passwordLength, type PasswordLinks } from './password-links.ts';

export interface PeopleRoutesDeps {
  administration: PeopleAdministration;
  links: PasswordLinks;
  agencies: Pick<Agencies, 'byCode'>;
  /** What a way of signing in is called; null: it is not offered any more. */
  providerLabel(key: string): LocalText | null;
  rateLimit(limit: RateLimit): RequestHandler;
}

const optional = (most: number) => z.string().trim().max(most).default('');
const searchForm = z.object({
  text: optional(200),
  role: optional(20),
  idNumber: optional(20),
  after: optional(64),
});
const staffForm = z.object({ name: optional(100), loginName: optional(100), email: optional(200) });
const grantForm = z.object({
  role: optional(20),
  organisation: optional(200),
  agency: optional(300),
  newOrganisation: z.literal('yes').optional(),
});
const revokeForm = z.object({ role: z.enum(roles), organisation: optional(200) });
const passwordForm = z.object({
  token: z.string().max(200).default(''),
  password: z.string().max(1000).default(''),
  again: z.string().max(1000).default(''),
});

const languageOf = (res: Response): Language => res.locals['language'] as Language;
const staffRoles = roles.filter((role) => role !== 'learner');

/** 人員管理: look people up, their page, what an administrator does for them; and the page behind a set-password link. */
export function createPeopleRoutes(deps: PeopleRoutesDeps): Router {
  const { administration, links } = deps;
  const routes = Router();
  const asking = (req: Request): Asking => ({ by: currentPerson(req), address: req.ip ?? null });
  const idOf = (req: Request): string => String(req.params['id']);

  const grantView = async (language: Language, { role, organisation }: RoleGrant) => ({
    role,
    organisation,
    name: translate(language, `people.role.${role}`),
    heldFor:
      organisation === null
        ? null
        : roleScopes[role] === 'agency'
          ? await agencyName(language, organisation)
          : organisation,
  });
  const agencyName = async (language: Language, code: string): Promise<string> => {
    const agency = await deps.agencies.byCode(code);
    return agency ? `${code} ${inLanguage(agency.name, language)}` : code;
  };
  const listed = (language: Language, person: Person) => ({
    id: person.id,
    name: person.name,
    nickname: person.nickname,
    kind: translate(language, `people.kind.${person.accountKind}`),
    agency: person.agencyName ?? person.agencyCode,
    roles: [
      ...new Set(
        person.roles
          .filter(({ role }) => role !== 'learner')
          .map(({ role }) => translate(language, `people.role.${role}`)),
      ),
    ].join('、'),
  });

  const showSearch = (
    req: Request,
    res: Response,
    state: {
      form: { text: string; role: string };
      found?: FoundPeople;
      none?: boolean;
      error?: string;
      created?: { name: string; link: string };
    },
  ): void => {
    const language = languageOf(res);
    res.set('Cache-Control', 'no-store').render('pages/people/index', {
      form: state.form,
      error: state.error,
      created: state.created,
      linkHours,
      roles: staffRoles.map((value) => ({
        value,
        label: translate(language, `people.role.${value}`),
        selected: value === state.form.role,
      })),
      byIdNumber: allows(currentPerson(req), 'people.find-by-id-number'),
      searched: state.found !== undefined || state.none === true,
      after: state.found?.after ?? null,
      people: state.found?.people.map(({ person, loginName, locked }) => ({
        ...listed(language, person),
        loginName,
        locked,
      })),
    });
  };

  routes.get('/admin/people', (req, res) => {
    allowed(req, 'people.read');
    showSearch(req, res, { form: { text: '', role: '' } });
  });

  // Looked up by POST: whom someone looks for is not left in addresses and logs.
  routes.post('/admin/people', async (req, res) => {
    allowed(req, 'people.read');
    const { idNumber, after, ...form } = parse(searchForm, req.body);
    try {
      if (idNumber === '') {
        const role = roles.find((each) => each === form.role) ?? null;
        const query = { text: form.text, role, after: after === '' ? null : after };
        return showSearch(req, res, { form, found: await administration.search(asking(req), query) });
      }
      const person = await administration.findByIdNumber(asking(req), idNumber);
      if (person) return res.redirect(303, `/admin/people/${person.id}`);
      return showSearch(req, res, { form, none: true });
    } catch (error) {
      if (!isDomainError(error, 'invalid')) throw error;
      res.status(400);
      return showSearch(req, res, { form, error: errorText(languageOf(res), error) });
    }
  });

  routes.post('/admin/people/new', async (req, res) => {
    allowed(req, 'people.manage');
    const { email, ...wish } = parse(staffForm, req.body);
    const language = languageOf(res);
    const form = { text: '', role: '' };
    const refuse = (text: string): void => showSearch(req, res.status(400), { form, error: text });
    if (wish.name === '' || wish.loginName === '') return refuse(translate(language, 'people.newIncomplete'));
    if (email !== '' && !z.email().safeParse(email).success)
      return refuse(translate(language, 'people.newEmail'));
    try {
      const { person, link } = await administration.createStaff(asking(req), {
        ...wish,
        email: email === '' ? null : email,
      });
      // The link stands in this answer only: no address, no session and no log ever holds it.
      return showSearch(req, res, { form, created: { name: person.name, link } });
    } catch (error) {
      if (!isDomainError(error, 'conflict')) throw error;
      res.status(409);
      return showSearch(req, res, { form, error: errorText(language, error) });
    }
  });

  const showPerson = async (
    req: Request,
    res: Response,
    state: { error?: string; done?: string | null; link?: string; grant?: Record<string, unknown> } = {},
  ): Promise<void> => {
    const language = languageOf(res);
    const reader = allowed(req, 'people.read');
    const file = await administration.file(asking(req), idOf(req));
    const { person } = file;
    const mayManage = allows(reader, 'people.manage');
    const own = person.id === reader.id;
    res.set('Cache-Control', 'no-store').render('pages/people/person', {
      ...state,
      file,
      learner: {
        ...listed(language, person),
        nameEn: person.nameEn,
        email: person.email,
        agencyCode: person.agencyCode,
        personnelCategory: person.personnelCategory,
      },
      waysIn: [
        ...(file.loginName === null
          ? []
          : [{ name: translate(language, 'people.localAccount'), detail: file.loginName }]),
        ...[...new Set(file.identities.map(({ provider }) => provider))].map((key) => {
          const label = deps.providerLabel(key);
          const assurance = file.vouchers[key];
          return {
            name: label ? inLanguage(label, language) : key,
            detail: assurance === undefined ? '' : translate(language, `people.kind.${assurance}`),
          };
        }),
      ],
      consentAt: file.consent && new Date(file.consent.at),
      secondFactorSince: file.secondFactor.since === null ? null : new Date(file.secondFactor.since),
      grants: (await Promise.all(person.roles.map((grant) => grantView(language, grant)))).map((grant) => ({
        ...grant,
        removable: mayManage && !(own && grant.role === 'admin'),
      })),
      roles: [...staffRoles, 'learner' as const].map((value) => ({
        value,
        label: translate(language, `people.role.${value}`),
        selected: value === state.grant?.['role'],
      })),
      organisations: mayManage ? await administration.organisations() : [],
      mayManage,
      own,
      linkHours,
      doneText: state.done ? translate(language, `people.done.${state.done}`) : null,
      anyFailures: file.failures.length > 0 || file.secondFactorLockedUntil !== null,
    });
  };

  const doneWords = ['grant', 'revoke', 'lock', 'unlock', 'failures', 'sessions', 'second-factor'];
  routes.get('/admin/people/:id', async (req, res) => {
    allowed(req, 'people.read');
    const done = doneWords.find((word) => word === req.query['done']) ?? null;
    await showPerson(req, res, { done });
  });

  /** Does it and shows the person's page again: with what went wrong, or what was done. */
  const act = (
    name: string,
    perform: (req: Request, res: Response) => Promise<string | { link: string }>,
  ): void => {
    routes.post(`/admin/people/:id/${name}`, async (req, res) => {
      allowed(req, 'people.manage');
      try {
        const done = await perform(req, res);
        if (typeof done === 'object') return await showPerson(req, res, done);
        return res.redirect(303, `/admin/people/${encodeURIComponent(idOf(req))}?done=${done}`);
      } catch (error) {
        if (!isDomainError(error) || ['not-found', 'unauthenticated'].includes(error.kind)) throw error;
        if (error.kind === 'forbidden' && error.code === 'forbidden') throw error;
        res.status(statusOfKind[error.kind]);
        return showPerson(req, res, {
          error: errorText(languageOf(res), error),
          grant: req.body as Record<string, unknown>,
        });
      }
    });
  };
  act('grant', async (req) => {
    const { newOrganisation, ...wish } = parse(grantForm, req.body);
    await administration.grant(asking(req), idOf(req), {
      ...wish,
      newOrganisation: newOrganisation === 'yes',
    });
    return 'grant';
  });
  act('revoke', async (req) => {
    const { role, organisation } = parse(revokeForm, req.body);
    await administration.revoke(asking(req), idOf(req), {
      role,
      organisation: organisation === '' ? null : organisation,
    });
    return 'revoke';
  });
  act('lock', async (req) => {
    await administration.lock(asking(req), idOf(req), true);
    return 'lock';
  });
  act('unlock', async (req) => {
    await administration.lock(asking(req), idOf(req), false);
    return 'unlock';
  });
  act('clear-failures', async (req) => {
    await administration.clearFailures(asking(req), idOf(req));
    return 'failures';
  });
  act('end-sessions', async (req) => {
    await administration.endSessions(asking(req), idOf(req));
    return 'sessions';
  });
  act('reset-second-factor', async (req) => {
    await administration.resetSecondFactor(asking(req), idOf(req));
    return 'second-factor';
  });
  act('password-link', async (req) => ({ link: await administration.passwordLink(asking(req), idOf(req)) }));

  // The page behind the link
  const showPassword = async (
    res: Response,
    token: string,
    state: { error?: string; done?: boolean } = {},
  ): Promise<void> => {
    const holder = state.done ? null : await links.holder(token);
    if (!holder && !state.done) res.status(422);
    res.set('Cache-Control', 'no-store').render('pages/set-password', {
      ...state,
      token,
      loginName: holder?.local?.loginName ?? null,
      void: !holder && !state.done,
      linkHours,
      ...passwordLength,
    });
  };
  const limit = deps.rateLimit({ name: 'set-password', limit: 60, windowSeconds: 300 });
  routes.get('/set-password', limit, (req, res) =>
    showPassword(res, typeof req.query['token'] === 'string' ? req.query['token'].slice(0, 200) : ''),
  );
  routes.post('/set-password', limit, async (req, res) => {
    const { token, password, again } = parse(passwordForm, req.body);
    const language = languageOf(res);
    if (password !== again) {
      res.status(400);
      return showPassword(res, token, { error: translate(language, 'people.password.differ') });
    }
    try {
      await links.set(token, password, req.ip ?? null);
    } catch (error) {
      if (!isDomainError(error, 'invalid') && !isDomainError(error, 'unprocessable')) throw error;
      res.status(statusOfKind[error.kind]);
      return showPassword(res, token, { error: errorText(language, error) });
    }
    return showPassword(res, '', { done: true });
  });

  return routes;
}
