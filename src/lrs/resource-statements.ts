import { createHash, randomBytes } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import { DomainError, type Problem } from '../base/errors.ts';
import { signatureUsage } from '../xapi/attachments.ts';
import { Checker } from '../xapi/check.ts';
import { checkActor } from '../xapi/actor.ts';
import { type Format, inFormat } from '../xapi/formats.ts';
import { decodeUtf8, parseJson } from '../xapi/json.ts';
import { boundaryOf, joinMultipart, type OutgoingPart, splitMultipart } from '../xapi/multipart.ts';
import { instantOf, isIri, isRfcUuid } from '../xapi/scalars.ts';
import { signatureFault } from '../xapi/signatures.ts';
import { term } from '../xapi/terms.ts';
import type { Agent, Attachment, Statement } from '../xapi/types.ts';
import { mayDefine, seesOnlyOwn } from './authorise.ts';
import { type StatementIntake, toQuery } from './door.ts';
import {
  bad,
  empty,
  json,
  mediaType,
  onlyParams,
  requiredParam,
  type XapiAnswer,
  type XapiRequest,
} from './exchange.ts';
import { type SentStatement, sentStatements } from './intake.ts';
import type { AttachmentStore, StatementQuery, StatementRow, StatementStore } from './store.ts';
import type { Authority, StatementFilter } from './types.ts';

export interface StatementsOptions {
  store: StatementStore;
  attachments: AttachmentStore;
  door: StatementIntake;
  clock: Clock;
  limits: { xapiBatch: number; xapiDepth: number };
}

/** Statements on one page at most, and when `limit` is 0 or absent. */
export const mostPerPage = 500;

export const singleParams = ['statementId', 'voidedStatementId', 'format', 'attachments'];
export const filterParams = [
  'agent',
  'verb',
  'activity',
  'registration',
  'related_activities',
  'related_agents',
  'since',
  'until',
  'limit',
  'format',
  'attachments',
  'ascending',
];

const pageHead = Buffer.from('{"statements":[');

/** What a `more` link carries: the query as it was, and where to go on. */
interface MoreState {
  query: [string, string][];
  after: number;
  through: number;
}

