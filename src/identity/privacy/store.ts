/** What is kept as a case: each takes several steps, outlives a crash, and belongs to one person. */
export type CaseKind = 'claim' | 'export' | 'erasure' | 'correction';

export interface Case {
  id: string;
  kind: CaseKind;
  /** Whose it is. */
  personId: string;
  /** Of the cases with the same key one is open at a time; null once it is closed. */
  openKey: string | null;
  /** When the worker takes it up (again); null: it waits for a person, or is over. */
  dueAt: Date | null;
  createdAt: Date;
  /** JSON text. */
  body: string;
  /** Grows with each change. */
  revision: number;
}

/** Port: cases, shared by every process. */
export interface CaseStore {
  /** Stores the case unless one with its key is open; gives the open one either way. */
  add(given: Case): Promise<Case>;
  byId(id: string): Promise<Case | null>;
  byKey(openKey: string): Promise<Case | null>;
  /** Newest first. */
  ofPerson(personId: string, kind: CaseKind): Promise<Case[]>;
  /** Open ones of the kind, oldest first. */
  open(kind: CaseKind, limit: number): Promise<Case[]>;
  /** What is due at `now`, longest due first. */
  due(now: Date, limit: number): Promise<Case[]>;
  /** Replaces the case if it still has `revision`, raising it by one; false when someone else was faster. */
  change(given: Case): Promise<boolean>;
  delete(id: string): Promise<void>;
}
