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
