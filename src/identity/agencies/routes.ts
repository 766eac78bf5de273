import { type RequestHandler, type Response, Router } from 'express';
import { DomainError } from '../../base/errors.ts';
import { inLanguage, type Language } from '../../base/languages.ts';
import { multipartForm } from '../../http/multipart.ts';
import type { RateLimit } from '../../http/rate-limit.ts';
import { translate } from '../../views/messages.ts';
import { allowed, currentPerson } from '../routes-access.ts';
import type { RecordAudit } from '../types.ts';
import type { Agencies, FoundAgency } from './agencies.ts';
import type { ImportReport } from './import.ts';
import type { Agency } from './store.ts';

export interface AgencyRoutesDeps {
  agencies: Agencies;
  audit: RecordAudit;
  rateLimit(limit: RateLimit): RequestHandler;
}

const tableBytes = 8 * 1024 * 1024;
/** So many lines of a report are shown; the counts cover all. */
const shownLines = 200;

const languageOf = (res: Response): Language => res.locals['language'] as Language;

/** What a picker shows and sends back: code and name, so that it is understood with scripts and without. */
export const agencyChoice = (agency: Agency, language: Language): string =>
  `${agency.code} ${inLanguage(agency.name, language)}`;

/** The agency directory: the picker's search for whoever is signed in, and the administrator's page. */
export function createAgencyRoutes({ agencies, audit, rateLimit }: AgencyRoutesDeps): Router {
  const routes = Router();

  const parentNames = async (agency: Agency, language: Language): Promise<string> =>
    (await agencies.pathOf(agency.code))
      .slice(0, -1)
      .map(({ name }) => inLanguage(name, language))
      .join(' › ');

  routes.get(
    '/api/agencies',
    rateLimit({
      name: 'agencies',
      limit: 240,
      windowSeconds: 60,
      key: (req) => req.user?.id ?? req.ip ?? null,
    }),
    async (req, res) => {
      if (!currentPerson(req))
        throw new DomainError('unauthenticated', 'Please sign in first.', { code: 'sign-in-first' });
      const text = String(req.query['q'] ?? '').slice(0, 100);
      const language = languageOf(res);
      const found = text.trim() === '' ? [] : await agencies.search(text, { limit: 20 });
      res.set('Cache-Control', 'no-store').json({
        choices: await Promise.all(
          found.map(async ({ agency, formerName }) => ({
            value: agencyChoice(agency, language),
            note: [
              formerName === null ? '' : translate(language, 'agencies.formerly', { name: formerName }),
              await parentNames(agency, language),
            ]
              .filter(Boolean)
              .join('　'),
          })),
        ),
      });
    },
  );

  const listed = async ({ agency, formerName }: FoundAgency, language: Language) => ({
    code: agency.code,
    name: inLanguage(agency.name, language),
    otherName: language === 'en' ? agency.name['zh-TW'] : (agency.name.en ?? ''),
    path: await parentNames(agency, language),
    active: agency.active,
    foundBy: formerName,
    former: agency.formerNames.map(({ name, from, to }) => ({
      name: inLanguage(name, language),
      from: from ?? '',
      to,
    })),
  });

  routes.get('/admin/agencies', async (req, res) => {
    allowed(req, 'agencies.manage');
    const language = languageOf(res);
    const asked = String(req.query['q'] ?? '').slice(0, 100);
    const found = await agencies.search(asked, { limit: 51, withInactive: true });
    res.render('pages/agencies', {
      asked,
      counts: await agencies.count(),
      more: found.length > 50,
      list: await Promise.all(found.slice(0, 50).map((one) => listed(one, language))),
      imported: typeof req.query['imported'] === 'string' ? Number(req.query['imported']) || 0 : null,
      maxMb: tableBytes / 1024 / 1024,
    });
  });

  routes.get('/admin/agencies.csv', async (req, res) => {
    allowed(req, 'agencies.manage');
    res
      .attachment('agencies.csv')
      .type('text/csv; charset=utf-8')
      .send(await agencies.export());
  });

  const show = (res: Response, report: ImportReport, extra: Record<string, unknown>): void => {
    const language = languageOf(res);
    const counts: Record<string, number> = {};
    for (const { effect } of report.effects) counts[effect] = (counts[effect] ?? 0) + 1;
    if (report.closed.length > 0) counts['closed'] = (counts['closed'] ?? 0) + report.closed.length;
    const changes = report.effects.filter(({ effect }) => effect !== 'unchanged');
    res.render('pages/agencies-report', {
      encoding: report.encoding.toUpperCase(),
      ignored: report.ignored.join('、'),
      faulty: report.faults.length > 0,
      faultCount: report.faults.length,
      faults: report.faults.slice(0, shownLines).map(({ line, column, heading, code, found }) => ({
        line,
        column: column === null ? null : `${column}${heading ? `（${heading.trim()}）` : ''}`,
        text: translate(language, `agencies.fault.${code}`, { found }),
      })),
      moreFaults: Math.max(0, report.faults.length - shownLines),
      counts: Object.entries(counts).map(([effect, count]) => ({
        label: translate(language, `agencies.effect.${effect}`),
        count,
      })),
      changes: changes.slice(0, shownLines).map(({ line, code, name, effect, before }) => ({
        line,
        code,
        name,
        before,
        effect: translate(language, `agencies.effect.${effect}`),
      })),
      moreChanges: Math.max(0, changes.length - shownLines),
      closed: report.closed.slice(0, shownLines),
      moreClosed: Math.max(0, report.closed.length - shownLines),
      ...extra,
    });
  };

  routes.post('/admin/agencies/import', async (req, res) => {
    const person = allowed(req, 'agencies.manage');
    const { fields, file } = await multipartForm(req, tableBytes);
    // After the check the table comes back as text, so that what was checked is what is imported.
    const checked = fields['table'];
    const bytes = file?.bytes ?? (checked === undefined || checked === '' ? null : Buffer.from(checked));
    if (!bytes) throw new DomainError('invalid', 'Choose a file first.', { code: 'agencies-no-file' });
    const whole = fields['whole'] === 'yes';
    if (fields['action'] !== 'import') {
      const report = await agencies.check(bytes, { whole });
      res.status(report.faults.length > 0 ? 422 : 200);
      return show(res, report, {
        table: new TextDecoder(report.encoding === 'utf-16' ? utf16Of(bytes) : report.encoding).decode(bytes),
        whole,
        revision: report.revision,
      });
    }
    const expected = Number(fields['revision']);
    const report = await agencies.import(bytes, {
      whole,
      ...(fields['revision'] !== undefined && Number.isInteger(expected) ? { expected } : {}),
    });
    const done = report.faults.length === 0;
    const changed =
      report.effects.filter(({ effect }) => effect !== 'unchanged').length + report.closed.length;
    await audit({
      action: 'agencies.import',
      actorId: person.id,
      subjectId: null,
      outcome: done ? 'success' : 'failure',
      reason: done ? null : 'faulty-table',
      address: req.ip ?? null,
      detail: { lines: String(report.effects.length), changed: String(changed) },
    });
    if (done) return res.redirect(303, `/admin/agencies?imported=${changed}`);
    res.status(422);
    return show(res, report, { whole });
  });

  return routes;
}

const utf16Of = (bytes: Buffer): string => (bytes[0] === 0xff ? 'utf-16le' : 'utf-16be');
