import type { Clock } from './base/clock.ts';
import { newUuid } from './base/ids.ts';
import type { Config } from './config.ts';
import type { Reach } from './context-privacy-reach.ts';
import type { Handover } from './identity/claims/claims.ts';
import type { ErasureStep } from './identity/privacy/erasure.ts';
import type { DataExports } from './identity/privacy/export.ts';
import { allRows } from './lrs/admin/export.ts';
import type { Authority, StatementDoor } from './lrs/types.ts';
import type { Storage } from './storage/open.ts';

export interface ErasureWiring {
  policy: Config['privacy'];
  storage: Storage;
  clock: Clock;
  door: StatementDoor;
  platform: Authority;
  exports: Pick<DataExports, 'forget'>;
  handover: Pick<Handover, 'part'>;
  reach: Reach;
}

/** How every module takes a person's data away, step by step. New ones at the end: an erasure that is under way has kept how far it came. */
export function createErasureSteps({
  policy,
  storage,
  clock,
  door,
  platform,
  exports,
  handover,
  reach,
}: ErasureWiring): ErasureStep[] {
  const { agentIdentity, enrolmentsOf, sharedScopesOf, attemptScopesOf, filterOf } = reach;
  const forgetScopes = async (scopes: string[]): Promise<number> => {
    let done = 0;
    for (const scope of scopes) done += await storage.runtimeStates.forget(scope);
    return done;
  };

  const learning: ErasureStep = {
    name: 'learning',
    async run(ids, report) {
      let done = 0;
      for (const { holder, enrolment } of await enrolmentsOf(ids)) {
        const { registration, courseId } = enrolment;
        await storage.playerSessions.forget(registration);
        // Before the states, which say how many attempts there were; and after them, for what they still owed.
        const scopes = await attemptScopesOf(registration);
        await forgetScopes(scopes);
        await storage.runtimeStates.forget(registration);
        await forgetScopes(scopes);
        const survey = await storage.assessment.survey(courseId);
        // Without the survey nobody can tell which answers are free text: then all of them go.
        const response = survey ? null : await storage.assessment.response(registration);
        await storage.assessment.dropAnswers(
          registration,
          survey
            ? survey.questions.filter(({ kind }) => kind === 'text').map(({ id }) => id)
            : Object.keys(response?.answers ?? {}),
        );
        // Last: what is left counts, and is nobody's.
        await storage.courses.transfer(registration, holder, `erased:${newUuid()}`);
        await report(++done);
      }
      return done;
    },
  };
  const certificates: ErasureStep = {
    name: 'certificates',
    async run(ids) {
      let done = 0;
      for (const id of ids) {
        if (policy.erasedCertificates === 'revoke')
          for (const { number, revokedAt } of await storage.certificates.ofPerson(id))
            if (revokedAt === null)
              await storage.certificates.revoke(number, {
                at: clock.now(),
                reason: 'erasure',
                by: platform.id,
              });
        done += await storage.certificates.anonymise(id, `erased:${newUuid()}`);
      }
      return done;
    },
  };
  const ofStatements: ErasureStep = {
    name: 'statements',
    async run(ids, report) {
      let done = 0;
      if (policy.erasedStatements === 'erase') {
        for (const id of ids)
          for (;;) {
            const gone = await storage.lrs.statements.erase(agentIdentity(id), 100);
            if (gone === 0) break;
            await report((done += gone));
          }
        return done;
      }
      let batch: string[] = [];
      const voidAll = async (): Promise<void> => {
        await door.void(batch, platform);
        await report((done += batch.length));
        batch = [];
      };
      for await (const row of allRows(storage.lrs, filterOf(ids))) {
        if (row.voiding) continue;
        batch.push(row.id);
        if (batch.length === 100) await voidAll();
      }
      if (batch.length > 0) await voidAll();
      return done;
    },
  };
  const documents: ErasureStep = {
    name: 'documents',
    async run(ids) {
      let done = 0;
      for (const id of ids) done += await storage.lrs.documents.eraseAgent(agentIdentity(id));
      return done;
    },
  };
  const mail: ErasureStep = {
    name: 'mail',
    async run(ids) {
      for (const id of ids) await storage.emailConfirmations.forget(id);
      return 0;
    },
  };
  const downloads: ErasureStep = {
    name: 'downloads',
    async run(ids) {
      const [person = ''] = ids;
      let done = 0;
      for (const id of ids) {
        await exports.forget(id);
        for (const kind of ['correction', 'claim'] as const)
          for (const one of await storage.cases.ofPerson(id, kind)) {
            await storage.cases.delete(one.id);
            done++;
          }
        if (id !== person) await handover.part(id, person);
      }
      return done;
    },
  };

  const player: ErasureStep = {
    name: 'player',
    async run(ids) {
      let done = 0;
      for (const id of ids) {
        done += await storage.playerSessions.forgetLaunches(id);
        done += await forgetScopes(await sharedScopesOf(id));
      }
      return done;
    },
  };
  const posts: ErasureStep = {
    name: 'posts',
    async run(ids) {
      let done = 0;
      for (const id of ids) done += await storage.board.anonymise(id);
      return done;
    },
  };

  return [learning, certificates, ofStatements, documents, mail, downloads, player, posts];
}
