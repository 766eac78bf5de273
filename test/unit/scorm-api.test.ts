import { expect } from 'chai';
import { impliedBy, withObjectiveIds } from '../../src/player/client/cmi/commit.ts';
import { type Engine, loadEngine } from '../../src/player/client/cmi/engine.ts';
import { Ledger, type Access } from '../../src/player/client/cmi/ledger.ts';
import { model12 } from '../../src/player/client/cmi/model-12.ts';
import { model2004 } from '../../src/player/client/cmi/model-2004.ts';
import { RuntimeSession } from '../../src/player/client/cmi/runtime.ts';
import type { LaunchRules } from '../../src/player/client/cmi/status.ts';

const noRules: LaunchRules = {
  masteryScore: null,
  scaledPassingScore: null,
  completionThreshold: null,
  credit: true,
  browse: false,
};

const engines = { '1.2': await loadEngine('1.2'), '2004': await loadEngine('2004') };

interface Api {
  engine: Engine;
  session: RuntimeSession;
  commits: { set: [string, string][]; exit: string | null }[];
  /** GetValue as `value|error`. */
  get(element: string): string;
  /** SetValue as `result|error`. */
  set(element: string, value: unknown): string;
}

function open(
  standard: '1.2' | '2004',
  seed: Record<string, string> = {},
  rules: Partial<LaunchRules> = {},
  initialize = true,
  access: Record<string, Access> = {},
): Api {
  const ledger = new Ledger(standard === '1.2' ? model12 : model2004, seed, access);
  const engine = engines[standard](seed);
  const commits: Api['commits'] = [];
  const session = new RuntimeSession(
    standard,
    { ledger, rules: { ...noRules, ...rules }, engine },
    {
      started: () => undefined,
      changed: () => undefined,
      commit: (end) => void commits.push({ set: ledger.takeChanges(), exit: end?.exit ?? null }),
    },
  );
  if (initialize) session.initialize('');
  return {
    engine,
    session,
    commits,
    get: (element) => `${session.getValue(element)}|${session.getLastError()}`,
    set: (element, value) => `${session.setValue(element, value)}|${session.getLastError()}`,
  };
}

describe('SCORM 2004 API, RTE 3.1: states and errors', () => {
  it('3.1.3.1 Initialize: once, with an empty parameter; 103 when running, 104 when terminated', () => {
    const { session } = open('2004', {}, {}, false);
    expect([session.initialize('x'), session.getLastError()]).to.deep.equal(['false', '201']);
    expect([session.initialize(''), session.getLastError()]).to.deep.equal(['true', '0']);
    expect([session.initialize(''), session.getLastError()]).to.deep.equal(['false', '103']);
    session.terminate('');
    expect([session.initialize(''), session.getLastError()]).to.deep.equal(['false', '104']);
  });

  it('3.1.3.2 and 3.1.4: before Initialize 112, 122, 132, 142; after Terminate 113, 123, 133, 143', () => {
    const { session } = open('2004', {}, {}, false);
    const codes = (): string[] => [
      [session.terminate(''), session.getLastError()].join(),
      [session.getValue('cmi.mode'), session.getLastError()].join(),
      [session.setValue('cmi.location', 'x'), session.getLastError()].join(),
      [session.commit(''), session.getLastError()].join(),
    ];
    expect(codes()).to.deep.equal(['false,112', ',122', 'false,132', 'false,142']);
    session.initialize('');
    expect([session.terminate('x'), session.getLastError()]).to.deep.equal(['false', '201']);
    expect(session.terminate('')).to.equal('true');
    expect(codes()).to.deep.equal(['false,113', ',123', 'false,133', 'false,143']);
  });

  it('3.1.6: GetErrorString and GetDiagnostic know the codes and leave the error as it is', () => {
    const { session } = open('2004');
    session.getValue('nonsense');
    expect(session.getErrorString('401')).to.equal('Undefined Data Model Element');
    expect(session.getErrorString(999)).to.equal('');
    expect(session.getDiagnostic('')).to.contain('nonsense');
    expect(session.getLastError()).to.equal('401');
    session.getValue('cmi.mode');
    expect(session.getLastError()).to.equal('0');
  });
});

