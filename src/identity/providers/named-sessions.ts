import { createHmac, hkdfSync } from 'node:crypto';
import type { Clock } from '../../base/clock.ts';
import type { WebSessionStore } from '../../http/store.ts';
import type { LogoutFacts } from './protocol.ts';
import type { Sealer } from './sealer.ts';
import type { OnceStore } from './store.ts';

/** Longer than any browser session lives. */
const keptDays = 30;

/** A name at a provider under a key of its own: it may be an ID number, and those are not kept. */
export function createNameHash(secret: string): (provider: string, name: string) => string {
  const key = Buffer.from(hkdfSync('sha256', secret, Buffer.alloc(0), 'zhixing/sign-in/names', 32));
  return (provider, name) => createHmac('sha256', key).update(`${provider}\u0000${name}`).digest('base64url');
}

/** The browser sessions of a name at a provider, so that the provider can end them (SAML Single Logout). */
export interface NamedSessions {
  /** Remembers whose name it is; at each sign-in. */
  note(facts: LogoutFacts, personId: string): Promise<void>;
  /** Whether the session that keeps these facts is meant. */
  isMeant(sealed: string | undefined, whom: NamedAt): boolean;
  /** Ends every session that is meant, wherever it was begun. */
  end(whom: NamedAt): Promise<{ personId: string | null; ended: number }>;
}

export interface NamedAt {
  provider: string;
  nameHash: string;
  /** The provider's sessions; none: all of them. */
  sessionIndexes: readonly string[];
}

export function createNamedSessions(deps: {
  once: OnceStore;
  webSessions: Pick<WebSessionStore, 'ofPerson' | 'delete'>;
  sealer: Sealer;
  clock: Clock;
}): NamedSessions {
  const { once, webSessions, sealer, clock } = deps;
  const keyOf = (provider: string, nameHash: string): string => `named:${provider}:${nameHash}`;

  const isMeant: NamedSessions['isMeant'] = (sealed, { provider, nameHash, sessionIndexes }) => {
    const text = sealed === undefined ? null : sealer.open(sealed);
    if (text === null) return false;
    const facts = JSON.parse(text) as LogoutFacts;
    return (
      facts.provider === provider &&
      facts.nameHash === nameHash &&
      // A session without an index cannot be told from another: it ends too.
      (sessionIndexes.length === 0 ||
        facts.sessionIndex === undefined ||
        sessionIndexes.includes(facts.sessionIndex))
    );
  };

  return {
    isMeant,
    async note({ provider, nameHash }, personId) {
      if (nameHash === undefined) return;
      const until = new Date(clock.now().getTime() + keptDays * 86_400_000);
      await once.keep(keyOf(provider, nameHash), personId, until);
    },
    async end(whom) {
      const now = clock.now();
      const personId = await once.read(keyOf(whom.provider, whom.nameHash), now);
      if (personId === null) return { personId: null, ended: 0 };
      let ended = 0;
      for (const { id, data } of await webSessions.ofPerson(personId, now)) {
        const { external } = JSON.parse(data) as { external?: string };
        if (!isMeant(external, whom)) continue;
        await webSessions.delete(id);
        ended++;
      }
      return { personId, ended };
    },
  };
}
