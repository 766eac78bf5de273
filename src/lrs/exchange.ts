import type { IncomingMessage } from 'node:http';
import { createGunzip, createInflate, createBrotliDecompress } from 'node:zlib';
import { pipeline } from 'node:stream/promises';
import { Writable, type Transform } from 'node:stream';
import { DomainError } from '../base/errors.ts';
import type { XapiVersion } from '../xapi/versions.ts';
import type { Caller } from './credentials.ts';

/** One xAPI request, whatever syntax it came in. */
export interface XapiRequest {
  method: string;
  /** Below the endpoint, without a slash at either end: `activities/state`. */
  resource: string;
  /** Query parameters; each at most once. */
  params: Map<string, string>;
  /** Header names in lower case. */
  headers: Record<string, string | undefined>;
  body: Buffer;
  version: XapiVersion;
  caller: Caller;
  /** The endpoint's path, for `more` links: `/xapi`. */
  base: string;
}

export interface XapiAnswer {
  status: number;
  headers: Record<string, string>;
  body: string | Buffer | null;
}

export const bad = (message: string, path?: string): DomainError =>
  new DomainError('invalid', message, {
    code: 'xapi-request',
    ...(path === undefined ? {} : { problems: [{ path, message }] }),
  });

export const json = (status: number, body: unknown): XapiAnswer => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});

export const empty = (status: number, headers: Record<string, string> = {}): XapiAnswer => ({
  status,
  headers,
  body: null,
});

export const notAllowed = (allow: string): XapiAnswer => ({
  ...json(405, {
    error: { kind: 'invalid', code: 'xapi-method', message: `Allowed here: ${allow}.`, problems: [] },
  }),
  headers: { 'content-type': 'application/json', allow },
});

const tooLarge = (most: number): DomainError =>
  new DomainError('too-large', `The body is larger than ${most} bytes.`, {
    code: 'xapi-too-large',
    params: { bytes: most },
  });

const decoders: Record<string, () => Transform> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
};

/**
 * The request's whole body, decompressed. DomainError `too-large` as soon as `most` bytes are passed (before or after
 * decompression), `unsupported-media` for an unknown Content-Encoding, `invalid` when it breaks off.
 */
export async function readBody(req: IncomingMessage, most: number): Promise<Buffer> {
  if (Number(req.headers['content-length'] ?? 0) > most) throw tooLarge(most);
  const encoding = (req.headers['content-encoding'] ?? 'identity').trim().toLowerCase();
  const chunks: Buffer[] = [];
  let size = 0;
  if (encoding === 'identity') {
    // No pipeline: this is the hot path.
    return new Promise((resolve, reject) => {
      req.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > most) {
          req.removeAllListeners('data');
          req.resume();
          reject(tooLarge(most));
        } else chunks.push(chunk);
      });
      req.once('end', () =>
        resolve(chunks.length === 1 ? (chunks[0] ?? Buffer.alloc(0)) : Buffer.concat(chunks)),
      );
      req.once('error', reject);
      req.once('aborted', () => reject(bad('The body broke off.')));
    });
  }
  const decoder = Object.hasOwn(decoders, encoding) ? decoders[encoding] : undefined;
  if (!decoder)
    throw new DomainError(
      'unsupported-media',
      `The Content-Encoding ${encoding.slice(0, 40)} is not known here.`,
      {
        code: 'xapi-encoding',
      },
    );
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      size += chunk.length;
      if (size > most) return done(tooLarge(most));
      chunks.push(chunk);
      done();
    },
  });
  try {
    await pipeline(req, decoder(), sink);
  } catch (error) {
    if (error instanceof DomainError) throw error;
    throw bad(`The body is not valid ${encoding}.`);
  }
  return Buffer.concat(chunks);
}

/** Parses a query string; DomainError `invalid` for a parameter given twice or broken escapes. */
export function readParams(query: string): Map<string, string> {
  const params = new Map<string, string>();
  if (query === '') return params;
  for (const pair of query.split('&')) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    let name: string;
    let value: string;
    try {
      name = decodeURIComponent((equals < 0 ? pair : pair.slice(0, equals)).replaceAll('+', ' '));
      value = equals < 0 ? '' : decodeURIComponent(pair.slice(equals + 1).replaceAll('+', ' '));
    } catch {
      throw bad('The query is not valid percent-encoded UTF-8.');
    }
    if (params.has(name)) throw bad(`The parameter ${name.slice(0, 60)} is given twice.`);
    params.set(name, value);
  }
  return params;
}

/** Only parameters that the resource knows (1.0.3 Communication 3.2; 2.0 4.1.2). */
export function onlyParams(request: XapiRequest, known: readonly string[]): void {
  for (const name of request.params.keys())
    if (!known.includes(name)) throw bad(`The parameter ${name.slice(0, 60)} is not known here.`, name);
}

export function requiredParam(request: XapiRequest, name: string): string {
  const value = request.params.get(name);
  if (value === undefined) throw bad(`The parameter ${name} is missing.`, name);
  return value;
}

/** The media type of a Content-Type header, in lower case. */
export const mediaType = (contentType: string | undefined): string =>
  (contentType ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