describe('SCORM 2004 API, RTE 4: names, indices, keywords', () => {
  it('4.1.1: what is no element of the model is 401, and nothing is damaged by setting it', () => {
    const api = open('2004');
    for (const name of [
      'cmi',
      'cmi.objectives',
      'cmi.score',
      'adl',
      'adl.nav',
      'toJSON',
      'jsonString',
      'cmi.foo',
      'cmi.__proto__',
      '__proto__',
      'constructor',
      'cmi.core.lesson_status',
      'cmi.interactions.0',
      'cmi.objectives.x.id',
      'CMI.location',
      ' cmi.location',
    ]) {
      expect(api.get(name), name).to.equal('|401');
      expect(api.set(name, 'x'), name).to.equal('false|401');
    }
    expect(api.get('')).to.equal('|301');
    expect(api.set('', 'x')).to.equal('false|351');
    expect(api.get('cmi.objectives._count')).to.equal('0|0');
    expect(api.set('cmi.objectives.0.id', 'urn:o:1')).to.equal('true|0');
  });

  it('4.1.1.1: an index is a number, leading zeros or not', () => {
    const api = open('2004');
    expect(api.set('cmi.objectives.01.id', 'urn:o:1')).to.equal('false|351');
    expect(api.set('cmi.objectives.00.id', 'urn:o:1')).to.equal('true|0');
    expect(api.get('cmi.objectives.0.id')).to.equal('urn:o:1|0');
  });

  it('4.1.1.2–3: _version, _children and _count read, are never set (404), and belong where they belong (301)', () => {
    const api = open('2004');
    expect(api.get('cmi._version')).to.equal('1.0|0');
    expect(api.get('cmi.score._children')).to.equal('scaled,raw,min,max|0');
    expect(api.get('cmi.interactions._count')).to.equal('0|0');
    expect(api.get('cmi.location._children')).to.equal('|301');
    expect(api.get('cmi.score._count')).to.equal('|301');
    expect(api.get('cmi.foo._children')).to.equal('|401');
    for (const name of ['cmi._version', 'cmi.score._children', 'cmi.objectives._count'])
      expect(api.set(name, '1'), name).to.equal('false|404');
    expect(api.get('cmi.interactions.0.objectives._count')).to.equal('|301');
  });

  it('3.1.7.6: an index that is out of range is 301 to read, 351 to set; a refused new member leaves no ghost', () => {
    const api = open('2004');
    expect(api.get('cmi.objectives.0.id')).to.equal('|301');
    expect(api.set('cmi.objectives.1.id', 'urn:o:1')).to.equal('false|351');
    expect(api.set('cmi.objectives.0.id', '')).to.equal('false|406');
    expect(api.set('cmi.objectives.0.success_status', 'passed')).to.equal('false|408');
    expect(api.get('cmi.objectives._count')).to.equal('0|0');
    expect(api.set('cmi.objectives.0.id', 'urn:o:1')).to.equal('true|0');
    expect(api.get('cmi.objectives._count')).to.equal('1|0');
  });
});

