import { identityOf } from '../xapi/actor.ts';
import { term, wellFormed } from '../xapi/terms.ts';
import { toQuery } from './door.ts';
import type { PersonaStore, StatementPage, StatementQuery, StatementRow, StatementStore } from './store.ts';
import type { StatementFilter } from './types.ts';

/**
 * The filter as queries of which a Statement must meet one: one for each Agent of the person that the filter's agent
 * belongs to. xAPI's own `agent` parameter means exactly that Agent and never comes here.
 */
export async function queriesOf(
  personas: Pick<PersonaStore, 'joined'>,
  filter: StatementFilter,
  limit: number,
): Promise<StatementQuery[]> {
  const { agent, ...rest } = filter;
  const identity = agent === undefined ? null : identityOf(agent);
  // An agent without identifier is refused there.
  if (identity === null) return [toQuery(filter, limit)];
  const query = toQuery(rest, limit);
  return (await personas.joined(identity)).map((one) => ({
    ...query,
    terms: [...query.terms, wellFormed(filter.relatedAgents ? term.relatedAgent(one) : term.agent(one))],
  }));
}

/** What `find` would give if a query could have alternatives: those that meet any of the queries, each once, in order. */
export async function findAny(
  store: Pick<StatementStore, 'find'>,
  queries: readonly StatementQuery[],
): Promise<StatementPage> {
  const [first, ...others] = queries;
  if (!first) throw new Error('there is no query');
  const page = await store.find(first);
  if (others.length === 0) return page;
  // One pin for all of them: what arrives meanwhile is seen by none.
  const { through } = page;
  const pages = [page, ...(await Promise.all(others.map((query) => store.find({ ...query, through }))))];
  const order = (a: number, b: number): number => (first.ascending ? a - b : b - a);
  // A page that was cut short says nothing of what lies behind its end.
  const horizon = pages.flatMap(({ next }) => next ?? []).toSorted(order)[0];
  const distinct = new Map<number, StatementRow>();
  for (const row of pages.flatMap(({ rows }) => rows))
    if (horizon === undefined || order(row.seq, horizon) <= 0) distinct.set(row.seq, row);
  const rows = [...distinct.values()].toSorted((a, b) => order(a.seq, b.seq));
  const last = rows.length > first.limit ? rows[first.limit - 1]?.seq : horizon;
  return { rows: rows.slice(0, first.limit), next: last ?? null, through };
}

/** More Agents of one person than this are not counted together: it takes a question for each combination. */
const mostCounted = 4;

/** How many Statements meet any of the queries; null when that would be too many questions. */
export async function countAny(
  store: Pick<StatementStore, 'count'>,
  queries: readonly StatementQuery[],
): Promise<number | null> {
  const [first] = queries;
  if (!first || queries.length > mostCounted) return null;
  // Inclusion and exclusion: one Statement may name two Agents of the person.
  let total = 0;
  for (let chosen = 1; chosen < 1 << queries.length; chosen++) {
    const some = queries.filter((_, at) => chosen & (1 << at));
    const terms = [...new Set(some.flatMap((query) => query.terms))];
    total += (some.length % 2 === 1 ? 1 : -1) * (await store.count({ ...first, terms }));
  }
  return total;
}
