import { DomainError, type Problem } from '../base/errors.ts';
import { isRfcUuid } from '../xapi/scalars.ts';
import { voidedVerb } from '../xapi/statement.ts';
import type { Statement } from '../xapi/types.ts';
import type { XapiRequest } from './exchange.ts';
import type { SentStatement } from './intake.ts';
import type { Scope } from './store.ts';

/** Which scopes open a resource, for reading and for writing (1.0.3 Communication 4.2). */
const doors: Record<string, { read: readonly Scope[]; write: readonly Scope[] }> = {
  statements: {
    read: ['statements/read', 'statements/read/mine', 'all/read'],
    write: ['statements/write'],
  },
  'activities/state': { read: ['state', 'all/read'], write: ['state'] },
  'activities/profile': { read: ['profile', 'all/read'], write: ['profile'] },
  'agents/profile': { read: ['profile', 'all/read'], write: ['profile'] },
  activities: { read: ['statements/read', 'statements/read/mine', 'define', 'all/read'], write: [] },
  agents: { read: ['statements/read', 'profile', 'all/read'], write: [] },
};

/** DomainError `forbidden` that names the scopes which would do. */
export function authorise(request: Pick<XapiRequest, 'resource' | 'method' | 'caller'>): void {
  const door = doors[request.resource];
  if (!door) return;
  const reads = request.method === 'GET' || request.method === 'HEAD';
  const opening = [...(reads ? door.read : door.write), 'all' as const];
  if (!opening.some((scope) => request.caller.scopes.includes(scope)))
    throw new DomainError('forbidden', `This credential needs one of the scopes: ${opening.join(', ')}.`, {
      code: 'lrs-scope',
    });
}

export const mayDefine = ({ caller }: Pick<XapiRequest, 'caller'>): boolean =>
  caller.scopes.includes('all') || caller.scopes.includes('define');

/** It sees only what it stored itself. */
export const seesOnlyOwn = ({ caller }: Pick<XapiRequest, 'caller'>): boolean =>
  !caller.scopes.some((scope) => scope === 'all' || scope === 'all/read' || scope === 'statements/read');

/**
 * A credential without `all` voids only what it stored itself (1.0.3 Data 2.3.2; 2.0 4.2.5: 403 for whoever may not void),
 * and therefore only what is there or comes in the same batch.
 */
export async function checkVoids(
  { caller: { credential, scopes } }: Pick<XapiRequest, 'caller'>,
  sent: readonly SentStatement[],
  batch: boolean,
  byId: (id: string) => Promise<{ authorityId: string } | null>,
): Promise<void> {
  if (scopes.includes('all')) return;
  const parts = sent.map(({ value }) => (value ?? {}) as Partial<Statement>);
  const problems: Problem[] = [];
  for (const [at, { verb, object }] of parts.entries()) {
    if (verb?.id !== voidedVerb || object?.objectType !== 'StatementRef' || !isRfcUuid(object.id)) continue;
    const id = object.id.toLowerCase();
    if (parts.some((other) => isRfcUuid(other.id) && other.id.toLowerCase() === id)) continue;
    if ((await byId(id))?.authorityId === credential.id) continue;
    problems.push({
      path: `${batch ? `$[${at}]` : '$'}.object.id`,
      message: `this credential voids only Statements that it has stored, and ${id} is not among them`,
    });
  }
  if (problems.length > 0)
    throw new DomainError('forbidden', 'This credential may not void that.', {
      code: 'lrs-not-yours',
      problems: problems.slice(0, 100),
    });
}
