import { expect } from 'chai';
import { Sequencing } from '../../src/player/client/sequencing/sequencing.ts';
import type { Facts } from '../../src/player/client/sequencing/definition.ts';
import type { PackageItem } from '../../src/player/types.ts';

interface Given {
  sequencing?: Record<string, unknown>;
  threshold?: number;
  visible?: boolean;
}

const item = (identifier: string, given: Given = {}, children: PackageItem[] = []): PackageItem => ({
  identifier,
  title: identifier,
  visible: given.visible ?? true,
  href: children.length > 0 ? null : `${identifier}.html`,
  kind: children.length > 0 ? 'cluster' : 'sco',
  children,
  ...(given.sequencing ? { sequencing: given.sequencing } : {}),
  ...(given.threshold === undefined
    ? {}
    : {
        completionThreshold: {
          completedByMeasure: true,
          minProgressMeasure: given.threshold,
          progressWeight: 1,
        },
      }),
});
const controls = (mode: Record<string, unknown>): Record<string, unknown> => ({ sequencingControls: mode });
const flow = controls({ flow: true });
const rule = (
  kind: 'pre' | 'exit' | 'post',
  action: string,
  condition: string,
  more: Record<string, unknown> = {},
): Record<string, unknown> => ({
  sequencingRules: {
    [`${kind}ConditionRules`]: [
      { action, conditions: [{ condition, ...more }], conditionCombination: 'all' },
    ],
  },
});
const objective = (id: string, target: string, write = false): Record<string, unknown> => ({
  primaryObjective: {
    objectiveID: id,
    mapInfo: [{ targetObjectiveID: target, writeSatisfiedStatus: write }],
  },
});

/** The cluster ends when the condition holds, and the whole course with it. */
const ending = (condition: string): Record<string, unknown> => ({
  sequencingRules: {
    exitConditionRules: [{ action: 'exit', conditions: [{ condition }] }],
    postConditionRules: [{ action: 'exitAll', conditions: [{ condition }] }],
  },
});

/** A course with its learner: what is set in an item, and where a request leads. */
function take(
  items: PackageItem[],
  course: Record<string, unknown> = flow,
  saved: string | null = null,
  more: { extra?: Record<string, unknown>; shared?: Record<string, Facts>; random?: () => number } = {},
) {
  const tree = new Sequencing(
    items,
    { organization: 'org', sequencing: course, ...more.extra },
    saved,
    more.shared,
    more.random,
  );
  const go = (request: string, target?: string): string => {
    const { deliver, ended, accepted } = tree.request(request as 'continue', target);
    return deliver ?? (ended ? 'end' : accepted ? 'nothing' : 'refused');
  };
  const say = (values: Record<string, string>): void => {
    const seed = tree.opened();
    for (const [element, value] of Object.entries(values)) tree.set(element, value);
    tree.learn((n) => seed[`cmi.objectives.${n}.id`] ?? null);
  };
  return { tree, go, say, begin: () => tree.begin() };
}

