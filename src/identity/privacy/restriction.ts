import type { Clock } from '../../base/clock.ts';
import { DomainError } from '../../base/errors.ts';
import type { IdentityStore } from '../store.ts';
import type { RecordAudit } from '../types.ts';

export interface Restrictions {
  /** From now on only what is stored is kept (gate.ts says what stops). Twice does no harm. */
  restrict(personId: string, address: string | null): Promise<void>;
  /** DomainError `restricted-by-erasure` while an erasure waits: that is cancelled instead. */
  lift(personId: string, address: string | null): Promise<void>;
}

export function createRestrictions(deps: {
  identity: IdentityStore;
  erasureWaits(personId: string): Promise<boolean>;
  audit: RecordAudit;
  clock: Clock;
}): Restrictions {
  const { identity, audit, clock } = deps;
  const change = async (
    personId: string,
    address: string | null,
    restrictedAt: string | null,
  ): Promise<void> => {
    const record = await identity.byId(personId);
    if (!record || record.erasedAt !== null)
      throw new DomainError('not-found', 'There is no such person.', { code: 'no-person' });
    if ((record.restrictedAt === null) === (restrictedAt === null)) return;
    await identity.update(personId, { restrictedAt });
    await audit({
      action: restrictedAt === null ? 'data.unrestrict' : 'data.restrict',
      actorId: personId,
      subjectId: personId,
      outcome: 'success',
      reason: null,
      address,
    });
  };
  return {
    restrict: (personId, address) => change(personId, address, clock.now().toISOString()),
    async lift(personId, address) {
      if (await deps.erasureWaits(personId))
        throw new DomainError('conflict', 'An erasure is waiting. Cancel it to lift the restriction.', {
          code: 'restricted-by-erasure',
        });
      await change(personId, address, null);
    },
  };
}
