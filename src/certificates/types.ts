/** 學習證明: a frozen copy of what was true when it was issued. */
export interface Certificate {
  /** Printed and unique, e.g. ZX-115-0000001. */
  number: string;
  /** Unguessable; in the QR code's address. */
  verificationCode: string;
  registration: string;
  personId: string;
  personName: string;
  courseCode: string;
  courseTitle: string;
  organisation: string;
  certifiedHours: number;
  /** Class period. */
  startedAt: Date;
  completedAt: Date;
  readingSeconds: number;
  score: number | null;
  issuedAt: Date;
  revokedAt: Date | null;
}

export interface Certificates {
  /** The certificate of a completed registration, issued on first request (idempotent). DomainError `unprocessable` when not completed. */
  issue(registration: string): Promise<Certificate>;
  byNumber(number: string): Promise<Certificate | null>;
  byVerificationCode(code: string): Promise<Certificate | null>;
  ofPerson(personId: string): Promise<Certificate[]>;
  /** A4 landscape, fonts embedded. */
  pdf(certificate: Certificate): Promise<Buffer>;
}
