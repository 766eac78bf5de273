import { DomainError, type Problem } from '../base/errors.ts';
import type { LocalText } from '../base/languages.ts';
import type { Choice, QuizQuestion, SurveyQuestion } from './types.ts';

/**
 * Questions as plain text, so that a quiz can be written, copied and kept anywhere. Blocks are separated by blank lines; the
 * first line is the question, each further line a choice:
 *
 *     個資法何時施行？ || When did the act take effect?
 *     ( ) 民國 84 年
 *     (*) 民國 101 年
 *     > 修正全文於 101 年 10 月 1 日施行。
 */
const separator = '||';

const toLocal = (text: string): LocalText => {
  const [zh = '', en = ''] = text.split(separator).map((part) => part.trim());
  return en === '' ? { 'zh-TW': zh } : { 'zh-TW': zh, en };
};
const toText = (text: LocalText): string =>
  text.en ? `${text['zh-TW']} ${separator} ${text.en}` : text['zh-TW'];

interface Block {
  line: number;
  lines: { line: number; text: string }[];
}

function blocksOf(text: string): Block[] {
  const blocks: Block[] = [];
  let open: Block | null = null;
  for (const [at, raw] of text.split(/\r?\n/).entries()) {
    const line = { line: at + 1, text: raw.trim() };
    if (line.text === '') open = null;
    else if (open) open.lines.push(line);
    else blocks.push((open = { line: line.line, lines: [line] }));
  }
  return blocks;
}

const mark = /^(?:\(\s*(\*?)\s*\)|\[\s*(\*?)\s*\])\s*(.+)$/;
const choiceId = (at: number): string => String.fromCharCode(97 + at);

const refuse = (problems: Problem[]): void => {
  if (problems.length > 0)
    throw new DomainError('invalid', 'The questions have faults; each is named with its line.', {
      code: 'questions-format',
      problems,
    });
};

/** DomainError `invalid` with a problem per faulty line (`path`: `line N`). */
export function parseQuiz(text: string): QuizQuestion[] {
  const problems: Problem[] = [];
  const questions = blocksOf(text).map((block, number): QuizQuestion => {
    const [head, ...rest] = block.lines;
    const kinds = new Set<'single' | 'multiple'>();
    const choices: Choice[] = [];
    const correct: string[] = [];
    let explanation: LocalText | undefined;
    for (const { line, text: written } of rest) {
      if (written.startsWith('>')) {
        explanation = toLocal(written.slice(1));
        continue;
      }
      const match = mark.exec(written);
      if (!match) {
        problems.push({
          path: `line ${line}`,
          message: 'is neither a choice — ( ) (*) [ ] [*] — nor an explanation (>)',
        });
        continue;
      }
      kinds.add(match[1] === undefined ? 'multiple' : 'single');
      const id = choiceId(choices.length);
      if ((match[1] ?? match[2]) === '*') correct.push(id);
      choices.push({ id, text: toLocal(match[3] ?? '') });
    }
    const at = `line ${block.line}`;
    if (kinds.size > 1)
      problems.push({ path: at, message: 'mixes ( ) and [ ]: a question is single or multiple choice' });
    if (choices.length < 2) problems.push({ path: at, message: 'needs at least two choices' });
    if (choices.length > 20) problems.push({ path: at, message: 'has more than 20 choices' });
    const kind = kinds.has('multiple') ? 'multiple' : 'single';
    if (correct.length === 0) problems.push({ path: at, message: 'marks no choice as right: (*) or [*]' });
    else if (kind === 'single' && correct.length > 1)
      problems.push({
        path: at,
        message: 'marks several choices as right: use [ ] and [*] for multiple choice',
      });
    return {
      id: `q${number + 1}`,
      kind,
      text: toLocal(head?.text ?? ''),
      choices,
      correct,
      points: 1,
      ...(explanation ? { explanation } : {}),
    };
  });
  refuse(problems);
  return questions;
}

export const quizText = (questions: readonly QuizQuestion[]): string =>
  questions
    .map(({ text, kind, choices, correct, explanation }) =>
      [
        toText(text),
        ...choices.map(({ id, text: choice }) => {
          const star = correct.includes(id) ? '*' : ' ';
          return `${kind === 'single' ? `(${star})` : `[${star}]`} ${toText(choice)}`;
        }),
        ...(explanation ? [`> ${toText(explanation)}`] : []),
      ].join('\n'),
    )
    .join('\n\n');

/** DomainError `invalid` with a problem per faulty line (`path`: `line N`). */
export function parseSurvey(text: string): SurveyQuestion[] {
  const problems: Problem[] = [];
  const questions = blocksOf(text).map((block, number): SurveyQuestion => {
    const [head, ...rest] = block.lines;
    const written = head?.text ?? '';
    const required = written.startsWith('*');
    const kinds = new Set<SurveyQuestion['kind']>();
    const choices: Choice[] = [];
    for (const { line, text: each } of rest) {
      const match = mark.exec(each);
      const scale = /^[-－]\s*(.+)$/.exec(each);
      if (match) kinds.add(match[1] === undefined ? 'multiple' : 'single');
      else if (scale) kinds.add('scale');
      else {
        problems.push({ path: `line ${line}`, message: 'is no choice: ( ), [ ] or -' });
        continue;
      }
      choices.push({ id: choiceId(choices.length), text: toLocal(match?.[3] ?? scale?.[1] ?? '') });
    }
    if (kinds.size > 1) problems.push({ path: `line ${block.line}`, message: 'mixes ( ), [ ] and -' });
    if (choices.length === 1)
      problems.push({ path: `line ${block.line}`, message: 'needs at least two choices' });
    return {
      id: `s${number + 1}`,
      kind: [...kinds][0] ?? 'text',
      text: toLocal(required ? written.slice(1) : written),
      choices,
      required,
    };
  });
  refuse(problems);
  return questions;
}

export const surveyText = (questions: readonly SurveyQuestion[]): string =>
  questions
    .map(({ text, kind, choices, required }) => {
      const sign = { single: '( )', multiple: '[ ]', scale: '-', text: '' }[kind];
      return [
        `${required ? '* ' : ''}${toText(text)}`,
        ...choices.map((choice) => `${sign} ${toText(choice.text)}`),
      ].join('\n');
    })
    .join('\n\n');
