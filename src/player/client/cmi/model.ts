import type { Check, Verdict } from './formats.ts';

/** What the ledger may ask about the values around an element. */
export interface Neighbours {
  /** The stored value of another element; null when it was never set. */
  value(element: string): string | null;
  count(collection: string): number;
}

/** An index of the element under check: for `cmi.interactions.2.objectives.0.id` [2, 0]. */
export type Indices = readonly number[];

export interface ElementSpec {
  access: 'read' | 'write' | 'both';
  check?: Check;
  /** Depends on the neighbours, e.g. an interaction's response on its type. */
  checkAmong?: (value: string, element: string, neighbours: Neighbours) => Verdict;
  /** What must be set before, relative to the collection's member (`id`). */
  needs?: string[];
  /** Refuses a value the rest of the model forbids (a duplicate id …): a general set failure. */
  refuse?: (value: string, element: string, neighbours: Neighbours) => boolean;
  /** Set to nothing it reads as never set. */
  emptyIsUnset?: true;
  /** The value before anything is set; absent: reading is an error in SCORM 2004 and '' in 1.2. */
  initial?: string;
}

/** The codes in which a standard says the same complaints. */
export interface Codes {
  undefinedElement: number;
  readOnly: number;
  writeOnly: number;
  keyword: number;
  noChildren: number;
  noCount: number;
  /** Null: an unset element reads as ''. */
  notSet: number | null;
  type: number;
  range: number;
  dependency: number;
  indexOnGet: number;
  indexOnSet: number;
  refusedSet: number;
  emptyOnGet: number;
  emptyOnSet: number;
}

/** A standard's data model as tables; patterns have `n` for an index. */
export interface DataModel {
  codes: Codes;
  elements: Record<string, ElementSpec>;
  /** Collections and structures with the value of their `_children`. */
  children: Record<string, string>;
  collections: string[];
  /** Collections whose members the LMS makes: content adds none. */
  fixed?: string[];
}
