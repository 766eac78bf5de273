import { DomainError } from '../base/errors.ts';
import type { XapiRequest } from './exchange.ts';
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
