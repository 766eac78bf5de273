/** One part of what is kept about a person, as a download shows it. */
export interface DataSection {
  /** Its title is the message `privacy.section.<name>`. */
  name: string;
  /** Page by page: a section may be as long as it likes. `ids`: the person's, and of accounts whose record they took over. */
  rows(ids: readonly string[]): AsyncIterable<DataRow>;
}

/** Plain values, in the order in which they are read. */
export type DataRow = Record<string, unknown>;

/** The Statements about a person, oldest first: exact JSON text and a sentence that people read. */
export interface StatementRows {
  rows(
    ids: readonly string[],
  ): AsyncIterable<{ at: string; sentence: (language: string) => string; body: string }>;
  /** Null: too many ways to count. */
  count(ids: readonly string[]): Promise<number | null>;
}
