/** Anything that looks like an ID number: a provider's message may repeat what it should not. */
const idNumbers = /[A-Z][A-D1289]\d{8}/gi;

/**
 * What a log may say of an error: the messages of it and its causes, short, on one line, without the objects that hang
 * on them (claims, responses, tokens).
 */
export function facts(error: unknown): string[] {
  const lines: string[] = [];
  for (let at: unknown = error; at instanceof Error && lines.length < 5; at = at.cause)
    lines.push(
      `${at.name}: ${at.message}`
        .replace(/[\p{Cc}\u2028\u2029]+/gu, ' ')
        .replace(idNumbers, '…')
        .slice(0, 300),
    );
  return lines;
}
