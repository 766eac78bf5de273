import type { Problem } from '../../base/errors.ts';

/** A request that was refused, kept so that its sender can see why. Holds no body and no secret. */
export interface Rejection {
  id: string;
  at: Date;
  credentialId: string;
  method: string;
  resource: string;
  status: number;
  message: string;
  problems: Problem[];
}

/** What is sent on, and where to. */
export interface ForwardingRule {
  id: string;
  label: string;
  /** The other LRS, without a trailing slash: `https://lrs.example.org/xapi`. */
  endpoint: string;
  /** Value of the Authorization header, sealed (base/sealing.ts). */
  authorization: string;
  /** Terms (xapi/terms.ts) that a Statement must have; empty: every Statement. */
  terms: string[];
  enabled: boolean;
  createdAt: Date;
}

/** How far a rule has come. */
export interface ForwardingState {
  /** Everything up to this seq was sent or is a dead letter. */
  position: number;
  /** Failures in a row. */
  failures: number;
  nextAttemptAt: Date;
  lastError: string | null;
}

/** A Statement that the other LRS refused for good. */
export interface DeadLetter {
  id: string;
  ruleId: string;
  statementId: string;
  at: Date;
  reason: string;
}

/** The erasure of everything about one actor: asked for by one person, confirmed by another. */
export interface Erasure {
  id: string;
  /** identityOf(agent). */
  identity: string;
  reason: string;
  requestedBy: string;
  requestedAt: Date;
  confirmedBy: string | null;
  confirmedAt: Date | null;
  finishedAt: Date | null;
  /** What was found at the request and what was erased in the end. */
  statements: number;
  documents: number;
}

/** Port: what administrators of the LRS see and do. */
export interface LrsAdminStore {
  addRejections(rejections: Rejection[]): Promise<void>;
  /** Newest first; of one credential or of all. */
  rejections(credentialId: string | null, limit: number): Promise<Rejection[]>;
  deleteRejections(before: Date): Promise<number>;

  /** Creates or replaces a rule; a new one begins at `position`. */
  putRule(rule: ForwardingRule, position: number): Promise<void>;
  rules(): Promise<(ForwardingRule & ForwardingState)[]>;
  deleteRule(id: string): Promise<void>;
  /** Takes the rule's lease until `until` unless another holds it at `now`; its state, or null. */
  takeRule(id: string, holder: string, now: Date, until: Date): Promise<ForwardingState | null>;
  /** Saves the state and gives the lease back; false when it was no longer this holder's. */
  leaveRule(id: string, holder: string, state: ForwardingState): Promise<boolean>;
  /** Idempotent by id. */
  addDeadLetter(letter: DeadLetter): Promise<void>;
  deadLetters(ruleId: string, limit: number): Promise<DeadLetter[]>;
  deleteDeadLetter(id: string): Promise<void>;

  addErasure(erasure: Erasure): Promise<void>;
  /** Newest first. */
  erasures(): Promise<Erasure[]>;
  /** Confirms a pending one, once, and not by who asked for it; null when it may not be so. */
  confirmErasure(id: string, by: string, at: Date): Promise<Erasure | null>;
  finishErasure(id: string, at: Date, statements: number, documents: number): Promise<void>;
}
