import type { Clock } from '../../base/clock.ts';
import { DomainError } from '../../base/errors.ts';
import { newUuid } from '../../base/ids.ts';
import { identityOf } from '../../xapi/actor.ts';
import type { Agent } from '../../xapi/types.ts';
import type { DocumentStore, PersonaStore, StatementStore } from '../store.ts';
import type { Erasure, LrsAdminStore } from './store.ts';

export interface ErasureOptions {
  statements: StatementStore;
  documents: DocumentStore;
  personas: PersonaStore;
  store: LrsAdminStore;
  clock: Clock;
}

export interface Erasures {
  /** What an erasure would take away: nothing is changed. */
  dryRun(agent: Agent): Promise<{ statements: number; documents: number }>;
  request(agent: Agent, reason: string, by: string): Promise<Erasure>;
  /** Another person than the one who asked confirms; then it is carried out. DomainError `forbidden`. */
  confirm(id: string, by: string): Promise<Erasure>;
  list(): Promise<Erasure[]>;
}

/**
 * Erasure of a person from the LRS (personal data rights): every Statement that names the actor in any role, its
 * documents and its names; likewise of every Agent that is the same person. What others said about such a Statement stays, with a reference that leads nowhere.
 */
export function createErasures({ statements, documents, personas, store, clock }: ErasureOptions): Erasures {
  const need = (agent: Agent): string => {
    const identity = identityOf(agent);
    if (identity === null)
      throw new DomainError('invalid', 'The agent has no identifier.', { code: 'xapi-invalid' });
    return identity;
  };
  const count = async (identity: string) => {
    const found = { statements: 0, documents: 0 };
    for (const one of await personas.joined(identity)) {
      found.statements += await statements.countOf(one);
      found.documents += await documents.countOf(one);
    }
    return found;
  };
  return {
    dryRun: (agent) => count(need(agent)),
    async request(agent, reason, by) {
      const identity = need(agent);
      const erasure: Erasure = {
        id: newUuid(),
        identity,
        reason,
        requestedBy: by,
        requestedAt: clock.now(),
        confirmedBy: null,
        confirmedAt: null,
        finishedAt: null,
        ...(await count(identity)),
      };
      await store.addErasure(erasure);
      return erasure;
    },
    async confirm(id, by) {
      const known = (await store.erasures()).find((erasure) => erasure.id === id);
      if (!known) throw new DomainError('not-found', 'There is no such erasure.', { code: 'not-found' });
      // One that was confirmed but not finished was broken off: it is carried on by whoever confirms again.
      const resumed = known.confirmedBy !== null && known.finishedAt === null && known.requestedBy !== by;
      const confirmed = resumed ? known : await store.confirmErasure(id, by, clock.now());
      if (!confirmed)
        throw new DomainError(
          'forbidden',
          'An erasure is confirmed once, by another person than the one who asked for it.',
          {
            code: 'lrs-two-persons',
          },
        );
      const { identity } = confirmed;
      const joined = await personas.joined(identity);
      const [person = identity] = joined;
      let erased = 0;
      let gone = 0;
      for (const one of joined) {
        // A step at a time, so that others are served in between.
        for (let step = await statements.erase(one, 100); step > 0; step = await statements.erase(one, 100))
          erased += step;
        gone += await documents.eraseAgent(one);
      }
      // Last: whoever carries on after a crash must still find them.
      for (const one of joined) await personas.unlink(one, person);
      const finishedAt = clock.now();
      await store.finishErasure(id, finishedAt, erased, gone);
      return { ...confirmed, finishedAt, statements: erased, documents: gone };
    },
    list: () => store.erasures(),
  };
}