describe('SCORM 2004 API, RTE 4.2: elements', () => {
  it('read-only elements are 404 to set, write-only ones 405 to read, unset ones without a default 403', () => {
    const api = open('2004', { 'cmi.learner_id': 'p' });
    for (const name of [
      'completion_threshold',
      'credit',
      'entry',
      'launch_data',
      'learner_id',
      'learner_name',
      'max_time_allowed',
      'mode',
      'scaled_passing_score',
      'time_limit_action',
      'total_time',
      'comments_from_lms.0.comment',
    ])
      expect(api.set(`cmi.${name}`, 'x'), name).to.equal('false|404');
    for (const name of ['exit', 'session_time']) expect(api.get(`cmi.${name}`), name).to.equal('|405');
    for (const name of [
      'launch_data',
      'location',
      'suspend_data',
      'score.scaled',
      'progress_measure',
      'completion_threshold',
      'scaled_passing_score',
      'max_time_allowed',
    ])
      expect(api.get(`cmi.${name}`), name).to.equal('|403');
    expect(api.get('cmi.time_limit_action')).to.equal('continue,no message|0');
  });

  it('4.2.10–12 location, suspend_data: empty and long values are values', () => {
    const api = open('2004');
    expect(api.set('cmi.location', '')).to.equal('true|0');
    expect(api.get('cmi.location')).to.equal('|0');
    const long = '學'.repeat(64_000) + 'x'.repeat(6000);
    expect(api.set('cmi.suspend_data', long)).to.equal('true|0');
    expect(api.get('cmi.suspend_data')).to.equal(`${long}|0`);
  });

  it('4.2.9 learner_preference: defaults, zero speed, empty language, captioning −1, 0, 1', () => {
    const api = open('2004');
    const at = (name: string): string => `cmi.learner_preference.${name}`;
    expect(api.get(at('audio_level'))).to.equal('1|0');
    expect(api.get(at('language'))).to.equal('|0');
    expect(api.set(at('delivery_speed'), '0')).to.equal('true|0');
    expect(api.set(at('language'), '')).to.equal('true|0');
    expect(api.set(at('language'), 'zh-TW')).to.equal('true|0');
    expect(api.set(at('language'), 'zh TW')).to.equal('false|406');
    expect(api.set(at('audio_captioning'), '2')).to.equal('false|406');
    expect(api.set(at('audio_captioning'), '-1')).to.equal('true|0');
    expect(api.set(at('audio_level'), '-1')).to.equal('false|407');
  });

  it('4.2.19, 4.2.21 score and measures: real(10,7), 406 for no number, 407 out of range', () => {
    const api = open('2004');
    expect(api.set('cmi.score.scaled', '1.1')).to.equal('false|407');
    expect(api.set('cmi.score.scaled', 'abc')).to.equal('false|406');
    expect(api.set('cmi.score.scaled', '')).to.equal('false|406');
    expect(api.set('cmi.score.scaled', -0.5)).to.equal('true|0');
    expect(api.get('cmi.score.scaled')).to.equal('-0.5|0');
    expect(api.set('cmi.progress_measure', '1.0001')).to.equal('false|407');
    expect(api.set('cmi.progress_measure', '5.')).to.equal('false|406');
  });

  it('4.1.1.7 timeinterval: P, PT and PT1.5M are none', () => {
    const api = open('2004');
    for (const bad of ['P', 'PT', 'PT1.5M', '1H', 'PT1S2M', 'P1DT', '00:01:00', 'PT1.234S', ''])
      expect(api.set('cmi.session_time', bad), bad).to.equal('false|406');
    for (const good of ['PT0S', 'PT1H30M', 'P1Y2M3DT4H5M6.78S', 'P1D', 'PT90.5S'])
      expect(api.set('cmi.session_time', good), good).to.equal('true|0');
  });

  it('4.1.1.7 time: from 1970 to 2038, whole dates, time zones', () => {
    const api = open('2004');
    api.set('cmi.interactions.0.id', 'urn:q:1');
    for (const bad of [
      '1969',
      '2039',
      '2026-02-30',
      '2026-11-23T25:00',
      '2026-11-23T08:00:00.123',
      '2026-11-23 08:00',
      '2026-11-23T08:00:00Z',
      '2026-11-23T08:00:00.1+24',
      '2026-11-23T08:00:00.1+05:60',
    ])
      expect(api.set('cmi.interactions.0.timestamp', bad), bad).to.equal('false|406');
    for (const good of [
      '2026',
      '2026-11',
      '2026-11-23T08:00:00.5Z',
      '2026-11-23T08:00:00.5+08:00',
      '2026-11-23T08',
    ])
      expect(api.set('cmi.interactions.0.timestamp', good), good).to.equal('true|0');
  });

  it('4.2.4 completion_status: with a threshold and a measure the measure decides; GetValue leaves error 0', () => {
    const api = open('2004', { 'cmi.completion_threshold': '0.8' }, { completionThreshold: 0.8 });
    api.session.getValue('nonsense');
    expect(api.get('cmi.completion_status')).to.equal('unknown|0');
    api.set('cmi.completion_status', 'completed');
    api.set('cmi.progress_measure', '0.5');
    expect(api.get('cmi.completion_status')).to.equal('incomplete|0');
    api.set('cmi.progress_measure', '0.8');
    expect(api.get('cmi.completion_status')).to.equal('completed|0');
    expect(api.set('cmi.completion_status', 'browsed')).to.equal('false|406');
  });

  it('4.2.22 success_status: with a passing score the scaled score decides', () => {
    const api = open('2004', { 'cmi.scaled_passing_score': '0.6' }, { scaledPassingScore: 0.6 });
    api.set('cmi.success_status', 'passed');
    expect(api.get('cmi.success_status')).to.equal('unknown|0');
    api.set('cmi.score.scaled', '0.59');
    expect(api.get('cmi.success_status')).to.equal('failed|0');
    api.set('cmi.score.scaled', '0.6');
    expect(api.get('cmi.success_status')).to.equal('passed|0');
    api.session.commit('');
    expect(api.commits.at(-1)?.set).to.deep.include(['cmi.success_status', 'passed']);
  });

  it('4.2.17 objectives: the id first, unique, set once', () => {
    const api = open('2004');
    expect(api.set('cmi.objectives.0.score.scaled', '1')).to.equal('false|408');
    api.set('cmi.objectives.0.id', 'urn:o:1');
    expect(api.set('cmi.objectives.0.id', 'urn:o:1')).to.equal('true|0');
    expect(api.set('cmi.objectives.0.id', 'urn:o:2')).to.equal('false|351');
    expect(api.set('cmi.objectives.1.id', 'urn:o:1')).to.equal('false|351');
    expect(api.get('cmi.objectives.0.success_status')).to.equal('unknown|0');
    expect(api.get('cmi.objectives.0.score.scaled')).to.equal('|403');
    expect(api.get('cmi.objectives.0.score._children')).to.equal('scaled,raw,min,max|0');
    expect(api.set('cmi.objectives.1.id', 'urn:bad')).to.equal('false|406');
    expect(api.set('cmi.objectives.1.id', 'a b')).to.equal('false|406');
  });

  it('4.2.9 interactions: id before all, type before responses and patterns (408)', () => {
    const api = open('2004');
    const at = (name: string): string => `cmi.interactions.0.${name}`;
    expect(api.set(at('type'), 'choice')).to.equal('false|408');
    expect(api.set(at('id'), 'urn:q:1')).to.equal('true|0');
    expect(api.set(at('learner_response'), 'a')).to.equal('false|408');
    expect(api.set(at('correct_responses.0.pattern'), 'a')).to.equal('false|408');
    expect(api.set(at('type'), 'quiz')).to.equal('false|406');
    expect(api.set(at('type'), 'choice')).to.equal('true|0');
    expect(api.set(at('learner_response'), 'a[,]a')).to.equal('false|406');
    expect(api.set(at('learner_response'), 'a[,]b')).to.equal('true|0');
    expect(api.set(at('correct_responses.1.pattern'), 'a')).to.equal('false|351');
    expect(api.set(at('correct_responses.0.pattern'), 'a[,]b')).to.equal('true|0');
    expect(api.set(at('correct_responses.1.pattern'), 'a[,]b')).to.equal('false|351');
    expect(api.set(at('objectives.0.id'), 'urn:o:1')).to.equal('true|0');
    expect(api.set(at('objectives.1.id'), 'urn:o:1')).to.equal('false|351');
    expect(api.set(at('result'), '-0.5')).to.equal('true|0');
    expect(api.set(at('result'), 'wrong')).to.equal('false|406');
    expect(api.get('cmi.interactions.0.correct_responses._count')).to.equal('1|0');
  });

  it('4.2.9.1–2: responses and patterns per type', () => {
    const api = open('2004');
    const tries: [string, string[], string[]][] = [
      ['true-false', ['true', 'false'], ['t', '', '1']],
      ['likert', ['agree'], ['', 'a b']],
      ['numeric', ['4.5', '-1'], ['x', '']],
      ['matching', ['a[.]1[,]b[.]2'], ['a', 'a[.]1[.]2']],
      ['performance', ['step1[.]ok[,][.]5', 's[.]'], ['', '[.]', 'step']],
      ['sequencing', ['a[,]b[,]a'], ['']],
      ['fill-in', ['x[,]{lang=en}y', ''], ['{lang=1}x']],
      ['long-fill-in', ['{lang=zh-TW}文'], ['{lang=}x']],
      ['other', ['anything', ''], []],
    ];
    tries.forEach(([type, good, bad], n) => {
      api.set(`cmi.interactions.${n}.id`, `urn:q:${n}`);
      api.set(`cmi.interactions.${n}.type`, type);
      for (const value of good)
        expect(api.set(`cmi.interactions.${n}.learner_response`, value), `${type} ${value}`).to.equal(
          'true|0',
        );
      for (const value of bad)
        expect(api.set(`cmi.interactions.${n}.learner_response`, value), `${type} ${value}`).to.equal(
          'false|406',
        );
    });
    api.set('cmi.interactions.9.id', 'urn:q:9');
    api.set('cmi.interactions.9.type', 'numeric');
    const pattern = (value: string): string =>
      api.set('cmi.interactions.9.correct_responses.0.pattern', value);
    expect(pattern('5[:]1')).to.equal('false|406');
    expect(pattern('1[:]5')).to.equal('true|0');
    expect(pattern('[:]')).to.equal('true|0');
    expect(api.set('cmi.interactions.9.correct_responses.1.pattern', '[:]9')).to.equal('false|351');
  });

  it('4.2.2 comments_from_learner: language tags, order of indices', () => {
    const api = open('2004');
    expect(api.set('cmi.comments_from_learner.0.comment', '{lang=zh-TW}好')).to.equal('true|0');
    expect(api.set('cmi.comments_from_learner.0.comment', '{lang=?}好')).to.equal('false|406');
    expect(api.set('cmi.comments_from_learner.2.comment', 'x')).to.equal('false|351');
  });

  it('SN 5.6.4 adl.nav.request: the vocabulary and the target', () => {
    const api = open('2004');
    expect(api.get('adl.nav.request')).to.equal('_none_|0');
    for (const good of ['continue', 'suspendAll', '_none_', '{target=B}choice', '{target=B}jump'])
      expect(api.set('adl.nav.request', good), good).to.equal('true|0');
    for (const bad of ['go', 'choice', '{target=}choice', 'start', ''])
      expect(api.set('adl.nav.request', bad), bad).to.equal('false|406');
    expect(api.set('adl.nav.request_valid.continue', 'true')).to.equal('false|404');
  });
});

