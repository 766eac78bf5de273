import { decrypt } from 'xml-encryption';
import { signInFailure } from '../failures.ts';
import type { KeyPair } from '../types.ts';
import { checkEncryption, type AllowedAlgorithms } from './algorithms.ts';
import { writeXml, type XmlElement } from './xml.ts';

/** What was encrypted for us, and the key that opened it. */
export interface Decrypted {
  xml: string;
  privateKey: string;
}

/**
 * Opens an EncryptedAssertion or EncryptedID with the first key that fits: while keys roll over there are two.
 * @throws DomainError `sign-in-unverified`, the same whatever went wrong: an attacker learns nothing from trying
 */
export async function decryptElement(
  encrypted: XmlElement,
  keys: readonly KeyPair[],
  allowed: AllowedAlgorithms,
): Promise<Decrypted> {
  checkEncryption(encrypted, allowed);
  const document = writeXml(encrypted);
  let cause: unknown;
  for (const { privateKey } of keys) {
    try {
      const xml = await new Promise<string>((resolve, reject) =>
        decrypt(document, { key: privateKey, warnInsecureAlgorithm: false }, (error, result) =>
          error ? reject(error) : resolve(result),
        ),
      );
      return { xml, privateKey };
    } catch (error) {
      cause = error;
    }
  }
  throw signInFailure('unverified', 'what is encrypted cannot be opened with our keys', cause);
}
