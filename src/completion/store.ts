import type { Progress } from './types.ts';

export type { Progress } from './types.ts';

/** Port: the projection of each registration's Statements. */
export interface CompletionStore {
  progress(registration: string): Promise<Progress | null>;
  progressOfAll(registrations: string[]): Promise<Progress[]>;
  /** Stores the projection; a completion instant that is already stored stays, whatever is given. Gives what is stored now. */
  save(progress: Progress): Promise<Progress>;
  /** Removes it, completion included: only for a withdrawn registration. */
  forget(registration: string): Promise<void>;
}
