import type { Clock } from '../base/clock.ts';
import { isDomainError } from '../base/errors.ts';
import type { IdNumberVault } from './id-numbers.ts';
import { idNumberKind } from './id-numbers.ts';
import { toPerson, type People } from './people.ts';
import { signInFailure } from './providers/failures.ts';
import type { ProviderPolicy } from './providers/types.ts';
import {
  type ExternalIdentity,
  type IdentityStore,
  patched,
  type PersonPatch,
  type PersonRecord,
} from './store.ts';
import type { AccountKind, Assurance, ExternalProfile, Person, RecordAudit } from './types.ts';

export interface Arrival {
  profile: ExternalProfile;
  /** What reading the attributes found wrong (providers/profile.ts), for the audit log. */
  notes: string[];
  /** The client's address. */
  address: string | null;
}

/** From whom a provider vouches for to a person of the platform. */
export interface ExternalSignIns {
  /**
   * The person behind the profile: known by this sign-in, known by the same vouched-for ID number (if the policy says
   * so), or new. What the provider says is taken over at each sign-in, so that a converted account is official at once
   * and a downgraded one too (W5).
   * @throws DomainError `sign-in-id-number-taken`, `sign-in-closed`
   */
  arrive(arrival: Arrival): Promise<Person>;
}

const rank: Record<AccountKind, number> = { local: 0, social: 0, verified: 1, official: 2 };

const strongest = (vouchers: Record<string, Assurance>): Assurance | null =>
  Object.values(vouchers).toSorted((a, b) => rank[b] - rank[a])[0] ?? null;

/** The kind that follows from what the providers say now; a kind that none of them gave (staff, demo) only rises. */
function kindAfter(record: PersonRecord, vouchers: Record<string, Assurance>): AccountKind {
  const now = strongest(vouchers) ?? 'social';
  const before = strongest(record.vouchers);
  const follows = before === null ? rank[now] >= rank[record.accountKind] : before === record.accountKind;
  if (!follows && rank[now] <= rank[record.accountKind]) return record.accountKind;
  return now === 'social' && record.local !== null ? 'local' : now;
}

/** A subject that is an ID number is never kept: its keyed hash stands in for it. */
const identityOf = ({ provider, subject }: ExternalProfile, vault: IdNumberVault): ExternalIdentity => ({
  provider,
  subject: idNumberKind(subject) === null ? subject : `id-number:${vault.lookup(subject)}`,
});

