import type { Clock } from '../base/clock.ts';
import { DomainError } from '../base/errors.ts';
import type { LrsAdminStore } from './admin/store.ts';

/** A checked Statement on its way in, with everything derived from it that a store needs. */
export interface NewStatement {
  /** Lower case. */
  id: string;
  /** JSON text without its closing brace (xapi/raw.ts): the store closes it with the instant of storing. */
  body: string;
  /** The client gave no timestamp: the instant of storing is it. */
  stampTimestamp: boolean;
  /** What a query can ask for (xapi/terms.ts). */
  terms: string[];
  /** The object is a StatementRef to this id, lower case. */
  refersTo: string | null;
  /** The verb is voided: `refersTo` is to be voided. */
  voiding: boolean;
  authorityId: string;
  /** Definitions that become part of the LRS's own. `text` gives the exact JSON and costs; `mark` tells one from another and does not. */
  definitions: { activityId: string; mark: string; text: () => string }[];
  agentNames: { identity: string; name: string }[];
}

/** A page of rows as text, for engines that have no shorter way. */
export const toTextPage = ({ rows, next, through }: StatementPage): StatementTextPage => ({
  text: Buffer.from(rows.map(({ body }) => body).join(',')),
  newest: rows.reduce((newest, { stored }) => Math.max(newest, stored), 0),
  next,
  through,
});

/** 1.0.3 Data 2.3.1, Communication 2.1.1: the id is there with other content. */
export const conflictingId = (id: string, difference: string): DomainError =>
  new DomainError('conflict', `Statement ${id} is stored already and differs at ${difference}.`, {
    code: 'xapi-conflict',
    problems: [{ path: difference, message: `differs from the stored Statement ${id}` }],
  });

/** 1.0.3 Communication 2.1.2: a batch must not hold one id twice. */
export const repeatedId = (id: string): DomainError =>
  new DomainError('invalid', `The batch holds two Statements with the id ${id}.`, {
    code: 'xapi-repeated-id',
  });

/** A visible Statement. */
export interface StatementRow {
  /** Grows in the order of storing; unique. */
  seq: number;
  id: string;
  /** Milliseconds; never less than that of a smaller seq, whatever the clock does. */
  stored: number;
  body: string;
  authorityId: string;
  voided: boolean;
  voiding: boolean;
}

export interface StatementQuery {
  /** All of them must be met, by the Statement or by what it refers to, at any depth. */
  terms: string[];
  /** Stored after this instant (ms), exclusive. */
  since: number | null;
  /** Stored up to this instant (ms), inclusive. */
  until: number | null;
  ascending: boolean;
  limit: number;
  /** Page on after this seq (in the query's direction); null: from its beginning. */
  after: number | null;
  /** Nothing beyond this seq, so that later pages do not see what arrives meanwhile; null: up to now. */
  through: number | null;
  /** Voided Statements too (for administrators). */
  withVoided?: boolean;
}

/** A page ends early rather than hold more text than this (characters), but has one Statement at least. */
export const pageBytes = 8 * 1024 * 1024;

/**
 * A page ends early, with fewer Statements than were asked for or none at all, rather than look at more than about so
 * many that have the rarest of the query's terms: what one request costs does not grow with the store.
 */
export const mostLookedAt = 20_000;

export interface StatementPage {
  rows: StatementRow[];
  /** The next page's `after`; null: this is the last one. */
  next: number | null;
  /** Pin for the pages that follow. */
  through: number;
}

/** A page as GET Statements sends it: the bodies joined by commas, as UTF-8. */
export interface StatementTextPage {
  text: Buffer;
  /** `stored` of the newest of them (ms); 0: none. */
  newest: number;
  /** The next page's `after`; null: this is the last one. */
  next: number | null;
  through: number;
}

