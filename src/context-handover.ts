import type { Clock } from './base/clock.ts';
import type { Iris } from './base/iris.ts';
import type { Completion } from './completion/types.ts';
import type { Handover } from './identity/claims/claims.ts';
import { actorOf } from './identity/types.ts';
import type { Storage } from './storage/open.ts';
import { identityOf } from './xapi/actor.ts';

/** What courses, certificates and the LRS do when one account takes over another's record. */
export function createHandover(deps: {
  storage: Storage;
  completion: Pick<Completion, 'progressOfAll'>;
  iris: Iris;
  clock: Clock;
}): Handover {
  const { storage, completion, iris, clock } = deps;
  const agent = (id: string): string => identityOf(actorOf({ id }, iris)) ?? '';
  return {
    async standingsOf(personId) {
      const enrolments = await storage.courses.enrolmentsOf(personId);
      const courses = new Map(
        (await storage.courses.byIds(enrolments.map(({ courseId }) => courseId))).map((one) => [one.id, one]),
      );
      const progress = await completion.progressOfAll(enrolments.map(({ registration }) => registration));
      const certificates = await storage.certificates.ofPerson(personId);
      return enrolments.flatMap(({ registration, courseId }) => {
        const course = courses.get(courseId);
        const own = progress.get(registration);
        if (!course || !own) return [];
        return [
          {
            ...own,
            courseId,
            code: course.code,
            title: course.title,
            certificates: certificates.filter((one) => one.registration === registration).length,
          },
        ];
      });
    },
    async give(registration, from, to) {
      const outcome = await storage.courses.transfer(registration, from, to);
      if (outcome === 'done') await storage.certificates.transfer(registration, from, to);
      return outcome;
    },
    join: (other, person) => storage.lrs.personas.link(agent(other), agent(person), clock.now()),
    part: (other, person) => storage.lrs.personas.unlink(agent(other), agent(person)),
    async signOutEverywhere(personId) {
      for (const { id } of await storage.webSessions.ofPerson(personId, clock.now()))
        await storage.webSessions.delete(id);
    },
  };
}
