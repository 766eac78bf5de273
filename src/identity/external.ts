import type { Clock } from '../base/clock.ts';
import { DomainError, isDomainError } from '../base/errors.ts';
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
  /** The way to sign in that the profile stands for. */
  identityOf(profile: ExternalProfile): ExternalIdentity;
  /** Who signs in that way; null: nobody yet. */
  holderOf(identity: ExternalIdentity): Promise<PersonRecord | null>;
  /**
   * Adds a way to sign in that is nobody's yet to the person, and takes over what the provider says.
   * @throws DomainError `taken-identity`; `sign-in-id-number-taken`: its ID number is not the person's
   */
  link(personId: string, arrival: Arrival): Promise<void>;
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

/** Fields of the profile page that the provider fills: read-only here, changed there. */
const providedBy = (profile: ExternalProfile): string[] => [
  ...(['name', 'nameEn', 'gender', 'personnelCategory'] as const).filter((field) => profile[field] !== null),
  // Code and name belong together: one alone still says which agency.
  ...(profile.agencyCode === null && profile.agencyName === null ? [] : ['agencyName', 'agencyCode']),
];

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

  /**
   * What changes on a known person. The word of the strongest provider that vouches for the person replaces; what others
   * say only fills what is empty, and stays the person's to change.
   */
  function patchFor(record: PersonRecord, profile: ExternalProfile): PersonPatch {
    const assurance = assuranceOf(profile, record);
    const vouchers = { ...record.vouchers, [profile.provider]: assurance };
    const accountKind = kindAfter(record, vouchers);
    const leads = assurance !== 'social' && rank[assurance] >= rank[strongest(vouchers) ?? 'social'];
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
        providedFields: leads ? providedBy(profile) : record.profile.providedFields,
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

  async function refresh(
    record: PersonRecord,
    arrival: Arrival,
    linked: 'same-id-number' | 'own-wish' | null,
  ): Promise<Person> {
    const { profile, notes, address } = arrival;
    if (record.erasedAt !== null) throw signInFailure('closed', 'the account was erased');
    if (record.lockedAt !== null) throw signInFailure('closed', 'the account is locked');
    if (record.claimedBy !== null) throw signInFailure('closed', 'the account was taken over');
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
    if (changed.length > 0 || notes.length > 0 || linked !== null)
      await audit({
        action: linked === null ? 'sign-in.refresh' : 'sign-in.link',
        actorId: record.id,
        subjectId: record.id,
        outcome: 'success',
        reason: linked,
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
    if (known) return refresh(known, arrival, null);

    const holder = profile.idNumber === null ? null : await store.byIdNumber(vault.lookup(profile.idNumber));
    if (holder) {
      if (policy.sameIdNumber !== 'link' || !vouchedFor(holder)) return idNumberTaken(holder, arrival);
      const conflict = await store.link(holder.id, identity);
      // Another tab of the same person was first: the identity is known now.
      if (conflict !== null) return arriveOnce(arrival);
      return refresh(holder, arrival, 'same-id-number');
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
        providedFields: assurance === 'social' ? [] : providedBy(profile),
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
    identityOf: (profile) => identityOf(profile, vault),
    holderOf: (identity) => store.byIdentity(identity),
    async link(personId, arrival) {
      const { profile } = arrival;
      const record = await store.byId(personId);
      if (!record) throw signInFailure('closed', 'there is no such account');
      if (profile.idNumber !== null) {
        const lookup = vault.lookup(profile.idNumber);
        const holder = await store.byIdNumber(lookup);
        const another = record.idNumber !== null && record.idNumber.lookup !== lookup;
        if (another || (holder && holder.id !== personId)) return idNumberTaken(holder ?? record, arrival);
      }
      const identity = identityOf(profile, vault);
      if ((await store.link(personId, identity)) !== null)
        throw new DomainError('conflict', 'This sign-in already belongs to another account.', {
          code: 'taken-identity',
        });
      try {
        await refresh(record, arrival, 'own-wish');
      } catch (error) {
        await store.unlink(personId, identity);
        throw error;
      }
    },
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
