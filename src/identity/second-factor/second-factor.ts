import type { Clock } from '../../base/clock.ts';
import { DomainError } from '../../base/errors.ts';
import type { Sealer } from '../../base/sealing.ts';
import { isStaff } from '../policy.ts';
import type { IdentityStore, PersonRecord } from '../store.ts';
import type { Person, RecordAudit } from '../types.ts';
import { newRecoveryCodes, newTotpSecret, recoveryHash, stepOf, totpAddress } from './codes.ts';

export const lockSeconds = 15 * 60;
const allowedFailures = 5;

/** Wrong codes of an account are counted under this. */
export const failureKey = (personId: string): string => `totp|${personId}`;

/** By which of the two the second step was shown. */
export type SecondFactorMeans = 'code' | 'recovery';

export interface SecondFactorState {
  /** Since when (ISO 8601); null: there is none. */
  since: string | null;
  recoveryLeft: number;
  /** Whether this account must have one. */
  required: boolean;
}

/** Who acts: for the audit line. */
export interface Actor {
  actorId: string;
  address: string | null;
}

/** The second factor of staff accounts: codes of an authenticator app, and recovery codes for the day it is lost. */
export interface SecondFactor {
  state(person: Pick<Person, 'id' | 'roles'>): Promise<SecondFactorState>;
  /** Whether a sign-in of this person asks for a code. */
  has(personId: string): Promise<boolean>;
  /** A new secret, sealed for this person: nothing is kept until it is confirmed. */
  begin(personId: string): string;
  /** The secret of `begin` as people and their apps read it. */
  shown(person: Pick<Person, 'id' | 'name'>, sealed: string): { secret: string; address: string };
  /**
   * Puts the secret into force when the code is right and gives the recovery codes, this once. A former secret and its
   * recovery codes are void then. DomainError `unprocessable` (`wrong-code`), `rate-limited` (`code-locked`).
   */
  confirm(personId: string, sealed: string, code: string, by: Actor): Promise<string[]>;
  /**
   * Spends a code: each works once. Five failures lock the account's second step for 15 minutes.
   * DomainError `unprocessable` (`wrong-code`), `rate-limited` (`code-locked`), `conflict` when there is no second factor.
   */
  spend(personId: string, given: { means: SecondFactorMeans; code: string }): Promise<void>;
  /** New recovery codes; the former ones are void. */
  renewRecovery(personId: string, by: Actor): Promise<string[]>;
  /** Takes the second factor away: its holder, or an administrator for somebody whose phone is lost. */
  remove(personId: string, by: Actor): Promise<void>;
}

export function createSecondFactor(deps: {
  store: Pick<
    IdentityStore,
    | 'byId'
    | 'update'
    | 'spendTotpStep'
    | 'spendRecoveryCode'
    | 'renewRecoveryCodes'
    | 'addFailure'
    | 'failures'
    | 'clearFailures'
  >;
  sealer: Sealer;
  clock: Clock;
  audit: RecordAudit;
  /** What the app calls the account's home. */
  issuer: string;
  /** STAFF_TOTP=required */
  required: boolean;
}): SecondFactor {
  const { store, sealer, clock, audit, issuer } = deps;
  const wrong = (): DomainError =>
    new DomainError(
      'unprocessable',
      'The code is not right, or it was used already. Wait for the next one.',
      {
        code: 'wrong-code',
      },
    );
  const locked = (): DomainError =>
    new DomainError('rate-limited', 'Too many wrong codes. Try again in 15 minutes.', {
      code: 'code-locked',
      params: { minutes: lockSeconds / 60 },
      retryAfter: lockSeconds,
    });

  /**
   * Counts the attempt first, then tries: of many at the same moment no more than five are tried. The lock ends 15 minutes
   * after the last that was tried.
   */
  const limited = async (personId: string, attempt: () => Promise<boolean>): Promise<void> => {
    const key = failureKey(personId);
    const now = clock.now();
    const since = new Date(now.getTime() - lockSeconds * 1000);
    if ((await store.failures(key, since)) >= allowedFailures) throw locked();
    const tried = await store.addFailure(key, now, since);
    if (tried > allowedFailures) throw locked();
    if (await attempt()) return store.clearFailures(key);
    throw tried >= allowedFailures ? locked() : wrong();
  };
  const recordOf = async (personId: string): Promise<PersonRecord> => {
    const record = await store.byId(personId);
    if (!record) throw new DomainError('not-found', 'There is no such person.');
    return record;
  };
  const none = (): DomainError =>
    new DomainError('conflict', 'This account has no second factor.', { code: 'no-second-factor' });
  const line = (action: string, personId: string, { actorId, address }: Actor): Promise<void> =>
    audit({ action, actorId, subjectId: personId, outcome: 'success', reason: null, address });

  return {
    async state(person) {
      const { totp } = await recordOf(person.id);
      return {
        since: totp?.since ?? null,
        recoveryLeft: totp?.recoveryHashes.length ?? 0,
        required: deps.required && isStaff(person),
      };
    },
    async has(personId) {
      return ((await store.byId(personId))?.totp ?? null) !== null;
    },
    begin: (personId) => sealer.seal(newTotpSecret(), personId),
    shown({ id, name }, sealed) {
      const secret = sealer.open(sealed, id);
      return { secret, address: totpAddress(secret, { issuer, label: name }) };
    },
    async confirm(personId, sealed, code, by) {
      const now = clock.now();
      const secret = sealer.open(sealed, personId);
      let step: number | null = null;
      await limited(personId, async () => {
        step = stepOf(secret, code, now);
        return step !== null;
      });
      const codes = newRecoveryCodes();
      const totp = {
        sealed,
        lastStep: step ?? 0,
        recoveryHashes: codes.map((each) => recoveryHash(personId, each)),
        since: now.toISOString(),
      };
      if ((await store.update(personId, { totp })) !== null)
        throw new DomainError('not-found', 'There is no such person.');
      await line('second-factor.set', personId, by);
      return codes;
    },
    async spend(personId, { means, code }) {
      const { totp } = await recordOf(personId);
      if (!totp) throw none();
      const { since, sealed } = totp;
      await limited(personId, async () => {
        if (means === 'recovery')
          return store.spendRecoveryCode(personId, { since, hash: recoveryHash(personId, code) });
        const step = stepOf(sealer.open(sealed, personId), code, clock.now());
        return step !== null && store.spendTotpStep(personId, { since, step });
      });
    },
    async renewRecovery(personId, by) {
      const { totp } = await recordOf(personId);
      if (!totp) throw none();
      const codes = newRecoveryCodes();
      const hashes = codes.map((each) => recoveryHash(personId, each));
      if (!(await store.renewRecoveryCodes(personId, { since: totp.since, hashes }))) throw none();
      await line('second-factor.renew-recovery', personId, by);
      return codes;
    },
    async remove(personId, by) {
      if ((await store.update(personId, { totp: null })) !== null)
        throw new DomainError('not-found', 'There is no such person.');
      await store.clearFailures(failureKey(personId));
      await line(by.actorId === personId ? 'second-factor.remove' : 'second-factor.reset', personId, by);
    },
  };
}
