import { Router } from 'express';
import type { Language } from '../base/languages.ts';
import { requireAction } from '../identity/routes-access.ts';
import type { Forwarding } from './admin/forwarding.ts';
import { fieldsOf, type Search } from './admin/search.ts';
import { verbChoices } from './admin/verb-choices.ts';
import type { Note } from './routes-admin.ts';
import type { StatementStore } from './store.ts';

const page = '/admin/lrs/forwarding';

/** Forwarding to other LRSs: rules, how far each has come, what was refused there, and sending it again. */
export function createForwardingRoutes({
  forwarding,
  statements,
  search,
  note,
}: {
  forwarding: Forwarding;
  statements: StatementStore;
  search: Search;
  note: Note;
}): Router {
  const routes = Router();
  routes.use(page, requireAction('lrs.manage'));

  routes.get(page, async (_req, res) => {
    const head = await statements.head();
    const list = [];
    for (const rule of await forwarding.rules())
      list.push({
        ...rule,
        deadLetters: await forwarding.deadLetters(rule.id),
        what: rule.terms.map((term) => term.slice(2)).join(', '),
        // Everything up to there was looked at, whether it matched or not.
        percent: head === 0 ? 100 : Math.min(100, Math.floor((rule.position / head) * 100)),
        behind: Math.max(0, head - rule.position),
      });
    const language = (res.locals['language'] as Language | undefined) ?? 'zh-TW';
    res.render('pages/lrs-forwarding', { list, verbs: verbChoices(language) });
  });
  routes.post(page, async (req, res) => {
    const fields = fieldsOf(req.body);
    const { label = '', endpoint = '', key = '', secret = '' } = fields;
    await forwarding.add({
      label,
      endpoint,
      authorization: `Basic ${Buffer.from(`${key}:${secret}`).toString('base64')}`,
      filter: await search.filterOf(fields),
      from: fields['from'] === 'beginning' ? 'beginning' : 'now',
    });
    await note(req, 'forwarding.create', { detail: { label, endpoint } });
    res.redirect(303, page);
  });
  routes.post(`${page}/:id/switch`, async (req, res) => {
    const on = fieldsOf(req.body)['on'] === 'yes';
    await forwarding.enable(String(req.params['id']), on);
    await note(req, 'forwarding.switch', { detail: { rule: String(req.params['id']), on: String(on) } });
    res.redirect(303, page);
  });
  routes.post(`${page}/:id/replay`, async (req, res) => {
    const taken = await forwarding.replay(String(req.params['id']));
    await note(req, 'forwarding.replay', {
      detail: { rule: String(req.params['id']), taken: String(taken) },
    });
    res.redirect(303, page);
  });
  routes.post(`${page}/:id/remove`, async (req, res) => {
    await forwarding.remove(String(req.params['id']));
    await note(req, 'forwarding.remove', { detail: { rule: String(req.params['id']) } });
    res.redirect(303, page);
  });
  return routes;
}
