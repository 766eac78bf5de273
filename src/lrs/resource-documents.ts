import { createHash } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import { DomainError } from '../base/errors.ts';
import { identityOf } from '../xapi/actor.ts';
import { decodeUtf8, type ExactJson, parseExact, parseJson } from '../xapi/json.ts';
import { stringifyExact } from '../xapi/objects.ts';
import { instantOf, isIri, isRfcUuid } from '../xapi/scalars.ts';
import { checkDocumentAbout } from './bounds.ts';
import {
  bad,
  empty,
  json,
  mediaType,
  notAllowed,
  onlyParams,
  requiredParam,
  type XapiAnswer,
  type XapiRequest,
} from './exchange.ts';
import { readAgent } from './statement-params.ts';
import type { DocumentScope, DocumentStore, StoredDocument } from './store.ts';
import type { DocumentDoor } from './types.ts';

const etagOf = (body: Buffer): string => createHash('sha1').update(body).digest('hex');

/** The inner door to documents. */
export function createDocumentDoor(store: DocumentStore, clock: Clock): DocumentDoor {
  const scopeOf = (key: Parameters<DocumentDoor['getState']>[0]): DocumentScope => ({
    kind: 'state',
    activityId: key.activityId,
    agent: identityOf(key.agent),
    registration: key.registration ?? null,
  });
  return {
    async putState(key, { contentType, body }) {
      const document = { contentType, body, etag: etagOf(body), updated: clock.now().getTime() };
      await store.put(scopeOf(key), key.stateId, document, undefined);
    },
    async getState(key) {
      const found = await store.get(scopeOf(key), key.stateId);
      if (!found) return null;
      const { contentType, body, etag, updated } = found;
      return { contentType, body, etag, updated: new Date(updated) };
    },
  };
}

interface Kind {
  kind: DocumentScope['kind'];
  idParam: 'stateId' | 'profileId';
  params: readonly string[];
}

export const documentKinds: Record<string, Kind> = {
  'activities/state': {
    kind: 'state',
    idParam: 'stateId',
    params: ['activityId', 'agent', 'registration', 'stateId', 'since'],
  },
  'activities/profile': {
    kind: 'activity-profile',
    idParam: 'profileId',
    params: ['activityId', 'profileId', 'since'],
  },
  'agents/profile': { kind: 'agent-profile', idParam: 'profileId', params: ['agent', 'profileId', 'since'] },
};

export const isDocumentResource = (resource: string): boolean => Object.hasOwn(documentKinds, resource);

