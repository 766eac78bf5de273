import { type RequestHandler, Router } from 'express';
import type { LrsHandler } from './handler.ts';

/** The LRS below the path it is mounted at; no body parser may stand before it. */
export function createLrsRoutes(handler: LrsHandler): Router {
  const router = Router();
  const all: RequestHandler = async (req, res) => {
    const [path = '/', query = ''] = splitOnce(req.url);
    await handler(req, res, path, query, req.baseUrl);
  };
  router.use(all);
  return router;
}

const splitOnce = (url: string): string[] => {
  const at = url.indexOf('?');
  return at < 0 ? [url] : [url.slice(0, at), url.slice(at + 1)];
};
