import { createHash } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import type { Problem } from '../../src/base/errors.ts';
import type { Statement } from '../../src/xapi/types.ts';
import type { LrsServer } from './lrs-server.ts';

export const basic = (key: string, secret: string): string =>
  `Basic ${Buffer.from(`${key}:${secret}`).toString('base64')}`;

export interface Page {
  statements: Statement[];
  more: string;
}

export interface CallInit extends Omit<RequestInit, 'headers'> {
  headers?: Record<string, string>;
  /** null: no version header. */
  version?: string | null;
}

/** A client of the LRS that hides nothing: what it sends is what the test says. */
export function lrsClient(lrs: () => LrsServer, given: { key: string; secret: string }) {
  const call = (
    path: string,
    { headers = {}, version = '2.0.0', ...init }: CallInit = {},
  ): Promise<Response> =>
    fetch(`${lrs().endpoint}${path}`, {
      ...init,
      headers: {
        authorization: basic(given.key, given.secret),
        ...(version === null ? {} : { 'x-experience-api-version': version }),
        ...(init.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
    });
  return {
    call,
    post: (body: unknown, headers: Record<string, string> = {}): Promise<Response> =>
      call('/statements', {
        method: 'POST',
        body: typeof body === 'string' ? body : JSON.stringify(body),
        headers,
      }),
    /** GET statements; throws unless it is answered with 200. */
    async get(query: Record<string, string>, init: CallInit = {}): Promise<Page> {
      const response = await call(`/statements?${new URLSearchParams(query).toString()}`, init);
      if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`);
      return (await response.json()) as Page;
    },
    /** A credential's Authorization header. */
    async as(
      draft: Partial<Parameters<LrsServer['credentials']['create']>[0]>,
    ): Promise<{ authorization: string }> {
      const { credential, secret } = await lrs().credentials.create({
        label: 'test',
        scopes: ['all'],
        ...draft,
      });
      return { authorization: basic(credential.key, secret) };
    },
    /** By node:http, for what fetch does not let one send. */
    raw(
      path: string,
      options: { method?: string; headers?: Record<string, string>; chunks?: (string | Buffer)[] } = {},
    ): Promise<{ status: number; headers: NodeJS.Dict<string | string[]>; text: string }> {
      const url = new URL(lrs().endpoint);
      return new Promise((resolve, reject) => {
        const sending = httpRequest(
          {
            host: url.hostname,
            port: url.port,
            path: `${url.pathname}${path}`,
            method: options.method ?? 'GET',
            headers: {
              authorization: basic(given.key, given.secret),
              'x-experience-api-version': '2.0.0',
              ...options.headers,
            },
          },
          (answer) => {
            const parts: Buffer[] = [];
            answer.on('data', (part: Buffer) => parts.push(part));
            answer.once('end', () =>
              resolve({
                status: answer.statusCode ?? 0,
                headers: answer.headers,
                text: Buffer.concat(parts).toString('utf8'),
              }),
            );
          },
        );
        sending.once('error', reject);
        for (const chunk of options.chunks ?? []) sending.write(chunk);
        sending.end();
      });
    },
  };
}

export const problemsOf = async (response: Response): Promise<Problem[]> =>
  ((await response.json()) as { error: { problems: Problem[] } }).error.problems;

export const sha2Of = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

export const attachmentOf = (bytes: Buffer, usageType = 'http://example.org/file') => ({
  usageType,
  display: { en: 'file' },
  contentType: 'application/octet-stream',
  length: bytes.length,
  sha2: sha2Of(bytes),
});

/** A POST of Statements with the bytes of their attachments. */
export function multipartOf(statements: unknown, parts: Buffer[]): CallInit {
  const chunks: Buffer[] = [
    Buffer.from(`--b\r\ncontent-type: application/json\r\n\r\n${JSON.stringify(statements)}\r\n`),
  ];
  for (const part of parts)
    chunks.push(
      Buffer.from(
        `--b\r\nContent-Transfer-Encoding: binary\r\nX-Experience-API-Hash: ${sha2Of(part)}\r\n\r\n`,
      ),
      part,
      Buffer.from('\r\n'),
    );
  chunks.push(Buffer.from('--b--\r\n'));
  return {
    method: 'POST',
    body: Buffer.concat(chunks),
    headers: { 'content-type': 'multipart/mixed; boundary=b' },
  };
}
