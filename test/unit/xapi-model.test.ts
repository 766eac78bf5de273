import { createSign, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { statementDifference } from '../../src/xapi/equality.ts';
import { inFormat } from '../../src/xapi/formats.ts';
import { chooseLanguage } from '../../src/xapi/languages.ts';
import { joinMultipart, splitMultipart } from '../../src/xapi/multipart.ts';
import { mergeDefinitions } from '../../src/xapi/objects.ts';
import { openBody, sealBody } from '../../src/xapi/raw.ts';
import { instantOf, isDuration, isIri, isLanguageTag, isMailto } from '../../src/xapi/scalars.ts';
import { signatureFault } from '../../src/xapi/signatures.ts';
import { checkStatement } from '../../src/xapi/statement.ts';
import { term, termsOf } from '../../src/xapi/terms.ts';
import type { SubStatement } from '../../src/xapi/types.ts';
import type { XapiVersion } from '../../src/xapi/versions.ts';
import { agentNamed, aStatement, platform } from '../support/statements.ts';

const problems = (overrides: object, version: XapiVersion = '1.0.3'): string[] =>
  checkStatement({ ...aStatement(), ...overrides }, version).problems.map(({ path }) => path);
const activity = (definition: object) => ({ object: { id: 'http://example.org/a', definition } });

describe('xAPI data model', () => {
  it('names path, section and what was found (issue: bad input)', () => {
    const [problem] = checkStatement({ ...aStatement(), result: { score: { scaled: 2 } } }, '2.0.0').problems;
    expect(problem).to.deep.equal({
      path: '$.result.score.scaled',
      message: 'must lie between -1 and 1, found 2 (xAPI 2.0 4.2.2.4)',
    });
  });

  it('Data 2.2: reports every fault of a Statement, not only the first', () => {
    expect(problems({ verb: { id: 'x' }, actor: {}, result: { success: 'yes' } })).to.have.members([
      '$.actor',
      '$.verb.id',
      '$.result.success',
    ]);
  });

  it('Data 2.2: refuses null and unknown properties, save in extensions', () => {
    expect(problems({ context: { platform: null } })).to.include('$.context.platform');
    expect(problems({ extra: 1 })).to.deep.equal(['$']);
    expect(problems({ context: { extensions: { 'http://example.org/x': null } } })).to.deep.equal([]);
  });

  it('Data 2.4.2: an Agent has exactly one identifier; an anonymous Group has members', () => {
    expect(problems({ actor: { mbox: 'mailto:a@b.c', openid: 'http://a.b' } })).to.deep.equal(['$.actor']);
    expect(problems({ actor: { objectType: 'Group' } })).to.deep.equal(['$.actor']);
    expect(problems({ actor: { objectType: 'Group', member: [agentNamed('a')] } })).to.deep.equal([]);
    expect(
      problems({ actor: { objectType: 'Group', member: [{ objectType: 'Group', mbox: 'mailto:a@b.c' }] } }),
    ).to.include('$.actor.member[0].objectType');
  });

  it('Data 2.4.4.3: no SubStatement in a SubStatement, none of its forbidden properties', () => {
    const { id: _, ...inner } = aStatement();
    const sub = { objectType: 'SubStatement', ...inner };
    expect(problems({ object: sub })).to.deep.equal([]);
    expect(problems({ object: { ...sub, object: sub } })).to.deep.equal(['$.object.object']);
    for (const key of ['id', 'stored', 'version', 'authority'])
      expect(problems({ object: { ...sub, [key]: 'x' } })).to.deep.equal(['$.object']);
  });

  it('Data 2.4.4.1: interaction components fit their type and are unique', () => {
    const choices = [{ id: 'a' }, { id: 'a' }];
    expect(problems(activity({ interactionType: 'choice', choices }))).to.deep.equal([
      '$.object.definition.choices[1].id',
    ]);
    expect(problems(activity({ interactionType: 'likert', choices: [{ id: 'a' }] }))).to.deep.equal([
      '$.object.definition.choices',
    ]);
    expect(problems(activity({ correctResponsesPattern: ['a'] }))).to.deep.equal(['$.object.definition']);
    expect(problems(activity({ interactionType: 'toString' }))).to.deep.equal([
      '$.object.definition.interactionType',
    ]);
  });

  it('2.0 4.2.2.5: contextAgents and contextGroups are of 2.0 only', () => {
    const context = { contextAgents: [{ objectType: 'contextAgent', agent: agentNamed('a') }] };
    expect(problems({ context }, '2.0.0')).to.deep.equal([]);
    expect(problems({ context }, '1.0.3')).to.deep.equal(['$.context']);
  });

  it('Data 4.3–4.6: IRIs, language tags, timestamps, durations', () => {
    expect(['http://a', 'urn:uuid:x', 'mailto:a@b', 'http://例子.tw/路'].map(isIri)).to.deep.equal([
      true,
      true,
      true,
      true,
    ]);
    expect(['a', '/a', 'http://a b', 'http://<', ':x'].map(isIri)).to.deep.equal(Array(5).fill(false));
    expect(
      ['zh-TW', 'zh-Hant-TW', 'en', 'x-private', 'sl-rozaj-biske', 'de-CH-1996', 'i-klingon', 'und'].every(
        isLanguageTag,
      ),
    ).to.equal(true);
    expect(['', 'a12345', 'en_US', 'english-language-tag-x', 'e', '-'].some(isLanguageTag)).to.equal(false);
    expect(['PT1H', 'P1Y2M3DT4H5M6.7S', 'P4W', 'PT0S', 'PT16559.14S'].every(isDuration)).to.equal(true);
    expect(['P', 'PT', 'P4W1D', '1H', 'P1S', 'PT1D', ''].some(isDuration)).to.equal(false);
    expect(instantOf('2026-11-23T08:00:00+08:00')).to.equal(Date.UTC(2026, 10, 23));
    for (const text of [
      '2026-02-30T00:00:00Z',
      '2026-11-23T08:00:00-00:00',
      '2026-13-01T00:00:00Z',
      'yesterday',
      '2026-11-23',
    ])
      expect(instantOf(text)).to.equal(null);
    expect(['mailto:a@b.tw', 'mailto:a.b+c@d.e'].every(isMailto)).to.equal(true);
    expect(['a@b.tw', 'mailto:a', 'mailto:a@b@c', `mailto:${'a.'.repeat(50_000)}`].some(isMailto)).to.equal(
      false,
    );
  });
});

describe('Statement texts', () => {
  const authority = JSON.stringify(platform.agent);
  const stored = '2026-11-23T08:00:00.000Z';
  const keep = (text: string, version: XapiVersion = '2.0.0'): string => {
    const { rewrites, problems: found } = checkStatement(JSON.parse(text), version);
    expect(found).to.deep.equal([]);
    return sealBody(openBody(text, { authority }, rewrites), stored, false);
  };
  const start = JSON.stringify(aStatement()).slice(0, -1);

  it('keep every character but what the LRS must set (Data 2.3.1, 2.4.8, 2.4.9)', () => {
    const odd = ',"context":{"extensions":{"http://e.x/a":[1.10, 9007199254740993,{"__proto__":"\\ud800"}]}}';
    const text = `${start}${odd},"stored":"2020-01-01T00:00:00Z" , "authority":{"mbox":"mailto:a@b.c"} }`;
    const kept = keep(text);
    expect(kept.startsWith(start + odd)).to.equal(true);
    expect(kept).to.not.include('2020-01-01').and.not.include('mailto:a@b.c');
    expect(JSON.parse(kept)).to.deep.include({ stored, authority: platform.agent });
  });

  it('a single Activity in contextActivities becomes an array, in SubStatements too (Data 2.4.6.2)', () => {
    const one = '{"id":"http://e.x/p"}';
    const inner = `{"actor":{"mbox":"mailto:a@b.c"},"verb":{"id":"http://e.x/v"},"object":{"id":"http://e.x/o"},"context":{"contextActivities":{"parent":${one}}}`;
    const kept = keep(`${inner}}`);
    expect(kept).to.include(`"parent":[${one}]`);
    const sub = keep(
      `{"actor":{"mbox":"mailto:a@b.c"},"verb":{"id":"http://e.x/v"},"object":{"objectType":"SubStatement",${inner.slice(1)}}}`,
    );
    expect(sub).to.include(`"parent":[${one}]`);
  });

  it('2.0 4.2.7: a timestamp with an offset is brought to UTC; 1.0.3 keeps it', () => {
    const text = `${start},"timestamp":"2026-11-23T16:00:00.123456+08:00"}`;
    expect(keep(text)).to.include('"timestamp":"2026-11-23T08:00:00.123456Z"');
    expect(keep(text, '1.0.3')).to.include('"timestamp":"2026-11-23T16:00:00.123456+08:00"');
  });
});

describe('Statement comparison (Data 2.3.1; 2.0 4.2.3)', () => {
  const given = aStatement({ result: { duration: 'PT1.001S' }, timestamp: '2026-11-23T08:00:00Z' });
  const against = (overrides: object): string | null =>
    statementDifference(JSON.stringify(given), JSON.stringify({ ...given, ...overrides }));

  it('looks past what an LRS assigns and past notation', () => {
    expect(
      against({ id: given.id?.toUpperCase(), stored: 'x', version: '1.0.0', authority: platform.agent }),
    ).to.equal(null);
    expect(against({ verb: { id: given.verb.id, display: { fr: 'autre' } } })).to.equal(null);
    expect(against({ timestamp: '2026-11-23T16:00:00+08:00' })).to.equal(null);
    expect(against({ result: { duration: 'PT1.00S' } })).to.equal(null);
    expect(
      against({ object: { id: 'http://localhost:8080/courses/ZX1', definition: { name: { en: 'x' } } } }),
    ).to.equal(null);
  });

  it('names what differs', () => {
    expect(against({ result: { duration: 'PT1.02S' } })).to.equal('$.result.duration');
    expect(against({ timestamp: '2026-11-23T08:00:01Z' })).to.equal('$.timestamp');
    expect(against({ actor: agentNamed('other') })).to.equal('$.actor.account.name');
  });

  it('the order of group members does not matter, their number does', () => {
    const group = (...names: string[]) => ({
      actor: { objectType: 'Group' as const, member: names.map(agentNamed) },
    });
    const compare = (a: object, b: object): string | null =>
      statementDifference(JSON.stringify({ ...given, ...a }), JSON.stringify({ ...given, ...b }));
    expect(compare(group('a', 'b'), group('b', 'a'))).to.equal(null);
    expect(compare(group('a', 'b'), group('a'))).to.equal('$.actor.member[1]');
  });
});

describe('terms (Communication 2.1.3)', () => {
  it('groups count by identity and by member; related covers context, SubStatement and authority', () => {
    const member = agentNamed('member');
    const instructor = agentNamed('instructor');
    const deep = agentNamed('deep');
    const { id: _, ...inner } = aStatement({ actor: deep });
    const terms = termsOf(
      aStatement({
        actor: { objectType: 'Group', mbox: 'mailto:g@example.org', member: [member] },
        object: { objectType: 'SubStatement', ...inner } as SubStatement,
        context: { instructor },
      }),
      platform.agent,
      'c1',
    );
    const identity = (name: string): string => `account:http://localhost:8080 ${name}`;
    expect(terms).to.include.members([
      term.agent('mailto:g@example.org'),
      term.agent(identity('member')),
      term.relatedAgent(identity('instructor')),
      term.relatedAgent(identity('deep')),
      term.relatedAgent(identity('platform')),
      term.relatedActivity('http://localhost:8080/courses/ZX1'),
      term.authority('c1'),
    ]);
    expect(terms).to.not.include(term.agent(identity('instructor')));
    expect(terms).to.not.include(term.activity('http://localhost:8080/courses/ZX1'));
  });
});

describe('formats (Communication 2.1.3)', () => {
  it('language ranges with quality values choose (RFC 4647 §3.4)', () => {
    const tags = ['en-US', 'zh-Hant', 'fr'];
    expect(chooseLanguage(tags, 'zh-Hant-TW, en;q=0.5')).to.equal('zh-Hant');
    expect(chooseLanguage(tags, 'de, en;q=0.5, fr;q=0.7')).to.equal('fr');
    expect(chooseLanguage(tags, 'en')).to.equal('en-US');
    expect(chooseLanguage(tags, 'en-US;q=0, *;q=0.1')).to.equal('zh-Hant');
    expect(chooseLanguage(tags, 'ja')).to.equal('en-US');
    expect(chooseLanguage([], 'ja')).to.equal(undefined);
  });

  it('ids leaves identifiers only; canonical one language; both keep the rest exactly', () => {
    const text = JSON.stringify(
      aStatement({
        actor: { ...agentNamed('a'), name: 'A' },
        object: { id: 'http://e.x/o', definition: { name: { en: 'One', 'zh-TW': '一' } } },
      }),
    ).replace(/}$/, ',"result":{"extensions":{"http://e.x/n":1.10}}}');
    const ids = inFormat(text, 'ids', undefined, () => null);
    expect(JSON.parse(ids)).to.deep.include({ object: { id: 'http://e.x/o' }, actor: agentNamed('a') });
    expect(ids).to.include('1.10');
    const canonical = inFormat(text, 'canonical', 'zh-TW', () => null);
    expect(canonical).to.include('"name":{"zh-TW":"一"}').and.include('1.10');
    expect(inFormat(text, 'exact', 'zh-TW', () => null)).to.equal(text);
  });

  it('definitions of the LRS grow by languages and keep digits', () => {
    expect(
      mergeDefinitions(
        '{"name":{"en":"a"},"extensions":{"x:1":1.10}}',
        '{"name":{"zh-TW":"b"},"type":"x:t"}',
      ),
    ).to.equal('{"name":{"en":"a","zh-TW":"b"},"extensions":{"x:1":1.10},"type":"x:t"}');
  });
});

