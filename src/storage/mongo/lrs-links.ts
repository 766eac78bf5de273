import type { Row, StatementRows } from './lrs-rows.ts';

/** What a decided batch changes in other Statements: references, inheritance, voiding. */
export function createLinks({ model, references, byIds, referencesTo }: StatementRows) {
  /** Gives terms to everything that refers to `target`, directly or through others. Ends where nothing is new. */
  const passOn = async (target: string, terms: readonly string[]): Promise<void> => {
    const open = [{ target, terms }];
    for (let next = open.pop(); next; next = open.pop()) {
      const { terms: passing } = next;
      const [reference] = await referencesTo([next.target]);
      for (const source of await byIds(reference?.sources ?? [])) {
        const known = new Set(source.passed);
        const added = passing.filter((term) => !known.has(term));
        if (added.length === 0) continue;
        await model.updateOne(
          { _id: source._id },
          { $addToSet: { terms: { $each: added }, passed: { $each: added } } },
        );
        open.push({ target: source._id, terms: added });
      }
    }
  };

  /** Idempotent: whoever completes a crashed batch repeats it. */
  const link = async (rows: Row[]): Promise<void> => {
    for (const row of rows) {
      if (row.refersTo === null) continue;
      const field = row.voiding ? { sources: row._id, voiders: row._id } : { sources: row._id };
      await references.updateOne({ _id: row.refersTo }, { $addToSet: field }, { upsert: true });
    }
    for (const row of rows) {
      if (row.refersTo === null) continue;
      if (row.voiding)
        await model.updateOne({ _id: row.refersTo, voiding: false }, { $set: { voided: true } });
      const [target] = await byIds([row.refersTo]);
      if (!target) continue;
      const added = target.passed.filter((term) => !row.passed.includes(term));
      if (added.length > 0)
        await model.updateOne(
          { _id: row._id },
          { $addToSet: { terms: { $each: added }, passed: { $each: added } } },
        );
    }
    for (const reference of await referencesTo(rows.map((row) => row._id))) {
      const [row] = await byIds([reference._id]);
      if (!row) continue;
      const voiders = reference.voiders ?? [];
      if (voiders.length > 0 && !row.voiding && (await byIds(voiders)).length > 0)
        await model.updateOne({ _id: row._id }, { $set: { voided: true } });
      await passOn(row._id, row.passed);
    }
  };

  return { link };
}