describe('SCORM 2004 4th Edition API, RTE 4.3: adl.data, the data stores an item maps', () => {
  const stores = { 'adl.data.0.id': 'urn:s:0', 'adl.data.1.id': 'urn:s:1' };

  it('4.3.1: an item that maps no store has none; content adds none', () => {
    const api = open('2004');
    expect(api.get('adl.data._children')).to.equal('id,store|0');
    expect(api.get('adl.data._count')).to.equal('0|0');
    expect(api.get('adl.data.0.id')).to.equal('|301');
    expect(api.get('adl.data.0.store')).to.equal('|301');
    expect(api.set('adl.data.0.store', 'x')).to.equal('false|351');
    expect(api.set('adl.data.0.id', 'x')).to.equal('false|404');
    expect(api.get('adl.data._count')).to.equal('0|0');
  });

  it('4.3.1.1: adl.data.n.id is the targetID of the map, read only; an index beyond the maps is 301 and 351', () => {
    const api = open('2004', stores);
    expect(api.get('adl.data._count')).to.equal('2|0');
    expect(api.get('adl.data.1.id')).to.equal('urn:s:1|0');
    expect(api.set('adl.data.1.id', 'urn:other')).to.equal('false|404');
    expect(api.get('adl.data.2.store')).to.equal('|301');
    expect(api.set('adl.data.2.store', 'x')).to.equal('false|351');
    expect(api.set('adl.data._count', '3')).to.equal('false|404');
    expect(api.get('adl.data.0')).to.equal('|401');
    expect(api.get('adl.data.0.foo')).to.equal('|401');
  });

  it('4.3.1.2: adl.data.n.store is 403 until something is stored; emptied it is so again', () => {
    const api = open('2004', stores);
    expect(api.get('adl.data.0.store')).to.equal('|403');
    for (const value of ['x', '學'.repeat(64_000)]) {
      expect(api.set('adl.data.0.store', value)).to.equal('true|0');
      expect(api.get('adl.data.0.store')).to.equal(`${value}|0`);
    }
    expect(api.set('adl.data.0.store', '')).to.equal('true|0');
    expect(api.get('adl.data.0.store')).to.equal('|403');
    expect(api.get('adl.data.1.store')).to.equal('|403');
  });

  it('4.3.1.2: readSharedData false is 405 to read, writeSharedData false 404 to set, both false both', () => {
    const api = open(
      '2004',
      { ...stores, 'adl.data.1.store': 'kept', 'adl.data.2.id': 'urn:s:2' },
      {},
      true,
      {
        'adl.data.0.store': { read: false, write: true },
        'adl.data.1.store': { read: true, write: false },
        'adl.data.2.store': { read: false, write: false },
      },
    );
    expect(api.set('adl.data.0.store', 'secret')).to.equal('true|0');
    expect(api.get('adl.data.0.store')).to.equal('|405');
    expect(api.set('adl.data.1.store', 'x')).to.equal('false|404');
    expect(api.get('adl.data.1.store')).to.equal('kept|0');
    expect(api.set('adl.data.2.store', 'x')).to.equal('false|404');
    expect(api.get('adl.data.2.store')).to.equal('|405');
    api.session.commit('');
    expect(api.commits).to.deep.equal([{ set: [['adl.data.0.store', 'secret']], exit: null }]);
  });
});

