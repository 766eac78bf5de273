import { expect } from 'chai';
import { isDomainError } from '../../src/base/errors.ts';
import { parseQuiz, parseSurvey, quizText, surveyText } from '../../src/assessment/text-format.ts';

const faults = (act: () => unknown): string[] => {
  try {
    act();
  } catch (error) {
    if (isDomainError(error, 'invalid')) return error.problems.map(({ path }) => path);
    throw error;
  }
  return [];
};

describe('questions as text', () => {
  const quiz =
    '一加一？ || One and one?\n( ) 一\n(*) 二 || Two\n> 數一數。\n\n哪些是水果？\n[*] 蘋果\n[ ] 石頭\n[*] 芭樂';
  it('reads single and multiple choice, explanations and both languages', () => {
    const [one, two] = parseQuiz(quiz);
    expect(one).to.deep.equal({
      id: 'q1',
      kind: 'single',
      text: { 'zh-TW': '一加一？', en: 'One and one?' },
      choices: [
        { id: 'a', text: { 'zh-TW': '一' } },
        { id: 'b', text: { 'zh-TW': '二', en: 'Two' } },
      ],
      correct: ['b'],
      points: 1,
      explanation: { 'zh-TW': '數一數。' },
    });
    expect(two).to.deep.include({ kind: 'multiple', correct: ['a', 'c'] });
  });
  it('gives back what it read', () => {
    expect(parseQuiz(quizText(parseQuiz(quiz)))).to.deep.equal(parseQuiz(quiz));
    const survey = '* 滿意嗎？\n- 不滿意\n- 滿意\n\n喜歡什麼？\n[ ] 圖\n[ ] 文\n\n建議';
    expect(parseSurvey(surveyText(parseSurvey(survey)))).to.deep.equal(parseSurvey(survey));
    expect(parseSurvey(survey).map(({ kind, required }) => [kind, required])).to.deep.equal([
      ['scale', true],
      ['multiple', false],
      ['text', false],
    ]);
  });
  it('reads Windows line ends and indented lines', () => {
    expect(parseQuiz('問\r\n  ( ) 甲\r\n\t(*) 乙\r\n')).to.have.length(1);
  });
  it('names each faulty line', () => {
    expect(
      faults(() => parseQuiz('問一\n( ) 甲\n( ) 乙\n\n問二\n(*) 甲\n\n問三\n(*) 甲\n[ ] 乙\n亂寫')),
    ).to.include.members(['line 1', 'line 5', 'line 8', 'line 11']);
    expect(faults(() => parseQuiz('問\n(*) 甲\n(*) 乙'))).to.deep.equal(['line 1']);
    expect(faults(() => parseSurvey('問\n- 甲\n( ) 乙'))).to.deep.equal(['line 1']);
  });
});
