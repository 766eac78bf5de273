import { DomainError } from '../base/errors.ts';
import type { ExternalIdentity, IdentityStore, PersonRecord } from './store.ts';
import type { AccountKind, RecordAudit } from './types.ts';

/** Why a way to sign in cannot be taken away: it is the only one; the account's kind rests on it; it came with a claim. */
export type Bound = 'last' | 'vouches' | 'claimed';

export interface OwnSignIn extends ExternalIdentity {
  bound: Bound | null;
}

const rests: readonly AccountKind[] = ['official', 'verified'];

/** Pure. @param claimed identities that a claim has brought, to be given back with it */
export function boundBy(
  record: Pick<PersonRecord, 'accountKind' | 'vouchers' | 'local'>,
  identities: readonly ExternalIdentity[],
  one: ExternalIdentity,
  claimed: readonly ExternalIdentity[],
): Bound | null {
  const same = (other: ExternalIdentity): boolean =>
    other.provider === one.provider && other.subject === one.subject;
  if (claimed.some(same)) return 'claimed';
  const others = identities.filter((other) => !same(other));
  if (others.length === 0 && record.local === null) return 'last';
  const vouches = ({ provider }: ExternalIdentity): boolean =>
    record.vouchers[provider] === record.accountKind;
  return rests.includes(record.accountKind) && vouches(one) && !others.some(vouches) ? 'vouches' : null;
}

export interface OwnSignIns {
  of(personId: string): Promise<OwnSignIn[]>;
  /** DomainError `sign-in-bound-…`, `not-found`. */
  unlink(personId: string, identity: ExternalIdentity, address: string | null): Promise<void>;
}

export function createOwnSignIns(deps: {
  store: IdentityStore;
  /** Ways to sign in that came with a claim which can still be undone. */
  claimed(personId: string): Promise<ExternalIdentity[]>;
  audit: RecordAudit;
}): OwnSignIns {
  const { store, claimed, audit } = deps;
  const of = async (personId: string) => {
    const [record, identities, withClaims] = await Promise.all([
      store.byId(personId),
      store.identitiesOf(personId),
      claimed(personId),
    ]);
    if (!record) throw new DomainError('not-found', 'There is no such person.', { code: 'no-person' });
    const list = identities.map((one) => ({ ...one, bound: boundBy(record, identities, one, withClaims) }));
    return { record, list };
  };
  return {
    of: async (personId) => (await of(personId)).list,
    async unlink(personId, { provider, subject }, address) {
      const { record, list } = await of(personId);
      const one = list.find((each) => each.provider === provider && each.subject === subject);
      if (!one)
        throw new DomainError('not-found', 'This way to sign in is not linked (any more).', {
          code: 'sign-in-not-linked',
        });
      if (one.bound)
        throw new DomainError('unprocessable', 'This way to sign in cannot be taken away.', {
          code: `sign-in-bound-${one.bound}`,
        });
      await store.unlink(personId, { provider, subject });
      if (!list.some((each) => each !== one && each.provider === provider)) {
        const { [provider]: _, ...vouchers } = record.vouchers;
        await store.update(personId, { vouchers });
      }
      await audit({
        action: 'sign-in.unlink',
        actorId: personId,
        subjectId: personId,
        outcome: 'success',
        reason: null,
        address,
        detail: { provider },
      });
    },
  };
}
