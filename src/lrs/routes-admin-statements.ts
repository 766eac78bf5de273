import { once } from 'node:events';
import { type Request, type Response, Router } from 'express';
import type { Language } from '../base/languages.ts';
import { lineOf, type StatementBrowser } from './admin/browse.ts';
import { pretty } from './admin/pretty.ts';
import { fieldsOf } from './admin/search.ts';
import { verbChoices } from './admin/verb-choices.ts';
import type { Credentials } from './credentials.ts';
import type { StatementStore } from './store.ts';

const languageOf = (res: Response): Language => (res.locals['language'] as Language | undefined) ?? 'zh-TW';

/** The Statement browser: search, one Statement, and what arrives. */
export function createStatementRoutes({
  browser,
  statements,
  credentials,
}: {
  browser: StatementBrowser;
  statements: StatementStore;
  credentials: Credentials;
}): Router {
  const routes = Router();
  const labels = async (): Promise<Map<string, string>> =>
    new Map((await credentials.list()).map(({ id, label }) => [id, label]));

  routes.get('/admin/lrs', async (req, res) => {
    const fields = fieldsOf(req.query);
    const language = languageOf(res);
    const { rows, next, searched } = await browser.page(fields, language);
    const known = await labels();
    const asked = new URLSearchParams(
      Object.entries(fields).filter(([name, value]) => value !== undefined && name !== 'after') as [
        string,
        string,
      ][],
    );
    const more = new URLSearchParams(asked);
    if (next !== null) more.set('after', String(next));
    res.render('pages/lrs-statements', {
      rows: rows.map((row) => ({ ...row, authority: known.get(row.authorityId) ?? row.authorityId })),
      fields,
      // Words are looked for Statement by Statement: the page says how far it has looked.
      searched: fields['text'] === undefined || next === null ? null : searched,
      verbs: verbChoices(language),
      query: asked.toString(),
      more: next === null ? null : more.toString(),
    });
  });
  routes.get('/admin/lrs/statements/:id', async (req, res) => {
    const found = await browser.whole(String(req.params['id']), languageOf(res));
    const authority = (await labels()).get(found.authorityId) ?? found.authorityId;
    res.render('pages/lrs-statement', { ...found, authority, json: pretty(found.body) });
  });
  routes.get('/api/lrs/statements', async (req, res) => {
    const { rows, next } = await browser.page(fieldsOf(req.query), languageOf(res));
    res.json({ rows, next });
  });
  routes.get('/api/lrs/statements/:id', async (req, res) => {
    res.type('json').send((await browser.one(String(req.params['id']), languageOf(res))).body);
  });
  routes.get('/api/lrs/live', (req, res) => live(req, res, statements));
  return routes;
}

/** Server-sent events: every Statement as it arrives. The feed's order; a slow reader is waited for. */
async function live(req: Request, res: Response, statements: StatementStore): Promise<void> {
  res.set({
    'Content-Type': 'text/event-stream',
    'Cache-Control': 'no-store, no-transform',
    'X-Accel-Buffering': 'no',
  });
  res.flushHeaders();
  const closed = new AbortController();
  req.once('close', () => closed.abort());
  res.once('close', () => closed.abort());
  let position = Number(req.get('Last-Event-ID')) || (await statements.head());
  while (!closed.signal.aborted) {
    const rows = await statements.after(position, 20);
    for (const row of rows) {
      position = row.seq;
      const data = `id: ${row.seq}\ndata: ${JSON.stringify(lineOf(row, languageOf(res)))}\n\n`;
      if (!res.write(data)) await once(res, 'drain', { signal: closed.signal }).catch(() => undefined);
    }
    if (rows.length === 0) {
      if (!res.write(': still here\n\n') && closed.signal.aborted) return;
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, 1000);
        closed.signal.addEventListener('abort', () => (clearTimeout(timer), resolve(null)), { once: true });
      });
    }
  }
}
