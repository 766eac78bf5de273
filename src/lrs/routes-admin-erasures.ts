import { Router } from 'express';
import type { People } from '../identity/people.ts';
import { allowed, requireAction } from '../identity/routes-access.ts';
import type { Erasures } from './admin/erasure.ts';
import { fieldsOf, type Search, textOf, wrong } from './admin/search.ts';
import type { Note } from './routes-admin.ts';

const page = '/admin/lrs/erasures';

/** Erasure of a person from the LRS: counted first, asked for by one, confirmed by another. */
export function createErasureRoutes({
  erasures,
  search,
  people,
  note,
}: {
  erasures: Erasures;
  search: Search;
  people: Pick<People, 'byIds'>;
  note: Note;
}): Router {
  const routes = Router();
  routes.use(page, requireAction('lrs.manage'));

  routes.get(page, async (req, res) => {
    const person = allowed(req, 'lrs.manage');
    const learner = textOf(req.query['learner']);
    const dry =
      learner === undefined ? null : { learner, ...(await erasures.dryRun(await search.agentOf(learner))) };
    const all = await erasures.list();
    const ids = all.flatMap(({ requestedBy, confirmedBy }) => [requestedBy, confirmedBy ?? requestedBy]);
    const names = await people.byIds([...new Set(ids)]);
    const nameOf = (id: string | null): string | null => (id === null ? null : (names.get(id)?.name ?? id));
    const list = all.map((erasure) => ({
      ...erasure,
      requester: nameOf(erasure.requestedBy),
      confirmer: nameOf(erasure.confirmedBy),
      mayConfirm: erasure.finishedAt === null && erasure.requestedBy !== person.id,
    }));
    res.render('pages/lrs-erasures', { list, dry });
  });
  routes.post(page, async (req, res) => {
    const { learner, reason } = fieldsOf(req.body);
    if (learner === undefined) throw wrong('learner', 'Say whose Statements are to be erased.');
    if (reason === undefined) throw wrong('reason', 'Give the reason.');
    const agent = await search.agentOf(learner);
    const { id } = await erasures.request(agent, reason, allowed(req, 'lrs.manage').id);
    await note(req, 'erasure.request', { detail: { erasure: id } });
    res.redirect(303, page);
  });
  routes.post(`${page}/:id/confirm`, async (req, res) => {
    const { id, statements, documents } = await erasures.confirm(
      String(req.params['id']),
      allowed(req, 'lrs.manage').id,
    );
    const counts = { statements: String(statements), documents: String(documents) };
    await note(req, 'erasure.confirm', { detail: { erasure: id, ...counts } });
    res.redirect(303, page);
  });
  return routes;
}
