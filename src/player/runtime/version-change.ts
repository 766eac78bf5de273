import { dataGoOn } from '../transition.ts';
import type { PackageLibrary, PackageVersion } from '../types.ts';
import { emptyItemState, type ItemState } from './item-state.ts';
import type { RuntimeStateStore, StoredItemState } from './store.ts';

type Versions = Pick<PackageLibrary, 'version'>;

/** The attempt is over and its data are gone; what the learner has reached stays. Pure. */
export const restarted = (state: ItemState): ItemState => ({
  ...emptyItemState,
  attempt: state.attempt,
  best: state.best,
  closed: true,
});

/** A state as this version may go on with it: whole, or begun anew where the version before was too different. */
export async function carriedOver(
  versions: Versions,
  stored: Pick<StoredItemState, 'packageVersionId' | 'item'> | null,
  state: ItemState,
  to: PackageVersion,
): Promise<ItemState> {
  const id = stored?.packageVersionId;
  if (!stored || id === undefined || id === to.id) return state;
  const from = await versions.version(id);
  return from && dataGoOn(from, to, stored.item) ? state : restarted(state);
}

/** The version that an earlier window of the learner ran: what it could not send belongs to that one. */
export async function versionBehind(
  versions: Versions,
  store: Pick<RuntimeStateStore, 'get'>,
  registration: string,
  item: string,
  otherwise: PackageVersion,
): Promise<PackageVersion> {
  const id = (await store.get(registration, item))?.packageVersionId;
  if (id === undefined || id === otherwise.id) return otherwise;
  return (await versions.version(id)) ?? otherwise;
}
