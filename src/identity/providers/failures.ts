import { randomBytes } from 'node:crypto';
import { DomainError, isDomainError, type ErrorKind } from '../../base/errors.ts';

/**
 * Why a sign-in at a provider failed, in the words of the diagnostics page (W13). What an attacker could learn from is
 * one reason, `unverified`: the audit line and the log say more.
 */
const kinds = {
  /** The answer's time is over. */
  expired: 'unauthenticated',
  /** The answer is from the future: one of the clocks is wrong. */
  clock: 'unauthenticated',
  /** The answer is meant for another site. */
  audience: 'unauthenticated',
  /** Signature, issuer, nonce, encryption: nothing of it can be trusted. */
  unverified: 'unauthenticated',
  /** The same answer was used before. */
  used: 'unauthenticated',
  /** No sign-in was begun in this browser, or too long ago. */
  unknown: 'unauthenticated',
  /** The provider does not answer, or too late. */
  away: 'unavailable',
  /** The provider said no. */
  refused: 'unauthenticated',
  /** The person turned back at the provider. */
  cancelled: 'unauthenticated',
  /** What came is no answer of this protocol. */
  malformed: 'invalid',
  'too-large': 'too-large',
  /** The provider names nobody, or an attribute that must be there is not. */
  incomplete: 'unprocessable',
  /** The provider's or our entry does not fit (client id, address, keys). */
  configuration: 'unavailable',
  /** Another account has this ID number. */
  'id-number-taken': 'conflict',
  /** The account was erased or closed. */
  closed: 'forbidden',
} as const satisfies Record<string, ErrorKind>;
export type FailureReason = keyof typeof kinds;

const prefix = 'sign-in-';

/** @param fact for the log, in English: never a secret, never an ID number, never a message of the provider's as it is */
export const signInFailure = (reason: FailureReason, fact: string, cause?: unknown): DomainError =>
  new DomainError(kinds[reason], `The sign-in failed: ${fact}`, { code: prefix + reason, cause });

export const failureReasonOf = (error: unknown): FailureReason | null =>
  isDomainError(error) && error.code?.startsWith(prefix)
    ? (error.code.slice(prefix.length) as FailureReason)
    : null;

/** A short reference that a person can read out on the phone; it stands on the page, in the log and in the audit line. */
export function newReference(): string {
  const letters = '23456789ABCDEFGHJKLMNPQRSTUVWXYZ';
  const text = [...randomBytes(10)].map((byte) => letters[byte % 32]).join('');
  return `${text.slice(0, 5)}-${text.slice(5)}`;
}
