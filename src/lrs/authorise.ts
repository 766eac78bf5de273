import { DomainError, type Problem } from '../base/errors.ts';
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

/** A credential may be bound to one actor home page and one prefix of Activities. */
export function checkSpokenAbout(
  request: Pick<XapiRequest, 'caller'>,
  sent: readonly SentStatement[],
  batch: boolean,
): void {
  const { actorHomePage, activityPrefix } = request.caller.credential;
  if (actorHomePage === null && activityPrefix === null) return;
  const problems: Problem[] = [];
  for (const [at, { value }] of sent.entries()) {
    const statement = (value ?? {}) as Partial<Statement>;
    const path = batch ? `$[${at}]` : '$';
    const actor = statement.actor as { account?: { homePage?: unknown } } | undefined;
    if (actorHomePage !== null && actor?.account?.homePage !== actorHomePage)
      problems.push({
        path: `${path}.actor`,
        message: `this credential speaks only about accounts of ${actorHomePage}`,
      });
    const object = statement.object as { objectType?: string; id?: unknown } | undefined;
    const isActivity = object?.objectType === undefined || object.objectType === 'Activity';
    const isReference = object?.objectType === 'StatementRef';
    if (
      activityPrefix !== null &&
      !isReference &&
      !(isActivity && typeof object?.id === 'string' && object.id.startsWith(activityPrefix))
    )
      problems.push({
        path: `${path}.object`,
        message: `this credential speaks only about Activities under ${activityPrefix}`,
      });
  }
  if (problems.length > 0)
    throw new DomainError('forbidden', 'This credential may not speak about that.', {
      code: 'lrs-not-yours',
      problems: problems.slice(0, 100),
    });
}
