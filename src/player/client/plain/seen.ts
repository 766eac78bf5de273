/** Which whole numbers (seconds of a film, pages of a document) were seen; kept as ranges: `0-12,40`. Pure. */
export class Seen {
  readonly #seen = new Set<number>();

  constructor(text = '') {
    for (const part of text.split(',')) {
      const match = /^(\d{1,7})(?:-(\d{1,7}))?$/.exec(part);
      if (!match) continue;
      for (let at = Number(match[1]); at <= Number(match[2] ?? match[1]); at++) this.#seen.add(at);
    }
  }

  add(at: number): void {
    this.#seen.add(at);
  }

  /** How many of the first `count` were seen, as a part of 1. */
  measure(count: number): number {
    return count <= 0 ? 0 : [...this.#seen].filter((at) => at < count).length / count;
  }

  toString(): string {
    const sorted = [...this.#seen].sort((a, b) => a - b);
    const ranges: [number, number][] = [];
    for (const at of sorted) {
      const last = ranges.at(-1);
      if (last && last[1] === at - 1) last[1] = at;
      else ranges.push([at, at]);
    }
    return ranges.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(',');
  }
}
