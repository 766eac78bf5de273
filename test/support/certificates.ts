import { randomBytes } from 'node:crypto';
import { newUuid } from '../../src/base/ids.ts';
import type { CertificateDraft } from '../../src/certificates/store.ts';
import type { Certificate, CompletedCourse } from '../../src/certificates/types.ts';

/** A completed course, all of it made up. */
export const completedCourse = (overrides: Partial<CompletedCourse> = {}): CompletedCourse => ({
  personId: 'p1',
  personName: '王小明',
  personNameEn: 'WANG, Hsiao-Ming',
  courseCode: 'ZX115110001',
  courseTitle: { 'zh-TW': '個人資料保護法：從條文到日常業務', en: 'The Personal Data Protection Act' },
  organisation: '國家發展委員會',
  certifiedHours: 2,
  startedAt: new Date('2026-10-01T03:00:00Z'),
  completedAt: new Date('2026-11-22T16:30:00Z'),
  readingSeconds: 4325,
  score: 85,
  conditions: { readingSeconds: 3600, passScore: 60, survey: true },
  ...overrides,
});

export const certificateDraft = (overrides: Partial<CertificateDraft> = {}): CertificateDraft => {
  const { courseTitle, ...facts } = completedCourse();
  return {
    ...facts,
    courseTitle: courseTitle['zh-TW'],
    courseTitleEn: courseTitle.en ?? null,
    verificationCode: randomBytes(10).toString('hex'),
    registration: newUuid(),
    edition: 1,
    issuedAt: new Date('2026-11-23T08:00:00Z'),
    ...overrides,
  };
};

export const certificate = (overrides: Partial<Certificate> = {}): Certificate => ({
  ...certificateDraft(),
  number: 'ZX-115-0000001',
  verificationCode: 'K7QW-2M9X-3F4H-8TZC-PV5D',
  revokedAt: null,
  revocation: null,
  ...overrides,
});
