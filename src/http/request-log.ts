import type { RequestHandler } from 'express';
import type { Logger } from '../base/logger.ts';

/** One line per answered request. The query is left out and path handles are cut: a log holds nothing that opens a door. */
export function createRequestLog(logger: Logger): RequestHandler {
  return (req, res, next) => {
    const started = performance.now();
    res.once('close', () => {
      const path = req.originalUrl.split('?')[0]?.replace(/^\/s\/[^/]+/, '/s/…');
      const ms = Math.round((performance.now() - started) * 10) / 10;
      logger.debug(
        { method: req.method, path, status: res.statusCode, ms, finished: res.writableFinished },
        'request',
      );
    });
    next();
  };
}
