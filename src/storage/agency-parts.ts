import { randomUUID } from 'node:crypto';
import type { Agency } from '../identity/agencies/store.ts';

/** Some of the agencies of a directory. */
export interface AgencyPart {
  id: string;
  /** The revision of the directory that it was written for. */
  revision: number;
  /** Agency[] as JSON. */
  body: string;
}

/** So many agencies in a part: far from the 16 MB that a document of MongoDB may hold. */
const partSize = 1000;

/** The directory in parts, in the order of the codes. */
export function toParts(agencies: readonly Agency[], revision: number): AgencyPart[] {
  const sorted = agencies.toSorted((a, b) => (a.code < b.code ? -1 : 1));
  const parts: AgencyPart[] = [];
  for (let at = 0; at < sorted.length; at += partSize)
    parts.push({ id: randomUUID(), revision, body: JSON.stringify(sorted.slice(at, at + partSize)) });
  return parts;
}

export const fromPart = (body: string): Agency[] => JSON.parse(body) as Agency[];
