import { expect } from 'chai';
import fc from 'fast-check';
import { fromIsoDuration, toClockTime, toIsoDuration } from '../../src/base/durations.ts';
import { createIris } from '../../src/base/iris.ts';
import { isDomainError } from '../../src/base/errors.ts';
import { uuidFrom, isUuid } from '../../src/base/ids.ts';
import { createSealer, isSealed } from '../../src/base/sealing.ts';
import { contentHostPattern } from '../../src/http/hosts.ts';

describe('durations', () => {
  it('writes and reads ISO 8601 at 0.01 s without loss', () => {
    fc.assert(
      fc.property(fc.nat({ max: 10_000_000_000 }), (hundredths) => {
        const read = fromIsoDuration(toIsoDuration(hundredths / 100));
        expect(Math.round((read ?? -1) * 100)).to.equal(hundredths);
      }),
    );
  });

  it('reads what others write, and nothing else', () => {
    expect(fromIsoDuration('PT1H30M')).to.equal(5400);
    expect(fromIsoDuration('P1DT0.5S')).to.equal(86400.5);
    expect(fromIsoDuration('P2W')).to.equal(1209600);
    for (const wrong of ['', 'P', 'PT', '1H', 'PT1.5', 'P1H', '-PT1S', 'PTS'])
      expect(fromIsoDuration(wrong), wrong).to.equal(null);
  });

  it('shows HH:MM:SS with hours beyond 99', () => {
    expect(toClockTime(2396)).to.equal('00:39:56');
    expect(toClockTime(360000)).to.equal('100:00:00');
    expect(toClockTime(-3)).to.equal('00:00:00');
  });
});

describe('derived ids', () => {
  it('are the same for the same parts and differ otherwise, also where the parts run together', () => {
    expect(uuidFrom('a', 'b')).to.equal(uuidFrom('a', 'b'));
    expect(uuidFrom('a', 'b')).to.not.equal(uuidFrom('ab'));
    expect(isUuid(uuidFrom('a', 'b'))).to.equal(true);
  });
});

describe('IRIs', () => {
  it('keep a code with odd characters inside its own path segment', () => {
    expect(createIris('https://x.example').course('a/b?c')).to.equal('https://x.example/courses/a%2Fb%3Fc');
  });
});

describe("the content's host", () => {
  it('matches its own origin only, and one label where {package} stands', () => {
    const one = contentHostPattern('http://127.0.0.1:8080');
    expect(one.test('127.0.0.1:8080')).to.equal(true);
    expect(one.test('127.0.0.1:80801')).to.equal(false);
    const each = contentHostPattern('https://{package}.content.example.org');
    expect(each.test('0b7e.content.example.org')).to.equal(true);
    expect(each.test('content.example.org')).to.equal(false);
    expect(each.test('a.b.content.example.org')).to.equal(false);
    expect(each.test('acontent.example.org')).to.equal(false);
  });
});

describe('sealing secrets', () => {
  const master = Buffer.alloc(32, 1);
  const sealer = createSealer(master, 'test/seal');
  const refuses = (run: () => unknown): boolean => {
    try {
      run();
      return false;
    } catch (error) {
      return isDomainError(error, 'unavailable');
    }
  };

  it('opens what it sealed, and seals anew each time', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string(), (text, boundTo) => {
        const [one, two] = [sealer.seal(text, boundTo), sealer.seal(text, boundTo)];
        expect(one).to.not.equal(two);
        expect(isSealed(one)).to.equal(true);
        expect(sealer.open(one, boundTo)).to.equal(text);
      }),
    );
  });

  it('refuses what was sealed with another key, for another use or owner, cut short or altered', () => {
    const sealed = sealer.seal('secret', 'rule-1');
    expect(refuses(() => createSealer(Buffer.alloc(32, 2), 'test/seal').open(sealed, 'rule-1'))).to.equal(
      true,
    );
    expect(refuses(() => createSealer(master, 'other/seal').open(sealed, 'rule-1'))).to.equal(true);
    expect(refuses(() => sealer.open(sealed, 'rule-2'))).to.equal(true);
    for (let at = 3; at < sealed.length; at++) {
      const altered = sealed.slice(0, at) + (sealed[at] === 'A' ? 'B' : 'A') + sealed.slice(at + 1);
      // The last characters of base64url may hold bits that mean nothing.
      if (Buffer.from(altered.slice(3), 'base64url').equals(Buffer.from(sealed.slice(3), 'base64url')))
        continue;
      expect(refuses(() => sealer.open(altered, 'rule-1'))).to.equal(true);
      expect(refuses(() => sealer.open(sealed.slice(0, at), 'rule-1'))).to.equal(true);
    }
  });
});
