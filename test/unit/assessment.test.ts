import { expect } from 'chai';
import { isDomainError, type Problem } from '../../src/base/errors.ts';
import { createIris } from '../../src/base/iris.ts';
import { checkAnswers, checkQuiz, checkSurvey } from '../../src/assessment/check.ts';
import { grade, isRight } from '../../src/assessment/grade.ts';
import { attemptStatements, responseStatements } from '../../src/assessment/statements.ts';
import type { Quiz, QuizAttempt, QuizQuestion, Survey, Taker } from '../../src/assessment/types.ts';

const question = (overrides: Partial<QuizQuestion> = {}): QuizQuestion => ({
  id: 'q1',
  kind: 'single',
  text: { 'zh-TW': '題目' },
  choices: [
    { id: 'a', text: { 'zh-TW': '甲' } },
    { id: 'b', text: { 'zh-TW': '乙', en: 'B' } },
    { id: 'c', text: { 'zh-TW': '丙' } },
  ],
  correct: ['a'],
  points: 1,
  ...overrides,
});
const quiz: Quiz = {
  courseId: 'c',
  title: { 'zh-TW': '測驗' },
  questions: [question(), question({ id: 'q2', kind: 'multiple', correct: ['a', 'c'], points: 2 })],
  drawn: null,
  shuffle: false,
};
const survey: Survey = {
  courseId: 'c',
  title: { 'zh-TW': '問卷' },
  questions: [
    { id: 's1', kind: 'scale', text: { 'zh-TW': '滿意嗎' }, choices: question().choices, required: true },
    { id: 's2', kind: 'text', text: { 'zh-TW': '建議' }, choices: [], required: false },
  ],
};
const problemsOf = (act: () => unknown): Problem[] => {
  try {
    act();
  } catch (error) {
    if (isDomainError(error, 'invalid')) return error.problems;
    throw error;
  }
  return [];
};

describe('grading', () => {
  it('counts a multiple choice only when exactly the right ones are chosen', () => {
    const multiple = question({ kind: 'multiple', correct: ['a', 'c'] });
    expect(isRight(multiple, ['c', 'a'])).to.equal(true);
    for (const wrong of [['a'], ['a', 'b', 'c'], [], ['b']]) expect(isRight(multiple, wrong)).to.equal(false);
  });
  it('scales points to 0–100 and rounds to the nearest', () => {
    expect(grade(quiz.questions, { q1: ['a'] })).to.equal(33);
    expect(grade(quiz.questions, { q2: ['a', 'c'] })).to.equal(67);
    expect(grade(quiz.questions, { q1: ['a'], q2: ['a', 'c'] })).to.equal(100);
    expect(grade(quiz.questions, {})).to.equal(0);
    expect(grade([], {})).to.equal(0);
  });
});

describe('a quiz or survey with faults', () => {
  it('is refused with each fault named by question', () => {
    expect(problemsOf(() => checkQuiz(quiz))).to.deep.equal([]);
    const paths = problemsOf(() =>
      checkQuiz({
        ...quiz,
        drawn: 9,
        questions: [
          question({ correct: ['a', 'b'] }),
          question({ correct: ['z'] }),
          question({ id: 'q3', choices: [...question().choices, ...question().choices] }),
        ],
      }),
    ).map(({ path }) => path);
    expect(paths).to.include.members([
      'questions',
      'drawn',
      'questions.0.correct',
      'questions.1.correct',
      'questions.2.choices',
    ]);
    expect(problemsOf(() => checkQuiz({ ...quiz, questions: [] }))[0]?.path).to.equal('questions');
    expect(
      problemsOf(() =>
        checkSurvey({
          ...survey,
          questions: [{ id: 's', kind: 'scale', text: { 'zh-TW': 'x' }, choices: [], required: true }],
        }),
      ),
    ).to.have.length(1);
  });
});

describe('answers', () => {
  it('are refused when a required one is missing or a choice is not offered', () => {
    expect(problemsOf(() => checkAnswers(survey.questions, { s1: ['z'] }))[0]?.path).to.equal('s1');
    expect(problemsOf(() => checkAnswers(survey.questions, { s2: ['hello'] }))[0]?.path).to.equal('s1');
    expect(problemsOf(() => checkAnswers(survey.questions, { s1: ['a', 'b'] }))[0]?.path).to.equal('s1');
  });
  it('keep known questions only', () => {
    expect(checkAnswers(survey.questions, { s1: ['a', 'a'], s2: [' 很好 '], other: ['x'] })).to.deep.equal({
      s1: ['a'],
      s2: ['很好'],
    });
  });
});

describe('assessment as Statements', () => {
  const iris = createIris('https://learn.example');
  const taker: Taker = {
    personId: 'p',
    registration: '7b1c1f2e-0d8a-4a53-9c51-2f4d4ad4b7f1',
    course: { id: 'c', code: 'ZX1', title: { 'zh-TW': '課程' }, passScore: 60 },
  };
  const attempt: QuizAttempt = {
    id: 'attempt',
    registration: taker.registration,
    courseId: 'c',
    startedAt: new Date(0),
    submittedAt: new Date('2026-11-23T08:00:00Z'),
    questionIds: ['q2', 'q1'],
    answers: { q1: ['b'], q2: ['a', 'c'] },
    score: 67,
    answersViewedAt: null,
  };

  it('gives `answered` per question with its definition, then the result', () => {
    const [first, second, result] = attemptStatements(taker, quiz, attempt, iris);
    expect(first).to.deep.include({ result: { response: 'a[,]c', success: true } });
    expect(first?.object)
      .to.have.nested.property('definition.correctResponsesPattern')
      .that.deep.equals(['a[,]c']);
    expect(second?.result).to.deep.equal({ response: 'b', success: false });
    expect(result?.verb.id).to.equal('http://adlnet.gov/expapi/verbs/passed');
    expect(result?.result).to.deep.equal({
      score: { scaled: 0.67, raw: 67, min: 0, max: 100 },
      success: true,
      completion: true,
    });
    for (const statement of [first, second, result])
      expect(statement?.context?.registration).to.equal(taker.registration);
  });
  it('gives the same Statements for the same attempt, so that storing them again changes nothing', () => {
    expect(attemptStatements(taker, quiz, attempt, iris)).to.deep.equal(
      attemptStatements(taker, quiz, { ...attempt }, iris),
    );
  });
  it('fails below the pass score and gives nothing before submission', () => {
    const strict = { ...taker, course: { ...taker.course, passScore: 75 } };
    expect(attemptStatements(strict, quiz, attempt, iris).at(-1)?.verb.id).to.equal(
      'http://adlnet.gov/expapi/verbs/failed',
    );
    expect(
      attemptStatements(taker, quiz, { ...attempt, submittedAt: null, score: null }, iris),
    ).to.deep.equal([]);
  });
  it('gives a survey as answers and a completion', () => {
    const statements = responseStatements(
      taker,
      survey,
      { registration: taker.registration, courseId: 'c', answers: { s1: ['b'] }, submittedAt: new Date(0) },
      iris,
    );
    expect(statements.map(({ verb }) => verb.id.split('/').at(-1))).to.deep.equal(['answered', 'completed']);
    expect(statements[0]?.object).to.have.nested.property('definition.interactionType', 'likert');
  });
});
