import type { Clock } from './base/clock.ts';
import type { Logger } from './base/logger.ts';
import { createOwnedBrowser } from './certificates/browser.ts';
import { createCertificates } from './certificates/certificates.ts';
import { loadCertificateFonts } from './certificates/fonts.ts';
import { createCertificateRenderer } from './certificates/render.ts';
import type { CompletedCourse } from './certificates/types.ts';
import type { Completion } from './completion/types.ts';
import type { Config } from './config.ts';
import type { Course, Enrolment } from './courses/types.ts';
import type { People } from './identity/people.ts';
import type { Feed } from './lrs/types.ts';
import type { Storage } from './storage/open.ts';

export interface CertificateWiring {
  config: Config;
  storage: Storage;
  clock: Clock;
  logger: Logger;
  people: Pick<People, 'byId'>;
  completion: Pick<Completion, 'progressOf'>;
  feed: Pick<Feed, 'drain'>;
  registered: (registration: string) => Promise<{ enrolment: Enrolment; course: Course } | null>;
}

/** The wiring of certificates: what they certify, and the one browser that prints them. */
export function createCertification(deps: CertificateWiring) {
  const { config, storage, clock, logger, people, completion, feed } = deps;
  const fonts = loadCertificateFonts();
  const browser = createOwnedBrowser({ logger, assets: fonts.asset });
  const renderer = createCertificateRenderer({ browser, fonts, publicOrigin: config.publicOrigin, logger });
  const certificates = createCertificates({
    store: storage.certificates,
    clock,
    renderer,
    async facts(registration): Promise<CompletedCourse | null> {
      await feed.drain(5000);
      const found = await deps.registered(registration);
      const progress = await completion.progressOf(registration);
      const person = found && (await people.byId(found.enrolment.personId));
      if (!found || !person || !progress.completedAt) return null;
      const { course, enrolment } = found;
      return {
        personId: person.id,
        personName: person.name,
        personNameEn: person.nameEn,
        courseCode: course.code,
        courseTitle: course.title,
        organisation: course.organisation,
        certifiedHours: course.certifiedHours,
        startedAt: enrolment.startedAt ?? enrolment.enrolledAt,
        completedAt: progress.completedAt,
        readingSeconds: progress.readingSeconds,
        score: progress.quizScore,
        conditions: course.conditions,
      };
    },
  });
  return { certificates, prewarm: () => renderer.prewarm(), close: () => browser.close() };
}
