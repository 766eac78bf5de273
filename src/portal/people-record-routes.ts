import { Router } from 'express';
import { z } from 'zod';
import { DomainError } from '../base/errors.ts';
import { inLanguage } from '../base/languages.ts';
import { parse } from '../http/validate.ts';
import { allows, reachOf } from '../identity/policy.ts';
import { allowed } from '../identity/routes-access.ts';
import { languageOf, type PortalDeps } from './context.ts';
import { recordOf } from './record-routes.ts';

const searchForm = z.object({
  text: z.string().trim().max(200).default(''),
  after: z.string().trim().max(64).default(''),
});
const pageSize = 50;

/** 同仁學習紀錄: learning records of others, for HR officers within their agencies and for those who may read all. */
export function createPeopleRecordRoutes(deps: PortalDeps): Router {
  const routes = Router();

  /** The agencies that this reader's roles reach; null: everybody. */
  const agenciesOf = async (reader: Parameters<typeof reachOf>[0]): Promise<string[] | null> => {
    const reach = reachOf(reader, 'record.read');
    return reach === 'all' ? null : deps.agencies.treeOf(reach);
  };
  const heldFor = async (reader: Parameters<typeof reachOf>[0], language: ReturnType<typeof languageOf>) => {
    const reach = reachOf(reader, 'record.read');
    if (reach === 'all') return null;
    const names = await Promise.all(
      reach.map(async (code) => {
        const agency = await deps.agencies.byCode(code);
        return agency ? inLanguage(agency.name, language) : code;
      }),
    );
    return names.join('、');
  };

  routes.get('/records', async (req, res) => {
    const reader = allowed(req, 'record.read');
    res.render('pages/records', { form: { text: '' }, heldFor: await heldFor(reader, languageOf(res)) });
  });

  // Looked up by POST: whom someone looks for is not left in addresses and logs.
  routes.post('/records', async (req, res) => {
    const reader = allowed(req, 'record.read');
    const form = parse(searchForm, req.body);
    const words = form.text.split(/\s+/).filter(Boolean).slice(0, 8);
    const agencies = await agenciesOf(reader);
    const found = await deps.directory.search({
      words,
      after: form.after === '' ? null : form.after,
      limit: pageSize + 1,
      ...(agencies === null ? {} : { agencies }),
    });
    const shown = found.slice(0, pageSize);
    await deps.audit({
      action: 'people.search',
      actorId: reader.id,
      subjectId: null,
      outcome: 'success',
      reason: null,
      address: req.ip ?? null,
      detail: {
        by: words.length > 0 ? 'text' : 'all',
        what: 'learning-records',
        found: String(shown.length),
      },
    });
    res.set('Cache-Control', 'no-store').render('pages/records', {
      form,
      heldFor: await heldFor(reader, languageOf(res)),
      searched: true,
      people: shown.map(({ id, name, nickname, agencyCode, agencyName }) => ({
        ...{ id, name, nickname },
        agency: agencyName ?? agencyCode,
      })),
      after: found.length > pageSize ? (shown.at(-1)?.id ?? null) : null,
    });
  });

  routes.get('/records/:personId', async (req, res) => {
    const reader = allowed(req, 'record.read');
    const person = await deps.people.byId(String(req.params['personId']));
    const may =
      person !== null &&
      allows(reader, 'record.read', { agencies: await deps.agencies.lineOf(person.agencyCode) });
    if (person)
      await deps.audit({
        action: 'record.read',
        actorId: reader.id,
        subjectId: person.id,
        outcome: may ? 'success' : 'failure',
        reason: may ? null : 'forbidden',
        address: req.ip ?? null,
        detail: { what: 'learning-record' },
      });
    // Somebody out of reach looks like nobody.
    if (!person || !may)
      throw new DomainError('not-found', 'There is no such person within what you may see.', {
        code: 'no-record',
      });
    res.set('Cache-Control', 'no-store').render('pages/records-person', {
      learner: { id: person.id, name: person.name, agency: person.agencyName ?? person.agencyCode },
      ...(await recordOf(deps, person.id, languageOf(res))),
    });
  });

  return routes;
}
