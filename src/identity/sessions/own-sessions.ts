import type { SessionData } from 'express-session';
import type { Clock } from '../../base/clock.ts';
import type { WebSessionStore } from '../../http/store.ts';
import type { RecordAudit } from '../types.ts';

/** A browser in which a person is signed in, as they see it. */
export interface OwnSession {
  id: string;
  /** The one that asks. */
  current: boolean;
  /** e.g. `Windows · Edge`; null: the browser did not say. */
  device: string | null;
  /** Masked: enough to recognise one's own network. */
  address: string | null;
  since: Date | null;
  seenAt: Date;
  endsAt: Date | null;
}

export interface OwnSessions {
  /** This one first, then last seen first. */
  of(personId: string, currentId: string): Promise<OwnSession[]>;
  /** Ends one of the person's sessions; false when it is not theirs, or is over. */
  end(personId: string, sessionId: string, address: string | null): Promise<boolean>;
  /** Ends all but one; says how many. */
  endOthers(personId: string, keepId: string | null, address: string | null): Promise<number>;
}

/** 203.0.113.7 → 203.0.113.*, 2001:db8:1:2::7 → 2001:db8:1:* (the network, not the device). */
export function maskAddress(address: string): string {
  const v4 = /^(?:::ffff:)?(\d+\.\d+\.\d+)\.\d+$/i.exec(address);
  if (v4) return `${v4[1]}.*`;
  if (address === '::1') return address;
  const groups =
    address
      .split('::')[0]
      ?.split(':')
      .filter((group) => group !== '') ?? [];
  return `${groups.slice(0, 3).join(':')}:*`;
}

export function createOwnSessions(deps: {
  store: Pick<WebSessionStore, 'ofPerson' | 'delete'>;
  clock: Clock;
  audit: RecordAudit;
}): OwnSessions {
  const { store, clock, audit } = deps;
  const noted = (personId: string, address: string | null, ended: number): Promise<void> =>
    audit({
      action: 'sessions.end',
      actorId: personId,
      subjectId: personId,
      outcome: 'success',
      reason: null,
      address,
      detail: { sessions: String(ended) },
    });

  return {
    async of(personId, currentId) {
      const found = await store.ofPerson(personId, clock.now());
      return found
        .map(({ id, data, seenAt, endsAt }) => {
          const { signedIn } = JSON.parse(data) as SessionData;
          const address = signedIn?.address ?? null;
          return {
            id,
            current: id === currentId,
            device: signedIn?.device ?? null,
            address: address === null ? null : maskAddress(address),
            since: signedIn ? new Date(signedIn.at) : null,
            seenAt,
            endsAt,
          };
        })
        .toSorted((a, b) => Number(b.current) - Number(a.current));
    },
    async end(personId, sessionId, address) {
      const own = await store.ofPerson(personId, clock.now());
      if (!own.some(({ id }) => id === sessionId)) return false;
      await store.delete(sessionId);
      await noted(personId, address, 1);
      return true;
    },
    async endOthers(personId, keepId, address) {
      const others = (await store.ofPerson(personId, clock.now())).filter(({ id }) => id !== keepId);
      for (const { id } of others) await store.delete(id);
      if (others.length > 0) await noted(personId, address, others.length);
      return others.length;
    },
  };
}
