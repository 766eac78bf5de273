import { DomainError, type Problem } from '../base/errors.ts';
import { type JsonShape } from '../xapi/json.ts';
import { definedActivities, namedAgents, textsAt } from '../xapi/objects.ts';
import { openBody } from '../xapi/raw.ts';
import { checkStatement, voidedVerb } from '../xapi/statement.ts';
import { termsOf } from '../xapi/terms.ts';
import type { Statement } from '../xapi/types.ts';
import type { XapiVersion } from '../xapi/versions.ts';
import { newUuid } from '../base/ids.ts';
import type { NewStatement } from './store.ts';
import type { Authority } from './types.ts';

/** One Statement as it was sent: its exact text and what JSON.parse makes of it. */
export interface SentStatement {
  text: string;
  value: unknown;
}

export interface IntakeOptions {
  version: XapiVersion;
  authority: Authority;
  /** Definitions of Activities and names of Agents become the LRS's own (scope `define`). */
  define: boolean;
  /** Only of Activities whose IRI begins so; null or absent: any. */
  activityPrefix?: string | null;
}

/** A request body's Statements with their own texts: one object, or an array of them. */
export function sentStatements(text: string, value: unknown, shape: JsonShape): SentStatement[] {
  if (!Array.isArray(value)) return [{ text, value }];
  return value.map((item: unknown, at) => {
    const { start, end } = shape.items[at] ?? { start: 0, end: 0 };
    return { text: text.slice(start, end), value: item };
  });
}

/** DomainError `invalid` with the problems of every Statement; paths begin with `$` or, in a batch, `$[n]`. */
export function prepareStatements(
  sent: readonly SentStatement[],
  batch: boolean,
  { version, authority, define, activityPrefix }: IntakeOptions,
): NewStatement[] {
  const problems: Problem[] = [];
  const authorityText = JSON.stringify(authority.agent);
  const prepared: NewStatement[] = [];
  for (const [at, { text, value }] of sent.entries()) {
    const checked = checkStatement(value, version, batch ? `$[${at}]` : '$');
    if (checked.problems.length > 0) {
      problems.push(...checked.problems.slice(0, Math.max(0, 1000 - problems.length)));
      continue;
    }
    if (problems.length > 0) continue;
    const statement = value as Statement;
    const object = statement.object as { objectType?: string; id?: string };
    const id = (statement.id ?? newUuid()).toLowerCase();
    const defined = define
      ? definedActivities(statement).filter(({ id: activityId }) =>
          activityId.startsWith(activityPrefix ?? ''),
        )
      : [];
    prepared.push({
      id,
      body: openBody(
        text,
        {
          authority: authorityText,
          ...(statement.id === undefined ? { id } : {}),
          ...(statement.version === undefined ? { version: version === '1.0.3' ? '1.0.0' : '2.0.0' } : {}),
        },
        checked.rewrites,
      ),
      stampTimestamp: statement.timestamp === undefined,
      terms: termsOf(statement, authority.agent, authority.id),
      refersTo: object.objectType === 'StatementRef' ? (object.id ?? '').toLowerCase() : null,
      voiding: statement.verb.id === voidedVerb,
      authorityId: authority.id,
      definitions: defined.map(({ id: activityId, path, definition }) => {
        const exact = (): string => textsAt(text, new Set([path])).get(path) ?? JSON.stringify(definition);
        // Numbers stand in extensions only: without them the parsed value tells one definition from another.
        const mark = definition['extensions'] === undefined ? JSON.stringify(definition) : exact();
        return { activityId, mark, text: exact };
      }),
      agentNames: define ? namedAgents(statement) : [],
    });
  }
  if (problems.length > 0)
    throw new DomainError(
      'invalid',
      problems.length === 1 ? 'A rule of xAPI is not met.' : `${problems.length} rules of xAPI are not met.`,
      {
        code: 'xapi-invalid',
        problems,
      },
    );
  return prepared;
}
