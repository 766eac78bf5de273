/** JSON indented for reading, with digits and order as stored: only white space is added. */
export function pretty(body: string): string {
  let depth = 0;
  let result = '';
  const line = (): string => `\n${'  '.repeat(depth)}`;
  for (const [part] of body.matchAll(/"(?:[^"\\]|\\.)*"|\{\s*\}|\[\s*\]|[{}[\],:]|[^\s{}[\],:"]+/g)) {
    if (part === '{' || part === '[') {
      depth++;
      result += part + line();
    } else if (part === '}' || part === ']') {
      depth--;
      result += line() + part;
    } else if (part === ',') result += part + line();
    else result += part === ':' ? ': ' : part.replace(/^([{[])\s+/, '$1');
  }
  return result;
}
