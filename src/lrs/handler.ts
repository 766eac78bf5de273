import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../base/clock.ts';
import { DomainError, isDomainError, type Problem } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import { toPublicError } from '../http/errors.ts';
import type { RateCounterStore } from '../http/store.ts';
import { agentOf, identityOf } from '../xapi/actor.ts';
import { isIri } from '../xapi/scalars.ts';
import { servedVersions, versionOf, type XapiVersion } from '../xapi/versions.ts';
import { alternateRequest } from './alternate.ts';
import { authorise } from './authorise.ts';
import type { Caller, Credentials } from './credentials.ts';
import type { StatementIntake } from './door.ts';
import {
  bad,
  json,
  notAllowed,
  onlyParams,
  readBody,
  readParams,
  requiredParam,
  type XapiAnswer,
  type XapiRequest,
} from './exchange.ts';
import { createDocumentsResource, isDocumentResource } from './resource-documents.ts';
import { createStatementsResource } from './resource-statements.ts';
import { readAgent } from './statement-params.ts';
import { createTokenEndpoint } from './oauth.ts';
import { openApi } from './openapi.ts';
import type { LrsStores } from './store.ts';

export interface LrsHandlerOptions {
  stores: LrsStores;
  door: StatementIntake;
  credentials: Credentials;
  rateCounters: RateCounterStore;
  clock: Clock;
  logger: Logger;
  limits: { xapiBodyBytes: number; xapiBatch: number; xapiDepth: number };
  /** Told of every request of a known credential that was refused. Never blocks. */
  onRejected?: (rejection: {
    credentialId: string;
    method: string;
    resource: string;
    status: number;
    message: string;
    problems: Problem[];
  }) => void;
}

/** Answers one request below the endpoint; `path` begins with a slash, `base` is the endpoint's own path. Never rejects. */
export type LrsHandler = (
  req: IncomingMessage,
  res: ServerResponse,
  path: string,
  query: string,
  base: string,
) => Promise<void>;

const exposed =
  'ETag, Last-Modified, X-Experience-API-Version, X-Experience-API-Consistent-Through, Retry-After, Content-Length';
const allowedHeaders =
  'Authorization, Content-Type, Content-Length, Content-Encoding, If-Match, If-None-Match, X-Experience-API-Version, Accept-Language, Accept, X-Requested-With';
const methods = 'GET, HEAD, PUT, POST, DELETE, OPTIONS';

/** 1.0.3 and 2.0 share no version: this one is understood by the clients of both to mean "none of yours". */
const noVersion = '0.95';

/** What is known of a request when it fails. */
interface Known {
  version: XapiVersion | typeof noVersion;
  credentialId: string | null;
}