describe('SCORM 1.2 API, RTE 3.3 and 3.4', () => {
  it('3.3: before LMSInitialize and after LMSFinish everything is refused with 301 and changes nothing', () => {
    const api = open('1.2', {}, {}, false);
    const all = (): string[] => [
      api.get('cmi.core.lesson_status'),
      api.set('cmi.core.lesson_status', 'passed'),
      `${api.session.commit('')}|${api.session.getLastError()}`,
      `${api.session.terminate('')}|${api.session.getLastError()}`,
    ];
    expect(all()).to.deep.equal(['|301', 'false|301', 'false|301', 'false|301']);
    api.session.initialize('');
    expect(api.session.initialize('')).to.equal('false');
    expect(api.session.getLastError()).to.equal('101');
    expect(api.session.terminate('')).to.equal('true');
    expect(all()).to.deep.equal(['|301', 'false|301', 'false|301', 'false|301']);
    expect(api.commits).to.have.length(1);
  });

  it('3.4.4: elements that are not there 201, keywords 402, children 202, count 203, read-only 403, write-only 404', () => {
    const api = open('1.2');
    for (const name of [
      'cmi',
      'cmi.core',
      'cmi.core.foo',
      'cmi.completion_status',
      'toJSON',
      'adl',
      'cmi.core.score',
    ]) {
      expect(api.get(name), name).to.equal('|201');
      expect(api.set(name, 'x'), name).to.equal('false|201');
    }
    expect(api.get('cmi.core.lesson_status._children')).to.equal('|202');
    expect(api.get('cmi.core._count')).to.equal('|203');
    expect(api.set('cmi.core._children', 'x')).to.equal('false|402');
    expect(api.set('cmi.core.entry', 'x')).to.equal('false|403');
    expect(api.set('cmi.launch_data', 'x')).to.equal('false|403');
    expect(api.get('cmi.core.session_time')).to.equal('|404');
    expect(api.get('cmi.core.exit')).to.equal('|404');
    expect(api.get('cmi.suspend_data')).to.equal('|0');
    expect(api.get('cmi.core._children').split('|')[1]).to.equal('0');
  });

  it('3.4.2: types are 405: identifiers with spaces, "incorrect", 0:00:00, "5."; −0.5 is a result', () => {
    const api = open('1.2');
    expect(api.set('cmi.objectives.0.id', 'a b')).to.equal('false|405');
    expect(api.get('cmi.objectives._count')).to.equal('0|0');
    expect(api.set('cmi.interactions.0.id', 'q1')).to.equal('true|0');
    expect(api.set('cmi.interactions.0.result', 'incorrect')).to.equal('false|405');
    expect(api.set('cmi.interactions.0.result', '-0.5')).to.equal('true|0');
    expect(api.set('cmi.core.session_time', '0:00:00')).to.equal('false|405');
    expect(api.set('cmi.core.session_time', '00:00:10.5')).to.equal('true|0');
    expect(api.set('cmi.core.score.raw', '5.')).to.equal('false|405');
    expect(api.set('cmi.core.score.raw', '101')).to.equal('false|405');
    expect(api.set('cmi.core.score.raw', '')).to.equal('true|0');
    expect(api.set('cmi.interactions.0.time', '25:00:00')).to.equal('false|405');
    expect(api.get('cmi.interactions.0.id')).to.equal('|404');
  });

  it('3.4.4 lesson_status: "not attempted" is not for the SCO to say', () => {
    const api = open('1.2');
    expect(api.get('cmi.core.lesson_status')).to.equal('not attempted|0');
    expect(api.set('cmi.core.lesson_status', 'not attempted')).to.equal('false|405');
    expect(api.set('cmi.core.lesson_status', 'browsed')).to.equal('true|0');
  });

  const finished = (set: Record<string, string>, rules: Partial<LaunchRules> = {}, seed = {}): string => {
    const api = open('1.2', seed, rules);
    for (const [name, value] of Object.entries(set)) api.set(`cmi.core.${name}`, value);
    api.session.terminate('');
    return api.commits.at(-1)?.set.find(([name]) => name === 'cmi.core.lesson_status')?.[1] ?? 'unchanged';
  };

  it('3.4.4 LMSFinish: a SCO that set no status is completed, one that did keeps it', () => {
    expect(finished({})).to.equal('completed');
    expect(finished({ lesson_status: 'incomplete' })).to.equal('incomplete');
    expect(finished({}, {}, { 'cmi.core.lesson_status': 'incomplete' })).to.equal('unchanged');
    expect(finished({}, { browse: true, credit: false })).to.equal('browsed');
  });

  it('3.4.4 LMSFinish: a mastery score and a raw score overrule the SCO, when taken for credit', () => {
    expect(finished({ lesson_status: 'completed', 'score.raw': '79' }, { masteryScore: 80 })).to.equal(
      'failed',
    );
    expect(finished({ lesson_status: 'failed', 'score.raw': '80' }, { masteryScore: 80 })).to.equal('passed');
    expect(finished({ lesson_status: 'completed' }, { masteryScore: 80 })).to.equal('completed');
    expect(
      finished({ lesson_status: 'incomplete', 'score.raw': '90' }, { masteryScore: 80, credit: false }),
    ).to.equal('incomplete');
  });

  it('suspend_data of 64 KB and more, as real packages send it', () => {
    const api = open('1.2');
    const long = 'x'.repeat(200_000);
    expect(api.set('cmi.suspend_data', long)).to.equal('true|0');
    expect(api.get('cmi.suspend_data')).to.equal(`${long}|0`);
  });
});

