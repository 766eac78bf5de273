/**
 * Keeps the last `most` things that were loaded at hand. Only for what never changes once it is there; what is not there
 * (null) is asked for again each time.
 */
export function recent<V>(
  most: number,
  load: (id: string) => Promise<V | null>,
): (id: string) => Promise<V | null> {
  const known = new Map<string, V>();
  return async (id) => {
    const found = known.get(id) ?? (await load(id));
    if (found === null) return null;
    known.delete(id);
    known.set(id, found);
    for (const oldest of known.keys()) {
      if (known.size <= most) break;
      known.delete(oldest);
    }
    return found;
  };
}
