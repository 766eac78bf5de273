import { createHash, randomBytes } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import { type Format, inFormat } from '../xapi/formats.ts';
import { joinMultipart } from '../xapi/multipart.ts';
import { isRfcUuid } from '../xapi/scalars.ts';
import { term } from '../xapi/terms.ts';
import type { Agent, Statement } from '../xapi/types.ts';
import { checkVoids, mayDefine, seesOnlyOwn } from './authorise.ts';
import { checkSpokenAbout } from './bounds.ts';
import type { StatementIntake } from './door.ts';
import {
  bad,
  empty,
  json,
  notAllowed,
  onlyParams,
  requiredParam,
  type XapiAnswer,
  type XapiRequest,
} from './exchange.ts';
import type { SentStatement } from './intake.ts';
import { checkAttachmentBytes, partsOf } from './statement-attachments.ts';
import { readStatements } from './statement-bodies.ts';
import {
  filterParams,
  readMore,
  readPresentation,
  readQuery,
  singleParams,
  writeMore,
} from './statement-params.ts';
import type { AttachmentStore, StatementRow, StatementStore } from './store.ts';
import type { Authority } from './types.ts';

export interface StatementsOptions {
  store: StatementStore;
  attachments: AttachmentStore;
  door: StatementIntake;
  clock: Clock;
  limits: { xapiBatch: number; xapiDepth: number };
}

const pageHead = Buffer.from('{"statements":[');

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
    const { activityPrefix } = request.caller.credential;
    const options = { version: request.version, authority, define: mayDefine(request), activityPrefix };
    checkSpokenAbout(request, sent, batch);
    await checkVoids(request, sent, batch, (id) => store.byId(id));
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
    const linkTo = (after: number | null, through: number): string =>
      after === null
        ? ''
        : `${request.base}/statements?more=${writeMore({ query: [...asked.params], after, through })}`;
    const lastModified = (newest: number): string => new Date(newest || clock.now().getTime()).toUTCString();
    if (format === 'exact' && !withAttachments) {
      const { text, newest, next, through } = await store.findText(query);
      headers['last-modified'] = lastModified(newest);
      headers['content-type'] = 'application/json';
      const tail = `],"more":${JSON.stringify(linkTo(next, through))}}`;
      return { status: 200, headers, body: Buffer.concat([pageHead, text, Buffer.from(tail)]) };
    }
    const page = await store.find(query);
    const texts = await present(page.rows, format, request);
    const text = `{"statements":[${texts.join(',')}],"more":${JSON.stringify(linkTo(page.next, page.through))}}`;
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
    const parts = await partsOf(
      rows.map((row) => JSON.parse(row.body) as Statement),
      attachments,
    );
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

const notFound = (headers: Record<string, string>, message: string): XapiAnswer => {
  const answer = json(404, { error: { kind: 'not-found', code: 'not-found', message, problems: [] } });
  return { ...answer, headers: { ...headers, ...answer.headers } };
};

const body = (text: string, headers: Record<string, string>): XapiAnswer => ({
  status: 200,
  headers: { ...headers, 'content-type': 'application/json' },
  body: text,
});

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
