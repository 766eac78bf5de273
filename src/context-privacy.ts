import type { Clock } from './base/clock.ts';
import { newUuid } from './base/ids.ts';
import type { Iris } from './base/iris.ts';
import type { Language } from './base/languages.ts';
import type { Logger } from './base/logger.ts';
import type { Completion } from './completion/types.ts';
import type { Config } from './config.ts';
import type { RateLimits } from './http/rate-limit.ts';
import { type Claims, type Handover, parkedBy } from './identity/claims/claims.ts';
import { type IdNumberVault, maskIdNumber } from './identity/id-numbers.ts';
import type { People } from './identity/people.ts';
import { createCorrections } from './identity/privacy/corrections.ts';
import { createPersonalErasures, type ErasureStep } from './identity/privacy/erasure.ts';
import { createDataExports } from './identity/privacy/export.ts';
import { createRestrictions } from './identity/privacy/restriction.ts';
import { createPrivacyRoutes } from './identity/privacy/routes.ts';
import type { DataRow, DataSection, StatementRows } from './identity/privacy/sections.ts';
import { createCaseWorker, type CaseWorker } from './identity/privacy/worker.ts';
import { actorOf, type RecordAudit } from './identity/types.ts';
import { allRows } from './lrs/admin/export.ts';
import { sentenceOf } from './lrs/admin/sentence.ts';
import { countAny, queriesOf } from './lrs/joined.ts';
import type { Authority, StatementDoor } from './lrs/types.ts';
import { scopesOfLearner, scopesOfRegistration } from './player/runtime/shared-data.ts';
import type { Storage } from './storage/open.ts';
import { identityOf } from './xapi/actor.ts';
import type { Statement } from './xapi/types.ts';

export interface PrivacyWiring {
  config: Pick<Config, 'privacy'>;
  storage: Storage;
  clock: Clock;
  logger: Logger;
  rateLimit: RateLimits;
  people: People;
  vault: IdNumberVault;
  audit: RecordAudit;
  claims: Claims;
  handover: Handover;
  completion: Pick<Completion, 'progressOfAll'>;
  door: StatementDoor;
  platform: Authority;
  iris: Iris;
}

/** Enough to be recognised by who knows it, not enough to be used. */
const masked = (subject: string): string =>
  subject.startsWith('id-number:') ? '***' : `${subject.slice(0, 3)}***${subject.slice(-2)}`;

