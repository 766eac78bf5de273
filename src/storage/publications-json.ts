import type { Publication } from '../player/packages/store.ts';

/** A package's publications from their JSON text. */
export const publicationsFromJson = (text: string): Publication[] =>
  (JSON.parse(text) as (Omit<Publication, 'at'> & { at: string })[]).map(({ at, ...rest }) => ({
    ...rest,
    at: new Date(at),
  }));
