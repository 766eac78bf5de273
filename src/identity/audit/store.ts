import { createHash } from 'node:crypto';
import type { AuditEvent } from '../types.ts';

export type { AuditEvent } from '../types.ts';

/** A line of the log. `seq` counts from 1 without a gap. */
export interface AuditEntry extends AuditEvent {
  seq: number;
  /** Milliseconds. */
  at: number;
  /** The hash of the line before; 64 zeros before the first. */
  previous: string;
  hash: string;
}

/** The last line: whoever knows it can tell whether lines were cut off behind it. */
export interface AuditHead {
  seq: number;
  hash: string;
}

export const noHead: AuditHead = { seq: 0, hash: '0'.repeat(64) };

/** SHA-256 over everything in the line and the line before it: a changed, missing or inserted line breaks the chain. */
export function hashOf(entry: Omit<AuditEntry, 'hash'>): string {
  const { seq, at, action, actorId, subjectId, outcome, reason, address, previous } = entry;
  const detail = Object.entries(entry.detail ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256')
    .update(JSON.stringify([seq, at, action, actorId, subjectId, outcome, reason, address, detail, previous]))
    .digest('hex');
}

/** The events as the lines that follow `head`. */
export function chained(head: AuditHead, events: readonly { at: number; event: AuditEvent }[]): AuditEntry[] {
  let { seq, hash } = head;
  return events.map(({ at, event }) => {
    const entry = { ...event, detail: event.detail ?? {}, seq: ++seq, at, previous: hash };
    hash = hashOf(entry);
    return { ...entry, hash };
  });
}

export interface AuditQuery {
  /** As actor or as subject. */
  personId: string | null;
  action: string | null;
  outcome: AuditEvent['outcome'] | null;
  /** Milliseconds: from inclusive, to exclusive. */
  from: number | null;
  to: number | null;
  /** Only lines before this seq. */
  before: number | null;
  limit: number;
}

/** Port: the audit log. Lines are only ever added. */
export interface AuditStore {
  /** Adds the lines behind the last one, whatever other processes add meanwhile. */
  append(events: readonly { at: number; event: AuditEvent }[]): Promise<void>;
  head(): Promise<AuditHead>;
  /** Newest first. */
  find(query: AuditQuery): Promise<AuditEntry[]>;
  /** In the order of the chain, after this seq. */
  after(seq: number, limit: number): Promise<AuditEntry[]>;
  /** Puts lines back as they were, for moving a store; those that are there stay. */
  restore(entries: readonly AuditEntry[]): Promise<void>;
}
