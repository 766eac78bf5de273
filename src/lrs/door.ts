import type { Clock } from '../base/clock.ts';
import { uuidFrom } from '../base/ids.ts';
import { DomainError } from '../base/errors.ts';
import { identityOf } from '../xapi/actor.ts';
import { instantOf } from '../xapi/scalars.ts';
import { voidedVerb } from '../xapi/statement.ts';
import { term, wellFormed } from '../xapi/terms.ts';
import type { Statement } from '../xapi/types.ts';
import { verbs } from '../xapi/verbs.ts';
import { type IntakeOptions, prepareStatements, type SentStatement } from './intake.ts';
import type { StatementQuery, StatementRow, StatementStore } from './store.ts';
import type { Authority, StatementDoor, StatementFilter, StatementGuard, StoredStatement } from './types.ts';

export interface StatementDoorOptions {
  store: StatementStore;
  clock: Clock;
  /** Asked in order before anything is stored. */
  guards?: readonly StatementGuard[];
  /** Something new was stored (the feed's kick). Never blocks. */
  onStored?: () => void;
}

/** The door with what only the LRS's own routes need: Statements with their exact texts. */
export interface StatementIntake extends StatementDoor {
  /** Like `store`, keeping every digit and key as sent. @param batch an array was sent: problems' paths say `$[n]` */
  receive(sent: readonly SentStatement[], batch: boolean, options: IntakeOptions): Promise<string[]>;
}

export const toStored = (row: StatementRow): StoredStatement => ({
  seq: row.seq,
  id: row.id,
  statement: JSON.parse(row.body) as StoredStatement['statement'],
  authorityId: row.authorityId,
});

/** At most so many answers from `find`. */
const mostFound = 1000;

const instant = (text: string, name: string): number => {
  const at = instantOf(text);
  if (at === null)
    throw new DomainError('invalid', `${name} is not an ISO 8601 timestamp.`, { code: 'xapi-invalid' });
  return at;
};

/** A filter in xAPI's words as the store's query. An agent without identifier matches nothing: DomainError `invalid`. */
export function toQuery(filter: StatementFilter, limit: number): StatementQuery {
  const terms: string[] = [];
  // The rarest first, as a rule: what most Statements lack is asked for before what many have.
  if (filter.registration !== undefined) terms.push(term.registration(filter.registration));
  if (filter.agent !== undefined) {
    const identity = identityOf(filter.agent);
    if (identity === null)
      throw new DomainError('invalid', 'The agent has no identifier.', { code: 'xapi-invalid' });
    terms.push(filter.relatedAgents ? term.relatedAgent(identity) : term.agent(identity));
  }
  if (filter.activity !== undefined)
    terms.push(
      filter.relatedActivities ? term.relatedActivity(filter.activity) : term.activity(filter.activity),
    );
  if (filter.verb !== undefined) terms.push(term.verb(filter.verb));
  return {
    terms: terms.map(wellFormed),
    since: filter.since === undefined ? null : instant(filter.since, 'since'),
    until: filter.until === undefined ? null : instant(filter.until, 'until'),
    ascending: filter.ascending ?? false,
    limit,
    after: null,
    through: null,
  };
}

export function createStatementDoor({
  store,
  clock,
  guards = [],
  onStored = () => undefined,
}: StatementDoorOptions): StatementIntake {
  const receive: StatementIntake['receive'] = async (sent, batch, options) => {
    const prepared = prepareStatements(sent, batch, options);
    if (prepared.length === 0) return [];
    for (const guard of guards)
      await guard(
        sent.map(({ value }) => value as Statement),
        options.authority,
      );
    await store.add(prepared, clock);
    onStored();
    return prepared.map(({ id }) => id);
  };
  const storeAll = (statements: Statement[], authority: Authority): Promise<string[]> =>
    receive(
      statements.map((value) => ({ text: JSON.stringify(value), value })),
      true,
      { version: '2.0.0', authority, define: true },
    );
  return {
    receive,
    store: storeAll,
    async find(filter) {
      const query = toQuery(filter, Math.min(filter.limit || mostFound, mostFound));
      const found: StoredStatement[] = [];
      for (;;) {
        const { rows, next, through } = await store.find({ ...query, limit: query.limit - found.length });
        found.push(...rows.map(toStored));
        if (next === null || found.length >= query.limit) return found;
        query.after = next;
        query.through = through;
      }
    },
    async byId(id) {
      const row = await store.byId(id.toLowerCase());
      return row && !row.voided ? toStored(row) : null;
    },
    async void(ids, authority) {
      await storeAll(
        ids.map((id) => ({
          id: uuidFrom('void', authority.id, id.toLowerCase()),
          actor: authority.agent,
          verb: { ...verbs.voided, id: voidedVerb },
          object: { objectType: 'StatementRef', id },
        })),
        authority,
      );
    },
  };
}
