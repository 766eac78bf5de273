import { expect } from 'chai';
import fc from 'fast-check';
import { lockText, type LockWords } from '../../src/player/client/lock-text.ts';
import {
  amongKnown,
  holds,
  itemsIn,
  parsePrerequisites,
  unmet,
  type Condition,
  type LessonStatus,
} from '../../src/player/packages/prerequisites.ts';
import { createLocks } from '../../src/player/runtime/locks.ts';
import type { PackageItem } from '../../src/player/types.ts';

const parsed = (script: string): Condition => {
  const condition = parsePrerequisites(script);
  if (!condition) throw new Error(`${script} is not understood`);
  return condition;
};
const given =
  (statuses: Record<string, LessonStatus>) =>
  (item: string): LessonStatus =>
    statuses[item] ?? 'not attempted';
const isTrue = (script: string, statuses: Record<string, LessonStatus>): boolean =>
  holds(parsed(script), given(statuses));

describe('adlcp:prerequisites, aicc_script (SCORM 1.2 CAM 2.3.2.5.2; AICC CMI001)', () => {
  it('an identifier is true when its item is completed or passed, and not otherwise', () => {
    expect(isTrue('S1', { S1: 'completed' })).to.equal(true);
    expect(isTrue('S1', { S1: 'passed' })).to.equal(true);
    for (const status of ['failed', 'incomplete', 'browsed', 'not attempted'] as const)
      expect(isTrue('S1', { S1: status }), status).to.equal(false);
  });

  it('& and, | or, ~ not; ~ binds before &, & before |, parentheses before all', () => {
    const done = { A: 'passed', C: 'completed' } as const;
    expect(isTrue('A & B', done)).to.equal(false);
    expect(isTrue('A&C', done)).to.equal(true);
    expect(isTrue('B|C', done)).to.equal(true);
    expect(isTrue('~B', done)).to.equal(true);
    expect(isTrue('~~A', done)).to.equal(true);
    expect(isTrue('~A | C', done)).to.equal(true);
    expect(isTrue('~(A | C)', done)).to.equal(false);
    expect(isTrue('A | B & B', done)).to.equal(true);
    expect(isTrue('(A | B) & B', done)).to.equal(false);
  });

  it('= and <> compare a status, quoted or not, whole or by its first letter', () => {
    expect(isTrue('A="passed"', { A: 'passed' })).to.equal(true);
    expect(isTrue('A = passed', { A: 'completed' })).to.equal(false);
    expect(isTrue('A="not attempted"', {})).to.equal(true);
    expect(isTrue('A=not attempted & B', { B: 'passed' })).to.equal(true);
    expect(isTrue('A<>"failed"', { A: 'failed' })).to.equal(false);
    expect(isTrue('A<>f', {})).to.equal(true);
    expect(isTrue('A=I', { A: 'incomplete' })).to.equal(true);
    expect(isTrue('~A=B', { A: 'browsed' })).to.equal(false);
  });

  it('n*{…} asks for so many of a set, {…} for all of it; members are expressions', () => {
    const done = { A: 'passed', B: 'completed' } as const;
    expect(isTrue('2*{A, B, C}', done)).to.equal(true);
    expect(isTrue('3*{A,B,C}', done)).to.equal(false);
    expect(isTrue('{A,B}', done)).to.equal(true);
    expect(isTrue('{A,C}', done)).to.equal(false);
    expect(isTrue('1*{C, A="passed"}', done)).to.equal(true);
    expect(isTrue('2*{A & C, B, ~C}', done)).to.equal(true);
    expect(isTrue('D | 1*{C,B} & A', done)).to.equal(true);
    expect(isTrue('0*{C}', done)).to.equal(true);
  });

  it('identifiers hold dots, hyphens, digits and other scripts; white space means nothing', () => {
    expect(itemsIn(parsed(' ITEM-1.2_a\n&\t 單元一 | 2nd '))).to.deep.equal(['ITEM-1.2_a', '單元一', '2nd']);
  });

  it('what is no expression is none', () => {
    for (const script of [
      '',
      '  ',
      '&',
      'A &',
      'A B',
      '(A',
      'A)',
      'A=',
      'A="done"',
      '2*A',
      '2*{A',
      '{}',
      '"A',
      '~',
      'A == B',
      '('.repeat(5000),
    ])
      expect(parsePrerequisites(script), script.slice(0, 20)).to.equal(null);
    expect(parsePrerequisites('~'.repeat(5001) + 'A')).to.deep.equal(parsePrerequisites('~A'));
  });

  it('any text is read without an error', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.constantFrom(
            'A',
            'B1',
            '&',
            '|',
            '~',
            '=',
            '<>',
            '{',
            '}',
            '(',
            ')',
            '2*',
            ',',
            '"',
            ' ',
            'passed',
          ),
        ),
        (parts) => {
          const condition = parsePrerequisites(parts.join(''));
          if (condition) holds(condition, given({ A: 'passed' }));
        },
      ),
    );
  });

  it('items that do not exist hold nobody up', () => {
    const known = (id: string): boolean => id !== 'X';
    expect(amongKnown(parsed('X'), known)).to.equal(null);
    expect(amongKnown(parsed('~X & A'), known)).to.deep.equal(parsed('A'));
    expect(amongKnown(parsed('3*{A,B,X}'), known)).to.deep.equal(parsed('2*{A,B}'));
    expect(amongKnown(parsed('X="passed" | 1*{X}'), known)).to.equal(null);
  });

  it('says what is missing, and only that', () => {
    const status = given({ A: 'passed' });
    expect(unmet(parsed('A'), status)).to.equal(null);
    expect(unmet(parsed('A & B & (C | A)'), status)).to.deep.equal(parsed('B'));
    expect(unmet(parsed('A & (B | C) & D="browsed"'), status)).to.deep.equal(parsed('(B | C) & D="browsed"'));
  });
});