/** The document resources (1.0.3 Communication 2.2, 2.3, 2.6, 2.7; 2.0 4.1.6.2, 4.1.6.5, 4.1.6.6). */
export function createDocumentsResource(store: DocumentStore, clock: Clock, depth: number) {
  const scopeOf = (request: XapiRequest, kind: Kind): DocumentScope => {
    onlyParams(request, kind.params);
    const needs = (name: string): boolean => kind.params.includes(name);
    let activityId: string | null = null;
    if (needs('activityId')) {
      activityId = requiredParam(request, 'activityId');
      if (!isIri(activityId)) throw bad('activityId is not an IRI.', 'activityId');
    }
    const about = needs('agent') ? readAgent(requiredParam(request, 'agent'), 'agent') : null;
    checkDocumentAbout(request, activityId, about);
    const agent = about && identityOf(about);
    const registration = request.params.get('registration') ?? null;
    if (registration !== null && !isRfcUuid(registration))
      throw bad('registration is not a UUID.', 'registration');
    return { kind: kind.kind, activityId, agent, registration };
  };

  /** Writes when the preconditions hold at the moment of writing; another writer in between is no excuse. */
  const write = async (
    request: XapiRequest,
    scope: DocumentScope,
    id: string,
    content: (existing: StoredDocument | null) => Pick<StoredDocument, 'contentType' | 'body'>,
  ): Promise<void> => {
    for (;;) {
      const existing = await store.get(scope, id);
      checkPreconditions(request, scope, existing);
      const { contentType, body } = content(existing);
      const document = { contentType, body, etag: etagOf(body), updated: clock.now().getTime() };
      if (await store.put(scope, id, document, existing?.etag ?? null)) return;
    }
  };

  const put = (request: XapiRequest, scope: DocumentScope, id: string): Promise<void> => {
    const contentType = request.headers['content-type'] ?? 'application/octet-stream';
    if (mediaType(contentType) === 'application/json') parseJson(decodeUtf8(request.body), depth);
    return write(request, scope, id, () => ({ contentType, body: request.body }));
  };

  /** 1.0.3 Communication 2.2: JSON objects are merged by their top-level properties. */
  const post = (request: XapiRequest, scope: DocumentScope, id: string): Promise<void> => {
    const contentType = request.headers['content-type'] ?? 'application/octet-stream';
    const isJson = mediaType(contentType) === 'application/json';
    const sent = isJson ? objectIn(request.body, 'The body', depth) : null;
    return write(request, scope, id, (existing) => {
      if (!existing) return { contentType, body: request.body };
      if (!sent) throw bad('Only application/json can be merged into the document that is there.');
      if (mediaType(existing.contentType) !== 'application/json')
        throw bad('The document that is there is not application/json: it cannot be merged with.');
      const kept = objectIn(existing.body, 'The document that is there', depth);
      return { contentType, body: Buffer.from(stringifyExact(new Map([...kept, ...sent]))) };
    });
  };

  const get = async (
    request: XapiRequest,
    scope: DocumentScope,
    id: string | undefined,
  ): Promise<XapiAnswer> => {
    if (id === undefined) {
      const since = request.params.get('since');
      const instant = since === undefined ? null : instantOf(since);
      if (since !== undefined && instant === null) throw bad('since is not an ISO 8601 timestamp.', 'since');
      const answer = json(200, await store.ids(scope, instant));
      return {
        ...answer,
        headers: { ...answer.headers, etag: `"${etagOf(Buffer.from(String(answer.body)))}"` },
      };
    }
    const found = await store.get(scope, id);
    if (!found)
      return json(404, {
        error: { kind: 'not-found', code: 'not-found', message: 'There is no such document.', problems: [] },
      });
    const headers = { etag: `"${found.etag}"`, 'last-modified': new Date(found.updated).toUTCString() };
    const unchanged = request.headers['if-none-match'];
    if (unchanged !== undefined && matches(unchanged, found.etag)) return empty(304, headers);
    return { status: 200, headers: { ...headers, 'content-type': found.contentType }, body: found.body };
  };

  return async (request: XapiRequest): Promise<XapiAnswer> => {
    const kind = documentKinds[request.resource];
    if (!kind) return notAllowed('');
    const scope = scopeOf(request, kind);
    const id = request.params.get(kind.idParam);
    if (request.method === 'GET' || request.method === 'HEAD') return get(request, scope, id);
    if (request.params.has('since')) throw bad('since belongs to GET.', 'since');
    if (request.method === 'DELETE') {
      if (id === undefined) {
        if (kind.kind !== 'state') throw bad(`The parameter ${kind.idParam} is missing.`, kind.idParam);
        await store.deleteAll(scope);
        return empty(204);
      }
      for (;;) {
        const existing = await store.get(scope, id);
        if (request.headers['if-match'] !== undefined || existing)
          checkPreconditions(request, scope, existing);
        if (!existing || (await store.delete(scope, id, existing.etag))) return empty(204);
      }
    }
    if (request.method !== 'PUT' && request.method !== 'POST')
      return notAllowed('GET, HEAD, PUT, POST, DELETE');
    const needed = requiredParam(request, kind.idParam);
    await (request.method === 'PUT' ? put : post)(request, scope, needed);
    return empty(204);
  };
}

const matches = (header: string, etag: string): boolean =>
  header
    .split(',')
    .map((part) =>
      part
        .trim()
        .replace(/^W\//, '')
        .replace(/^"(.*)"$/, '$1'),
    )
    .some((part) => part === '*' || part.toLowerCase() === etag);

/** 1.0.3 Communication 3.1; 2.0 4.1.4. */
function checkPreconditions(
  request: XapiRequest,
  scope: DocumentScope,
  existing: StoredDocument | null,
): void {
  const ifMatch = request.headers['if-match'];
  const ifNoneMatch = request.headers['if-none-match'];
  const failed = (message: string): never => {
    throw new DomainError('precondition', message, { code: 'xapi-precondition' });
  };
  if (ifMatch !== undefined && (!existing || !matches(ifMatch, existing.etag)))
    failed('If-Match does not hold: the document has changed or is not there. Read it again.');
  if (ifNoneMatch !== undefined && existing && matches(ifNoneMatch, existing.etag))
    failed('If-None-Match does not hold: the document is there already.');
  const unguarded = ifMatch === undefined && ifNoneMatch === undefined;
  // A State may be overwritten blindly in 1.0.3 only.
  const guarded = scope.kind !== 'state' || request.version === '2.0.0';
  if (request.method === 'PUT' && unguarded && existing && guarded)
    throw new DomainError(
      'conflict',
      'The document is there already: check its current state with GET, then send If-Match with its ETag (or If-None-Match: *).',
      { code: 'xapi-document-exists' },
    );
  // 1.0.3 Communication 2.6, 2.7: a profile is never written blindly; 2.0 lets it be created so.
  if (request.method === 'PUT' && unguarded && scope.kind !== 'state' && request.version === '1.0.3')
    throw bad('A profile needs If-None-Match: * to be created, or If-Match with its ETag to be replaced.');
}

function objectIn(body: Buffer, what: string, depth: number): Map<string, ExactJson> {
  const text = decodeUtf8(body);
  parseJson(text, depth);
  const value = parseExact(text);
  if (!(value instanceof Map)) throw bad(`${what} is not a JSON object: it cannot be merged.`);
  return value;
}
