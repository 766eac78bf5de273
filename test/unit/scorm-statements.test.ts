import { expect } from 'chai';
import type { Statement } from '../../src/xapi/types.ts';
import { statementsOf, type StatementFrame, type Step } from '../../src/player/runtime/statements.ts';
import { fromTimespan, toTimespan } from '../../src/player/runtime/values.ts';

const frame = (standard: '1.2' | '2004', seed = 's'): StatementFrame => ({
  standard,
  actor: { objectType: 'Agent', account: { homePage: 'http://h', name: 'p' } },
  registration: '11111111-1111-4111-8111-111111111111',
  course: { activityId: 'http://h/c', title: '課' },
  item: { activityId: 'http://h/i', title: '節' },
  attemptId: 'http://h/i/attempts/1',
  revision: '3',
  platform: 'Zhixing',
  language: 'zh-TW',
  practice: 'http://h/xapi/terms/practice',
  timestamp: '2026-11-23T08:00:00.000Z',
  seed,
});
const step = (after: Record<string, string>, more: Partial<Step> = {}): Step => ({
  before: {},
  after,
  start: null,
  end: null,
  ...more,
});
const of2004 = (after: Record<string, string>, more?: Partial<Step>): Statement[] =>
  statementsOf(step(after, more), frame('2004'));
const of12 = (after: Record<string, string>, more?: Partial<Step>): Statement[] =>
  statementsOf(step(after, more), frame('1.2'));
const verb = (statement: Statement | undefined): string => statement?.verb.id.split('/').at(-1) ?? '';
const idOf = (statement: Statement | undefined): string =>
  statement && 'id' in statement.object ? statement.object.id : '';

