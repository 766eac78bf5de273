import { expect } from 'chai';
import fc from 'fast-check';
import { isDomainError } from '../../src/base/errors.ts';
import {
  countKeys,
  decodeUtf8,
  differenceOf,
  type ExactJson,
  parseExact,
  parseJson,
  shapeOf,
} from '../../src/xapi/json.ts';
import { stringifyExact } from '../../src/xapi/objects.ts';

const failure = (run: () => unknown): unknown => {
  try {
    run();
    return null;
  } catch (error) {
    return error;
  }
};
const differs = (a: string, b: string): string | null => differenceOf(parseExact(a), parseExact(b));

/** JSON with the keys and strings that trip parsers. */
const trickyKey = fc.oneof(
  fc.constantFrom(
    '__proto__',
    'constructor',
    'a.b',
    '$set',
    '',
    'toString',
    '\u0000',
    '\ud800',
    '😀',
    '"',
    '\\',
    '{',
    ':',
  ),
  fc.string(),
);
const { tree } = fc.letrec((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom(null, true, false),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.string({ unit: 'binary' }),
    trickyKey,
    fc.array(tie('tree'), { maxLength: 5 }),
    fc.array(fc.tuple(trickyKey, tie('tree')), { maxLength: 5 }).map((entries) => {
      const object: Record<string, unknown> = {};
      for (const [key, value] of entries)
        Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
      return object;
    }),
  ),
}));

describe('exact JSON', () => {
  it('reads and writes any JSON without changing a character of its values', () => {
    fc.assert(
      fc.property(tree, fc.constantFrom(undefined, 1, '\t'), (value, space) => {
        const text = JSON.stringify(value, null, space);
        expect(stringifyExact(parseExact(text))).to.equal(JSON.stringify(value));
        const shape = shapeOf(text);
        expect(shape.keys).to.equal(countKeys(JSON.parse(text)));
      }),
      { numRuns: 500 },
    );
  });

  it("finds an array's elements where they stand", () => {
    fc.assert(
      fc.property(fc.array(tree, { maxLength: 6 }), fc.constantFrom(undefined, 2), (values, space) => {
        const text = ` ${JSON.stringify(values, null, space)} `;
        const parts = shapeOf(text).items.map(
          ({ start, end }) => JSON.parse(text.slice(start, end)) as unknown,
        );
        expect(JSON.stringify(parts)).to.equal(JSON.stringify(values));
      }),
      { numRuns: 500 },
    );
  });

  it('keeps numbers beyond 2^53 and trailing zeros', () => {
    const text = '[9007199254740993,1.10,1e400,-0,123456789012345678901234567890.5]';
    expect(stringifyExact(parseExact(text))).to.equal(text);
  });

  it('compares numbers by value at any precision', () => {
    expect(differs('[1.0,100,1e2,0.5,-0]', '[1,1e2,100,5e-1,0]')).to.equal(null);
    expect(differs('[9007199254740993]', '[9007199254740992]')).to.equal('$[0]');
    expect(differs('1e400', '1e401')).to.equal('$');
  });

  it('names the path of the first difference, also through odd keys', () => {
    expect(differs('{"a":{"b.c":[1,2]}}', '{"a":{"b.c":[1,3]}}')).to.equal('$.a["b.c"][1]');
    expect(differs('{"a":1}', '{"a":1,"__proto__":2}')).to.equal('$.__proto__');
  });

  it('refuses a key given twice in one object, naming it (RFC 8259 §4)', () => {
    for (const text of ['{"a":1,"a":1}', '{"x":[{"__proto__":1,"__proto__":2}]}', '{"a":1,"\\u0061":2}']) {
      const error = failure(() => parseJson(text, 64));
      expect(isDomainError(error, 'invalid')).to.equal(true);
      expect(isDomainError(error) && error.message).to.match(/appears twice/);
    }
    expect(parseJson('{"a":{"a":1},"b":"\\"a\\":"}', 64).shape.depth).to.equal(2);
  });

  it('refuses what is nested too deep, however deep, and what is not JSON', () => {
    expect(
      isDomainError(
        failure(() => parseJson('['.repeat(100_000), 64)),
        'invalid',
      ),
    ).to.equal(true);
    for (const text of ['', '{', '{"a":}', '[1,]', "{'a':1}", 'NaN', '"\u0001"', '{"a":1}}'])
      expect(
        isDomainError(
          failure(() => parseJson(text, 64)),
          'invalid',
        ),
      ).to.equal(true);
  });

  it('refuses bytes that are not UTF-8', () => {
    expect(
      isDomainError(
        failure(() => decodeUtf8(Buffer.from([0x22, 0xff, 0x22]))),
        'invalid',
      ),
    ).to.equal(true);
  });

  it('reads a string of ten million characters', () => {
    const text = JSON.stringify({ a: '\\"'.repeat(5_000_000) });
    const value = parseExact(text) as Map<string, ExactJson>;
    expect((value.get('a') as string).length).to.equal(10_000_000);
  });
});
