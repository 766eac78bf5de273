import type { Storage } from '../open.ts';
import type { NeutralRow, TableKind } from './kinds.ts';

/** How far a kind has been copied; kept in the target until everything is there and compared. */
export interface Mark {
  kind: string;
  /** The source's cursor after the last row written; null: nothing yet. */
  cursor: string | null;
  done: boolean;
}

/** A store as the mover sees it: its ports, and under them its tables. */
export interface TransferEnd {
  storage: Storage;
  /** What stands in the target's marks, so that another source is not taken for the same. */
  name: string;
  count(kind: TableKind): Promise<number>;
  rows(kind: TableKind, after: string | null): AsyncIterable<{ cursor: string; row: NeutralRow }>;
  /** Writes over what is there under the same key. */
  write(kind: TableKind, rows: NeutralRow[]): Promise<void>;
  statementCount(): Promise<number>;
  documentCount(): Promise<number>;
  /** Names of agents, oldest first. */
  agentNames(after: string | null): AsyncIterable<{ identity: string; names: string[] }>;
  writeAgentNames(identity: string, names: string[]): Promise<void>;
  agentCount(): Promise<number>;
  /** The next free seq, the last `stored`, and how far the feed is. */
  position(): Promise<{ next: number; feed: number }>;
  writePosition(position: { next: number; feed: number }): Promise<void>;
  /** Marks of an unfinished move into this store; null: there is none. */
  marks(): Promise<{ source: string; marks: Mark[] } | null>;
  begin(source: string): Promise<void>;
  mark(mark: Mark): Promise<void>;
  finish(): Promise<void>;
  close(): Promise<void>;
}