describe('What a commit says beside the values', () => {
  it('RTE 4.2.8: time-out and log-out end the whole attempt in 2004, nothing else does', () => {
    for (const exit of ['time-out', 'logout']) expect(impliedBy('2004', exit)).to.equal('exitAll');
    for (const exit of ['suspend', 'normal', '', undefined]) expect(impliedBy('2004', exit)).to.equal(null);
    expect(impliedBy('1.2', 'logout')).to.equal(null);
  });

  it('an objective that came with the item is sent with its id, once, before what is said of it', () => {
    const ledger = new Ledger(model2004, { 'cmi.objectives.0.id': 'goal', 'cmi.objectives.1.id': 'other' });
    expect(
      withObjectiveIds(
        [
          ['cmi.objectives.0.success_status', 'passed'],
          ['cmi.objectives.0.score.scaled', '1'],
          ['cmi.location', 'x'],
        ],
        ledger,
      ),
    ).to.deep.equal([
      ['cmi.objectives.0.id', 'goal'],
      ['cmi.objectives.0.success_status', 'passed'],
      ['cmi.objectives.0.score.scaled', '1'],
      ['cmi.location', 'x'],
    ]);
    const own: [string, string][] = [
      ['cmi.objectives.2.id', 'mine'],
      ['cmi.objectives.2.success_status', 'failed'],
    ];
    expect(withObjectiveIds(own, ledger)).to.deep.equal(own);
  });
});

