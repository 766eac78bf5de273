import { createHmac } from 'node:crypto';
import { DomainError } from '../base/errors.ts';
import { createSealer, deriveKey } from '../base/sealing.ts';
import type { SealedIdNumber } from './store.ts';

/** A–Z as two digits, in the order that the check uses. */
const letters = 'ABCDEFGHJKLMNPQRSTUVXYWZIO';
const weights = [1, 9, 8, 7, 6, 5, 4, 3, 2, 1, 1];

export type IdNumberKind = 'national' | 'resident' | 'resident-old';

/** Which kind of 身分證字號 / 外來人口統一證號 this is; null when its form or its check digit is wrong. */
export function idNumberKind(text: string): IdNumberKind | null {
  const value = text.trim().toUpperCase();
  if (!/^[A-Z][A-D1289]\d{8}$/.test(value)) return null;
  const code = (letter: string): number => letters.indexOf(letter) + 10;
  const first = code(value[0] ?? '');
  const second = value[1] ?? '';
  const old = /[A-D]/.test(second);
  const digits = [
    Math.floor(first / 10),
    first % 10,
    old ? code(second) % 10 : Number(second),
    ...[...value.slice(2)].map(Number),
  ];
  const sum = digits.reduce((total, digit, at) => total + digit * (weights[at] ?? 0), 0);
  if (sum % 10 !== 0) return null;
  if (old) return 'resident-old';
  return second === '8' || second === '9' ? 'resident' : 'national';
}

/** Shown on screens: the first letter and the last three digits. */
export const maskIdNumber = (value: string): string => `${value.slice(0, 1)}******${value.slice(-3)}`;

export interface IdNumberVault {
  /** DomainError `invalid` when it is not an ID number; the message does not repeat it. */
  seal(idNumber: string): SealedIdNumber;
  open(sealed: SealedIdNumber): string;
  /** The keyed hash by which a person is found; the ID number itself is not stored anywhere. */
  lookup(idNumber: string): string;
}

/** AES-256-GCM for keeping, HMAC-SHA-256 under a derived key for finding. */
export function createIdNumberVault(key: Buffer): IdNumberVault {
  const sealer = createSealer(key, 'id-number/seal');
  const lookupKey = deriveKey(key, 'id-number/lookup');
  const clean = (idNumber: string): string => {
    if (idNumberKind(idNumber) === null)
      throw new DomainError('invalid', 'The ID number is not valid: its form or its check digit is wrong.', {
        code: 'id-number',
      });
    return idNumber.trim().toUpperCase();
  };
  const lookup = (idNumber: string): string =>
    createHmac('sha256', lookupKey).update(clean(idNumber)).digest('base64url');
  return {
    lookup,
    seal: (idNumber) => ({ sealed: sealer.seal(clean(idNumber)), lookup: lookup(idNumber) }),
    open: ({ sealed }) => sealer.open(sealed),
  };
}