/** Port: Statements. Several processes may write at once. */
export interface StatementStore {
  /**
   * Stores the batch whole or not at all; resolves when it is durable and visible. A Statement that is there already
   * with the same meaning is left as it is. What refers to a Statement inherits its terms, whichever comes first; what
   * voids one hides it, whichever comes first.
   * DomainError `conflict` when an id is there with another meaning (or twice in the batch).
   */
  add(batch: NewStatement[], clock: Clock): Promise<void>;
  /** Voided ones too. */
  byId(id: string): Promise<StatementRow | null>;
  /** The ids of those whose object is a reference to this one, oldest first, at most 50; voided ones too. */
  referring(id: string): Promise<string[]>;
  /** Voided ones left out; ordered by seq. */
  find(query: StatementQuery): Promise<StatementPage>;
  /** The same, for whoever only passes it on. */
  findText(query: StatementQuery): Promise<StatementTextPage>;
  /** How many `find` would give over all its pages; `limit` of them are counted at most. `after` has no meaning here. */
  count(query: StatementQuery): Promise<number>;
  /** Every visible Statement after the seq in order, voided ones too. */
  after(seq: number, limit: number): Promise<StatementRow[]>;
  /** The last visible seq; 0 when empty. */
  head(): Promise<number>;
  /** Everything stored before this instant (ms) is visible to queries. */
  consistentThrough(now: number): Promise<number>;
  /** The LRS's own definitions (JSON texts) of those that it knows. */
  definitions(activityIds: string[]): Promise<Map<string, string>>;
  /** The names under which an Agent or Group was seen, oldest first, at most 100. */
  agentNames(identity: string): Promise<string[]>;
  /** How many Statements name this actor in any role themselves. */
  countOf(identity: string): Promise<number>;
  /** Removes up to `limit` of them for good, and with the last the names; says how many. 0: none are left. */
  erase(identity: string, limit: number): Promise<number>;
  /**
   * Puts rows back as they were, in the order of seq: seq, stored and text are kept; those that are there stay. Terms
   * and what refers to what are derived again. For moving a store, never for requests.
   */
  restore(rows: StatementRow[]): Promise<void>;
}

/** Which documents a state or profile resource speaks of. */
export interface DocumentScope {
  kind: 'state' | 'activity-profile' | 'agent-profile';
  /** Null where the kind has none. */
  activityId: string | null;
  /** identityOf(agent). */
  agent: string | null;
  registration: string | null;
}

export interface StoredDocument {
  contentType: string;
  body: Buffer;
  /** SHA-1 of the body in hexadecimal digits. */
  etag: string;
  /** Milliseconds. */
  updated: number;
}

/** Port: xAPI documents. */
export interface KeptDocument {
  cursor: string;
  scope: DocumentScope;
  id: string;
  document: StoredDocument;
}

export interface DocumentStore {
  get(scope: DocumentScope, id: string): Promise<StoredDocument | null>;
  /**
   * Writes only if the document's ETag is `expected` (null: only if there is none; undefined: whatever is there).
   * False when it was not so: nothing was written.
   */
  put(
    scope: DocumentScope,
    id: string,
    document: StoredDocument,
    expected: string | null | undefined,
  ): Promise<boolean>;
  /** False when the ETag is not `expected` (undefined: whatever is there). */
  delete(scope: DocumentScope, id: string, expected: string | undefined): Promise<boolean>;
  /** Ids of documents updated after `since` (ms). A state scope without registration covers every registration. */
  ids(scope: DocumentScope, since: number | null): Promise<string[]>;
  /** Deletes all of the scope, by the same rule; says how many. */
  deleteAll(scope: DocumentScope): Promise<number>;
  /** How many documents are kept about an agent, in any scope. */
  countOf(agent: string): Promise<number>;
  /** What is kept about an agent, in any scope and in no particular order. */
  ofAgent(agent: string): AsyncIterable<Omit<KeptDocument, 'cursor'>>;
  eraseAgent(agent: string): Promise<number>;
  /** Every document, for moving a store; `after`: the cursor of the last one that was seen. */
  all(after: string | null): AsyncIterable<KeptDocument>;
}

