import { expect } from 'chai';
import { identityOf } from '../../src/xapi/actor.ts';
import {
  instantOf,
  isDuration,
  isIri,
  isLanguageTag,
  isMailto,
  isRfcUuid,
  isSha1,
} from '../../src/xapi/scalars.ts';
import { checkStatement } from '../../src/xapi/statement.ts';
import type { XapiVersion } from '../../src/xapi/versions.ts';
import { agentNamed, aStatement } from '../support/statements.ts';

const problems = (overrides: object, version: XapiVersion = '1.0.3'): string[] =>
  checkStatement({ ...aStatement(), ...overrides }, version).problems.map(({ path }) => path);
const taken = <T>(values: readonly T[], test: (value: T) => boolean): T[] => values.filter(test);

describe('xAPI scalar values', () => {
  it('Data 4.5: timestamps of ISO 8601 and RFC 3339, to any digit; minus zero and impossible instants are none', () => {
    const at = Date.UTC(2026, 10, 23, 8, 0, 0);
    for (const text of [
      '2026-11-23T08:00:00Z',
      '2026-11-23t08:00:00z',
      '2026-11-23T08:00Z',
      '2026-11-23T16:00:00+08:00',
      '2026-11-23T16:00:00+0800',
      '2026-11-23T16:00:00+08',
      '2026-11-23T08:00:00.0000000000Z',
      '2026-11-23T08:00:00,000Z',
      '20261123T080000Z',
      '2026-11-23T08:00:00+00:00',
    ])
      expect(instantOf(text), text).to.equal(at);
    expect(instantOf('2026-11-23T08:00:00.123999Z')).to.equal(at + 123);
    expect(instantOf('2026-11-22T24:00:00Z')).to.equal(Date.UTC(2026, 10, 23));
    expect(instantOf('2016-12-31T23:59:60Z')).to.equal(Date.UTC(2016, 11, 31, 23, 59, 59));
    expect(instantOf('2024-02-29T00:00:00Z')).to.equal(Date.UTC(2024, 1, 29));
    for (const text of [
      '2026-11-23T08:00:00-00:00',
      '2026-11-23T08:00:00-0000',
      '2026-11-23T08:00:00-00',
      '2026-02-29T00:00:00Z',
      '2026-11-23T24:00:01Z',
      '2026-11-23T25:00:00Z',
      '2026-11-23T08:60:00Z',
      '2026-11-23T08:00:61Z',
      '2026-11-23T08:00:00+08:60',
      '2026-11-23T08:00:00.Z',
      '2026-11-23',
      '23/11/2026',
      '2026-11-23T08:00:00Z ',
      '',
    ])
      expect(instantOf(text), text).to.equal(null);
  });

  it('Data 4.6: durations of ISO 8601 4.4.3.2; only the last component has a fraction', () => {
    const good = [
      'P1Y',
      'P0.5Y',
      'P3W',
      'P1.5W',
      'P1DT12H',
      'PT36H',
      'PT0.01S',
      'PT0,5H',
      'P1Y2M3DT4H5M6.7S',
    ];
    expect(taken(good, isDuration)).to.deep.equal(good);
    expect(
      taken(
        [
          'P',
          'PT',
          '-PT1H',
          'PT-1H',
          '+PT1H',
          'P1W1D',
          'PT1.5H30M',
          'P0.5DT1H',
          'PT1S1M',
          'pt1h',
          'PT1H ',
          'PT1',
          'P0003-06-04T12:30:05',
          'PT.5S',
          'PT5.S',
        ],
        isDuration,
      ),
    ).to.deep.equal([]);
  });

  it('Data 4.4: UUIDs of every version, in either case; nothing else', () => {
    const id = '2a2f4c1e-6f3b-4d43-9d5f-9a4f3a1f6c11';
    const of = (version: number): string => `2a2f4c1e-6f3b-${version}d43-9d5f-9a4f3a1f6c11`;
    expect([1, 2, 3, 4, 5, 6, 7, 8].every((version) => isRfcUuid(of(version)))).to.equal(true);
    expect(isRfcUuid(id.toUpperCase())).to.equal(true);
    expect(
      taken(
        [
          of(9),
          of(0),
          `{${id}}`,
          `urn:uuid:${id}`,
          id.replaceAll('-', ''),
          `${id}0`,
          id.replace('9d5f', 'cd5f'),
          '',
        ],
        isRfcUuid,
      ),
    ).to.deep.equal([]);
  });

  it('Data 4.3: IRIs have a scheme and no spaces; letters of any script are welcome', () => {
    const good = [
      'http://a',
      'urn:x:y',
      'tag:a@b.tw,2026:x',
      'https://例子.tw/課程/一?頁=1#段',
      'HTTP://A',
      'act:x',
    ];
    expect(taken(good, isIri)).to.deep.equal(good);
    expect(
      taken(
        [
          '//a/b',
          'a/b',
          '1a:b',
          'http:',
          ':b',
          'http://a/\n',
          'http://a/"',
          'http://a/{b}',
          '',
          'http://\ud800',
        ],
        isIri,
      ),
    ).to.deep.equal([]);
  });

  it("Data 2.4.2.3: mailboxes in any script; hashes in either case; the same mailbox is the same whatever its domain's case", () => {
    const good = ['mailto:陳小明@例子.tw', 'mailto:a.b+c@d.example', "mailto:o'x@d.e"];
    expect(taken(good, isMailto)).to.deep.equal(good);
    expect(
      taken(
        [
          'mailto:',
          'mailto:a',
          'a@b.tw',
          'mailto:a@b.tw,c@d.tw',
          'mailto:a@b.tw?subject=x y',
          'mailto: a@b.tw',
        ],
        isMailto,
      ),
    ).to.deep.equal([]);
    const sha1 = 'A'.repeat(40);
    expect([isSha1(sha1), isSha1('a'.repeat(39)), isSha1('g'.repeat(40))]).to.deep.equal([
      true,
      false,
      false,
    ]);
    expect(identityOf({ mbox_sha1sum: sha1 })).to.equal(identityOf({ mbox_sha1sum: sha1.toLowerCase() }));
    expect(identityOf({ mbox: 'mailto:a@B.tw' })).to.equal(identityOf({ mbox: 'mailto:a@b.TW' }));
    expect(identityOf({ mbox: 'mailto:A@b.tw' })).to.not.equal(identityOf({ mbox: 'mailto:a@b.tw' }));
  });

  it('Data 4.2: language tags of RFC 5646, not of locales', () => {
    const good = [
      'zh-Hant-TW',
      'en-us',
      'x-a',
      'und',
      'nan',
      'zh-min-nan',
      'es-419',
      'de-1996',
      'en-a-bbb-x-c',
    ];
    expect(taken(good, isLanguageTag)).to.deep.equal(good);
    expect(taken(['zh_TW', 'c', 'zh-', '-zh', 'zh--tw', '12', 'en us', 'x'], isLanguageTag)).to.deep.equal(
      [],
    );
  });

  it('Data 2.4.10: a Statement of the newer edition is refused by the older one', () => {
    for (const version of ['1.0', '1.0.0', '1.0.3', '1.0.9']) {
      expect(problems({ version })).to.deep.equal([]);
      expect(problems({ version }, '2.0.0')).to.deep.equal([]);
    }
    expect(problems({ version: '2.0.0' }, '2.0.0')).to.deep.equal([]);
    for (const version of ['2.0.0', '1', '1.1.0', '0.9', '1.0.x', 1])
      expect(problems({ version }), String(version)).to.deep.equal(['$.version']);
  });

  it('Data 2.4.5.1: scores: scaled within -1 and 1, raw within min and max, min below max, numbers only', () => {
    const score = (value: object): string[] => problems({ result: { score: value } });
    for (const good of [
      { scaled: -1 },
      { scaled: 1 },
      { raw: 0, min: 0, max: 10 },
      { raw: 10, min: 0, max: 10 },
      { raw: -1e3 },
    ])
      expect(score(good)).to.deep.equal([]);
    for (const [bad, where] of [
      [{ scaled: 1.0001 }, 'scaled'],
      [{ scaled: '1' }, 'scaled'],
      [{ raw: 11, min: 0, max: 10 }, 'raw'],
      [{ raw: -1, min: 0 }, 'raw'],
      [{ min: 5, max: 5 }, 'min'],
      [{ raw: null }, 'raw'],
    ] as const)
      expect(score(bad)).to.include(`$.result.score.${where}`);
  });

  it('Data 2.4.11: an attachment has what it must, and a SHA-2 of one of the four lengths', () => {
    const attachment = {
      usageType: 'http://example.org/file',
      display: { en: 'file' },
      contentType: 'text/plain; charset=utf-8',
      length: 0,
      sha2: 'A'.repeat(64),
    };
    const check = (value: object): string[] => problems({ attachments: [{ ...attachment, ...value }] });
    for (const length of [56, 64, 96, 128]) expect(check({ sha2: 'a'.repeat(length) })).to.deep.equal([]);
    for (const [value, where] of [
      [{ sha2: 'a'.repeat(40) }, 'sha2'],
      [{ sha2: 'g'.repeat(64) }, 'sha2'],
      [{ length: 1.5 }, 'length'],
      [{ length: -1 }, 'length'],
      [{ length: '1' }, 'length'],
      [{ usageType: 'file' }, 'usageType'],
      [{ contentType: 'text' }, 'contentType'],
      [{ fileUrl: 'x' }, 'fileUrl'],
      [{ display: undefined }, 'display'],
    ] as const)
      expect(check(value)).to.deep.equal([`$.attachments[0].${where}`]);
  });

  it('Data 2.2: names of properties count by case, and null is no value anywhere but in extensions', () => {
    for (const key of ['Actor', 'ID', 'timeStamp', '']) expect(problems({ [key]: 'x' })).to.deep.equal(['$']);
    expect(problems({ actor: { ...agentNamed('a'), Name: 'x' } })).to.deep.equal(['$.actor']);
    expect(problems({ actor: { ...agentNamed('a'), name: null } })).to.include('$.actor.name');
    expect(problems({ verb: { id: 'http://e.x/v', display: { en: null } } })).to.include(
      '$.verb.display["en"]',
    );
    expect(problems({ result: { extensions: { notAnIri: 1 } } })).to.deep.equal(['$.result.extensions']);
    expect(problems({ result: { extensions: { 'http://e.x/n': null } } })).to.deep.equal([]);
  });

  it('Data 2.4.9: an authority of two is an anonymous Group of exactly two', () => {
    const of = (...names: string[]): object => ({ objectType: 'Group', member: names.map(agentNamed) });
    expect(problems({ authority: of('a', 'b') })).to.deep.equal([]);
    expect(problems({ authority: of('a') })).to.deep.equal(['$.authority']);
    expect(problems({ authority: { ...of('a', 'b'), mbox: 'mailto:a@b.tw' } })).to.deep.equal([
      '$.authority',
    ]);
  });
});
