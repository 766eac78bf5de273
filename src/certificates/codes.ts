import { randomBytes } from 'node:crypto';

/** Crockford's base 32: no I, L, O, U, so that a code survives paper, telephone and keyboard. */
const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const length = 20; // 100 bits: not to be guessed

/** K7QW-2M9X-3F4H-8TZC-PV5D */
export function newVerificationCode(): string {
  const letters = Array.from(randomBytes(length), (byte) => alphabet[byte % 32]).join('');
  return grouped(letters);
}

const grouped = (letters: string): string => letters.match(/.{4}/g)?.join('-') ?? '';

/** The code as it is kept, from what a person typed; null when it cannot be one. */
export function toVerificationCode(typed: string): string | null {
  const letters = typed
    .normalize('NFKC')
    .toUpperCase()
    .replaceAll(/[\s\-‐–—_.]/g, '')
    .replaceAll('O', '0')
    .replaceAll(/[IL]/g, '1');
  return letters.length === length && [...letters].every((letter) => alphabet.includes(letter))
    ? grouped(letters)
    : null;
}

/** ZX-115-0000001 */
export const certificateNumber = (year: number, serial: number): string =>
  `ZX-${year}-${String(serial).padStart(7, '0')}`;
