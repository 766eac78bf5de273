import type { Request, Response } from 'express';
import { pipeline } from 'node:stream/promises';
import mime from 'mime';
import { DomainError } from '../../base/errors.ts';
import type { ServedFile } from './library.ts';

/** Text types are UTF-8 unless the page says otherwise itself; HTML is left to its own declaration (Big5 courses exist). */
function contentType(path: string): string {
  const type = mime.getType(path) ?? 'application/octet-stream';
  return /^text\/(css|plain|vtt|csv)|javascript|json$/.test(type) ? `${type}; charset=utf-8` : type;
}

/**
 * Serves one file of a package version: ETag, conditional requests, one byte range, HEAD, constant memory. A version never
 * changes, so it may be cached as long as its address is good.
 */
export async function serveFile(file: ServedFile | null, req: Request, res: Response): Promise<void> {
  if (!file)
    throw new DomainError('not-found', 'The package holds no such file.', { code: 'no-package-file' });
  res.set({
    'Content-Type': contentType(file.path),
    ETag: file.etag,
    'Accept-Ranges': 'bytes',
    'Cache-Control': 'private, max-age=3600',
    'X-Content-Type-Options': 'nosniff',
  });
  if (req.method !== 'GET' && req.method !== 'HEAD')
    throw new DomainError('invalid', 'A file can only be read: use GET or HEAD.', { code: 'read-only' });
  if (req.fresh) {
    res.status(304).end();
    return;
  }
  let range: { start: number; end: number } | undefined;
  const mayRange = req.headers['if-range'] === undefined || req.headers['if-range'] === file.etag;
  const asked = mayRange && file.size > 0 ? req.range(file.size, { combine: true }) : undefined;
  if (asked === -1) {
    res.status(416).set('Content-Range', `bytes */${file.size}`).end();
    return;
  }
  if (Array.isArray(asked) && asked.type === 'bytes' && asked.length === 1) {
    range = asked[0];
  }
  if (range) {
    res.status(206).set('Content-Range', `bytes ${range.start}-${range.end}/${file.size}`);
    res.set('Content-Length', String(range.end - range.start + 1));
  } else res.set('Content-Length', String(file.size));
  if (req.method === 'HEAD') {
    res.end();
    return;
  }
  try {
    await pipeline(await file.open(range), res);
  } catch (error) {
    // A reader who went away is no fault of ours.
    if ((error as NodeJS.ErrnoException).code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
  }
}