/** The statements resource (1.0.3 Communication 2.1; 2.0 4.1.6.1). */
export function createStatementsResource({ store, attachments, door, clock, limits }: StatementsOptions) {
  const authorityOf = ({ caller: { credential } }: XapiRequest): Authority => ({
    id: credential.id,
    agent: JSON.parse(credential.authority) as Agent,
  });

  const put = async (request: XapiRequest): Promise<XapiAnswer> => {
    onlyParams(request, ['statementId']);
    const id = requiredParam(request, 'statementId');
    if (!isRfcUuid(id)) throw bad('statementId is not a UUID.', 'statementId');
    const { sent, batch, bytes } = readStatements(request, limits);
    const [only] = sent;
    if (batch || !only) throw bad('PUT takes one Statement, not an array (xAPI Communication 2.1.1).');
    const statement = only.value as { id?: unknown };
    const own = statement?.id;
    if (typeof own === 'string' && own.toLowerCase() !== id.toLowerCase())
      throw bad('The Statement has another id than the parameter statementId.', '$.id');
    if (own === undefined && typeof only.value === 'object' && only.value !== null) {
      // The id of the address becomes the Statement's own, in its text too.
      const rest = only.text.trim().slice(1);
      only.text = `{"id":"${id}"${rest.trim() === '}' ? '' : ','}${rest}`;
      only.value = { id, ...(only.value as object) };
    }
    await receive(request, sent, false, bytes);
    return empty(204);
  };

  const post = async (request: XapiRequest): Promise<XapiAnswer> => {
    onlyParams(request, []);
    const { sent, batch, bytes } = readStatements(request, limits);
    return json(200, await receive(request, sent, batch, bytes));
  };

  const receive = async (
    request: XapiRequest,
    sent: SentStatement[],
    batch: boolean,
    bytes: Map<string, Buffer> | null,
  ): Promise<string[]> => {
    const authority = authorityOf(request);
    const options = { version: request.version, authority, define: mayDefine(request) };
    checkSpokenAbout(request, sent, batch);
    const used = checkAttachmentBytes(sent, batch, bytes);
    // Kept before the Statements that speak of them: an answered Statement never lacks its bytes.
    for (const [sha2, body] of used) await attachments.put(sha2, body);
    return door.receive(sent, batch, options);
  };

  const visible = (request: XapiRequest, row: StatementRow | null): row is StatementRow =>
    row !== null && (!seesOnlyOwn(request) || row.authorityId === request.caller.credential.id);

  const getOne = async (request: XapiRequest): Promise<XapiAnswer> => {
    onlyParams(request, singleParams);
    const { params } = request;
    const voided = params.get('voidedStatementId');
    const id = params.get('statementId') ?? voided ?? '';
    if (params.has('statementId') && voided !== undefined)
      throw bad('statementId and voidedStatementId exclude each other.');
    if (!isRfcUuid(id)) throw bad('The Statement id is not a UUID.');
    const { format, withAttachments } = readPresentation(request);
    const headers: Record<string, string> = {};
    const row = await store.byId(id.toLowerCase());
    if (!visible(request, row) || row.voided !== (voided !== undefined))
      return notFound(headers, 'There is no such Statement.');
    const [text = ''] = await present([row], format, request);
    headers['last-modified'] = new Date(row.stored).toUTCString();
    headers['etag'] = `"${createHash('sha1').update(text).digest('hex')}"`;
    return withAttachments ? multipart(text, [row], headers) : body(text, headers);
  };

  const getMany = async (request: XapiRequest): Promise<XapiAnswer> => {
    const more = request.params.get('more');
    const state = more === undefined ? null : readMore(more);
    if (more !== undefined) onlyParams(request, ['more']);
    else onlyParams(request, filterParams);
    const asked: XapiRequest = state ? { ...request, params: new Map(state.query) } : request;
    const query = readQuery(asked);
    if (state) Object.assign(query, { after: state.after, through: state.through });
    if (seesOnlyOwn(request)) query.terms.push(term.authority(request.caller.credential.id));
    const { format, withAttachments } = readPresentation(asked);
    const headers: Record<string, string> = {};
    const linkTo = (last: number | null, through: number): string => {
      const link: MoreState = { query: [...asked.params], after: last ?? 0, through };
      return `${request.base}/statements?more=${Buffer.from(JSON.stringify(link)).toString('base64url')}`;
    };
    const lastModified = (newest: number): string => new Date(newest || clock.now().getTime()).toUTCString();
    if (format === 'exact' && !withAttachments) {
      const { text, last, newest, more: goesOn, through } = await store.findText(query);
      headers['last-modified'] = lastModified(newest);
      headers['content-type'] = 'application/json';
      const tail = `],"more":${JSON.stringify(goesOn ? linkTo(last, through) : '')}}`;
      return { status: 200, headers, body: Buffer.concat([pageHead, text, Buffer.from(tail)]) };
    }
    const page = await store.find(query);
    const texts = await present(page.rows, format, request);
    const next = page.more ? linkTo(page.rows.at(-1)?.seq ?? null, page.through) : '';
    const text = `{"statements":[${texts.join(',')}],"more":${JSON.stringify(next)}}`;
    headers['last-modified'] = lastModified(
      page.rows.reduce((newest, { stored }) => Math.max(newest, stored), 0),
    );
    return withAttachments ? multipart(text, page.rows, headers) : body(text, headers);
  };

  const present = async (
    rows: readonly StatementRow[],
    format: Format,
    request: XapiRequest,
  ): Promise<string[]> => {
    if (format === 'exact') return rows.map(({ body: text }) => text);
    const definitions =
      format === 'canonical' ? await store.definitions(activityIdsOf(rows)) : new Map<string, string>();
    const accept = request.headers['accept-language'];
    return rows.map(({ body: text }) => inFormat(text, format, accept, (id) => definitions.get(id) ?? null));
  };

  const multipart = async (
    text: string,
    rows: readonly StatementRow[],
    headers: Record<string, string>,
  ): Promise<XapiAnswer> => {
    const parts: OutgoingPart[] = [];
    const seen = new Set<string>();
    for (const row of rows)
      for (const { sha2, contentType } of attachmentsOf(JSON.parse(row.body) as Statement)) {
        const key = sha2.toLowerCase();
        if (seen.has(key)) continue;
        seen.add(key);
        const bytes = await attachments.get(key);
        if (bytes) parts.push({ contentType, sha2, body: bytes });
      }
    const boundary = `zhixing-${randomBytes(12).toString('hex')}`;
    return {
      status: 200,
      headers: { ...headers, 'content-type': `multipart/mixed; boundary=${boundary}` },
      body: joinMultipart(text, parts, boundary),
    };
  };

  return async (request: XapiRequest): Promise<XapiAnswer> => {
    if (request.method === 'PUT') return put(request);
    if (request.method === 'POST') return post(request);
    if (request.method !== 'GET' && request.method !== 'HEAD') return notAllowed('GET, HEAD, PUT, POST');
    return request.params.has('statementId') || request.params.has('voidedStatementId')
      ? getOne(request)
      : getMany(request);
  };
}

