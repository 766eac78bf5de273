import type { Clock } from '../../base/clock.ts';
import { DomainError } from '../../base/errors.ts';
import { newSortableId } from '../../base/ids.ts';
import { isStaff } from '../policy.ts';
import { emptyProfile, type RecordAudit } from '../types.ts';
import type { IdentityStore } from '../store.ts';
import type { Case, CaseStore } from './store.ts';
import type { CaseHandler, CaseWorker } from './worker.ts';

/** What one module takes away of a person. It may run twice, and goes on where it was broken off. */
export interface ErasureStep {
  /** Its title is the message `privacy.step.<name>`. */
  name: string;
  /** @param report called now and then with how many things are gone so far, so that the lease lasts */
  run(ids: readonly string[], report: (done: number) => Promise<void>): Promise<number>;
}

interface ErasureBody {
  state: 'waiting' | 'running' | 'done' | 'cancelled';
  runAt: string;
  /** Restricted for the days of grace by the request itself, so a cancellation lifts it. */
  restricted: boolean;
  address: string | null;
  /** The person and accounts whose record they took over; fixed when it begins. */
  ids: string[];
  step: number;
  counts: Record<string, number>;
  finishedAt: string | null;
  failures?: number;
}

export interface ErasureRequest {
  id: string;
  state: ErasureBody['state'];
  requestedAt: Date;
  runAt: Date;
}

export interface PersonalErasures {
  /** Begins the days of grace, in which nothing new is kept. DomainError `erase-staff`. */
  request(personId: string, address: string | null): Promise<ErasureRequest>;
  /** Everything stays as it is; DomainError `erase-begun` when it is too late. */
  cancel(personId: string, address: string | null): Promise<void>;
  /** The one that waits or runs. */
  pending(personId: string): Promise<ErasureRequest | null>;
  handler: CaseHandler<ErasureBody>;
}

export function createPersonalErasures(deps: {
  cases: CaseStore;
  identity: IdentityStore;
  clock: Clock;
  audit: RecordAudit;
  worker: () => Pick<CaseWorker, 'kick'>;
  idsOf(personId: string): Promise<string[]>;
  /** In this order, before the account itself is blanked. */
  steps: readonly ErasureStep[];
  signOutEverywhere(personId: string): Promise<void>;
  graceDays: number;
}): PersonalErasures {
  const { cases, identity, clock, audit, steps } = deps;

  const toRequest = (one: Case): ErasureRequest => {
    const { state, runAt } = JSON.parse(one.body) as ErasureBody;
    return { id: one.id, state, requestedAt: one.createdAt, runAt: new Date(runAt) };
  };
  const openKey = (personId: string): string => `erasure:${personId}`;
  const line = (personId: string, address: string | null, detail: Record<string, string>) => ({
    actorId: personId,
    subjectId: personId,
    outcome: 'success' as const,
    reason: null,
    address,
    detail,
  });

  /** The account itself: only its id is left, so that what names it stays pseudonymous; its names are free again. */
  const blank = async (id: string): Promise<void> => {
    for (const one of await identity.identitiesOf(id)) await identity.unlink(id, one);
    const outcome = await identity.update(id, {
      name: '',
      nameEn: null,
      nickname: null,
      email: null,
      emailConfirmed: false,
      accountKind: 'social',
      agencyCode: null,
      agencyName: null,
      personnelCategory: null,
      local: null,
      idNumber: null,
      consent: null,
      vouchers: {},
      totp: null,
      roles: [],
      profile: emptyProfile,
      restrictedAt: null,
      claimedBy: null,
    });
    if (outcome !== null && outcome !== 'not-found')
      throw new Error(`the account cannot be blanked: ${outcome}`);
  };

  return {
    async request(personId, address) {
      const record = await identity.byId(personId);
      if (!record || record.erasedAt !== null)
        throw new DomainError('not-found', 'There is no such person.', { code: 'no-person' });
      if (isStaff(record))
        throw new DomainError(
          'unprocessable',
          'An account with a role beyond learning is erased once an administrator has taken the role away.',
          { code: 'erase-staff' },
        );
      const at = clock.now();
      const runAt = new Date(at.getTime() + deps.graceDays * 24 * 3600_000);
      const body: ErasureBody = {
        state: 'waiting',
        runAt: runAt.toISOString(),
        restricted: record.restrictedAt === null,
        address,
        ids: [],
        step: 0,
        counts: {},
        finishedAt: null,
      };
      const id = newSortableId();
      const kept = await cases.add({
        id,
        kind: 'erasure',
        personId,
        openKey: openKey(personId),
        dueAt: runAt,
        createdAt: at,
        body: JSON.stringify(body),
        revision: 0,
      });
      if (kept.id !== id) return toRequest(kept);
      if (body.restricted) await identity.update(personId, { restrictedAt: at.toISOString() });
      await audit({
        action: 'data.erase.request',
        ...line(personId, address, { erasure: id, runAt: body.runAt }),
      });
      return toRequest(kept);
    },
    async cancel(personId, address) {
      for (;;) {
        const one = await cases.byKey(openKey(personId));
        if (!one) throw new DomainError('not-found', 'No erasure is waiting.', { code: 'erase-none' });
        const body = JSON.parse(one.body) as ErasureBody;
        if (body.state !== 'waiting')
          throw new DomainError('conflict', 'The erasure has begun and cannot be undone.', {
            code: 'erase-begun',
          });
        const cancelled = JSON.stringify({ ...body, state: 'cancelled' } satisfies ErasureBody);
        if (!(await cases.change({ ...one, body: cancelled, openKey: null, dueAt: null }))) continue;
        if (body.restricted) await identity.update(personId, { restrictedAt: null });
        await audit({ action: 'data.erase.cancel', ...line(personId, address, { erasure: one.id }) });
        return;
      }
    },
    async pending(personId) {
      const one = await cases.byKey(openKey(personId));
      return one && toRequest(one);
    },
    async handler(held) {
      const { id, personId } = held;
      if (held.body.state === 'waiting') {
        // From here on there is no way back: nobody signs in, nothing new is kept.
        await held.keep({ ...held.body, state: 'running', ids: await deps.idsOf(personId) });
      }
      const erasedAt = clock.now().toISOString();
      for (const one of held.body.ids) {
        const record = await identity.byId(one);
        if (record?.erasedAt === null) await identity.update(one, { erasedAt });
        await deps.signOutEverywhere(one);
      }
      for (let at = held.body.step; at < steps.length; at++) {
        const step = steps[at];
        if (!step) break;
        const before = held.body.counts[step.name] ?? 0;
        let done = 0;
        const keep = (): Promise<void> =>
          held.keep({ ...held.body, counts: { ...held.body.counts, [step.name]: before + done } });
        done = await step.run(held.body.ids, async (soFar) => {
          done = soFar;
          await keep();
        });
        await keep();
        await held.keep({ ...held.body, step: at + 1 });
      }
      for (const one of held.body.ids.toReversed()) await blank(one);
      const { counts, address, runAt } = held.body;
      await audit({
        action: 'data.erase',
        ...line(personId, address, {
          erasure: id,
          ...Object.fromEntries(Object.entries(counts).map(([name, n]) => [name, String(n)])),
        }),
      });
      await held.leave(
        {
          state: 'done',
          runAt,
          restricted: false,
          address: null,
          ids: [],
          step: steps.length,
          counts,
          finishedAt: clock.now().toISOString(),
        },
        { open: false },
      );
    },
  };
}