describe('scorm-again behind the guard (standards: where it deviates)', () => {
  it('carries out what the guard lets through, in both standards', () => {
    const two = open('2004', { 'cmi.location': 'page-3', 'cmi.suspend_data': 'a=1' });
    expect(two.engine.get('cmi.location')).to.equal('page-3');
    expect(two.get('cmi.suspend_data')).to.equal('a=1|0');
    expect(two.set('cmi.score.scaled', '0.8')).to.equal('true|0');
    expect(two.set('cmi.interactions.0.id', 'q1')).to.equal('true|0');
    expect([two.engine.get('cmi.score.scaled'), two.engine.get('cmi.interactions.0.id')]).to.deep.equal([
      '0.8',
      'q1',
    ]);
    const one = open('1.2', { 'cmi.core.lesson_location': '7' });
    expect(one.engine.get('cmi.core.lesson_location')).to.equal('7');
    expect(one.set('cmi.core.score.raw', '85')).to.equal('true|0');
    expect(one.engine.get('cmi.core.score.raw')).to.equal('85');
  });

  it('never hears what would damage its model', () => {
    const { engine, get, set } = open('2004');
    expect(set('cmi', 'x')).to.equal('false|401');
    expect(set('cmi.objectives', 'x')).to.match(/^false\|/);
    expect(set('cmi.objectives.0.id', 'o1')).to.equal('true|0');
    expect(set('cmi.objectives.1.score.scaled', '0.5')).to.match(/^false\|/);
    expect(engine.get('cmi.objectives._count')).to.equal('1');
    expect(get('cmi.objectives._count')).to.equal('1|0');
  });

  it('is overruled where the standard says otherwise', () => {
    const two = open('2004');
    expect(two.set('cmi.location', '')).to.equal('true|0');
    expect(two.get('cmi')).to.equal('|401');
    const long = 'x'.repeat(64_500);
    const one = open('1.2');
    expect(one.set('cmi.suspend_data', long)).to.equal('true|0');
    expect(one.get('cmi.suspend_data')).to.equal(`${long}|0`);
    expect(one.session.terminate('')).to.equal('true');
    expect(one.set('cmi.core.lesson_status', 'passed')).to.equal('false|301');
  });
});