/** The wiring of personal data rights: what every module keeps about a person, and how it takes it away. */
export function createPrivacy(deps: PrivacyWiring) {
  const { config, storage, clock, logger, claims, handover, audit, iris, door, platform } = deps;
  const policy = config.privacy;
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
  const forgetScopes = async (scopes: string[]): Promise<number> => {
    let done = 0;
    for (const scope of scopes) done += await storage.runtimeStates.forget(scope);
    return done;
  };

  // What is kept
  const section = (name: string, rows: (ids: readonly string[]) => AsyncIterable<DataRow>): DataSection => ({
    name,
    rows,
  });
  /** One row, or several, for each of the person's accounts. */
  const perAccount = (name: string, rowsOf: (id: string) => Promise<DataRow[]>): DataSection =>
    section(name, async function* (ids) {
      for (const id of ids) yield* await rowsOf(id);
    });
  const perEnrolment = (name: string, rowsOf: (registration: string) => Promise<DataRow[]>): DataSection =>
    section(name, async function* (ids) {
      for (const { enrolment } of await enrolmentsOf(ids)) yield* await rowsOf(enrolment.registration);
    });

  const sections: DataSection[] = [
    perAccount('account', async (id) => {
      const record = await storage.identity.byId(id);
      if (!record) return [];
      const {
        profile,
        local,
        idNumber,
        totp,
        consent: _,
        vouchers: __,
        claimedBy: ___,
        erasedAt: ____,
        ...rest
      } = record;
      return [
        {
          ...rest,
          loginName: local?.loginName ?? null,
          idNumber: idNumber ? maskIdNumber(deps.vault.open(idNumber)) : null,
          secondFactor: totp?.since ?? null,
          ...profile,
        },
      ];
    }),
    perAccount('consents', async (id) => {
      const consent = (await storage.identity.byId(id))?.consent;
      return consent ? [{ ...consent }] : [];
    }),
    perAccount('signIns', async (id) => {
      const vouchers = (await storage.identity.byId(id))?.vouchers ?? {};
      return (await storage.identity.identitiesOf(id)).map(({ provider, subject }) => ({
        provider,
        subject: masked(subject),
        assurance: vouchers[provider] ?? null,
      }));
    }),
    perAccount('sessions', async (id) =>
      (await storage.webSessions.ofPerson(id, clock.now())).map(({ seenAt, expiresAt }) => ({
        seenAt,
        expiresAt,
      })),
    ),
    section('enrolments', async function* (ids) {
      for (const { enrolment } of await enrolmentsOf(ids)) {
        const course = (await storage.courses.byId(enrolment.courseId))?.course;
        const progress = (await deps.completion.progressOfAll([enrolment.registration])).get(
          enrolment.registration,
        );
        const { registration, enrolledAt, startedAt, withdrawnAt } = enrolment;
        yield {
          course: course?.title['zh-TW'] ?? null,
          courseCode: course?.code ?? null,
          registration,
          enrolledAt,
          startedAt,
          withdrawnAt,
          readingSeconds: progress?.readingSeconds ?? 0,
          quizScore: progress?.quizScore ?? null,
          surveyDone: progress?.surveyDone ?? false,
          completedAt: progress?.completedAt ?? null,
        };
      }
    }),
    perEnrolment('readingSessions', async (registration) =>
      (await storage.playerSessions.ofRegistration(registration)).map((one) => ({
        registration,
        startedAt: one.startedAt,
        endedAt: one.endedAt,
        ending: one.ending,
        seconds: one.milliseconds / 1000,
        device: one.device ?? null,
      })),
    ),
    perEnrolment('quizAttempts', async (registration) =>
      (await storage.assessment.attemptsOf(registration)).map((one) => ({
        registration,
        startedAt: one.startedAt,
        submittedAt: one.submittedAt,
        score: one.score,
        answers: one.answers,
        answersViewedAt: one.answersViewedAt,
      })),
    ),
    perEnrolment('surveys', async (registration) => {
      const response = await storage.assessment.response(registration);
      return response ? [{ registration, submittedAt: response.submittedAt, answers: response.answers }] : [];
    }),
    perEnrolment('runtime', async (registration) =>
      (await storage.runtimeStates.ofRegistration(registration)).map((one) => ({
        registration,
        item: one.item,
        updatedAt: one.updatedAt,
        state: one.body,
      })),
    ),
    section('sharedData', async function* (ids) {
      const scopes: string[] = [];
      for (const id of ids) scopes.push(...(await sharedScopesOf(id)));
      for (const { enrolment } of await enrolmentsOf(ids))
        scopes.push(...(await attemptScopesOf(enrolment.registration)));
      for (const scope of scopes)
        for (const { item, updatedAt, body } of await storage.runtimeStates.ofRegistration(scope))
          yield { item, updatedAt, state: body };
    }),
    perAccount('posts', async (id) => {
      const posts = await storage.board.ofAuthor(id);
      const courses = new Map(
        (await storage.courses.byIds([...new Set(posts.map(({ courseId }) => courseId))])).map((one) => [
          one.id,
          one,
        ]),
      );
      return posts.map(({ courseId, kind, at, text, answer }) => ({
        course: courses.get(courseId)?.title['zh-TW'] ?? null,
        courseCode: courses.get(courseId)?.code ?? null,
        kind,
        at,
        text,
        answer: answer?.text ?? null,
        answeredAt: answer?.at ?? null,
      }));
    }),
    perAccount('certificates', async (id) =>
      (await storage.certificates.ofPerson(id)).map(
        ({ personId: _, revocation: __, conditions: ___, ...one }) => ({
          ...one,
        }),
      ),
    ),
    section('documents', async function* (ids) {
      for (const id of ids)
        for await (const { scope, id: name, document } of storage.lrs.documents.ofAgent(agentIdentity(id)))
          yield {
            kind: scope.kind,
            activity: scope.activityId,
            registration: scope.registration,
            name,
            contentType: document.contentType,
            updated: new Date(document.updated),
            ...(/^(text\/|application\/json)/.test(document.contentType)
              ? { text: document.body.toString('utf8') }
              : { base64: document.body.toString('base64') }),
          };
    }),
    perAccount('claims', async (id) =>
      (await claims.of(id)).map(({ name, state, takenAt, undoneAt, moves, swaps }) => ({
        name,
        state,
        takenAt,
        undoneAt,
        courses: moves.length + swaps.length,
      })),
    ),
    perAccount('corrections', async (id) =>
      (await corrections.of(id)).map(({ about, text, state, askedAt, answer, answeredAt }) => ({
        about,
        text,
        state,
        askedAt,
        answer,
        answeredAt,
      })),
    ),
    section('audit', async function* (ids) {
      for (const id of ids)
        for (let before: number | null = null; ;) {
          const lines = await storage.audit.find({
            personId: id,
            action: null,
            outcome: null,
            from: null,
            to: null,
            before,
            limit: 200,
          });
          for (const line of lines)
            yield {
              at: new Date(line.at),
              action: line.action,
              outcome: line.outcome,
              // Who else it was is that person's data.
              by: line.actorId === null ? '--' : ids.includes(line.actorId) ? 'self' : 'staff',
              ...(line.actorId !== null && ids.includes(line.actorId) ? { address: line.address } : {}),
            };
          const last: number | undefined = lines.at(-1)?.seq;
          if (last === undefined || lines.length < 200) break;
          before = last;
        }
    }),
  ];

  /** In any role, voided ones too: they are kept, so they are shown. */
  const filterOf = (ids: readonly string[]) => ({ agent: agentOf(ids[0] ?? ''), relatedAgents: true });
  const statements: StatementRows = {
    async *rows(ids) {
      for await (const { body } of allRows(storage.lrs, filterOf(ids), null, { withVoided: true })) {
        const statement = JSON.parse(body) as Statement;
        yield {
          at: statement.timestamp ?? '',
          body,
          sentence: (language) => sentenceOf(statement, language as Language),
        };
      }
    },
    async count(ids) {
      const queries = await queriesOf(storage.lrs.personas, filterOf(ids), 50_000_000);
      return countAny(
        storage.lrs.statements,
        queries.map((query) => ({ ...query, withVoided: true })),
      );
    },
  };

  // How it is taken away
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

  const lazily = (): CaseWorker => worker;
  const corrections = createCorrections({ cases: storage.cases, audit, clock });
  const exports = createDataExports({
    cases: storage.cases,
    blobs: storage.blobs,
    clock,
    audit,
    worker: lazily,
    idsOf,
    sections,
    statements,
    days: policy.exportDays,
  });
  const erasures = createPersonalErasures({
    cases: storage.cases,
    identity: storage.identity,
    clock,
    audit,
    worker: lazily,
    idsOf,
    // New ones at the end: one that is under way has kept how far it came.
    steps: [learning, certificates, ofStatements, documents, mail, downloads, player, posts],
    signOutEverywhere: (personId) => handover.signOutEverywhere(personId),
    graceDays: policy.graceDays,
  });
  const restrictions = createRestrictions({
    identity: storage.identity,
    erasureWaits: async (personId) => (await erasures.pending(personId)) !== null,
    audit,
    clock,
  });
  const worker = createCaseWorker({
    store: storage.cases,
    clock,
    logger,
    handlers: { claim: claims.handler, export: exports.handler, erasure: erasures.handler },
  });

  return {
    worker,
    exports,
    erasures,
    restrictions,
    corrections,
    routes: createPrivacyRoutes({
      identity: storage.identity,
      people: deps.people,
      exports,
      erasures,
      restrictions,
      corrections,
      audit,
      clock,
      policy: {
        graceDays: policy.graceDays,
        exportDays: policy.exportDays,
        statements: policy.erasedStatements,
        certificates: policy.erasedCertificates,
      },
      rateLimit: deps.rateLimit,
    }),
  };
}
