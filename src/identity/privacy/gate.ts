import { DomainError } from '../../base/errors.ts';
import type { Iris } from '../../base/iris.ts';
import type { Statement } from '../../xapi/types.ts';
import { isPresent } from '../people.ts';
import type { IdentityStore, PersonRecord } from '../store.ts';

/**
 * Asked before anything new is written about a learner, listed to others, forwarded or uploaded. DomainError
 * `processing-restricted`: the person has restricted the processing, was erased, or is part of another account by now.
 */
export type ProcessingGate = (personId: string) => Promise<void>;

const restricted = (): DomainError =>
  new DomainError(
    'forbidden',
    'The processing of this person’s data is restricted at their own wish; only what is stored is kept. The person can lift the restriction under “My data”.',
    { code: 'processing-restricted' },
  );

export const isRestrictedError = (error: unknown): boolean =>
  error instanceof DomainError && error.code === 'processing-restricted';

export const createProcessingGate =
  (identity: Pick<IdentityStore, 'byId'>): ProcessingGate =>
  async (personId) => {
    const record = await identity.byId(personId);
    if (record && (record.restrictedAt !== null || !isPresent(record))) throw restricted();
  };

/** Whom of the platform's own people the Statements speak of. */
function namedIn(statements: readonly Statement[], homePage: string): Set<string> {
  const ids = new Set<string>();
  const note = (actor: unknown): void => {
    if (typeof actor !== 'object' || actor === null) return;
    const { account, member } = actor as {
      account?: { homePage?: string; name?: string };
      member?: unknown[];
    };
    if (account?.homePage === homePage && typeof account.name === 'string') ids.add(account.name);
    for (const one of member ?? []) note(one);
  };
  for (const { actor, object } of statements) {
    note(actor);
    note(object);
  }
  return ids;
}

/** Records of the people whom the Statements name and about whom nothing new is to be kept. */
const restrictedIn = async (
  identity: Pick<IdentityStore, 'byIds'>,
  statements: readonly Statement[],
  homePage: string,
): Promise<PersonRecord[]> => {
  const ids = namedIn(statements, homePage);
  if (ids.size === 0) return [];
  return (await identity.byIds([...ids])).filter(
    (record) => record.restrictedAt !== null || record.erasedAt !== null,
  );
};

/**
 * The LRS's guard (lrs/types.ts): nothing new about who has restricted the processing or was erased, whoever sends it. What
 * the platform itself still owes of the time before the restriction is kept: that learning was done.
 */
export function createRestrictionGuard(deps: {
  identity: Pick<IdentityStore, 'byIds'>;
  iris: Pick<Iris, 'homePage'>;
  /** The platform's own authority. */
  platformId: string;
}): (statements: Statement[], authority: { id: string }) => Promise<void> {
  const { identity, iris, platformId } = deps;
  return async (statements, authority) => {
    for (const { restrictedAt, erasedAt } of await restrictedIn(identity, statements, iris.homePage)) {
      const until = restrictedAt === null ? Number.NaN : Date.parse(restrictedAt);
      const owed =
        erasedAt === null &&
        authority.id === platformId &&
        statements.every(({ timestamp }) => timestamp !== undefined && Date.parse(timestamp) <= until);
      if (!owed) throw restricted();
    }
  };
}

/** Which of the Statements are not to be passed on to others. */
export function createForwardingHold(deps: {
  identity: Pick<IdentityStore, 'byIds'>;
  iris: Pick<Iris, 'homePage'>;
}): (statements: readonly Statement[]) => Promise<Set<Statement>> {
  const { identity, iris } = deps;
  return async (statements) => {
    const ids = new Set((await restrictedIn(identity, statements, iris.homePage)).map(({ id }) => id));
    if (ids.size === 0) return new Set();
    return new Set(statements.filter((one) => [...namedIn([one], iris.homePage)].some((id) => ids.has(id))));
  };
}
