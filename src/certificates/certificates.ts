import { buffer } from 'node:stream/consumers';
import { ZipFile } from 'yazl';
import type { Clock } from '../base/clock.ts';
import { DomainError } from '../base/errors.ts';
import { certificateNumber, newVerificationCode, toVerificationCode } from './codes.ts';
import { minguoYear } from './dates.ts';
import { maskName } from './masking.ts';
import type { CertificateRenderer } from './render.ts';
import type { CertificateDraft, CertificateStore } from './store.ts';
import type { Certificate, Certificates, CompletedCourse } from './types.ts';

/** What is true of a completed registration now; null when there is none, or when it is not completed. */
export type CertificateFacts = (registration: string) => Promise<CompletedCourse | null>;

export function createCertificates(deps: {
  store: CertificateStore;
  clock: Clock;
  renderer: CertificateRenderer;
  facts: CertificateFacts;
}): Certificates {
  const { store, clock, renderer, facts } = deps;

  const ownedBy = (owner: string | undefined, personId: string): void => {
    if (owner !== undefined && owner !== personId)
      throw new DomainError('not-found', 'There is no such registration.', {
        code: 'certificates-not-found',
      });
  };

  async function file(registration: string, edition: number, owner?: string): Promise<Certificate> {
    const known = await facts(registration);
    if (!known)
      throw new DomainError(
        'unprocessable',
        'The course is not completed yet: a certificate is issued when every condition is met.',
        { code: 'certificates-not-completed' },
      );
    ownedBy(owner, known.personId);
    const issuedAt = clock.now();
    const { courseTitle, conditions, ...rest } = known;
    const draft: CertificateDraft = {
      ...pick(rest),
      verificationCode: newVerificationCode(),
      registration,
      edition,
      courseTitle: courseTitle['zh-TW'],
      courseTitleEn: courseTitle.en ?? null,
      conditions: {
        readingSeconds: conditions.readingSeconds,
        passScore: conditions.passScore,
        survey: conditions.survey,
      },
      issuedAt,
    };
    const year = minguoYear(issuedAt);
    return store.issue(draft, year, (serial) => certificateNumber(year, serial));
  }

  async function byVerificationCode(typed: string): Promise<Certificate | null> {
    const code = toVerificationCode(typed);
    return code === null ? null : store.byVerificationCode(code);
  }

  return {
    async issue(registration, owner) {
      const latest = await store.byRegistration(registration);
      if (!latest) return file(registration, 1, owner);
      ownedBy(owner, latest.personId);
      if (latest.revocation)
        throw new DomainError(
          'unprocessable',
          `Certificate ${latest.number} of this course was revoked. Please ask the platform's support.`,
          { code: 'certificates-revoked', params: { number: latest.number } },
        );
      return latest;
    },
    async reissue(registration) {
      const latest = await store.byRegistration(registration);
      return latest && !latest.revocation ? latest : file(registration, (latest?.edition ?? 0) + 1);
    },
    byNumber: (number) => store.byNumber(number),
    byVerificationCode,
    async verify(code) {
      const certificate = await byVerificationCode(code);
      if (!certificate) return null;
      const { number, personName, courseCode, courseTitle, courseTitleEn, organisation } = certificate;
      const { certifiedHours, completedAt, issuedAt, revokedAt } = certificate;
      return {
        number,
        maskedName: maskName(personName),
        courseCode,
        courseTitle,
        courseTitleEn,
        organisation,
        certifiedHours,
        completedAt,
        issuedAt,
        revokedAt,
      };
    },
    ofPerson: (personId) => store.ofPerson(personId),
    async revoke(number, by, reason) {
      const certificate = await store.revoke(number, { at: clock.now(), by, reason });
      if (!certificate)
        throw new DomainError('not-found', `There is no certificate ${number}.`, {
          code: 'certificates-not-found',
        });
      return certificate;
    },
    pdf: (certificate) => renderer.pdf([certificate]),
    pdfOfAll: (certificates) => renderer.pdf(certificates),
    async zipOfAll(certificates) {
      const zip = new ZipFile();
      const bytes = buffer(zip.outputStream);
      for (const certificate of certificates)
        zip.addBuffer(await renderer.pdf([certificate]), `${certificate.number}.pdf`, {
          mtime: certificate.issuedAt,
          compress: false,
        });
      zip.end();
      return bytes;
    },
  };
}

/** Field by field: whatever else the facts carry is not frozen into a certificate. */
const pick = (known: Omit<CompletedCourse, 'courseTitle' | 'conditions'>) => ({
  personId: known.personId,
  personName: known.personName,
  personNameEn: known.personNameEn,
  courseCode: known.courseCode,
  organisation: known.organisation,
  certifiedHours: known.certifiedHours,
  startedAt: known.startedAt,
  completedAt: known.completedAt,
  readingSeconds: known.readingSeconds,
  score: known.score,
});