describe('multipart (Communication 1.5.2)', () => {
  it('splits what it joins, bytes unchanged, boundary look-alikes included', () => {
    const body = Buffer.from('a\r\n--x not the boundary\r\n--\u0000\r\n\r\n', 'latin1');
    const joined = joinMultipart('{}', [{ contentType: 'text/plain', sha2: 'aa', body }], 'boundary');
    const parts = splitMultipart(joined, 'boundary', 10);
    expect(parts).to.have.length(2);
    expect(parts[1]?.body.equals(body)).to.equal(true);
    expect(parts[1]?.headers.get('x-experience-api-hash')).to.equal('aa');
  });
});

describe('signatures (Data 2.6; 2.0 4.2.6)', () => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const sign = (payload: string, alg: string, extra: object = {}): Buffer => {
    const part = (value: string): string => Buffer.from(value).toString('base64url');
    const input = `${part(JSON.stringify({ alg, ...extra }))}.${part(payload)}`;
    const signature = createSign(`RSA-SHA${alg.slice(2)}`)
      .update(input)
      .sign(privateKey);
    return Buffer.from(`${input}.${signature.toString('base64url')}`);
  };
  const text = JSON.stringify(aStatement()).replace(
    /}$/,
    ',"result":{"extensions":{"http://e.x/n":9007199254740993}}}',
  );

  it('takes RS256, RS384 and RS512 over the Statement itself', () => {
    for (const alg of ['RS256', 'RS384', 'RS512'])
      expect(signatureFault(text, sign(text, alg))).to.equal(null);
  });

  it('refuses other algorithms, other payloads, damaged and non-JWS bytes', () => {
    expect(
      signatureFault(
        text,
        Buffer.from(
          sign(text, 'RS256')
            .toString()
            .replace(/^[^.]+/, 'eyJhbGciOiJub25lIn0'),
        ),
      ),
    ).to.match(/RS256/);
    expect(
      signatureFault(text, sign(text.replace('9007199254740993', '9007199254740992'), 'RS256')),
    ).to.match(/differ/);
    expect(signatureFault(text, Buffer.from('not a jws'))).to.match(/compact/);
    expect(signatureFault(text, sign('[]', 'RS256'))).to.match(/not a JSON object/);
  });

  describe('with a certificate chain (x5c)', () => {
    // A throw-away CA and signer made for these tests alone.
    const file = (name: string): string =>
      readFileSync(join(import.meta.dirname, '../support/signing', name), 'utf8');
    const der = (name: string): string => file(name).replace(/-----[^-]+-----|\s/g, '');
    const signWith = (key: string | KeyObject, ...chain: string[]): Buffer => {
      const part = (value: string): string => Buffer.from(value).toString('base64url');
      const input = `${part(JSON.stringify({ alg: 'RS256', x5c: chain.map(der) }))}.${part(text)}`;
      return Buffer.from(
        `${input}.${createSign('RSA-SHA256').update(input).sign(key).toString('base64url')}`,
      );
    };
    it('takes a chain whose members sign each other and whose first verifies the signature', () => {
      expect(signatureFault(text, signWith(file('leaf.key'), 'leaf.pem', 'ca.pem'))).to.equal(null);
      expect(signatureFault(text, signWith(file('leaf.key'), 'leaf.pem'))).to.equal(null);
    });
    it('refuses a broken chain and a signature of another key', () => {
      expect(signatureFault(text, signWith(file('leaf.key'), 'leaf.pem', 'other-ca.pem'))).to.match(
        /not signed by/,
      );
      expect(signatureFault(text, signWith(privateKey, 'leaf.pem', 'ca.pem'))).to.match(/does not verify/);
    });
  });

  it('refuses certificates that are none', () => {
    expect(signatureFault(text, sign(text, 'RS256', { x5c: ['AAAA'] }))).to.match(/X\.509/);
    expect(signatureFault(text, sign(text, 'RS256', { x5c: [] }))).to.match(/certificates/);
  });
});
