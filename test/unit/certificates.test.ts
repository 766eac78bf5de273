import { expect } from 'chai';
import { newVerificationCode, toVerificationCode } from '../../src/certificates/codes.ts';
import { isoDay, minguoDay, minguoLong, minguoYear } from '../../src/certificates/dates.ts';
import { loadCertificateFonts } from '../../src/certificates/fonts.ts';
import { maskName } from '../../src/certificates/masking.ts';

describe('Verification codes', () => {
  it('are 100 random bits in an alphabet that survives paper', () => {
    const codes = new Set(Array.from({ length: 500 }, newVerificationCode));
    expect(codes.size).to.equal(500);
    for (const code of codes) expect(code).to.match(/^([0-9A-HJKMNP-TV-Z]{4}-){4}[0-9A-HJKMNP-TV-Z]{4}$/);
  });

  it('are understood as people type them', () => {
    const kept = 'K7QW-2M9X-3F4H-8T01-PV5D';
    for (const typed of [
      kept,
      'k7qw2m9x3f4h8t01pv5d',
      ' K7QW 2M9X 3F4H 8T01 PV5D ',
      'K7QW–2M9X–3F4H–8TOl–PV5D',
      'Ｋ７ＱＷ-2M9X-3F4H-8Toi-PV5D',
    ])
      expect(toVerificationCode(typed), typed).to.equal(kept);
  });

  it('are refused when they cannot be one', () => {
    for (const typed of ['', 'K7QW', 'K7QW-2M9X-3F4H-8T01-PV5U', `${'A'.repeat(21)}`, "' OR 1=1 --"])
      expect(toVerificationCode(typed), typed).to.equal(null);
  });
});

describe('Days on certificates', () => {
  it('are days in Taiwan, in both calendars', () => {
    const lateEvening = new Date('2026-11-22T16:30:00Z'); // half past midnight in Taipei
    expect(isoDay(lateEvening)).to.equal('2026-11-23');
    expect(minguoDay(lateEvening)).to.equal('115.11.23');
    expect(minguoLong(lateEvening)).to.equal('中華民國 115 年 11 月 23 日');
  });

  it('put New Year where Taiwan has it', () => {
    expect(minguoYear(new Date('2026-12-31T15:59:59Z'))).to.equal(115);
    expect(minguoYear(new Date('2026-12-31T16:00:00Z'))).to.equal(116);
  });
});

describe('Names on the public verification page', () => {
  const cases: [string, string][] = [
    ['王小明', '王○明'],
    ['王明', '王○'],
    ['歐陽小明', '歐○○明'],
    ['王', '王'],
    ['𡍼小明', '𡍼○明'],
    ['撒韵．武荖', '撒○．武○'],
    ['Wang Hsiao-Ming', 'W○○ H○○-M○○'],
    ['', ''],
  ];
  for (const [name, masked] of cases)
    it(`${name || '(empty)'} becomes ${masked || '(empty)'}`, () => {
      expect(maskName(name)).to.equal(masked);
    });
});

describe('Fonts of certificates', () => {
  const fonts = loadCertificateFonts();

  it('cover official names and say which characters they do not cover', () => {
    expect(fonts.uncovered('王小明 喆堃翃瀞鈊囍峯 WANG Hsiao-Ming Müller 115.11.23（含）')).to.deep.equal([]);
    expect(fonts.uncovered('\u{2B81A}')).to.deep.equal(['U+2B81A']);
  });

  it('are read from the installed packages, and nothing else is', async () => {
    const [address] = /https:\/\/fonts\.invalid\/[^)]+/.exec(fonts.css) ?? [];
    const font = await fonts.asset(address ?? '');
    expect(font?.type).to.equal('font/woff2');
    expect(Buffer.from(font?.body.subarray(0, 4) ?? []).toString()).to.equal('wOF2');
    for (const url of [
      'https://fonts.invalid/serif/../../package.json',
      'https://fonts.invalid/serif/none.woff2',
      'https://fonts.invalid/other/noto-serif-tc-latin-400-normal.woff2',
      'https://example.org/serif/noto-serif-tc-latin-400-normal.woff2',
      'file:///etc/passwd',
    ])
      expect(await fonts.asset(url), url).to.equal(null);
  });
});
