import type { Clock } from '../../base/clock.ts';
import { DomainError } from '../../base/errors.ts';
import { newSortableId } from '../../base/ids.ts';
import { isStaff } from '../policy.ts';
import type { CaseHandler, CaseWorker, HeldCase } from '../privacy/worker.ts';
import type { Case, CaseStore } from '../privacy/store.ts';
import type { ExternalIdentity, IdentityStore, PersonRecord } from '../store.ts';
import type { RecordAudit } from '../types.ts';
import { type ClaimPlan, type CourseStanding, fingerprintOf, planClaim } from './plan.ts';

/** What courses, certificates and the LRS do for a claim; wired in context. Every step may run twice. */
export interface Handover {
  /** The current enrolments of the person. */
  standingsOf(personId: string): Promise<CourseStanding[]>;
  /** Gives the registration, and the certificates issued for it, to another person. */
  give(registration: string, from: string, to: string): Promise<'done' | 'taken' | 'gone'>;
  /** The LRS's persona link: what was said of `other` is said of `person` too. */
  join(other: string, person: string): Promise<void>;
  part(other: string, person: string): Promise<void>;
  /** Ends every browser session of the person. */
  signOutEverywhere(personId: string): Promise<void>;
}

export type ClaimState = 'taking' | 'taken' | 'undoing' | 'undone';

interface ClaimBody {
  state: ClaimState;
  claimedId: string;
  /** How the claimed account was called. */
  name: string;
  identities: ExternalIdentity[];
  /** Registrations that only the claimed account had. */
  moves: string[];
  /** Registrations in the same course that change places. */
  swaps: { claimed: string; own: string }[];
  /** Registrations in the same course that stay where they are. */
  aside: string[];
  takenAt: string | null;
  undoUntil: string;
  undoneAt: string | null;
  address: string | null;
  failures?: number;
}

export interface Claim extends Omit<
  ClaimBody,
  'takenAt' | 'undoUntil' | 'undoneAt' | 'address' | 'failures'
> {
  id: string;
  personId: string;
  takenAt: Date | null;
  undoUntil: Date;
  undoneAt: Date | null;
  undoable: boolean;
}

export interface ClaimPreview {
  claimed: { id: string; name: string; nickname: string | null; createdAt: Date };
  plan: ClaimPlan;
  fingerprint: string;
}

export interface Claims {
  /**
   * What would be taken over, before anything is.
   * @throws DomainError `claim-not-verified`, `claim-not-social`, `claim-restricted`
   */
  preview(personId: string, claimedId: string): Promise<ClaimPreview>;
  /**
   * Takes the record over; the caller has had both sign-ins proven. Carried on after a crash.
   * @param fingerprint of the preview that the person confirmed: DomainError `claim-changed` when it would be another one now
   */
  confirm(personId: string, claimedId: string, fingerprint: string, address: string | null): Promise<Claim>;
  /** Gives everything back, for 30 days. DomainError `claim-undo-over`, `not-found`. */
  undo(personId: string, claimId: string, address: string | null): Promise<Claim>;
  /** Newest first. */
  of(personId: string): Promise<Claim[]>;
  /** Accounts whose record the person has taken over and not given back. */
  claimedBy(personId: string): Promise<string[]>;
  handler: CaseHandler<ClaimBody>;
}

export const undoDays = 30;

/** Where an enrolment waits while the two of a course change places: nobody's id. */
export const parkedBy = (claimId: string): string => `claim:${claimId}`;