describe('SCORM data as Statements (xAPI SCORM profile, section 6)', () => {
  it('Initialize: initialized ab-initio, resumed on resume, on the SCO as a lesson', () => {
    const [first] = of2004({}, { start: 'ab-initio' });
    expect(verb(first)).to.equal('initialized');
    expect(first?.object).to.deep.include({ id: 'http://h/i' });
    expect(first?.object).to.have.nested.property(
      'definition.type',
      'http://adlnet.gov/expapi/activities/lesson',
    );
    expect(verb(of2004({}, { start: 'resume' })[0])).to.equal('resumed');
  });

  it('every Statement: profile category, course and attempt as grouping, registration, revision, language, timestamp', () => {
    const [one] = of2004({}, { start: 'ab-initio' });
    const context = one?.context;
    expect(context?.contextActivities?.category?.map(({ id }) => id)).to.deep.equal([
      'https://w3id.org/xapi/scorm',
    ]);
    expect(context?.contextActivities?.grouping?.map(({ id }) => id)).to.deep.equal([
      'http://h/c',
      'http://h/i/attempts/1',
    ]);
    expect(context).to.include({
      registration: frame('2004').registration,
      revision: '3',
      platform: 'Zhixing',
      language: 'zh-TW',
    });
    expect(one?.timestamp).to.equal('2026-11-23T08:00:00.000Z');
  });

  it('Terminate: suspended or terminated with score, success, completion and session_time', () => {
    const cmi = {
      'cmi.completion_status': 'completed',
      'cmi.success_status': 'failed',
      'cmi.score.scaled': '0.4',
      'cmi.session_time': 'PT1M30.5S',
    };
    const [one, ...more] = of2004(cmi, { before: cmi, end: { exit: 'suspend' } });
    expect(more).to.deep.equal([]);
    expect(verb(one)).to.equal('suspended');
    expect(one?.result).to.deep.equal({
      score: { scaled: 0.4 },
      success: false,
      completion: true,
      duration: 'PT1M30.5S',
    });
    for (const exit of ['', 'normal', 'logout', 'time-out'])
      expect(verb(of2004(cmi, { before: cmi, end: { exit } })[0])).to.equal('terminated');
    expect(of12({ 'cmi.core.session_time': '0001:00:10' }, { end: { exit: '' } })[0]?.result).to.deep.equal({
      duration: 'PT1H10S',
    });
  });

  it('score: scored with scaled, raw, min, max; in 1.2 scaled is raw out of 100', () => {
    expect(
      of2004({
        'cmi.score.scaled': '0.75',
        'cmi.score.raw': '15',
        'cmi.score.min': '0',
        'cmi.score.max': '20',
      })[0]?.result?.score,
    ).to.deep.equal({ scaled: 0.75, raw: 15, min: 0, max: 20 });
    expect(of12({ 'cmi.core.score.raw': '85' })[0]?.result?.score).to.deep.equal({ scaled: 0.85, raw: 85 });
  });

  it('score: what xAPI would refuse is left out (raw outside min and max, scaled beyond 1)', () => {
    expect(
      of2004({ 'cmi.score.raw': '30', 'cmi.score.min': '0', 'cmi.score.max': '20' })[0]?.result?.score,
    ).to.deep.equal({ raw: 30 });
    expect(of12({ 'cmi.core.score.raw': '' })).to.deep.equal([]);
  });

  it('status: completed, passed, failed, each once', () => {
    const cmi = { 'cmi.completion_status': 'completed', 'cmi.success_status': 'passed' };
    expect(of2004(cmi).map(verb)).to.deep.equal(['completed', 'passed']);
    expect(of2004(cmi, { before: cmi })).to.deep.equal([]);
    expect(of2004({ 'cmi.success_status': 'failed' }).map(verb)).to.deep.equal(['failed']);
    expect(of2004({ 'cmi.completion_status': 'incomplete' })).to.deep.equal([]);
  });

  it('status of 1.2: passed is completed and passed; failed is failed; browsed and incomplete say nothing', () => {
    const status = (value: string): string[] => of12({ 'cmi.core.lesson_status': value }).map(verb);
    expect(status('passed')).to.deep.equal(['completed', 'passed']);
    expect(status('failed')).to.deep.equal(['failed']);
    expect(status('completed')).to.deep.equal(['completed']);
    expect(status('incomplete')).to.deep.equal([]);
    expect(status('browsed')).to.deep.equal([]);
  });

  it('progress_measure: progressed', () => {
    const [one] = of2004({ 'cmi.progress_measure': '0.5' });
    expect(verb(one)).to.equal('progressed');
    expect(one?.result).to.deep.equal({ score: { scaled: 0.5 } });
  });

  it('interactions: responded on a cmi.interaction with definition and response, marked as practice (W10)', () => {
    const [one] = of2004({
      'cmi.interactions.0.id': 'urn:q:1',
      'cmi.interactions.0.type': 'choice',
      'cmi.interactions.0.learner_response': 'a[,]b',
      'cmi.interactions.0.correct_responses.0.pattern': 'a[,]c',
      'cmi.interactions.0.result': 'incorrect',
      'cmi.interactions.0.latency': 'PT5S',
      'cmi.interactions.0.timestamp': '2026-11-23T08:00:01Z',
      'cmi.interactions.0.description': '{lang=zh-TW}哪一棵樹？',
      'cmi.interactions.0.objectives.0.id': 'o1',
    });
    expect(verb(one)).to.equal('responded');
    expect(idOf(one)).to.equal('http://h/i/interactions/urn%3Aq%3A1');
    expect(one?.object).to.have.deep.property('definition', {
      type: 'http://adlnet.gov/expapi/activities/cmi.interaction',
      interactionType: 'choice',
      description: { 'zh-TW': '哪一棵樹？' },
      correctResponsesPattern: ['a[,]c'],
      choices: [{ id: 'a' }, { id: 'c' }, { id: 'b' }],
    });
    expect(one?.result).to.deep.equal({ response: 'a[,]b', success: false, duration: 'PT5S' });
    expect(one?.timestamp).to.equal('2026-11-23T08:00:01.000Z');
    const context = one?.context?.contextActivities;
    expect(context?.parent?.map(({ id }) => id)).to.deep.equal(['http://h/i', 'http://h/i/objectives/o1']);
    expect(context?.category?.map(({ id }) => id)).to.include('http://h/xapi/terms/practice');
  });

  it('interactions of 1.2: its own forms become those of xAPI', () => {
    const said = (type: string, response: string): string | undefined =>
      of12({
        'cmi.interactions.0.id': 'q',
        'cmi.interactions.0.type': type,
        'cmi.interactions.0.student_response': response,
      })[0]?.result?.response;
    expect(said('true-false', 't')).to.equal('true');
    expect(said('choice', '{a,b}')).to.equal('a[,]b');
    expect(said('matching', '1.a,2.b')).to.equal('1[.]a[,]2[.]b');
    expect(said('fill-in', '臺北, 高雄')).to.equal('臺北, 高雄');
  });

  it('interactions: one that is only described says nothing; one that changes says it again', () => {
    const asked = { 'cmi.interactions.0.id': 'q', 'cmi.interactions.0.type': 'true-false' };
    expect(of2004(asked)).to.deep.equal([]);
    const answered = { ...asked, 'cmi.interactions.0.learner_response': 'true' };
    expect(of2004(answered, { before: asked })).to.have.length(1);
    expect(of2004(answered, { before: answered })).to.deep.equal([]);
    const judged = { ...answered, 'cmi.interactions.0.result': '0.5' };
    expect(of2004(judged, { before: answered })[0]?.result?.score).to.deep.equal({ raw: 0.5 });
  });

  it('objectives: scored, completed, passed, failed on type objective with the SCO as parent', () => {
    const said = of2004({
      'cmi.objectives.0.id': 'o1',
      'cmi.objectives.0.score.scaled': '0.9',
      'cmi.objectives.0.completion_status': 'completed',
      'cmi.objectives.0.success_status': 'passed',
    });
    expect(said.map(verb)).to.deep.equal(['scored', 'completed', 'passed']);
    expect(new Set(said.map(idOf))).to.deep.equal(new Set(['http://h/i/objectives/o1']));
    expect(said[0]?.context?.contextActivities?.parent?.[0]?.id).to.equal('http://h/i');
    expect(
      of12({ 'cmi.objectives.0.id': 'o1', 'cmi.objectives.0.status': 'failed' }).map(verb),
    ).to.deep.equal(['failed']);
  });

  it('comments: commented with the text; in 1.2 only what was added', () => {
    const [one] = of2004({
      'cmi.comments_from_learner.0.comment': '{lang=zh-TW}很好',
      'cmi.comments_from_learner.0.timestamp': '2026-11-23T08:00:05Z',
    });
    expect([verb(one), one?.result?.response, one?.timestamp]).to.deep.equal([
      'commented',
      '很好',
      '2026-11-23T08:00:05.000Z',
    ]);
    expect(
      of12({ 'cmi.comments': 'one two' }, { before: { 'cmi.comments': 'one ' } })[0]?.result?.response,
    ).to.equal('two');
  });

  it('the same commit makes the same Statements, another one others', () => {
    const cmi = step({ 'cmi.success_status': 'passed' });
    expect(statementsOf(cmi, frame('2004', 'a'))).to.deep.equal(statementsOf(cmi, frame('2004', 'a')));
    expect(statementsOf(cmi, frame('2004', 'a'))[0]?.id).not.to.equal(
      statementsOf(cmi, frame('2004', 'b'))[0]?.id,
    );
  });

  it('CMITimespan: there and back', () => {
    expect(fromTimespan('0001:01:01.5')).to.equal(3661.5);
    expect(toTimespan(3661.5)).to.equal('0001:01:01.50');
    expect(fromTimespan('nonsense')).to.equal(null);
  });
});
