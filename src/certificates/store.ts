import type { Certificate, Revocation } from './types.ts';

export type { Certificate, CertifiedConditions, Revocation } from './types.ts';

/** A certificate before it has its number. */
export type CertificateDraft = Omit<Certificate, 'number' | 'revokedAt' | 'revocation'>;

/**
 * Port: issued certificates. Nothing that is printed ever changes but by revocation, or when its holder is erased; none
 * is deleted.
 */
export interface CertificateStore {
  /**
   * Draws the year's next number and files the certificate; or gives back the one that the same edition of the same
   * registration already has. Of several calls at once, one files and all get the same certificate.
   * @param year 民國 year, the counter's name
   * @param toNumber what the counter's value (from 1) looks like printed
   */
  issue(draft: CertificateDraft, year: number, toNumber: (serial: number) => string): Promise<Certificate>;
  /** The latest edition. */
  byRegistration(registration: string): Promise<Certificate | null>;
  byNumber(number: string): Promise<Certificate | null>;
  byVerificationCode(code: string): Promise<Certificate | null>;
  /** Newest first. */
  ofPerson(personId: string): Promise<Certificate[]>;
  /** Every edition of the registration goes from one person's list to another's; what is printed stays. */
  transfer(registration: string, from: string, to: string): Promise<void>;
  /** Takes the names off all of the person's certificates and files them under `pseudonym`; says how many. */
  anonymise(personId: string, pseudonym: string): Promise<number>;
  /** The first revocation stands; null when there is no such certificate. */
  revoke(number: string, revocation: Revocation): Promise<Certificate | null>;
}