describe('SCORM 2004 sequencing', () => {
  it('SB.2.1–2.3: flows through clusters in order and ends past the last activity', () => {
    const course = take([
      item('A'),
      item('B', { sequencing: flow }, [item('B1'), item('B2')]),
      item('C', {}, [item('C1')]),
    ]);
    expect(course.begin()).to.equal('A');
    expect(course.go('continue')).to.equal('B1');
    expect(course.go('continue')).to.equal('B2');
    expect(course.go('previous')).to.equal('B1');
    expect(course.go('choice', 'B2')).to.equal('B2');
    // C does not let itself be flowed through: it may be asked for, and leads nowhere (SB.2.2).
    expect(course.go('continue')).to.equal('nothing');
    expect(course.go('choice', 'C1')).to.equal('C1');
    const last = take([item('A')]);
    last.begin();
    expect(last.go('continue')).to.equal('end');
    expect(last.go('continue')).to.equal('refused');
    expect(last.begin()).to.equal('A');
  });

  it('UP.4: what content has not said counts as done, what it has called unknown does not', () => {
    const items = [
      item('A'),
      item('B', { sequencing: rule('post', 'retry', 'activityProgressKnown') }),
      item('C'),
    ];
    const silent = take(items);
    silent.begin();
    silent.go('continue');
    expect(silent.go('continue')).to.equal('B');
    const unknown = take(items);
    unknown.begin();
    unknown.go('continue');
    unknown.say({ 'cmi.completion_status': 'unknown' });
    expect(unknown.go('continue')).to.equal('C');
  });

  it('TB.2.1, TB.2.2: exit rules end a cluster, post-condition rules take the place of the request', () => {
    const cluster = {
      ...flow,
      sequencingRules: {
        exitConditionRules: [{ action: 'exit', conditions: [{ condition: 'satisfied' }] }],
        postConditionRules: [{ action: 'previous', conditions: [{ condition: 'satisfied' }] }],
      },
    };
    const course = take([item('A'), item('B', { sequencing: cluster }, [item('B1'), item('B2')]), item('C')]);
    course.begin();
    course.go('continue');
    course.say({ 'cmi.success_status': 'passed' });
    expect(course.go('continue')).to.equal('B2');
    course.say({ 'cmi.success_status': 'passed' });
    expect(course.go('continue')).to.equal('A');
  });

  it('SB.2.9: choice minds choiceExit, forwardOnly, preventActivation, constrainChoice and hidden activities', () => {
    const stuck = take([item('A', { sequencing: controls({ choiceExit: false }) }), item('B')]);
    stuck.begin();
    expect(stuck.tree.allows('choice', 'B')).to.equal(false);
    expect(stuck.go('choice', 'B')).to.equal('refused');

    const forward = take([item('A'), item('B')], controls({ flow: true, forwardOnly: true }));
    forward.begin();
    forward.go('continue');
    expect(forward.tree.allows('previous')).to.equal(false);
    expect(forward.go('choice', 'A')).to.equal('nothing');

    const shut = take([
      item('A'),
      item('B', { sequencing: controls({ flow: true, preventActivation: true }) }, [item('B1')]),
    ]);
    shut.begin();
    expect(shut.tree.allows('choice', 'B1')).to.equal(false);
    expect(shut.go('continue')).to.equal('B1');

    const near = take([
      item('A', { sequencing: controls({ flow: true, constrainChoice: true }) }, [item('A1')]),
      item('B', { sequencing: flow }, [item('B1')]),
      item('C', { sequencing: flow }, [item('C1')]),
    ]);
    near.begin();
    expect(['B1', 'C1'].map((id) => near.tree.allows('choice', id))).to.deep.equal([true, false]);

    const hidden = take([item('A'), item('B', { sequencing: rule('pre', 'hiddenFromChoice', 'always') })]);
    hidden.begin();
    expect([hidden.tree.shows('A'), hidden.tree.shows('B')]).to.deep.equal([true, false]);
    expect(hidden.tree.allows('choice', 'B')).to.equal(false);
  });

  it('SB.2.9: a cluster and the course itself can be chosen: what opens is in it', () => {
    const course = take([item('A'), item('B', { sequencing: flow }, [item('B1')])]);
    course.begin();
    expect(course.go('choice', 'B')).to.equal('B1');
    expect(course.go('choice', 'org')).to.equal('A');
  });

  it('UP.1, UP.5: attempts are limited, and a limit reached closes the activity', () => {
    const course = take([item('A', { sequencing: { attemptLimit: 2 } }), item('B')]);
    course.begin();
    expect(course.go('choice', 'B')).to.equal('B');
    expect(course.go('choice', 'A')).to.equal('A');
    expect(course.go('choice', 'B')).to.equal('B');
    expect(course.tree.allows('choice', 'A')).to.equal(false);
    expect(course.go('choice', 'A')).to.equal('nothing');
  });

  it('RB.1.1–RB.1.3: rolls up measures by weight, status by the rules or by measure', () => {
    const weighted = (weight: number): Given => ({
      sequencing: controls({ objectiveMeasureWeight: weight }),
    });
    const cluster = {
      ...flow,
      primaryObjective: { objectiveID: '', satisfiedByMeasure: true, minNormalizedMeasure: 0.7 },
      ...ending('satisfied'),
    };
    const course = (scores: [string, string]): string => {
      const one = take([
        item('A', { sequencing: cluster }, [item('A1', weighted(3)), item('A2', weighted(1))]),
        item('B'),
      ]);
      one.begin();
      one.say({ 'cmi.score.scaled': scores[0] });
      one.go('continue');
      one.say({ 'cmi.score.scaled': scores[1] });
      return one.go('continue');
    };
    expect(course(['0.9', '0.3'])).to.equal('end');
    expect(course(['0.3', '0.9'])).to.equal('B');

    const byRule = take(
      [
        item(
          'A',
          {
            sequencing: {
              ...flow,
              ...ending('completed'),
              rollupRules: {
                rules: [
                  {
                    action: 'completed',
                    consideration: 'atLeastPercent',
                    minimumPercent: 50,
                    conditions: [{ condition: 'satisfied' }],
                  },
                ],
              },
            },
          },
          [item('A1'), item('A2')],
        ),
        item('B'),
      ],
      flow,
    );
    byRule.begin();
    byRule.say({ 'cmi.success_status': 'failed' });
    byRule.go('continue');
    byRule.say({ 'cmi.success_status': 'passed' });
    expect(byRule.go('continue')).to.equal('end');
  });

  it('SN 3.10: global objectives carry status between activities, and raw scores and progress where asked', () => {
    const further = { readRawScore: true, readProgressMeasure: true, readCompletionStatus: true };
    const course = take([
      item('A', {
        sequencing: {
          primaryObjective: {
            objectiveID: 'a',
            mapInfo: [
              {
                targetObjectiveID: 'g',
                writeSatisfiedStatus: true,
                writeNormalizedMeasure: true,
                writeRawScore: true,
                writeProgressMeasure: true,
              },
            ],
          },
        },
      }),
      item('B', {
        threshold: 0.4,
        sequencing: {
          primaryObjective: { objectiveID: 'b', mapInfo: [{ targetObjectiveID: 'g', ...further }] },
        },
      }),
    ]);
    course.begin();
    course.say({
      'cmi.success_status': 'failed',
      'cmi.score.scaled': '0.25',
      'cmi.score.raw': '25',
      'cmi.progress_measure': '0.5',
    });
    course.go('continue');
    expect(course.tree.opened()).to.deep.equal({
      'cmi.objectives.0.id': 'b',
      'cmi.objectives.0.success_status': 'failed',
      'cmi.objectives.0.score.scaled': '0.25',
      'cmi.objectives.0.score.raw': '25',
      'cmi.objectives.0.progress_measure': '0.5',
      'cmi.objectives.0.completion_status': 'completed',
    });
  });

  it('SN 3.10.2: global objectives outlive the course unless it keeps its own for each attempt', () => {
    const items = [
      item('A', { sequencing: objective('a', 'g', true) }),
      item('B', { sequencing: { ...objective('b', 'g'), ...rule('pre', 'skip', 'satisfied') } }),
      item('C'),
    ];
    const first = take(items);
    first.begin();
    first.say({ 'cmi.success_status': 'passed' });
    expect(first.go('continue')).to.equal('C');
    const shared = Object.fromEntries(first.tree.takeGlobals());
    expect(shared).to.have.property('g').with.property('satisfied', true);
    expect(first.tree.takeGlobals()).to.deep.equal([]);
    const other = take([items[1] as PackageItem, item('Z')], flow, null, { shared });
    expect(other.begin()).to.equal('Z');

    const extra = { objectivesGlobalToSystem: false };
    const own = take(items, flow, null, { extra });
    own.begin();
    own.say({ 'cmi.success_status': 'passed' });
    expect(own.go('continue')).to.equal('C');
    expect(own.tree.takeGlobals()).to.deep.equal([]);
    expect(own.go('exitAll')).to.equal('end');
    const anew = take(items, flow, own.tree.save(), { extra, shared });
    anew.begin();
    expect(anew.tree.attempt).to.equal(2);
    anew.say({ 'cmi.success_status': 'unknown' });
    expect(anew.go('continue')).to.equal('B');
  });

  it('suspends and resumes over a relaunch; a course that broke off is taken as suspended', () => {
    const items = [item('A'), item('B'), item('C')];
    const left = take(items);
    left.begin();
    left.go('continue');
    left.go('suspendAll');
    const again = take(items, flow, left.tree.save());
    expect(again.begin()).to.equal('B');
    expect(again.tree.attempt).to.equal(1);
    // Not left at all: the tab was lost with B open.
    expect(take(items, flow, again.tree.save()).begin()).to.equal('B');
    // What an earlier release saved is of another form: the course begins anew.
    expect(take(items, flow, '{"a":1}').begin()).to.equal('A');
  });

  it('SR.1, SR.2: selects and orders children once, and keeps them over a relaunch', () => {
    const draws = [0.9, 0.1, 0.6, 0.2, 0.7, 0.3];
    const items = [
      item('A', { sequencing: controls({ flow: true, selectionTiming: 'once', selectCount: 2 }) }, [
        item('1'),
        item('2'),
        item('3'),
      ]),
    ];
    const course = take(items, flow, null, { random: () => draws.shift() ?? 0 });
    const first = course.begin();
    const second = course.go('continue');
    expect([first, second]).to.deep.equal(['1', '3']);
    expect(course.go('continue')).to.equal('end');
    expect(course.tree.shows('2')).to.equal(false);
    expect(take(items, flow, course.tree.save()).begin()).to.equal('1');
  });

  it('UP.2: what is not tracked decides nothing, though its content reads what others have reached', () => {
    const untracked = {
      ...objective('b', 'g'),
      ...rule('pre', 'skip', 'satisfied'),
      deliveryControls: { tracked: false },
    };
    const course = take([
      item('A', { sequencing: objective('a', 'g', true) }),
      item('B', { sequencing: untracked }),
    ]);
    course.begin();
    course.say({ 'cmi.success_status': 'passed' });
    expect(course.go('continue')).to.equal('B');
    expect(course.tree.opened()).to.include({ 'cmi.objectives.0.success_status': 'passed' });
  });

  it('asking whether a request is allowed changes nothing', () => {
    const course = take([item('A'), item('B', { sequencing: rule('pre', 'disabled', 'always') }), item('C')]);
    course.begin();
    const before = course.tree.save();
    expect(course.tree.allows('choice', 'B')).to.equal(false);
    expect(course.tree.allows('choice', 'C')).to.equal(true);
    expect(course.tree.answer('adl.nav.request_valid.choice.{target=B}')).to.equal('false');
    expect(course.tree.answer('adl.nav.request_valid.jump.{target=nowhere}')).to.equal('false');
    expect(course.tree.answer('adl.nav.request_valid.previous')).to.equal('false');
    expect(course.tree.save()).to.equal(before);
  });
});
