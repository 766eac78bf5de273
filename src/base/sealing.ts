import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { DomainError } from './errors.ts';

/** Keeps short secrets encrypted at rest. */
export interface Sealer {
  /** @param boundTo what the secret belongs to: it cannot be opened as anything else's */
  seal(text: string, boundTo?: string): string;
  /** DomainError `unavailable` when it was sealed under another key, for something else, or was altered. */
  open(sealed: string, boundTo?: string): string;
}

/** A key of its own for each use, from the one master key (HKDF-SHA-256, RFC 5869). @param use `id-number/seal` */
export const deriveKey = (master: Buffer, use: string): Buffer =>
  Buffer.from(hkdfSync('sha256', master, Buffer.alloc(0), `zhixing/${use}`, 32));

const version = 'v1.';
const nonceBytes = 12;
const tagBytes = 16;

export const isSealed = (text: string): boolean => text.startsWith(version);

/** AES-256-GCM under a key derived for this use; `v1.` and base64url of nonce, tag and text. */
export function createSealer(master: Buffer, use: string): Sealer {
  const key = deriveKey(master, use);
  return {
    seal(text, boundTo = '') {
      const nonce = randomBytes(nonceBytes);
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(boundTo));
      const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
      return version + Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64url');
    },
    open(sealed, boundTo = '') {
      const bytes = Buffer.from(sealed.slice(version.length), 'base64url');
      const [nonce, tag] = [bytes.subarray(0, nonceBytes), bytes.subarray(nonceBytes, nonceBytes + tagBytes)];
      try {
        const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes })
          .setAAD(Buffer.from(boundTo))
          .setAuthTag(tag);
        const body = bytes.subarray(nonceBytes + tagBytes);
        return Buffer.concat([decipher.update(body), decipher.final()]).toString('utf8');
      } catch {
        throw new DomainError(
          'unavailable',
          'A stored secret cannot be opened: the key is not the one it was sealed with, or it was altered. Enter the secret again.',
        );
      }
    },
  };
}