export function createLrsHandler(options: LrsHandlerOptions): LrsHandler {
  const { stores, door, credentials, rateCounters, clock, logger, limits, onRejected } = options;
  const statements = createStatementsResource({
    store: stores.statements,
    attachments: stores.attachments,
    door,
    clock,
    limits,
  });
  const documents = createDocumentsResource(stores.documents, clock, limits.xapiDepth);

  const about = (method: string): XapiAnswer =>
    method === 'GET' || method === 'HEAD' ? json(200, { version: servedVersions }) : notAllowed('GET, HEAD');

  const activity = async (request: XapiRequest): Promise<XapiAnswer> => {
    onlyParams(request, ['activityId']);
    const id = requiredParam(request, 'activityId');
    if (!isIri(id)) throw bad('activityId is not an IRI.', 'activityId');
    const definition = (await stores.statements.definitions([id])).get(id);
    const text = `{"objectType":"Activity","id":${JSON.stringify(id)}${definition === undefined ? '' : `,"definition":${definition}`}}`;
    return { status: 200, headers: { 'content-type': 'application/json' }, body: text };
  };

  /** The Person of an Agent (1.0.3 Communication 2.4): the identifiers of every Agent that is linked to it as the same person, and every name they were seen with. */
  const person = async (request: XapiRequest): Promise<XapiAnswer> => {
    onlyParams(request, ['agent']);
    const agent = readAgent(requiredParam(request, 'agent'), 'agent');
    const identity = identityOf(agent) ?? '';
    const joined = await stores.personas.joined(identity);
    const names = (await Promise.all(joined.map((one) => stores.statements.agentNames(one)))).flat();
    if (agent.name !== undefined) names.push(agent.name);
    // The one that was asked for exactly as it was sent.
    const agents = [agent, ...joined.filter((one) => one !== identity).map(agentOf)];
    const all = (ifi: 'mbox' | 'mbox_sha1sum' | 'openid' | 'account') => {
      const values = agents.flatMap((one) => one?.[ifi] ?? []);
      return values.length > 0 ? { [ifi]: values } : {};
    };
    return json(200, {
      objectType: 'Person',
      ...(names.length > 0 ? { name: [...new Set(names)] } : {}),
      ...all('mbox'),
      ...all('mbox_sha1sum'),
      ...all('openid'),
      ...all('account'),
    });
  };

  const act = (request: XapiRequest): Promise<XapiAnswer> | XapiAnswer => {
    if (request.resource === 'statements') return statements(request);
    if (isDocumentResource(request.resource)) return documents(request);
    if (request.resource !== 'activities' && request.resource !== 'agents')
      throw new DomainError('not-found', 'There is no such xAPI resource.', { code: 'not-found' });
    if (request.method !== 'GET' && request.method !== 'HEAD') return notAllowed('GET, HEAD');
    return request.resource === 'activities' ? activity(request) : person(request);
  };

  const limitRate = async ({ credential: { id, ratePerMinute } }: Caller): Promise<void> => {
    if (ratePerMinute === null) return;
    const now = clock.now().getTime();
    const start = now - (now % 60_000);
    const count = await rateCounters.add(`lrs:${id}`, new Date(start), new Date(start + 60_000));
    if (count > ratePerMinute)
      throw new DomainError('rate-limited', `This credential may make ${ratePerMinute} requests a minute.`, {
        code: 'rate-limited',
        retryAfter: Math.max(1, Math.ceil((start + 60_000 - now) / 1000)),
      });
  };

  /** What a credential allows of every request, the one for a token too. */
  const admit = async (caller: Caller, origin: string | undefined): Promise<void> => {
    const { origins } = caller.credential;
    if (origin !== undefined && origins.length > 0 && !origins.includes(origin))
      throw new DomainError('forbidden', 'This credential may not be used from that origin.', {
        code: 'lrs-origin',
      });
    await limitRate(caller);
  };
  const tokens = createTokenEndpoint(credentials, admit);

  const authenticate = async (
    authorization: string | undefined,
    origin: string | undefined,
    known: Known,
  ): Promise<Caller> => {
    const caller = await credentials.authenticate(authorization);
    if (!caller)
      throw new DomainError('unauthenticated', 'The LRS needs a valid credential (Basic or Bearer).', {
        code: 'lrs-credential',
      });
    known.credentialId = caller.credential.id;
    await admit(caller, origin);
    return caller;
  };

  /** On every answer of the statements resource, whatever its status (1.0.3 Communication 2.1.3). */
  const consistentThrough = async (): Promise<string> => {
    const now = clock.now().getTime();
    // A store that does not answer promises nothing.
    const through = await stores.statements.consistentThrough(now).catch(() => 0);
    return new Date(through).toISOString();
  };

  const tell = (method: string, path: string, status: number, known: Known, error: unknown): void => {
    if (known.credentialId === null || status >= 500 || !isDomainError(error)) return;
    const { message, problems } = error;
    const resource = path.replace(/^\/|\/$/g, '');
    onRejected?.({
      credentialId: known.credentialId,
      method,
      resource,
      status,
      message,
      problems: problems.slice(0, 20),
    });
  };

  const respond = async (
    req: IncomingMessage,
    path: string,
    query: string,
    base: string,
    known: Known,
  ): Promise<XapiAnswer> => {
    const resource = path.replace(/^\/|\/$/g, '');
    if (resource === 'about') return about(req.method ?? 'GET');
    if (resource === 'oauth/token') return tokens(req);
    if (resource === 'openapi.json')
      return req.method === 'GET' || req.method === 'HEAD'
        ? json(200, openApi(base))
        : notAllowed('GET, HEAD');
    let method = req.method ?? 'GET';
    let params = readParams(query);
    let headers: Record<string, string | undefined> = req.headers as Record<string, string | undefined>;
    let body: Buffer | null = null;
    if (params.has('method')) {
      body = await readBody(req, limits.xapiBodyBytes);
      ({ method, params, headers, body } = alternateRequest(method, params, headers, body));
    }
    const asked = headers['x-experience-api-version'];
    const version = versionOf(asked);
    if (version === null)
      throw bad(
        asked === undefined
          ? 'The header X-Experience-API-Version is missing.'
          : `X-Experience-API-Version must be one of 1.0.x and 2.0.x, found ${asked.slice(0, 40)}.`,
      );
    if (body !== null && version === '2.0.0')
      throw bad('xAPI 2.0 has no alternate request syntax: send the method itself.');
    known.version = version;
    const caller = await authenticate(headers['authorization'], headers['origin'], known);
    authorise({ resource, method, caller });
    body ??= await readBody(req, limits.xapiBodyBytes);
    return act({ method, resource, params, headers, body, version, caller, base });
  };

  return async (req, res, path, query, base) => {
    res.setHeader('Access-Control-Allow-Origin', req.headers.origin ?? '*');
    res.setHeader('Vary', 'Origin');
    if (req.method === 'OPTIONS') {
      res.writeHead(204, {
        'Access-Control-Allow-Methods': methods,
        'Access-Control-Allow-Headers': allowedHeaders,
        'Access-Control-Max-Age': '86400',
      });
      res.end();
      return;
    }
    const known: Known = { version: noVersion, credentialId: null };
    let answer: XapiAnswer;
    try {
      answer = await respond(req, path, query, base, known);
    } catch (error) {
      answer = failure(error);
      tell(req.method ?? '', path, answer.status, known, error);
      if (answer.status >= 500) logger.error({ err: error, method: req.method, path }, 'request failed');
      if (!req.complete) {
        // Whatever is still on its way is not read: the connection cannot be used again.
        res.setHeader('Connection', 'close');
      }
    }
    if (res.destroyed) return;
    if (path.startsWith('/statements'))
      res.setHeader('X-Experience-API-Consistent-Through', await consistentThrough());
    const isAbout = path.replace(/\/$/, '') === '/about';
    res.setHeader(
      'X-Experience-API-Version',
      isAbout ? (versionOf(req.headers['x-experience-api-version']) ?? '2.0.0') : known.version,
    );
    res.setHeader('Access-Control-Expose-Headers', exposed);
    try {
      send(req, res, answer);
    } catch (error) {
      // A stored value that no header can hold: this one request fails, not the process.
      logger.error({ err: error, method: req.method, path }, 'answer could not be sent');
      for (const name of Object.keys(answer.headers)) res.removeHeader(name);
      send(req, res, failure(error));
    }
  };
}