export const notAllowed = (allow: string): XapiAnswer => ({
  ...json(405, {
    error: { kind: 'invalid', code: 'xapi-method', message: `Allowed here: ${allow}.`, problems: [] },
  }),
  headers: { 'content-type': 'application/json', allow },
});

const notFound = (headers: Record<string, string>, message: string): XapiAnswer => {
  const answer = json(404, { error: { kind: 'not-found', code: 'not-found', message, problems: [] } });
  return { ...answer, headers: { ...headers, ...answer.headers } };
};

const body = (text: string, headers: Record<string, string>): XapiAnswer => ({
  status: 200,
  headers: { ...headers, 'content-type': 'application/json' },
  body: text,
});

/** The Statements of a request, and the bytes of its attachments by hash (null: it was plain JSON). */
function readStatements(
  request: XapiRequest,
  limits: StatementsOptions['limits'],
): { sent: SentStatement[]; batch: boolean; bytes: Map<string, Buffer> | null } {
  const type = mediaType(request.headers['content-type']);
  let jsonBytes = request.body;
  let bytes: Map<string, Buffer> | null = null;
  if (type === 'multipart/mixed') {
    const boundary = boundaryOf(request.headers['content-type'] ?? '');
    const [first, ...rest] = splitMultipart(request.body, boundary, 10_001);
    if (!first || mediaType(first.headers.get('content-type')) !== 'application/json')
      throw bad('The first part must be application/json (xAPI 1.0.3 Communication 1.5.2).');
    jsonBytes = first.body;
    bytes = new Map();
    for (const { headers, body: part } of rest) {
      const hash = headers.get('x-experience-api-hash');
      if (!hash) throw bad('A part has no X-Experience-API-Hash (xAPI 1.0.3 Communication 1.5.2).');
      if (headers.get('content-transfer-encoding')?.toLowerCase() !== 'binary')
        throw bad('A part has no Content-Transfer-Encoding: binary (xAPI 1.0.3 Communication 1.5.2).');
      bytes.set(hash.toLowerCase(), part);
    }
  } else if (type !== 'application/json')
    throw bad(
      `The Content-Type must be application/json or multipart/mixed, found ${type.slice(0, 60) || 'none'}.`,
    );
  const text = decodeUtf8(jsonBytes);
  const { value, shape } = parseJson(text, limits.xapiDepth);
  const batch = Array.isArray(value);
  if (batch && value.length > limits.xapiBatch)
    throw new DomainError(
      'too-large',
      `A batch may hold ${limits.xapiBatch} Statements, found ${value.length}.`,
      {
        code: 'xapi-batch',
        params: { most: limits.xapiBatch },
      },
    );
  return { sent: sentStatements(text, value, shape), batch, bytes };
}

