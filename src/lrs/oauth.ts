import type { IncomingMessage } from 'node:http';
import { isDomainError } from '../base/errors.ts';
import type { Caller, Credentials } from './credentials.ts';
import { json, mediaType, readBody, readParams, type XapiAnswer } from './exchange.ts';
import { type Scope, scopes } from './store.ts';

const mostBytes = 16 * 1024;

const answer = (status: number, body: object): XapiAnswer => {
  const made = json(status, body);
  made.headers['cache-control'] = 'no-store';
  return made;
};
const refusal = (status: number, error: string, description: string): XapiAnswer =>
  answer(status, { error, error_description: description });

/**
 * OAuth 2 client credentials (RFC 6749 §4.4): POST of a form with grant_type and, if fewer are wanted, scope; the client
 * authenticates with Basic or with client_id and client_secret in the form. Errors are those of RFC 6749 §5.2.
 * @param admit throws when the client may not ask from there or so often
 */
export const createTokenEndpoint =
  (credentials: Credentials, admit: (caller: Caller, origin: string | undefined) => Promise<void>) =>
  async (req: IncomingMessage): Promise<XapiAnswer> => {
    if (req.method !== 'POST') return { ...refusal(405, 'invalid_request', 'Use POST.') };
    if (mediaType(req.headers['content-type']) !== 'application/x-www-form-urlencoded')
      return refusal(400, 'invalid_request', 'Send a form (application/x-www-form-urlencoded).');
    const form = readParams((await readBody(req, mostBytes)).toString('utf8'));
    const inForm = `${form.get('client_id') ?? ''}:${form.get('client_secret') ?? ''}`;
    const authorization =
      req.headers.authorization ??
      (form.has('client_id') ? `Basic ${Buffer.from(inForm).toString('base64')}` : undefined);
    const caller = /^basic /i.test(authorization ?? '')
      ? await credentials.authenticate(authorization)
      : null;
    if (!caller) {
      const made = refusal(401, 'invalid_client', 'The client is not known or its secret is wrong.');
      made.headers['www-authenticate'] = 'Basic realm="xAPI", charset="UTF-8"';
      return made;
    }
    await admit(caller, req.headers.origin);
    if (form.get('grant_type') !== 'client_credentials')
      return refusal(400, 'unsupported_grant_type', 'grant_type must be client_credentials.');
    const asked = (form.get('scope') ?? '').split(' ').filter(Boolean);
    if (!asked.every((scope): scope is Scope => scopes.includes(scope as Scope)))
      return refusal(400, 'invalid_scope', `A scope is one of: ${scopes.join(', ')}.`);
    try {
      const { token, expiresInSeconds } = await credentials.issueToken(caller, asked as Scope[]);
      return answer(200, {
        access_token: token,
        token_type: 'Bearer',
        expires_in: expiresInSeconds,
        scope: (asked.length > 0 ? asked : caller.scopes).join(' '),
      });
    } catch (error) {
      if (isDomainError(error, 'invalid')) return refusal(400, 'invalid_scope', error.message);
      throw error;
    }
  };