export function createExternalSignIns(deps: {
  store: IdentityStore;
  people: People;
  vault: IdNumberVault;
  clock: Clock;
  policy: ProviderPolicy;
  audit: RecordAudit;
}): ExternalSignIns {
  const { store, people, vault, policy, audit } = deps;

  /** verified without an ID number vouches for nothing: the account is social until there is one. */
  const assuranceOf = (profile: ExternalProfile, record: PersonRecord | null): Assurance =>
    profile.assurance === 'verified' && profile.idNumber === null && !record?.idNumber
      ? 'social'
      : profile.assurance;

  const idNumberTaken = async (
    holder: PersonRecord | null,
    { profile, address }: Arrival,
  ): Promise<never> => {
    await audit({
      action: 'sign-in.id-number',
      actorId: null,
      subjectId: holder?.id ?? null,
      outcome: 'failure',
      reason: 'id-number-taken',
      address,
      detail: { provider: profile.provider },
    });
    throw signInFailure('id-number-taken', 'another account has this ID number');
  };

  /** What changes on a known person. The strongest provider's word replaces; a weaker one's only fills what is empty. */
  function patchFor(record: PersonRecord, profile: ExternalProfile): PersonPatch {
    const assurance = assuranceOf(profile, record);
    const vouchers = { ...record.vouchers, [profile.provider]: assurance };
    const accountKind = kindAfter(record, vouchers);
    const leads = rank[assurance] >= rank[strongest(vouchers) ?? 'social'];
    const fresh = <T>(said: T | null, kept: T | null): T | null => (leads ? (said ?? kept) : (kept ?? said));
    // Who is no longer official has no agency either, unless the provider names one.
    const demoted = record.accountKind === 'official' && accountKind !== 'official';
    const ofAgency = <T>(said: T | null, kept: T | null): T | null => fresh(said, demoted ? null : kept);
    const patch: PersonPatch = {
      vouchers,
      accountKind,
      name: fresh(profile.name, record.name) ?? record.name,
      nameEn: fresh(profile.nameEn, record.nameEn),
      agencyCode: ofAgency(profile.agencyCode, record.agencyCode),
      agencyName: ofAgency(profile.agencyName, record.agencyName),
      personnelCategory: ofAgency(profile.personnelCategory, record.personnelCategory),
      profile: {
        ...record.profile,
        gender: fresh(profile.gender, record.profile.gender),
        birthday: fresh(profile.birthday, record.profile.birthday),
        // The person may have changed these here: only what is empty is filled.
        phone: record.profile.phone ?? profile.phone,
        address: record.profile.address ?? profile.address,
      },
      // The contact address (聯絡信箱) is the person's own choice.
      ...(record.email === null && profile.email !== null
        ? { email: profile.email, emailConfirmed: profile.emailVerified }
        : {}),
    };
    if (profile.idNumber !== null && record.idNumber?.lookup !== vault.lookup(profile.idNumber))
      patch.idNumber = vault.seal(profile.idNumber);
    return patch;
  }

  async function refresh(record: PersonRecord, arrival: Arrival, linked: boolean): Promise<Person> {
    const { profile, notes, address } = arrival;
    if (record.erasedAt !== null) throw signInFailure('closed', 'the account was erased');
    if (record.lockedAt !== null) throw signInFailure('closed', 'the account is locked');
    const patch = patchFor(record, profile);
    const before = record as unknown as Record<string, unknown>;
    const changed = Object.entries(patch)
      .filter(([field, value]) => JSON.stringify(before[field]) !== JSON.stringify(value))
      .map(([field]) => field);
    if (changed.length > 0) {
      const outcome = await store.update(record.id, patch);
      if (outcome === 'id-number')
        return idNumberTaken(await store.byIdNumber(vault.lookup(profile.idNumber ?? '')), arrival);
      if (outcome !== null) throw signInFailure('closed', `the account cannot be changed: ${outcome}`);
    }
    if (changed.length > 0 || notes.length > 0 || linked)
      await audit({
        action: linked ? 'sign-in.link' : 'sign-in.refresh',
        actorId: record.id,
        subjectId: record.id,
        outcome: 'success',
        reason: linked ? 'same-id-number' : null,
        address,
        detail: {
          provider: profile.provider,
          ...(changed.length > 0 ? { changed: changed.join(' ') } : {}),
          ...(record.accountKind !== patch.accountKind
            ? { kind: `${record.accountKind} → ${patch.accountKind}` }
            : {}),
          ...(notes.length > 0 ? { notes: notes.join(' ') } : {}),
        },
      });
    return toPerson(patched(record, patch));
  }

  /** Whether a provider has vouched for the ID number that the person holds. */
  const vouchedFor = (holder: PersonRecord): boolean =>
    holder.erasedAt === null && (strongest(holder.vouchers) ?? 'social') !== 'social';

  async function arriveOnce(arrival: Arrival): Promise<Person> {
    const { profile, notes, address } = arrival;
    const identity = identityOf(profile, vault);
    const known = await store.byIdentity(identity);
    if (known) return refresh(known, arrival, false);

    const holder = profile.idNumber === null ? null : await store.byIdNumber(vault.lookup(profile.idNumber));
    if (holder) {
      if (policy.sameIdNumber !== 'link' || !vouchedFor(holder)) return idNumberTaken(holder, arrival);
      const conflict = await store.link(holder.id, identity);
      // Another tab of the same person was first: the identity is known now.
      if (conflict !== null) return arriveOnce(arrival);
      return refresh(holder, arrival, true);
    }

    const assurance = assuranceOf(profile, null);
    const person = await people.create({
      name: profile.name ?? profile.nickname ?? '—',
      accountKind: assurance,
      roles: [{ role: 'learner', organisation: null }],
      identity,
      vouchers: { [profile.provider]: assurance },
      ...(profile.nameEn === null ? {} : { nameEn: profile.nameEn }),
      ...(profile.email === null ? {} : { email: profile.email, emailConfirmed: profile.emailVerified }),
      ...(profile.agencyCode === null ? {} : { agencyCode: profile.agencyCode }),
      ...(profile.agencyName === null ? {} : { agencyName: profile.agencyName }),
      ...(profile.personnelCategory === null ? {} : { personnelCategory: profile.personnelCategory }),
      ...(profile.idNumber === null ? {} : { idNumber: profile.idNumber }),
      profile: {
        gender: profile.gender,
        birthday: profile.birthday,
        phone: profile.phone,
        address: profile.address,
      },
    });
    await audit({
      action: 'sign-in.new-person',
      actorId: person.id,
      subjectId: person.id,
      outcome: 'success',
      reason: null,
      address,
      detail: {
        provider: profile.provider,
        kind: assurance,
        ...(notes.length > 0 ? { notes: notes.join(' ') } : {}),
      },
    });
    return person;
  }

  return {
    async arrive(arrival) {
      try {
        return await arriveOnce(arrival);
      } catch (error) {
        // Two first sign-ins met: whoever comes second finds what the first has written.
        const raced =
          isDomainError(error, 'conflict') && /^taken-(identity|id-number)$/.test(error.code ?? '');
        if (!raced) throw error;
        return arriveOnce(arrival);
      }
    },
  };
}
