/** The run-time data of one item of a package for one registration, over all its attempts. */
export interface StoredItemState {
  registration: string;
  /** The manifest's identifier; `''` for the course as a whole (the sequencing state). */
  item: string;
  /** The launch that may write: the one that opened the item last. */
  launchId: string;
  /** The package version of that launch; absent: opened before versions were noted. */
  packageVersionId?: string;
  /** The last commit of that launch that is in the state. */
  sequence: number;
  /** JSON text (player/runtime/item-state.ts). */
  body: string;
  /** JSON text of Statements and documents that this state owes to the LRS; null: none. */
  outbox: string | null;
  updatedAt: Date;
  /** Grows with each change. */
  revision: number;
}

/** Port: run-time data, one document per registration and item, so that a commit is one atomic write. */
export interface RuntimeStateStore {
  get(registration: string, item: string): Promise<StoredItemState | null>;
  ofRegistration(registration: string): Promise<StoredItemState[]>;
  /**
   * Stores the state if what is stored still has `revision` (0: nothing is stored yet), raising it by one; false when
   * someone else was faster.
   */
  put(state: StoredItemState): Promise<boolean>;
  /** Empties the outbox if the state still has this revision; false otherwise. The revision grows. */
  clearOutbox(state: Pick<StoredItemState, 'registration' | 'item' | 'revision'>): Promise<boolean>;
  /** Deletes everything of the registration; says how many items it had. */
  forget(registration: string): Promise<number>;
  /** States with a full outbox, last changed before the instant, oldest first. */
  withOutbox(before: Date, limit: number): Promise<StoredItemState[]>;
  /** How many learners have data in each item that they opened last in this package version. */
  countByItem(packageVersionId: string): Promise<Map<string, number>>;
}