export function createClaims(deps: {
  cases: CaseStore;
  identity: IdentityStore;
  handover: Handover;
  /** Started later: it works with this module's handler. */
  worker: () => Pick<CaseWorker, 'work'>;
  audit: RecordAudit;
  clock: Clock;
}): Claims {
  const { cases, identity, handover, audit, clock } = deps;

  const toClaim = (one: Case): Claim => {
    const { address: _, failures: __, ...body } = JSON.parse(one.body) as ClaimBody;
    const undoUntil = new Date(body.undoUntil);
    return {
      ...body,
      id: one.id,
      personId: one.personId,
      takenAt: body.takenAt === null ? null : new Date(body.takenAt),
      undoUntil,
      undoneAt: body.undoneAt === null ? null : new Date(body.undoneAt),
      undoable: body.state === 'taken' && clock.now() < undoUntil,
    };
  };

  const refused = (code: string, message: string): DomainError =>
    new DomainError('unprocessable', message, { code });

  const pair = async (
    personId: string,
    claimedId: string,
  ): Promise<{ person: PersonRecord; claimed: PersonRecord }> => {
    const [person, claimed] = [await identity.byId(personId), await identity.byId(claimedId)];
    if (!person || !claimed || personId === claimedId)
      throw new DomainError('not-found', 'There is no such account.', { code: 'no-person' });
    if (person.accountKind !== 'official' && person.accountKind !== 'verified')
      throw refused(
        'claim-not-verified',
        'Only an account with a verified identity can take over a record. Sign in with it first.',
      );
    // A local login would stay behind and open an empty account.
    const plain = claimed.accountKind === 'social' && claimed.local === null && !isStaff(claimed);
    if (!plain || claimed.erasedAt !== null)
      throw refused('claim-not-social', 'Only the record of a social account can be taken over.');
    if (person.restrictedAt !== null || claimed.restrictedAt !== null)
      throw refused(
        'claim-restricted',
        'The processing of one of the accounts is restricted. Lift the restriction first.',
      );
    if (claimed.claimedBy !== null)
      throw new DomainError('conflict', 'This record is being taken over already.', {
        code: 'claim-running',
      });
    return { person, claimed };
  };

  const preview = async (personId: string, claimedId: string): Promise<ClaimPreview> => {
    const { claimed } = await pair(personId, claimedId);
    const plan = planClaim(
      await handover.standingsOf(claimedId),
      await handover.standingsOf(personId),
      await identity.identitiesOf(claimedId),
    );
    const { id, name, nickname, createdAt } = claimed;
    return { claimed: { id, name, nickname, createdAt }, plan, fingerprint: fingerprintOf(plan) };
  };

  const note = (held: HeldCase<ClaimBody>, action: string): Promise<void> =>
    audit({
      action,
      actorId: held.personId,
      subjectId: held.body.claimedId,
      outcome: 'success',
      reason: null,
      address: held.body.address,
      detail: {
        claim: held.id,
        courses: String(held.body.moves.length + held.body.swaps.length),
        providers: [...new Set(held.body.identities.map(({ provider }) => provider))].join(' '),
      },
    });

  /**
   * Two enrolments in one course change hands by way of a third place, since a person has one per course: `comes` goes
   * from the claimed account to the person, `goes` the other way.
   */
  const swap = async (
    { id, personId, body: { claimedId } }: HeldCase<ClaimBody>,
    comes: string,
    goes: string,
  ): Promise<void> => {
    const parked = parkedBy(id);
    await handover.give(goes, personId, parked);
    await handover.give(comes, claimedId, personId);
    // Where somebody enrolled in this very moment, what waits goes back; or else it stays out of the way.
    if ((await handover.give(goes, parked, claimedId)) === 'taken')
      await handover.give(goes, parked, personId);
  };

  const take = async (held: HeldCase<ClaimBody>): Promise<void> => {
    const { personId, body } = held;
    const { claimedId } = body;
    // First nobody can act as the claimed account any more; then it is emptied.
    const outcome = await identity.update(claimedId, { claimedBy: personId });
    if (outcome !== null) throw new Error(`the claimed account cannot be marked: ${outcome}`);
    await handover.signOutEverywhere(claimedId);
    await handover.join(claimedId, personId);
    for (const registration of body.moves) {
      await handover.give(registration, claimedId, personId);
      await held.keep(body);
    }
    for (const { claimed, own } of body.swaps) await swap(held, claimed, own);
    // Last: whoever signs in that way finds everything there.
    for (const one of body.identities) await identity.moveIdentity(one, claimedId, personId);
    await note(held, 'claim.take');
    await held.leave({ ...body, state: 'taken', takenAt: clock.now().toISOString() }, { open: true });
  };

  const giveBack = async (held: HeldCase<ClaimBody>): Promise<void> => {
    const { personId, body } = held;
    const { claimedId } = body;
    for (const registration of body.moves) {
      await handover.give(registration, personId, claimedId);
      await held.keep(body);
    }
    for (const { claimed, own } of body.swaps) await swap(held, own, claimed);
    await handover.part(claimedId, personId);
    for (const one of body.identities) await identity.moveIdentity(one, personId, claimedId);
    const person = await identity.byId(personId);
    if (person) {
      const left = new Set((await identity.identitiesOf(personId)).map(({ provider }) => provider));
      const given = new Set(body.identities.map(({ provider }) => provider));
      const vouchers = Object.fromEntries(
        Object.entries(person.vouchers).filter(([provider]) => left.has(provider) || !given.has(provider)),
      );
      await identity.update(personId, { vouchers });
    }
    await identity.update(claimedId, { claimedBy: null });
    await note(held, 'claim.undo');
    await held.leave({ ...body, state: 'undone', undoneAt: clock.now().toISOString() }, { open: false });
  };

  const now = async (id: string): Promise<Claim> => {
    const one = await cases.byId(id);
    if (!one) throw new DomainError('not-found', 'There is no such claim.', { code: 'claim-none' });
    return toClaim(one);
  };

  return {
    preview,
    async confirm(personId, claimedId, fingerprint, address) {
      const seen = await preview(personId, claimedId);
      if (seen.fingerprint !== fingerprint)
        throw new DomainError('conflict', 'The record has changed meanwhile. Look at it again and confirm.', {
          code: 'claim-changed',
        });
      const { plan, claimed } = seen;
      const at = clock.now();
      const body: ClaimBody = {
        state: 'taking',
        claimedId,
        name: claimed.nickname ?? claimed.name,
        identities: plan.identities,
        moves: plan.moves.map(({ registration }) => registration),
        swaps: plan.meetings
          .filter(({ keeps }) => keeps === 'claimed')
          .map((one) => ({ claimed: one.claimed.registration, own: one.own.registration })),
        aside: plan.meetings.filter(({ keeps }) => keeps === 'own').map((one) => one.claimed.registration),
        takenAt: null,
        undoUntil: new Date(at.getTime() + undoDays * 24 * 3600_000).toISOString(),
        undoneAt: null,
        address,
      };
      const given: Case = {
        id: newSortableId(),
        kind: 'claim',
        personId,
        openKey: `claim:${claimedId}`,
        dueAt: at,
        createdAt: at,
        body: JSON.stringify(body),
        revision: 0,
      };
      const kept = await cases.add(given);
      // Two windows, or two people who both know the social sign-in: the first one has it.
      if (kept.id !== given.id && kept.personId !== personId)
        throw new DomainError('conflict', 'This record is being taken over already.', {
          code: 'claim-running',
        });
      await deps.worker().work(kept.id);
      return now(kept.id);
    },
    async undo(personId, claimId, address) {
      const one = await cases.byId(claimId);
      if (one?.kind !== 'claim' || one.personId !== personId)
        throw new DomainError('not-found', 'There is no such claim.', { code: 'claim-none' });
      const body = JSON.parse(one.body) as ClaimBody;
      if (body.state === 'taken') {
        if (clock.now() >= new Date(body.undoUntil))
          throw refused('claim-undo-over', 'A claim can be undone for 30 days. Please ask support.');
        await cases.change({
          ...one,
          body: JSON.stringify({ ...body, state: 'undoing', address } satisfies ClaimBody),
          dueAt: clock.now(),
        });
      }
      await deps.worker().work(claimId);
      return now(claimId);
    },
    async of(personId) {
      return (await cases.ofPerson(personId, 'claim')).map(toClaim);
    },
    async claimedBy(personId) {
      return (await cases.ofPerson(personId, 'claim'))
        .filter(({ openKey }) => openKey !== null)
        .map((one) => toClaim(one).claimedId);
    },
    async handler(held) {
      if (held.body.state === 'taking') await take(held);
      else if (held.body.state === 'undoing') await giveBack(held);
      else await held.leave(held.body, { open: held.body.state === 'taken' });
    },
  };
}
