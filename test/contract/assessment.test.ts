import { expect } from 'chai';
import type { QuizAttempt, SurveyResponse } from '../../src/assessment/store.ts';
import { onEveryEngine } from '../support/engines.ts';

const at = (minute: number): Date => new Date(Date.UTC(2026, 10, 23, 8, minute));
const attempt = (overrides: Partial<QuizAttempt> = {}): QuizAttempt => ({
  id: 'a1',
  registration: 'r1',
  courseId: 'c1',
  startedAt: at(0),
  submittedAt: null,
  questionIds: ['q.1', '$q'],
  answers: {},
  score: null,
  answersViewedAt: null,
  ...overrides,
});

onEveryEngine('AssessmentStore', ({ storage }) => {
  const store = () => storage().assessment;

  it('keeps a quiz and a survey per course, the last one put', async () => {
    const quiz = { courseId: 'c1', title: { 'zh-TW': '測驗' }, questions: [], drawn: null, shuffle: true };
    await store().putQuiz(quiz);
    await store().putQuiz({ ...quiz, drawn: 3 });
    expect(await store().quiz('c1')).to.deep.equal({ ...quiz, drawn: 3 });
    expect(await store().quiz('c2')).to.equal(null);
    const survey = { courseId: 'c1', title: { 'zh-TW': '問卷' }, questions: [] };
    await store().putSurvey(survey);
    expect(await store().survey('c1')).to.deep.equal(survey);
    expect(await store().survey('c2')).to.equal(null);
  });

  it('opens one attempt per registration, whoever comes first', async () => {
    const opened = await Promise.all(['x', 'y', 'z'].map((id) => store().openAttempt(attempt({ id }))));
    expect(new Set(opened.map(({ id }) => id)).size).to.equal(1);
    expect(opened[0]).to.deep.equal(attempt({ id: opened[0]?.id ?? '' }));
  });

  it('lets the first submission win and keeps answers with odd question ids', async () => {
    const [open] = await store().attemptsOf('r1');
    const id = open?.id ?? '';
    const results = await Promise.all(
      [10, 20, 30].map((score) =>
        store().submit(id, { answers: { 'q.1': ['a'], $q: [String(score)] }, score, submittedAt: at(score) }),
      ),
    );
    expect(new Set(results.map((result) => result?.score)).size).to.equal(1);
    expect(results[0]?.answers).to.deep.equal({ 'q.1': ['a'], $q: [String(results[0]?.score)] });
    expect(await store().submit('nobody', { answers: {}, score: 1, submittedAt: at(1) })).to.equal(null);
  });

  it('opens the next attempt after a submission, listed oldest first', async () => {
    const next = await store().openAttempt(attempt({ id: 'second', startedAt: at(40) }));
    expect(next.id).to.equal('second');
    expect((await store().attemptsOf('r1')).map(({ startedAt }) => startedAt)).to.deep.equal([at(0), at(40)]);
  });

  it('keeps the first instant of viewing the answers', async () => {
    await store().submit('second', { answers: {}, score: 0, submittedAt: at(50) });
    await store().markViewed('second', at(51));
    expect((await store().markViewed('second', at(59)))?.answersViewedAt).to.deep.equal(at(51));
  });

  it('lists what is submitted and not recorded yet, until it is', async () => {
    const ids = (await store().unrecordedAttempts(10)).map(({ id }) => id);
    expect(ids).to.have.length(2).and.include('second');
    for (const id of ids) await store().markAttemptRecorded(id);
    expect(await store().unrecordedAttempts(10)).to.deep.equal([]);
  });

  it('keeps the first survey response of a registration', async () => {
    const response = (text: string): SurveyResponse => ({
      registration: 'r1',
      courseId: 'c1',
      answers: { s1: [text] },
      submittedAt: at(1),
    });
    const kept = await Promise.all(['好', '普通', '差'].map((text) => store().putResponse(response(text))));
    expect(new Set(kept.map(({ answers }) => answers['s1']?.[0])).size).to.equal(1);
    expect(await store().response('r1')).to.deep.equal(kept[0]);
    expect(await store().response('r2')).to.equal(null);
    expect(await store().unrecordedResponses(10)).to.have.length(1);
    await store().markResponseRecorded('r1');
    expect(await store().unrecordedResponses(10)).to.have.length(0);
  });
});

onEveryEngine('CompletionStore', ({ storage }) => {
  const store = () => storage().completion;
  const progress = {
    registration: 'r1',
    readingSeconds: 12.34,
    quizScore: 60,
    surveyDone: false,
    completedAt: null,
  };

  it('gives back what was saved, and nothing for the unknown', async () => {
    expect(await store().save(progress)).to.deep.equal(progress);
    expect(await store().progress('r1')).to.deep.equal(progress);
    expect(await store().progress('r2')).to.equal(null);
    expect(await store().progressOfAll(['r1', 'r2'])).to.deep.equal([progress]);
  });

  it('never changes an instant of completion, also when two save at once', async () => {
    const saved = await Promise.all([5, 6, 7].map((m) => store().save({ ...progress, completedAt: at(m) })));
    const kept = await store().progress('r1');
    expect(saved.at(-1)?.completedAt).to.deep.equal(kept?.completedAt);
    await store().save({ ...progress, readingSeconds: 99, completedAt: null });
    expect(await store().progress('r1')).to.deep.equal({
      ...progress,
      readingSeconds: 99,
      completedAt: kept?.completedAt,
    });
  });

  it('forgets a registration whole', async () => {
    await store().forget('r1');
    expect(await store().progress('r1')).to.equal(null);
  });
});
