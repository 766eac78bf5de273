import type { Clock } from '../../base/clock.ts';
import { DomainError, isDomainError } from '../../base/errors.ts';
import { newUuid, uuidFrom } from '../../base/ids.ts';
import type { Logger } from '../../base/logger.ts';
import { isSealed, type Sealer } from '../../base/sealing.ts';
import { toQuery } from '../door.ts';
import type { Statement } from '../../xapi/types.ts';
import type { AttachmentStore, StatementRow, StatementStore } from '../store.ts';
import type { StatementFilter } from '../types.ts';
import { forwardingRequest } from './forwarding-request.ts';
import type { DeadLetter, ForwardingRule, ForwardingState, LrsAdminStore } from './store.ts';

/** How an attempt ended: the Statements are there, will never be taken, or may be later. */
type Outcome = { kind: 'sent' } | { kind: 'refused'; reason: string } | { kind: 'failed'; reason: string };

/** POSTs to another LRS; rejects when it cannot be reached. */
export type Send = (
  url: string,
  headers: Record<string, string>,
  body: string | Buffer,
) => Promise<{ status: number; text: string }>;

export interface ForwardingOptions {
  statements: StatementStore;
  attachments: AttachmentStore;
  store: LrsAdminStore;
  /** Keeps the other LRSs' secrets. */
  sealer: Sealer;
  clock: Clock;
  logger: Logger;
  send?: Send;
  /** Which of the Statements must not leave now, e.g. of a person who has restricted the processing; they become dead letters. */
  held?: (statements: readonly Statement[]) => Promise<ReadonlySet<Statement>>;
  /** Statements in one request at most. */
  batchSize?: number;
}

export interface RuleDraft {
  label: string;
  endpoint: string;
  /** Value of the Authorization header, in plain text. */
  authorization: string;
  filter: StatementFilter;
  /** From the beginning, or only what is stored from now on. */
  from: 'beginning' | 'now';
}

export interface Forwarding {
  add(draft: RuleDraft): Promise<ForwardingRule>;
  rules(): Promise<(Omit<ForwardingRule, 'authorization'> & ForwardingState)[]>;
  /** Pauses the rule, or lets it go on from where it stopped. */
  enable(id: string, enabled: boolean): Promise<void>;
  remove(id: string): Promise<void>;
  deadLetters(ruleId: string): Promise<DeadLetter[]>;
  /** Sends a rule's dead letters again; says how many were taken this time. */
  replay(ruleId: string): Promise<number>;
  /** Sends whatever is due, of every rule. */
  run(): Promise<void>;
  /** Runs every few seconds until stopped. */
  start(): void;
  stop(): Promise<void>;
}

const everySeconds = 5;
/** Longer than one attempt takes: what a dead process held is taken over within half a minute. */
const leaseMs = 25_000;
const longestPauseMs = 60 * 60_000;
const timeoutMs = 20_000;

const sendByFetch: Send = async (url, headers, body) => {
  const response = await fetch(url, {
    method: 'POST',
    headers,
    body: body as BodyInit,
    redirect: 'error',
    signal: AbortSignal.timeout(timeoutMs),
  });
  return { status: response.status, text: (await response.text()).slice(0, 500) };
};

/** Doubles from a minute up to an hour. */
const pauseMs = (failures: number): number =>
  Math.min(longestPauseMs, 60_000 * 2 ** Math.max(0, failures - 1));

/** Of the derived key under which forwarding secrets are sealed. */
export const forwardingSealUse = 'lrs-forwarding/seal';
/** A secret is bound to its rule and address: it cannot be made to go elsewhere. */
export const forwardingBinding = ({ id, endpoint }: Pick<ForwardingRule, 'id' | 'endpoint'>): string =>
  `${id} ${endpoint}`;

/**
 * Forwards matching Statements to other LRSs: at least once (the other side takes a repeated id as the same), in order,
 * one process at a time per rule. What cannot be reached is tried again with growing pauses; what is refused for good
 * becomes a dead letter with its reason and does not hold up the rest.
 */
