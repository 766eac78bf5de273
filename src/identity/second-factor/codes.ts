import { createHash, randomBytes } from 'node:crypto';
import { Secret, TOTP } from 'otpauth';

/** Time-based codes by RFC 6238 as every authenticator app makes them: SHA-1, six digits, a new one every 30 seconds. */
const period = 30;
const digits = 6;
/** Clocks may differ by one step, RFC 6238 section 5.2. */
const window = 1;
const secretBytes = 20;

/** Base32 without the letters that are taken for digits (Crockford). */
const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const recoveryLength = 16;
export const recoveryCodes = 10;

const generator = (secret: string, issuer: string, label: string): TOTP =>
  new TOTP({ issuer, label, algorithm: 'SHA1', digits, period, secret: Secret.fromBase32(secret) });

/** A new secret, in base32. */
export const newTotpSecret = (): string =>
  new Secret({ buffer: new Uint8Array(randomBytes(secretBytes)).buffer }).base32;

/** What the QR code says: otpauth://totp/… (Key URI Format). */
export const totpAddress = (secret: string, { issuer, label }: { issuer: string; label: string }): string =>
  generator(secret, issuer, label).toString();

/** What was typed: full-width digits and spaces are as good. */
export const cleanCode = (typed: string): string => typed.normalize('NFKC').replaceAll(/[\s-]/g, '');

/** The step (counted in periods since 1970) whose code this is; null: it is none of now, give or take one step. */
export function stepOf(secret: string, typed: string, now: Date): number | null {
  const token = cleanCode(typed);
  if (!/^\d{6}$/.test(token)) return null;
  const delta = generator(secret, '', '').validate({ token, timestamp: now.getTime(), window });
  return delta === null ? null : Math.floor(now.getTime() / (period * 1000)) + delta;
}

/** Ten codes of 80 bits, to be written down: `7K2M-QX4D-90TB-WEHN`. */
export const newRecoveryCodes = (): string[] =>
  Array.from({ length: recoveryCodes }, () =>
    [...randomBytes(recoveryLength)]
      .map((byte, at) => `${at > 0 && at % 4 === 0 ? '-' : ''}${alphabet[byte % alphabet.length] ?? ''}`)
      .join(''),
  );

/** What is kept of a recovery code: 80 random bits need no slow hash. @param personId so that equal codes look different */
export function recoveryHash(personId: string, typed: string): string {
  const code = cleanCode(typed).toUpperCase().replaceAll('O', '0').replaceAll(/[IL]/g, '1');
  return createHash('sha256').update(`${personId}|${code}`).digest('base64url');
}
