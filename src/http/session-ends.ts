import type { Clock } from '../base/clock.ts';
import type { WebSessionStore } from './store.ts';

/** Sessions of a person as an administrator deals with them: how many, and their end. */
export interface SessionEnds {
  count(personId: string): Promise<number>;
  /** Ends all; says how many there were. */
  end(personId: string): Promise<number>;
}

export const createSessionEnds = ({
  store,
  clock,
}: {
  store: Pick<WebSessionStore, 'ofPerson' | 'delete'>;
  clock: Clock;
}): SessionEnds => ({
  async count(personId) {
    return (await store.ofPerson(personId, clock.now())).length;
  },
  async end(personId) {
    const running = await store.ofPerson(personId, clock.now());
    for (const { id } of running) await store.delete(id);
    return running.length;
  },
});
