import type { Agent, Statement } from '../xapi/types.ts';

/** Who vouches for a Statement. Completion counts only what an authority may speak for (docs/architecture.md, Trust). */
export interface Authority {
  /** `platform`, or the id of the credential that posted it. */
  id: string;
  /** Stamped on the Statement. */
  agent: Agent;
}

/** A Statement as the LRS keeps it. */
export interface StoredStatement {
  /** Grows with every stored Statement; unique; the order in which the feed hands them out. */
  seq: number;
  id: string;
  /** With id, stored, timestamp, authority and version. */
  statement: Statement & { id: string; stored: string; timestamp: string };
  /** Authority.id it was stored under. */
  authorityId: string;
}

/** What may be asked of the door; agents and IRIs exactly as xAPI's GET Statements parameters. */
export interface StatementFilter {
  agent?: Agent;
  verb?: string;
  activity?: string;
  registration?: string;
  relatedActivities?: boolean;
  relatedAgents?: boolean;
  since?: string;
  until?: string;
  ascending?: boolean;
  /** 0 or absent: the server's own maximum. */
  limit?: number;
}

/** The one door to the LRS: its HTTP routes and every module of the platform go through it. */
export interface StatementDoor {
  /**
   * Validates and stores a batch, all or nothing. A Statement already stored with the same id and content is accepted
   * and changes nothing (so a retry is harmless). Resolves when it is durable; gives the ids in order.
   * DomainError `invalid` (problems with JSON paths), `conflict` (same id, other content).
   */
  store(statements: Statement[], authority: Authority): Promise<string[]>;
  /** All matching, voided ones left out; follows its own `more`. For questions with few answers: at most `limit` (1000). */
  find(filter: StatementFilter): Promise<StoredStatement[]>;
  byId(id: string): Promise<StoredStatement | null>;
  /** Stores one voiding Statement per id (idempotent). */
  void(ids: string[], authority: Authority): Promise<void>;
}

/** Runs on every newly stored Statement, in order, at least once: it must be idempotent. */
export interface FeedConsumer {
  name: string;
  consume(batch: StoredStatement[]): Promise<void>;
}

/** The dispatcher: one batch at a time over all processes, acknowledged only after every consumer has run. */
export interface Feed {
  start(): void;
  /** Something was stored: look soon. Called by the door; never blocks. */
  kick(): void;
  /**
   * Waits until everything stored before the call is projected (before showing one's own fresh result). False: it was
   * not within `withinMs` (30 s unless told), or a consumer failed; what is shown then is a little behind.
   */
  drain(withinMs?: number): Promise<boolean>;
  stop(): Promise<void>;
}

/** Says whether Statements may be stored under this authority; throws DomainError if not (e.g. a cmi5 session's rules). */
export type StatementGuard = (statements: Statement[], authority: Authority) => Promise<void>;

/** xAPI documents (State, Activity Profile, Agent Profile) by the inner door; bytes are opaque. */
export interface DocumentDoor {
  putState(key: StateKey, document: { contentType: string; body: Buffer }): Promise<void>;
  getState(key: StateKey): Promise<{ contentType: string; body: Buffer; etag: string; updated: Date } | null>;
}
export interface StateKey {
  activityId: string;
  agent: Agent;
  registration?: string;
  stateId: string;
}
