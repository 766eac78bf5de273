import { definedActivities, type NamedAgent, namedAgents, textsAt } from '../xapi/objects.ts';
import { termsOf } from '../xapi/terms.ts';

/** What the engines keep beside a stored Statement's text, derived from it again. */
export function derived(body: string, authorityId: string): { terms: string[]; refersTo: string | null } {
  const statement = JSON.parse(body) as {
    authority: object;
    object: { objectType?: string; id?: string };
  };
  const { objectType, id } = statement.object;
  return {
    terms: termsOf(statement, statement.authority, authorityId),
    refersTo: objectType === 'StatementRef' && id !== undefined ? id.toLowerCase() : null,
  };
}

/** What the LRS learns from a stored Statement's text: definitions of Activities in their exact digits, names of agents. */
export function learnt(body: string): {
  definitions: { activityId: string; text: string }[];
  agentNames: NamedAgent[];
} {
  const statement = JSON.parse(body) as object;
  const defined = definedActivities(statement);
  const texts = textsAt(body, new Set(defined.map(({ path }) => path)));
  return {
    definitions: defined.map(({ id, path, definition }) => ({
      activityId: id,
      text: texts.get(path) ?? JSON.stringify(definition),
    })),
    agentNames: namedAgents(statement),
  };
}