const attachmentsOf = (statement: Statement): Attachment[] => {
  const object = statement.object as { objectType?: string; attachments?: Attachment[] } | undefined;
  const inner = object?.objectType === 'SubStatement' ? object.attachments : undefined;
  return [statement.attachments, inner].filter((list) => Array.isArray(list)).flat();
};

const digests: Record<number, string> = { 56: 'sha224', 64: 'sha256', 96: 'sha384', 128: 'sha512' };

/**
 * Every attachment has its bytes or a fileUrl, every part belongs to an attachment, hashes are true, and signatures hold
 * (1.0.3 Communication 1.5.2, Data 2.4.11, 2.6). `length` is the client's word: the hash decides. Gives the bytes to keep.
 */
function checkAttachmentBytes(
  sent: readonly SentStatement[],
  batch: boolean,
  bytes: Map<string, Buffer> | null,
): Map<string, Buffer> {
  const problems: Problem[] = [];
  const used = new Map<string, Buffer>();
  for (const [at, { value, text }] of sent.entries()) {
    if (typeof value !== 'object' || value === null) continue;
    for (const attachment of attachmentsOf(value as Statement)) {
      const path = `${batch ? `$[${at}]` : '$'}.attachments`;
      const { sha2, fileUrl, usageType, contentType } = attachment ?? {};
      if (typeof sha2 !== 'string') continue; // said by the data model's check
      const part = bytes?.get(sha2.toLowerCase());
      if (!part) {
        if (fileUrl === undefined || usageType === signatureUsage)
          problems.push({
            path,
            message: `the bytes of ${sha2.slice(0, 128)} are neither in the request nor at a fileUrl`,
          });
        continue;
      }
      if (!used.has(sha2.toLowerCase())) {
        const digest = digests[sha2.length];
        if (!digest || createHash(digest).update(part).digest('hex') !== sha2.toLowerCase())
          problems.push({ path, message: `the bytes do not have the hash ${sha2.slice(0, 128)}` });
        used.set(sha2.toLowerCase(), part);
      }
      if (usageType !== signatureUsage) continue;
      const fault =
        mediaType(contentType) === 'application/octet-stream'
          ? signatureFault(text, part)
          : 'a signature has the contentType application/octet-stream';
      if (fault) problems.push({ path, message: `${fault} (xAPI 1.0.3 Data 2.6, 2.0 4.2.6)` });
    }
  }
  for (const sha2 of bytes?.keys() ?? [])
    if (!used.has(sha2))
      problems.push({ path: '$', message: `the part ${sha2.slice(0, 128)} belongs to no attachment` });
  if (problems.length > 0)
    throw new DomainError('invalid', 'The attachments do not agree with the Statements.', {
      code: 'xapi-attachments',
      problems: problems.slice(0, 100),
    });
  return used;
}

/** A credential may be bound to one actor home page and one prefix of Activities. */
function checkSpokenAbout(request: XapiRequest, sent: readonly SentStatement[], batch: boolean): void {
  const { actorHomePage, activityPrefix } = request.caller.credential;
  if (actorHomePage === null && activityPrefix === null) return;
  const problems: Problem[] = [];
  for (const [at, { value }] of sent.entries()) {
    const statement = (value ?? {}) as Partial<Statement>;
    const path = batch ? `$[${at}]` : '$';
    const actor = statement.actor as { account?: { homePage?: unknown } } | undefined;
    if (actorHomePage !== null && actor?.account?.homePage !== actorHomePage)
      problems.push({
        path: `${path}.actor`,
        message: `this credential speaks only about accounts of ${actorHomePage}`,
      });
    const object = statement.object as { objectType?: string; id?: unknown } | undefined;
    const isActivity = object?.objectType === undefined || object.objectType === 'Activity';
    const isReference = object?.objectType === 'StatementRef';
    if (
      activityPrefix !== null &&
      !isReference &&
      !(isActivity && typeof object?.id === 'string' && object.id.startsWith(activityPrefix))
    )
      problems.push({
        path: `${path}.object`,
        message: `this credential speaks only about Activities under ${activityPrefix}`,
      });
  }
  if (problems.length > 0)
    throw new DomainError('forbidden', 'This credential may not speak about that.', {
      code: 'lrs-not-yours',
      problems: problems.slice(0, 100),
    });
}

