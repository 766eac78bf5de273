import type { Iris } from './base/iris.ts';
import { type Claims, parkedBy } from './identity/claims/claims.ts';
import { actorOf } from './identity/types.ts';
import { scopesOfLearner, scopesOfRegistration } from './player/runtime/shared-data.ts';
import type { Storage } from './storage/open.ts';
import { identityOf } from './xapi/actor.ts';

/** Where a person's data lies: accounts, enrolments, scopes of the run-time data. */
export function createReach(storage: Storage, claims: Claims, iris: Iris) {
  const agentOf = (id: string) => actorOf({ id }, iris);
  const agentIdentity = (id: string): string => identityOf(agentOf(id)) ?? '';

  /** The person first, then accounts whose record they took over. */
  const idsOf = async (personId: string): Promise<string[]> => [
    personId,
    ...(await claims.claimedBy(personId)),
  ];
  const enrolmentsOf = async (ids: readonly string[]) => {
    const parked = (await Promise.all(ids.map((id) => storage.cases.ofPerson(id, 'claim')))).flat();
    const holders = [...ids, ...parked.map(({ id }) => parkedBy(id))];
    return (
      await Promise.all(
        holders.map(async (holder) =>
          (await storage.courses.everyEnrolmentOf(holder)).map((enrolment) => ({ holder, enrolment })),
        ),
      )
    ).flat();
  };

  // The organisation of a package that is gone is ''.
  const sharedScopesOf = async (personId: string): Promise<string[]> =>
    scopesOfLearner(personId, ['', ...(await storage.packages.organisations())]);
  const attemptScopesOf = async (registration: string): Promise<string[]> =>
    scopesOfRegistration(registration, await storage.runtimeStates.get(registration, ''));

  /** In any role, voided ones too: they are kept, so they are shown. */
  const filterOf = (ids: readonly string[]) => ({ agent: agentOf(ids[0] ?? ''), relatedAgents: true });

  return { agentIdentity, idsOf, enrolmentsOf, sharedScopesOf, attemptScopesOf, filterOf };
}
export type Reach = ReturnType<typeof createReach>;
