import fc from 'fast-check';

// JSON as texts, not as values: what differs only in notation (1.0 and 1.00, é and \u00e9) is told apart.

/** White space that JSON allows between tokens. */
export const gap = fc.constantFrom('', '', '', ' ', '\n', '\t', '\r\n  ');

export const rawNumber = fc.oneof(
  fc.constantFrom(
    '9007199254740993',
    '-9007199254740993',
    '18446744073709551617',
    '123456789012345678901234567890.5',
    '1.10',
    '85.50',
    '1.0',
    '100.000',
    '-0',
    '-0.0',
    '0e0',
    '1E400',
    '-1e+400',
    '1e-400',
    '5e-324',
    '0.1E+1',
  ),
  fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n }).map(String),
  fc
    .tuple(fc.bigInt({ min: 0n, max: 10n ** 20n }), fc.nat(9), fc.nat(5))
    .map(([whole, digit, zeros]) => `${whole}.${digit}${'0'.repeat(zeros)}`),
);

const odd = [
  '',
  '__proto__',
  'constructor',
  'toString',
  'a.b',
  '$set',
  '$a.b.$c',
  '.',
  '$',
  '\u0000',
  '\u001f',
  '\ud800',
  '\udfff',
  '\udc00\ud800',
  '😀',
  '\u{10ffff}',
  '\ufeff',
  '\u2028',
  '"',
  '\\',
  '\\u0041',
  '{',
  ':',
  '學習',
];
/** Any JavaScript string, those that trip parsers and databases often. */
export const oddText = fc.oneof(
  fc.constantFrom(...odd),
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.array(fc.constantFrom(...odd), { maxLength: 4 }).map((parts) => parts.join('')),
);

/** A string as JSON, its characters plain or escaped by turns (`picks`). */
export const quoted = (text: string, picks: readonly boolean[] = []): string => {
  const units = Array.from({ length: text.length }, (_, at) =>
    picks[at % (picks.length || 1)] === true
      ? `\\u${text.charCodeAt(at).toString(16).padStart(4, '0')}`
      : null,
  );
  if (units.every((unit) => unit === null)) return JSON.stringify(text);
  // Escaped unit by unit, or by code point as JSON.stringify would: never half a pair in plain text.
  let raw = '';
  for (let at = 0; at < text.length; at++) {
    const point = String.fromCodePoint(text.codePointAt(at) ?? 0);
    const escape = units[at];
    raw += escape ?? (point.length === 2 && units[at + 1] ? '' : JSON.stringify(point).slice(1, -1));
    if (escape === null && point.length === 2) {
      if (units[at + 1]) raw += `\\u${text.charCodeAt(at).toString(16)}`;
      else at++;
    }
  }
  return `"${raw}"`;
};
const escapes = fc.array(fc.boolean(), { maxLength: 3 });
export const rawString = fc.tuple(oddText, escapes).map(([text, picks]) => quoted(text, picks));

/** Members by key, each key once. */
const rawMembers = (value: fc.Arbitrary<string>) =>
  fc.uniqueArray(fc.tuple(oddText, escapes, value), { maxLength: 4, selector: ([key]) => key });

/** A key (quoted) and its value, as JSON texts. */
export type RawMember = readonly [key: string, value: string];

export const rawObject = (members: readonly RawMember[], space = ''): string =>
  `{${members.map(([key, value]) => `${space}${key}${space}:${space}${value}${space}`).join(',')}}`;

const { tree } = fc.letrec<{ tree: string }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom('null', 'true', 'false', '{}', '[]'),
    rawNumber,
    rawString,
    fc
      .tuple(fc.array(tie('tree'), { maxLength: 4 }), gap)
      .map(([items, space]) => `[${items.map((item) => `${space}${item}${space}`).join(',')}]`),
    fc.tuple(rawMembers(tie('tree')), gap).map(([members, space]) =>
      rawObject(
        members.map(([key, picks, value]) => [quoted(key, picks), value]),
        space,
      ),
    ),
  ),
}));

/** Any JSON text, sometimes nested deep (up to 55 levels in all or so). */
export const rawJson: fc.Arbitrary<string> = fc
  .tuple(tree, fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(40) }))
  .map(([text, levels]) => {
    let result = text;
    for (let level = 0; level < levels; level++) result = level % 2 ? `[${result}]` : `{"":${result}}`;
    return result;
  });
