import type { LocalText } from '../base/languages.ts';

/** What was asked to pass; null or false: not asked. A course's CompletionConditions fit. */
export interface CertifiedConditions {
  readingSeconds: number | null;
  passScore: number | null;
  survey: boolean;
}

/** A completed registration as a certificate tells it. Never an ID number. */
export interface CompletedCourse {
  personId: string;
  personName: string;
  personNameEn: string | null;
  courseCode: string;
  courseTitle: LocalText;
  organisation: string;
  certifiedHours: number;
  /** Class period. */
  startedAt: Date;
  completedAt: Date;
  readingSeconds: number;
  score: number | null;
  conditions: CertifiedConditions;
}

/** Why and by whom a certificate was taken back. */
export interface Revocation {
  at: Date;
  reason: string;
  /** The acting person's id. */
  by: string;
}

/** 學習證明: a frozen copy of what was true when it was issued. */
export interface Certificate {
  /** Printed and unique, e.g. ZX-115-0000001. */
  number: string;
  /** Unguessable; in the QR code's address. Crockford's base 32 in groups, so that it can be typed from paper. */
  verificationCode: string;
  registration: string;
  /** 1; grows when a revoked certificate is issued anew. */
  edition: number;
  personId: string;
  personName: string;
  personNameEn: string | null;
  courseCode: string;
  courseTitle: string;
  courseTitleEn: string | null;
  organisation: string;
  certifiedHours: number;
  /** Class period. */
  startedAt: Date;
  completedAt: Date;
  readingSeconds: number;
  score: number | null;
  conditions: CertifiedConditions;
  issuedAt: Date;
  revokedAt: Date | null;
  revocation: Revocation | null;
}

/** What anybody may learn from a verification code. */
export interface PublicCertificate {
  number: string;
  /** 王○明 */
  maskedName: string;
  courseCode: string;
  courseTitle: string;
  courseTitleEn: string | null;
  organisation: string;
  certifiedHours: number;
  completedAt: Date;
  issuedAt: Date;
  revokedAt: Date | null;
}

export interface Certificates {
  /**
   * The certificate of a completed registration, issued on first request (idempotent, also under races).
   * @param owner the person who asks; another person's registration is `not-found`
   * @throws DomainError `unprocessable` when not completed, or when its certificate was revoked
   */
  issue(registration: string, owner?: string): Promise<Certificate>;
  /** A new edition after a revocation, with the facts of now; a valid certificate is returned as it is. */
  reissue(registration: string): Promise<Certificate>;
  byNumber(number: string): Promise<Certificate | null>;
  /** Accepts the code as people type it: any case, spaces, missing hyphens, O for 0, I or L for 1. */
  byVerificationCode(code: string): Promise<Certificate | null>;
  /** What the public verification page may show; null when no certificate has the code. */
  verify(code: string): Promise<PublicCertificate | null>;
  /** Newest first, revoked ones among them. */
  ofPerson(personId: string): Promise<Certificate[]>;
  /** The first revocation stands. DomainError `not-found`. */
  revoke(number: string, by: string, reason: string): Promise<Certificate>;
  /** A4 landscape, two pages, fonts embedded; a revoked one is marked as such. */
  pdf(certificate: Certificate): Promise<Buffer>;
  /** Several as one PDF, in the order given. */
  pdfOfAll(certificates: Certificate[]): Promise<Buffer>;
  /** Several as a ZIP of one PDF each, named by number. */
  zipOfAll(certificates: Certificate[]): Promise<Buffer>;
}
