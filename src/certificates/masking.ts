const separators = /([\s.．·・•‧,，\-－–—]+)/;

/**
 * A name as strangers may see it: first and last character stay (王○明, 歐○○明), of two only the first (王○). Each part
 * of a name with separators is masked by itself (撒○．武○), Latin parts keep their first letter (W○○, H○○).
 */
export function maskName(name: string): string {
  return name
    .trim()
    .split(separators)
    .map((part) => (separators.test(part) || part === '' ? part : maskPart([...part])))
    .join('');
}

function maskPart(letters: string[]): string {
  const [first = '', ...rest] = letters;
  if (/^\p{Script=Latin}/u.test(first)) return `${first}○○`;
  if (rest.length <= 1) return `${first}${'○'.repeat(rest.length)}`;
  return `${first}${'○'.repeat(rest.length - 1)}${rest.at(-1)}`;
}
