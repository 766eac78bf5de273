import { Router } from 'express';
import type { RejectionLog } from './admin/rejections.ts';
import { textOf } from './admin/search.ts';
import type { Credentials } from './credentials.ts';

/** Requests of partners that were refused in the last 30 days, with the reasons. */
export function createRejectionRoutes({
  rejections,
  credentials,
}: {
  rejections: RejectionLog;
  credentials: Credentials;
}): Router {
  const routes = Router();
  routes.get('/admin/lrs/rejections', async (req, res) => {
    const credentialId = textOf(req.query['credential']) ?? null;
    const labels = new Map((await credentials.list()).map(({ id, label }) => [id, label]));
    const list = (await rejections.list(credentialId, 200)).map((entry) => ({
      ...entry,
      label: labels.get(entry.credentialId) ?? entry.credentialId,
    }));
    res.render('pages/lrs-rejections', {
      list,
      credentials: [...labels].map(([id, label]) => ({ id, label })),
      credentialId,
    });
  });
  routes.get('/api/lrs/rejections', async (req, res) => {
    res.json(await rejections.list(textOf(req.query['credential']) ?? null, 1000));
  });
  return routes;
}
