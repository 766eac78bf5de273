import { pipeline } from 'node:stream/promises';
import type { Request, Response } from 'express';
import mime from 'mime';
import type { Readable } from 'node:stream';
import { DomainError } from '../../base/errors.ts';

/** A file of a package version, as the library hands it out. */
export interface PackageFileSource {
  file(
    versionId: string,
    path: string,
  ): Promise<{
    size: number;
    etag: string;
    open(range?: { start?: number; end?: number }): Promise<Readable>;
  } | null>;
}

/** Answers with one file of a package version: ranges, ETags, MIME type. */
export type ServePackageFile = (
  req: Request,
  res: Response,
  versionId: string,
  path: string,
) => Promise<void>;

/** Text of packages: their own declaration (a meta element, an XML prologue) decides; without one it is UTF-8. */
const typeOf = (path: string): string => {
  const type = mime.getType(path) ?? 'application/octet-stream';
  // HTML keeps its own word: older packages are Big5, and a header would overrule their meta element.
  return /^(text\/(css|javascript|plain|vtt)|application\/json)$/.test(type)
    ? `${type}; charset=utf-8`
    : type;
};

interface Range {
  start: number;
  end: number;
}

/** One range of bytes (RFC 9110 §14.1.2): null to send all, 'unsatisfiable' for 416. Several ranges are answered with all. */
export function rangeOf(header: string | undefined, size: number): Range | null | 'unsatisfiable' {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header?.trim() ?? '');
  if (!match || (match[1] === '' && match[2] === '')) return null;
  const [, first = '', last = ''] = match;
  if (first === '') {
    const length = Math.min(Number(last), size);
    return length === 0 ? 'unsatisfiable' : { start: size - length, end: size - 1 };
  }
  const start = Number(first);
  const end = last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (last !== '' && Number(last) < start) return null;
  return start >= size ? 'unsatisfiable' : { start, end };
}

/** Serves files by streaming them from the blob store: constant memory, however large a video is. */
export const createPackageFileServer =
  (source: PackageFileSource): ServePackageFile =>
  async (req, res, versionId, path) => {
    const file = await source.file(versionId, path);
    if (!file) throw new DomainError('not-found', 'The package has no such file.', { code: 'not-found' });
    // A version never changes, and its address ends with the session: the copy may be kept, and is asked for again.
    res.set({ ETag: file.etag, 'Accept-Ranges': 'bytes' });
    // Not express's `set`: it would add an encoding of its own to HTML.
    res.setHeader('Content-Type', typeOf(path));
    if (req.fresh) {
      res.status(304).end();
      return;
    }
    const conditional = req.headers['if-range'];
    const asked = conditional === undefined || conditional === file.etag ? req.headers.range : undefined;
    const range = rangeOf(asked, file.size);
    if (range === 'unsatisfiable') {
      res.status(416).set('Content-Range', `bytes */${file.size}`).removeHeader('Content-Type');
      res.end();
      return;
    }
    if (range) {
      res.status(206).set('Content-Range', `bytes ${range.start}-${range.end}/${file.size}`);
      // A part of the bytes must not be packed on its way: it would be a part of something else.
      res.set('Cache-Control', `${String(res.get('Cache-Control') ?? 'private, no-cache')}, no-transform`);
    }
    res.set('Content-Length', String(range ? range.end - range.start + 1 : file.size));
    if (req.method === 'HEAD' || file.size === 0) {
      res.end();
      return;
    }
    try {
      await pipeline(await file.open(range ?? {}), res);
    } catch (error) {
      // The browser left in the middle (seeking in a video does that all the time).
      if ((error as NodeJS.ErrnoException).code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
    }
  };