const flag = (request: XapiRequest, name: string): boolean => {
  const value = request.params.get(name);
  if (value === undefined || value === 'false') return false;
  if (value === 'true') return true;
  throw bad(`${name} must be true or false.`, name);
};

function readPresentation(request: XapiRequest): { format: Format; withAttachments: boolean } {
  const format = request.params.get('format') ?? 'exact';
  if (format !== 'exact' && format !== 'ids' && format !== 'canonical')
    throw bad('format must be ids, exact or canonical.', 'format');
  return { format, withAttachments: flag(request, 'attachments') };
}

function readQuery(request: XapiRequest): StatementQuery {
  const { params } = request;
  const filter: StatementFilter = {
    relatedActivities: flag(request, 'related_activities'),
    relatedAgents: flag(request, 'related_agents'),
    ascending: flag(request, 'ascending'),
  };
  const agent = params.get('agent');
  if (agent !== undefined) filter.agent = readAgent(agent, 'agent', true);
  for (const name of ['verb', 'activity'] as const) {
    const value = params.get(name);
    if (value === undefined) continue;
    if (!isIri(value)) throw bad(`${name} is not an IRI.`, name);
    filter[name] = value;
  }
  const registration = params.get('registration');
  if (registration !== undefined) {
    if (!isRfcUuid(registration)) throw bad('registration is not a UUID.', 'registration');
    filter.registration = registration;
  }
  for (const name of ['since', 'until'] as const) {
    const value = params.get(name);
    if (value === undefined) continue;
    if (instantOf(value) === null) throw bad(`${name} is not an ISO 8601 timestamp.`, name);
    filter[name] = value;
  }
  const limit = params.get('limit') ?? '0';
  if (!/^\d{1,9}$/.test(limit)) throw bad('limit must be a non-negative integer.', 'limit');
  return toQuery(filter, Math.min(Number(limit) || mostPerPage, mostPerPage));
}

/** An Agent (or identified Group) in a parameter, by the data model's rules. */
export function readAgent(text: string, name: string, groups = false): Agent {
  const { value } = parseJson(text, 16);
  const c = new Checker('1.0.3');
  checkActor(c, value, name);
  const isGroup = (value as { objectType?: unknown } | null)?.objectType === 'Group';
  if (isGroup && !groups) c.fail(name, 'actor', 'must be an Agent');
  if (c.problems.length > 0)
    throw new DomainError('invalid', `${name} is not a valid Agent.`, {
      code: 'xapi-invalid',
      problems: c.problems,
    });
  return value as Agent;
}

function readMore(text: string): MoreState {
  try {
    const value = JSON.parse(Buffer.from(text, 'base64url').toString('utf8')) as MoreState;
    if (
      Number.isSafeInteger(value.after) &&
      Number.isSafeInteger(value.through) &&
      value.query.every(([name, entry]) => filterParams.includes(name) && typeof entry === 'string')
    )
      return value;
  } catch {
    // Answered below like any other broken link.
  }
  throw bad('This more link is not one of this LRS.', 'more');
}

function activityIdsOf(rows: readonly StatementRow[]): string[] {
  const ids = new Set<string>();
  const add = (value: unknown): void => {
    if (Array.isArray(value)) value.forEach(add);
    else if (typeof value === 'object' && value !== null) {
      const { objectType, id } = value as { objectType?: unknown; id?: unknown };
      if ((objectType === undefined || objectType === 'Activity') && typeof id === 'string') ids.add(id);
    }
  };
  for (const row of rows) {
    const whole = JSON.parse(row.body) as Statement;
    const parts = [whole, whole.object as Partial<Statement>];
    for (const part of parts) {
      add(part.object);
      for (const list of Object.values(part.context?.contextActivities ?? {})) add(list);
    }
  }
  return [...ids];
}