export function createForwarding({
  statements,
  attachments,
  store,
  sealer,
  clock,
  logger,
  send = sendByFetch,
  held = async () => new Set(),
  batchSize = 50,
}: ForwardingOptions): Forwarding {
  const holder = newUuid();
  let timer: NodeJS.Timeout | null = null;
  let running: Promise<unknown> | null = null;

  /** Sends the first of the rows, as many as go into one request, and says how many those were. */
  const attempt = async (
    rule: ForwardingRule,
    rows: StatementRow[],
  ): Promise<{ outcome: Outcome; taken: number }> => {
    let taken = rows.length;
    try {
      const request = await forwardingRequest(rows, attachments);
      taken = request.taken;
      const headers = {
        'content-type': request.contentType,
        // Statements of both editions may stand side by side: 2.0 takes both.
        'x-experience-api-version': '2.0.0',
        authorization: sealer.open(rule.authorization, forwardingBinding(rule)),
      };
      const { status, text } = await send(`${rule.endpoint}/statements`, headers, request.body);
      if (status >= 200 && status < 300) return { outcome: { kind: 'sent' }, taken };
      const reason = `answered ${status}: ${text.slice(0, 300)}`;
      // These say something of the batch's content; everything else may pass.
      const kind = [400, 409, 413, 422].includes(status) ? 'refused' : 'failed';
      return { outcome: { kind, reason }, taken };
    } catch (error) {
      return { outcome: { kind: 'failed', reason: (error as Error).message.slice(0, 300) }, taken };
    }
  };

  const setAside = (rule: ForwardingRule, row: StatementRow, reason: string): Promise<void> =>
    store.addDeadLetter({
      id: uuidFrom('dead-letter', rule.id, row.id),
      ruleId: rule.id,
      statementId: row.id,
      at: clock.now(),
      reason,
    });

  /** The rows that may leave now. */
  const free = async (rows: StatementRow[]): Promise<StatementRow[]> => {
    const statements = rows.map(({ body }) => JSON.parse(body) as Statement);
    const kept = await held(statements);
    return rows.filter((_, at) => !kept.has(statements[at] as Statement));
  };

  /** One by one, to find which of a refused batch are at fault. False: the other side failed meanwhile. */
  const separate = async (rule: ForwardingRule, rows: StatementRow[]): Promise<string | null> => {
    for (const row of rows) {
      const now = clock.now();
      if (!(await store.takeRule(rule.id, holder, now, new Date(now.getTime() + leaseMs))))
        return 'another process has taken the rule over';
      const { outcome } = await attempt(rule, [row]);
      if (outcome.kind === 'failed') return outcome.reason;
      if (outcome.kind === 'refused') await setAside(rule, row, outcome.reason);
    }
    return null;
  };

  const runRule = async (rule: ForwardingRule): Promise<void> => {
    for (let rounds = 0; rounds < 100; rounds++) {
      const now = clock.now();
      const state = await store.takeRule(rule.id, holder, now, new Date(now.getTime() + leaseMs));
      if (!state) return;
      if (state.nextAttemptAt > now) return void (await store.leaveRule(rule.id, holder, state));
      const { rows, next } = await statements.find({
        ...toQuery({ ascending: true }, batchSize),
        terms: rule.terms,
        after: state.position,
      });
      if (rows.length === 0) {
        const left = await store.leaveRule(rule.id, holder, { ...state, position: next ?? state.position });
        if (!left || next === null) return;
        continue;
      }
      const leaving = await free(rows);
      for (const row of rows)
        if (!leaving.includes(row))
          await setAside(rule, row, 'processing is restricted at the wish of the person it is about');
      const { outcome, taken } =
        leaving.length === 0
          ? { outcome: { kind: 'sent' } as Outcome, taken: 0 }
          : await attempt(rule, leaving);
      const last = taken === leaving.length ? rows.at(-1) : leaving[taken - 1];
      if (!last) return;
      const fault =
        outcome.kind === 'sent'
          ? null
          : outcome.kind === 'refused'
            ? await separate(rule, leaving.slice(0, taken))
            : outcome.reason;
      if (fault !== null) {
        const failures = state.failures + 1;
        logger.warn({ rule: rule.id, failures, fault }, 'forwarding failed; it will be tried again');
        const nextAttemptAt = new Date(clock.now().getTime() + pauseMs(failures));
        await store.leaveRule(rule.id, holder, { ...state, failures, nextAttemptAt, lastError: fault });
        return;
      }
      const moved = { position: last.seq, failures: 0, nextAttemptAt: new Date(0), lastError: null };
      if (!(await store.leaveRule(rule.id, holder, moved)) || !(next !== null || taken < leaving.length))
        return;
    }
  };

  /** Every rule, its secret sealed: one that an earlier version kept in plain text is sealed now. */
  const sealedRules = async (): Promise<(ForwardingRule & ForwardingState)[]> => {
    const rules = await store.rules();
    for (const { position, failures: _, nextAttemptAt: __, lastError: ___, ...rule } of rules)
      if (!isSealed(rule.authorization))
        await store.putRule(
          { ...rule, authorization: sealer.seal(rule.authorization, forwardingBinding(rule)) },
          position,
        );
    return rules.every(({ authorization }) => isSealed(authorization)) ? rules : store.rules();
  };

  const runAll = async (): Promise<void> => {
    for (const rule of await sealedRules())
      if (rule.enabled)
        await runRule(rule).catch((error: unknown) =>
          logger.error({ err: error, rule: rule.id }, 'a forwarding rule failed'),
        );
  };

  const need = async (id: string): Promise<ForwardingRule & ForwardingState> => {
    const rule = (await sealedRules()).find((candidate) => candidate.id === id);
    if (!rule) throw new DomainError('not-found', 'There is no such forwarding rule.', { code: 'not-found' });
    return rule;
  };

  return {
    async add({ label, endpoint, authorization, filter, from }) {
      if (!/^https?:\/\/[^\s?#]+$/.test(endpoint))
        throw new DomainError('invalid', 'The endpoint must be an http(s) address without a query.', {
          code: 'lrs-endpoint',
          problems: [{ path: 'endpoint', message: 'must be an http(s) address without a query' }],
        });
      const address = { id: newUuid(), endpoint: endpoint.replace(/\/$/, '') };
      const rule: ForwardingRule = {
        ...address,
        label,
        authorization: sealer.seal(authorization, forwardingBinding(address)),
        terms: toQuery(filter, 1).terms,
        enabled: true,
        createdAt: clock.now(),
      };
      await store.putRule(rule, from === 'now' ? await statements.head() : 0);
      return rule;
    },
    async rules() {
      return (await store.rules()).map(({ authorization: _, ...rest }) => rest);
    },
    async enable(id, enabled) {
      const { position, failures: _, nextAttemptAt: __, lastError: ___, ...rule } = await need(id);
      await store.putRule({ ...rule, enabled }, position);
    },
    remove: (id) => store.deleteRule(id),
    deadLetters: (ruleId) => store.deadLetters(ruleId, 1000),
    async replay(ruleId) {
      const rule = await need(ruleId);
      let taken = 0;
      for (const letter of await store.deadLetters(ruleId, 1000)) {
        const row = await statements.byId(letter.statementId);
        if (row && (await free([row])).length === 0) continue;
        const outcome: Outcome = row ? (await attempt(rule, [row])).outcome : { kind: 'sent' };
        if (outcome.kind === 'failed') break;
        if (outcome.kind === 'refused') continue;
        await store.deleteDeadLetter(letter.id);
        taken++;
      }
      return taken;
    },
    run: runAll,
    start() {
      timer ??= setInterval(() => {
        running ??= runAll()
          .catch((error: unknown) => {
            if (isDomainError(error, 'unavailable'))
              logger.warn({ reason: error.message }, 'forwarding waits for the database');
            else logger.error({ err: error }, 'forwarding failed');
          })
          .finally(() => (running = null));
      }, everySeconds * 1000).unref();
    },
    async stop() {
      if (timer) clearInterval(timer);
      timer = null;
      await running;
    },
  };
}
