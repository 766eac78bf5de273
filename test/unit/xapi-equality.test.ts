import { expect } from 'chai';
import { statementDifference } from '../../src/xapi/equality.ts';
import { agentNamed, aStatement } from '../support/statements.ts';

const given = aStatement({ timestamp: '2026-11-23T08:00:00Z' });
const text = (overrides: object): string => JSON.stringify({ ...given, ...overrides });
/** The first difference between what is kept and what is sent again. */
const between = (kept: object, sent: object): string | null => statementDifference(text(kept), text(sent));
const raw = (kept: string, sent: string): string | null =>
  statementDifference(
    text({}).replace(/}$/, `,"result":${kept}}`),
    text({}).replace(/}$/, `,"result":${sent}}`),
  );

describe('which Statements are the same (1.0.3 Data 2.3.1; 2.0 4.2.3)', () => {
  it('numbers by value at any precision, strings by every character', () => {
    expect(raw('{"score":{"raw":1}}', '{"score":{"raw":1.0}}')).to.equal(null);
    expect(raw('{"score":{"raw":100}}', '{"score":{"raw":1e2}}')).to.equal(null);
    expect(raw('{"score":{"raw":0}}', '{"score":{"raw":-0.0}}')).to.equal(null);
    const extension = (value: string): string => `{"extensions":{"http://e.x/n":${value}}}`;
    expect(raw(extension('9007199254740993'), extension('9007199254740992'))).to.include('e.x/n');
    expect(raw(extension('"\\u0041"'), extension('"A"'))).to.equal(null);
    expect(raw(extension('"a"'), extension('"A"'))).to.not.equal(null);
    expect(raw(extension('1'), extension('"1"'))).to.not.equal(null);
    expect(raw(extension('null'), extension('false'))).to.not.equal(null);
  });

  it('the order of keys does not matter; that of arrays does, save for the members of a Group', () => {
    const extension = (value: unknown) => ({ result: { extensions: { 'http://e.x/n': value } } });
    expect(between(extension({ a: 1, b: 2 }), extension({ b: 2, a: 1 }))).to.equal(null);
    expect(between(extension([1, 2]), extension([2, 1]))).to.not.equal(null);
    const members = (...names: string[]) => ({ objectType: 'Group', member: names.map(agentNamed) });
    expect(
      between({ context: { team: members('a', 'b') } }, { context: { team: members('b', 'a') } }),
    ).to.equal(null);
    expect(between({ object: members('a', 'b') }, { object: members('b', 'a') })).to.equal(null);
    expect(between({ object: members('a', 'a', 'b') }, { object: members('a', 'b', 'b') })).to.not.equal(
      null,
    );
    const groups = (...names: string[]) => ({
      context: { contextGroups: [{ objectType: 'contextGroup', group: members(...names) }] },
    });
    expect(between(groups('a', 'b'), groups('b', 'a'))).to.equal(null);
  });

  it('timestamps by the instant, in SubStatements too; one that the LRS set says nothing', () => {
    expect(between({}, { timestamp: '2026-11-23T16:00:00.000+08:00' })).to.equal(null);
    expect(between({}, { timestamp: undefined })).to.equal(null);
    expect(between({ timestamp: 'x', stored: 'x' }, { timestamp: '2026-01-01T00:00:00Z' })).to.equal(null);
    const { id: _, ...inner } = given;
    const sub = (timestamp: string) => ({ object: { objectType: 'SubStatement', ...inner, timestamp } });
    expect(between(sub('2026-11-23T08:00:00Z'), sub('2026-11-23T08:00:00.000Z'))).to.equal(null);
    expect(between(sub('2026-11-23T08:00:00Z'), sub('2026-11-23T08:00:00.001Z'))).to.equal(
      '$.object.timestamp',
    );
  });

  it('durations by their length at 0.01 s; a month is not thirty days', () => {
    const duration = (value: string) => ({ result: { duration: value } });
    expect(between(duration('PT60S'), duration('PT1M'))).to.equal(null);
    expect(between(duration('P1W'), duration('P7D'))).to.equal(null);
    expect(between(duration('P1Y'), duration('P12M'))).to.equal(null);
    expect(between(duration('PT1.239S'), duration('PT1.23S'))).to.equal(null);
    expect(between(duration('PT1.24S'), duration('PT1.23S'))).to.equal('$.result.duration');
    expect(between(duration('P1M'), duration('P30D'))).to.equal('$.result.duration');
    expect(between(duration('P1Y'), duration('P365D'))).to.equal('$.result.duration');
  });

  it('UUIDs in either case; objectType where it goes without saying; one context Activity alone or in an array', () => {
    const id = '2a2f4c1e-6f3b-4d43-9d5f-9a4f3a1f6c11';
    const reference = (value: string) => ({ objectType: 'StatementRef', id: value });
    expect(between({ object: reference(id) }, { object: reference(id.toUpperCase()) })).to.equal(null);
    const context = (value: string) => ({ context: { registration: value, statement: reference(value) } });
    expect(between(context(id), context(id.toUpperCase()))).to.equal(null);
    const { objectType: _, ...plain } = agentNamed('a');
    expect(between({ actor: agentNamed('a') }, { actor: plain })).to.equal(null);
    const parent = { id: 'http://e.x/p' };
    expect(
      between(
        { context: { contextActivities: { parent: [parent] } } },
        { context: { contextActivities: { parent } } },
      ),
    ).to.equal(null);
  });

  it('what people read of verbs and Activities may change; names of Agents and everything else may not', () => {
    const other = { id: given.verb.id, display: { 'zh-TW': '別的' } };
    expect(between({}, { verb: other })).to.equal(null);
    const defined = { id: 'http://e.x/o', definition: { name: { en: 'x' } } };
    expect(between({ object: { id: 'http://e.x/o' } }, { object: defined })).to.equal(null);
    const grouping = (activity: object) => ({ context: { contextActivities: { grouping: [activity] } } });
    expect(between(grouping({ id: 'http://e.x/o' }), grouping(defined))).to.equal(null);
    expect(between({ actor: { ...agentNamed('a'), name: 'A' } }, { actor: agentNamed('a') })).to.equal(
      '$.actor.name',
    );
    expect(between({}, { context: { language: 'en' } })).to.equal('$.context');
    expect(between({ result: { success: true } }, {})).to.equal('$.result');
    expect(between({ result: {} }, {})).to.equal('$.result');
  });
});
