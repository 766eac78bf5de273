import { DomainError, type Problem } from '../base/errors.ts';
import { isGroup } from '../xapi/actor.ts';
import type { JsonObject } from '../xapi/check.ts';
import type { XapiRequest } from './exchange.ts';
import type { SentStatement } from './intake.ts';
import type { Credential } from './store.ts';

// A credential may be bound to one actor home page and one prefix of Activities: what it stores, and the documents that
// it keeps, are about those alone (1.0.3 Communication 4.2 asks for it of `state` and `profile`).

type Bounds = Pick<Credential, 'actorHomePage' | 'activityPrefix'>;
type Finding = (path: string, message: string) => void;

const isObject = (value: unknown): value is JsonObject => typeof value === 'object' && value !== null;

const refuse = (problems: Problem[]): void => {
  if (problems.length > 0)
    throw new DomainError('forbidden', 'This credential may not speak about that.', {
      code: 'lrs-not-yours',
      problems: problems.slice(0, 100),
    });
};

/** The Agent or Group and all its members: nobody gets in as a member of one's own Group. */
function checkActor(actor: unknown, homePage: string, path: string, note: Finding): void {
  const account = isObject(actor) ? actor['account'] : undefined;
  const members = isObject(actor) && isGroup(actor) ? actor['member'] : undefined;
  const anonymous =
    isGroup(actor) && !['account', 'mbox', 'mbox_sha1sum', 'openid'].some((ifi) => ifi in (actor as object));
  if (!anonymous && !(isObject(account) && account['homePage'] === homePage))
    note(path, `this credential speaks only about accounts of ${homePage}`);
  if (Array.isArray(members))
    members.forEach((member, at) => checkActor(member, homePage, `${path}.member[${at}]`, note));
}

function checkPart(
  part: JsonObject,
  { actorHomePage, activityPrefix }: Bounds,
  path: string,
  note: Finding,
): void {
  if (actorHomePage !== null) checkActor(part['actor'], actorHomePage, `${path}.actor`, note);
  const object = isObject(part['object']) ? part['object'] : {};
  const at = `${path}.object`;
  switch (object['objectType']) {
    case 'StatementRef':
      return;
    case 'SubStatement':
      return checkPart(object, { actorHomePage, activityPrefix }, at, note);
    case 'Agent':
    case 'Group':
      if (actorHomePage !== null) checkActor(object, actorHomePage, at, note);
      if (activityPrefix === null) return;
  }
  const id = object['id'];
  if (activityPrefix !== null && !(typeof id === 'string' && id.startsWith(activityPrefix)))
    note(at, `this credential speaks only about Activities under ${activityPrefix}`);
}

/** DomainError `forbidden` with the paths of what is not the credential's to speak about. */
export function checkSpokenAbout(
  { caller: { credential } }: Pick<XapiRequest, 'caller'>,
  sent: readonly SentStatement[],
  batch: boolean,
): void {
  if (credential.actorHomePage === null && credential.activityPrefix === null) return;
  const problems: Problem[] = [];
  for (const [at, { value }] of sent.entries())
    checkPart(isObject(value) ? value : {}, credential, batch ? `$[${at}]` : '$', (path, message) =>
      problems.push({ path, message }),
    );
  refuse(problems);
}

/** The same for a document's Activity and Agent. Whoever may read everything may read those of others. */
export function checkDocumentAbout(
  { caller: { credential, scopes }, method }: Pick<XapiRequest, 'caller' | 'method'>,
  activityId: string | null,
  agent: unknown,
): void {
  const { actorHomePage, activityPrefix } = credential;
  if ((method === 'GET' || method === 'HEAD') && (scopes.includes('all') || scopes.includes('all/read')))
    return;
  const problems: Problem[] = [];
  if (actorHomePage !== null && agent !== null)
    checkActor(agent, actorHomePage, 'agent', (path, message) => problems.push({ path, message }));
  if (activityPrefix !== null && activityId !== null && !activityId.startsWith(activityPrefix))
    problems.push({
      path: 'activityId',
      message: `this credential speaks only about Activities under ${activityPrefix}`,
    });
  refuse(problems);
}