function send(req: IncomingMessage, res: ServerResponse, { status, headers, body }: XapiAnswer): void {
  for (const [name, value] of Object.entries(headers)) res.setHeader(name, value);
  if (body !== null) res.setHeader('Content-Length', Buffer.byteLength(body));
  else if (status !== 304 && status !== 204) res.setHeader('Content-Length', 0);
  res.statusCode = status;
  res.end(req.method === 'HEAD' || body === null ? undefined : body);
}

function failure(error: unknown): XapiAnswer {
  const { status, kind, code, message, problems, retryAfter } = toPublicError(error);
  const answer = json(status, { error: { kind: kind ?? 'internal', code, message, problems } });
  if (status === 401) answer.headers['www-authenticate'] = 'Basic realm="xAPI", charset="UTF-8"';
  if (retryAfter !== null) answer.headers['retry-after'] = String(retryAfter);
  return answer;
}

/**
 * The LRS in front of everything else on the same server, for the hot routes: answers requests to `base` on the
 * portal's host and says so; leaves every other alone. The handler is the same that the routes mount.
 */
export const createLrsListener =
  (handler: LrsHandler, base: string, publicOrigin: string) =>
  (req: IncomingMessage, res: ServerResponse): boolean => {
    const url = req.url ?? '';
    if (!url.startsWith(base) || (url[base.length] !== '/' && url[base.length] !== '?')) return false;
    if (req.headers.host?.toLowerCase() !== publicOrigin.replace(/^https?:\/\//, '').toLowerCase())
      return false;
    const question = url.indexOf('?');
    const path = question < 0 ? url.slice(base.length) : url.slice(base.length, question);
    void handler(req, res, path, question < 0 ? '' : url.slice(question + 1), base);
    return true;
  };