describe('Locks of a table of contents (SCORM 1.2)', () => {
  const item = (identifier: string, prerequisites?: string, children: PackageItem[] = []): PackageItem => ({
    identifier,
    title: `單元${identifier}`,
    visible: true,
    href: children.length > 0 ? null : `${identifier}.html`,
    kind: children.length > 0 ? 'cluster' : 'sco',
    ...(prerequisites === undefined ? {} : { prerequisites }),
    children,
  });
  const items = [
    item('A'),
    item('M', 'A', [item('M1'), item('M2', 'M1')]),
    item('E', 'M & A="passed"'),
    item('X', '((('),
  ];
  const lock = (id: string, statuses: Record<string, LessonStatus> = {}): Condition | null =>
    createLocks(items)(id, (one) => statuses[one]);

  it('an item waits for its own prerequisites and for those of the clusters around it', () => {
    expect(lock('A')).to.equal(null);
    expect(lock('M1')).to.deep.equal({ kind: 'done', item: '單元A' });
    expect(lock('M2')).to.deep.equal({
      kind: 'all',
      of: [
        { kind: 'done', item: '單元A' },
        { kind: 'done', item: '單元M1' },
      ],
    });
    expect(lock('M2', { A: 'completed', M1: 'passed' })).to.equal(null);
  });

  it("a cluster's status follows from what is in it", () => {
    expect(lock('E', { A: 'passed', M1: 'passed' })).to.deep.equal({ kind: 'done', item: '單元M' });
    expect(lock('E', { A: 'passed', M1: 'passed', M2: 'completed' })).to.equal(null);
    expect(lock('E', { A: 'completed', M1: 'passed', M2: 'completed' })).to.deep.equal({
      kind: 'is',
      item: '單元A',
      status: 'passed',
    });
  });

  it('a script that is none locks nothing', () => {
    expect(lock('X')).to.equal(null);
  });

  it('is said in words', () => {
    const words: LockWords = {
      done: '完成「TITLE」',
      notDone: '尚未完成「TITLE」',
      is: '「TITLE」為「STATE」',
      isNot: '「TITLE」不是「STATE」',
      atLeast: '下列至少 COUNT 項：LIST',
      not: '不符合（CONDITION）',
      and: '、',
      or: ' 或 ',
      states: {
        passed: '已通過',
        completed: '已完成',
        failed: '未通過',
        incomplete: '進行中',
        'not attempted': '未開始',
        browsed: '已瀏覽',
      },
    };
    const said = (script: string): string => lockText(parsed(script), words);
    expect(said('A & (B | ~C)')).to.equal('完成「A」、（完成「B」 或 尚未完成「C」）');
    expect(said('A=p | B<>f')).to.equal('「A」為「已通過」 或 「B」不是「未通過」');
    expect(said('2*{A, B & C}')).to.equal('下列至少 2 項：完成「A」、（完成「B」、完成「C」）');
    expect(said('~(A & B)')).to.equal('不符合（完成「A」、完成「B」）');
  });
});
