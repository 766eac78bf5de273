import type { Clock } from './base/clock.ts';
import type { Language } from './base/languages.ts';
import type { Completion } from './completion/types.ts';
import type { Reach } from './context-privacy-reach.ts';
import type { Claims } from './identity/claims/claims.ts';
import { type IdNumberVault, maskIdNumber } from './identity/id-numbers.ts';
import type { Corrections } from './identity/privacy/corrections.ts';
import type { DataRow, DataSection, StatementRows } from './identity/privacy/sections.ts';
import { allRows } from './lrs/admin/export.ts';
import { sentenceOf } from './lrs/admin/sentence.ts';
import { countAny, queriesOf } from './lrs/joined.ts';
import type { Storage } from './storage/open.ts';
import type { Statement } from './xapi/types.ts';

/** Enough to be recognised by who knows it, not enough to be used. */
const masked = (subject: string): string =>
  subject.startsWith('id-number:') ? '***' : `${subject.slice(0, 3)}***${subject.slice(-2)}`;

export interface KeptWiring {
  storage: Storage;
  clock: Clock;
  vault: IdNumberVault;
  claims: Claims;
  corrections: Corrections;
  completion: Pick<Completion, 'progressOfAll'>;
  reach: Reach;
}

/** What every module keeps about a person, for the download of one's own data. */
export function createKept({ storage, clock, vault, claims, corrections, completion, reach }: KeptWiring): {
  sections: DataSection[];
  statements: StatementRows;
} {
  const { agentIdentity, enrolmentsOf, sharedScopesOf, attemptScopesOf, filterOf } = reach;
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
          idNumber: idNumber ? maskIdNumber(vault.open(idNumber)) : null,
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
        const progress = (await completion.progressOfAll([enrolment.registration])).get(
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

  return { sections, statements };
}
