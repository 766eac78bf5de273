import { Router } from 'express';
import type { OutboxStore } from './store.ts';

/** The mails of demo mode, newest first. Mounted in demo mode only. */
export function createOutboxRoutes(store: Pick<OutboxStore, 'latest'>): Router {
  const routes = Router();
  routes.get('/demo/outbox', async (_req, res) => {
    const mails = await store.latest(50);
    res.set('Cache-Control', 'no-store').render('pages/demo-outbox', {
      mails: mails.map(({ text, ...mail }) => ({
        ...mail,
        // A link stands on a line of its own.
        lines: text.split('\n').map((line) => ({ line, link: /^https?:\/\/\S+$/.test(line) })),
      })),
    });
  });
  return routes;
}
