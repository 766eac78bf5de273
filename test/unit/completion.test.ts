import { expect } from 'chai';
import fc from 'fast-check';
import { toIsoDuration } from '../../src/base/durations.ts';
import { createIris } from '../../src/base/iris.ts';
import { activitiesOf, conditionStates, evaluate, type Rules } from '../../src/completion/evaluate.ts';
import type { StoredStatement } from '../../src/lrs/types.ts';
import { verbs } from '../../src/xapi/verbs.ts';

const iris = createIris('https://learn.example');
const of = activitiesOf('ZX1', iris);
const minute = (n: number): string => new Date(Date.UTC(2026, 10, 23, 8, n)).toISOString();

let seq = 0;
const stored = (
  verb: { id: string },
  activity: string,
  at: number,
  more: object = {},
  id = `s${++seq}`,
): StoredStatement => ({
  seq: ++seq,
  id,
  authorityId: 'platform',
  statement: {
    id,
    actor: { account: { homePage: iris.homePage, name: 'p' } },
    verb,
    object: { id: activity },
    timestamp: minute(at),
    stored: minute(at),
    ...more,
  },
});
const reading = (seconds: number, at: number) =>
  stored(verbs.exited, of.course, at, {
    result: { duration: toIsoDuration(seconds) },
    context: { contextActivities: { category: [{ id: of.readingTime }] } },
  });
const quiz = (score: number, at: number, pass = 60) =>
  stored(score >= pass ? verbs.passed : verbs.failed, of.quiz, at, { result: { score: { raw: score } } });
const survey = (at: number) => stored(verbs.completed, of.survey, at);
const rules: Rules = { readingSeconds: 1800, passScore: 60, survey: true };

describe('completion (requirements 36 and 37)', () => {
  it('passes the handbook example: 00:39:56, 70, survey filled, needs 00:30:00', () => {
    const { progress } = evaluate(rules, [reading(2396, 40), quiz(70, 41), survey(42)], of);
    expect(progress).to.deep.equal({
      readingSeconds: 2396,
      quizScore: 70,
      surveyDone: true,
      completedAt: new Date(minute(42)),
    });
  });

  it('counts reading time and score inclusively, at 0.01 s', () => {
    const done = (seconds: number, score: number, pass: number) =>
      evaluate({ ...rules, passScore: pass }, [reading(seconds, 1), quiz(score, 2), survey(3)], of).progress
        .completedAt !== null;
    expect(done(1800, 60, 60)).to.equal(true);
    expect(done(1799.99, 60, 60)).to.equal(false);
    expect(done(1800, 59, 60)).to.equal(false);
    expect(done(1800, 75, 75)).to.equal(true);
    expect(done(1800, 74, 75)).to.equal(false);
  });

  it('adds up sessions without losing hundredths', () => {
    const many = Array.from({ length: 1000 }, (_, at) => reading(0.1, at % 60));
    expect(evaluate(rules, many, of).progress.readingSeconds).to.equal(100);
  });

  it('keeps the best score of several attempts', () => {
    expect(evaluate(rules, [quiz(80, 1), quiz(40, 2), quiz(70, 3)], of).progress.quizScore).to.equal(80);
  });

  it('is complete at the instant the last condition was met, with the time and score of that instant', () => {
    const { atCompletion } = evaluate(
      rules,
      [survey(1), quiz(65, 2), reading(1000, 3), reading(900, 4), reading(500, 5), quiz(90, 6)],
      of,
    );
    expect(atCompletion).to.deep.equal({ at: new Date(minute(4)), readingSeconds: 1900, score: 65 });
  });

  it('asks only what the course asks, and a course that asks nothing is never complete by itself', () => {
    expect(
      evaluate({ readingSeconds: null, passScore: null, survey: true }, [survey(1)], of).progress.completedAt,
    ).to.not.equal(null);
    expect(
      evaluate({ readingSeconds: null, passScore: null, survey: false }, [survey(1)], of).progress
        .completedAt,
    ).to.equal(null);
  });

  it("ignores what looks alike: a SCO's own session time, another course, another object type", () => {
    const strangers = [
      stored(verbs.exited, of.course, 1, { result: { duration: 'PT10H' } }),
      stored(verbs.exited, iris.course('ZX2'), 1, {
        result: { duration: 'PT10H' },
        context: { contextActivities: { category: [{ id: of.readingTime }] } },
      }),
      stored(verbs.passed, of.course, 1, { result: { score: { raw: 100 } } }),
      stored(verbs.passed, of.quiz, 1, { result: { score: { scaled: 1 } } }),
      stored(verbs.completed, of.course, 1),
      stored(verbs.completed, of.survey, 1, { object: { objectType: 'StatementRef', id: of.survey } }),
    ];
    expect(evaluate(rules, strangers, of).progress).to.deep.equal({
      readingSeconds: 0,
      quizScore: null,
      surveyDone: false,
      completedAt: null,
    });
  });

  it('does not depend on order or repetition', () => {
    const facts = fc.array(
      fc.oneof(
        fc.record({ kind: fc.constant('r'), value: fc.nat({ max: 2000 }), at: fc.nat({ max: 59 }) }),
        fc.record({ kind: fc.constant('q'), value: fc.nat({ max: 100 }), at: fc.nat({ max: 59 }) }),
        fc.record({ kind: fc.constant('s'), value: fc.constant(0), at: fc.nat({ max: 59 }) }),
      ),
      { maxLength: 12 },
    );
    fc.assert(
      fc.property(facts, fc.infiniteStream(fc.nat()), (given, random) => {
        const statements = given.map(({ kind, value, at }) =>
          kind === 'r' ? reading(value, at) : kind === 'q' ? quiz(value, at) : survey(at),
        );
        const straight = evaluate(rules, statements, of);
        const shuffled = [...statements, ...statements]
          .map((statement) => ({ statement, key: random.next().value as number }))
          .toSorted((a, b) => a.key - b.key)
          .map(({ statement }) => statement);
        expect(evaluate(rules, shuffled, of)).to.deep.equal(straight);
        // More facts never take a completion away, nor move it later.
        const more = evaluate(rules, [...statements, reading(60, 0), quiz(100, 0)], of).progress.completedAt;
        if (straight.progress.completedAt)
          expect(more?.getTime()).to.be.at.most(straight.progress.completedAt.getTime());
      }),
    );
  });
});

describe('the three conditions as shown', () => {
  const progress = {
    registration: 'r',
    readingSeconds: 1799,
    quizScore: 75,
    surveyDone: false,
    completedAt: null,
  };
  it('come in one order and say what is met', () => {
    expect(conditionStates(rules, progress)).to.deep.equal([
      { kind: 'reading', required: 1800, actual: 1799, met: false },
      { kind: 'quiz', required: 60, actual: 75, met: true },
      { kind: 'survey', required: true, actual: false, met: false },
    ]);
    expect(conditionStates({ readingSeconds: null, passScore: 75, survey: false }, progress)).to.have.length(
      1,
    );
  });
  it('stay met once the course was completed, also when it asks more afterwards', () => {
    const done = { ...progress, completedAt: new Date(minute(1)) };
    expect(conditionStates(rules, done).every(({ met }) => met)).to.equal(true);
  });
});