/** Port: attachments' bytes by their SHA-2. */
export interface AttachmentStore {
  /** Idempotent. */
  put(sha2: string, body: Buffer): Promise<void>;
  get(sha2: string): Promise<Buffer | null>;
  has(sha2: string): Promise<boolean>;
}

/**
 * Port: persona links (xAPI Data 2.4.2 leaves them to the LRS): several Agents that are one person. Statements are not
 * rewritten; who asks for one of the Agents finds what was said of all of them. A person is known by one of its Agents.
 */
export interface PersonaStore {
  /** From now on the Agent is the person's; idempotent, and a link to somebody else is replaced. Both as `identityOf`. */
  link(identity: string, person: string, since: Date): Promise<void>;
  /** Takes that link away; nothing when it is not there. */
  unlink(identity: string, person: string): Promise<void>;
  /** Every Agent of the person that this one belongs to, the person's own first; the Agent alone when it has no link. */
  joined(identity: string): Promise<string[]>;
}

/** Port: where the feed stands. One holder of the lease at a time over all processes. */
export interface FeedStore {
  /** Takes or renews the lease until `until` (ms) unless another holds it at `now`; the last acknowledged seq, or null. */
  take(holder: string, now: number, until: number): Promise<number | null>;
  /** False when the lease is no longer this holder's: the work must be thought undone. */
  acknowledge(holder: string, seq: number, until: number): Promise<boolean>;
  release(holder: string): Promise<void>;
  /** The last acknowledged seq. */
  position(): Promise<number>;
}

export const scopes = [
  'statements/write',
  'statements/read/mine',
  'statements/read',
  'state',
  'define',
  'profile',
  'all/read',
  'all',
] as const;
/** 1.0.3 Communication 4.2 (OAuth scopes), held by Basic credentials too. */
export type Scope = (typeof scopes)[number];

/** A partner's or tool's way in. */
export interface Credential {
  id: string;
  /** Basic user name; unique. */
  key: string;
  /** Hashed; several while rotating. */
  secrets: { hash: string; expiresAt: Date | null }[];
  label: string;
  /** Who is asked when it misbehaves; null: the operator. */
  owner: string | null;
  scopes: Scope[];
  /** Stamped on what it stores, as JSON text. */
  authority: string;
  /** Only actors with an account of this home page may be spoken about; null: any. */
  actorHomePage: string | null;
  /** Only Activities whose IRI begins so may be the object; null: any. */
  activityPrefix: string | null;
  /** Browser origins that may use it; empty: any. */
  origins: string[];
  /** Requests per minute; null: no limit. */
  ratePerMinute: number | null;
  expiresAt: Date | null;
  disabled: boolean;
  createdAt: Date;
  lastUsedAt: Date | null;
}

/** Port: credentials and the bearer tokens given for them. */
export interface CredentialStore {
  /** DomainError `conflict` when the key is taken. */
  create(credential: Credential): Promise<void>;
  /** Replaces everything but `lastUsedAt`; DomainError `not-found`. */
  update(credential: Credential): Promise<void>;
  byKey(key: string): Promise<Credential | null>;
  byId(id: string): Promise<Credential | null>;
  all(): Promise<Credential[]>;
  delete(id: string): Promise<void>;
  /** Moves forward only. */
  used(id: string, at: Date): Promise<void>;
  /** Keeps a bearer token by its hash. */
  putToken(token: BearerToken): Promise<void>;
  token(hash: string, now: Date): Promise<BearerToken | null>;
  deleteTokens(credentialId: string): Promise<void>;
  deleteExpiredTokens(now: Date): Promise<number>;
}

export interface BearerToken {
  hash: string;
  credentialId: string;
  scopes: Scope[];
  expiresAt: Date;
}

/** Everything that the LRS keeps, on one engine. */
export interface LrsStores {
  statements: StatementStore;
  documents: DocumentStore;
  attachments: AttachmentStore;
  feed: FeedStore;
  credentials: CredentialStore;
  personas: PersonaStore;
  admin: LrsAdminStore;
}
