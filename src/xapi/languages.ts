/** One range of an Accept-Language header with its weight. */
interface Range {
  tag: string;
  weight: number;
}

function ranges(header: string): Range[] {
  return header
    .split(',')
    .map((part, at) => {
      const [tag = '', ...parameters] = part.trim().split(';');
      const q = parameters.map((p) => /^\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*$/i.exec(p)?.[1]).find(Boolean);
      return { tag: tag.trim().toLowerCase(), weight: q === undefined ? 1 : Number(q), at };
    })
    .filter(({ tag }) => tag !== '')
    .sort((a, b) => b.weight - a.weight || a.at - b.at);
}

/**
 * The tag of a language map that suits an Accept-Language header best (RFC 4647 §3.4 lookup, then the same primary
 * language, then whatever is not refused by `q=0`); undefined for an empty map.
 */
export function chooseLanguage(tags: readonly string[], header: string | undefined): string | undefined {
  if (tags.length < 2 || !header) return tags[0];
  const wanted = ranges(header);
  const refused = wanted.filter(({ weight }) => weight === 0).map(({ tag }) => tag);
  /** `en;q=0` refuses en-US too (RFC 4647 §3.3.1). */
  const isRefused = (candidate: string): boolean =>
    refused.some((range) => within(candidate.toLowerCase(), range));
  for (const { tag, weight } of wanted) {
    if (weight === 0) continue;
    if (tag === '*') {
      const any = tags.find((candidate) => !isRefused(candidate));
      if (any !== undefined) return any;
      continue;
    }
    for (let range = tag; range !== ''; range = range.slice(0, Math.max(0, range.lastIndexOf('-')))) {
      const exact = tags.find((candidate) => candidate.toLowerCase() === range);
      if (exact !== undefined) return exact;
      const narrower = tags.find(
        (candidate) => within(candidate.toLowerCase(), range) && !isRefused(candidate),
      );
      if (narrower !== undefined) return narrower;
    }
  }
  return tags.find((candidate) => !isRefused(candidate)) ?? tags[0];
}

const within = (tag: string, range: string): boolean => tag === range || tag.startsWith(`${range}-`);
