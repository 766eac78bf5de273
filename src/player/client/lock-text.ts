import type { Condition, LessonStatus } from '../packages/prerequisites.ts';

/** Words with TITLE, STATE, LIST, COUNT or CONDITION to be filled in. */
export interface LockWords {
  done: string;
  notDone: string;
  is: string;
  isNot: string;
  atLeast: string;
  not: string;
  and: string;
  or: string;
  states: Record<LessonStatus, string>;
}

const fill = (words: string, values: Record<string, string>): string =>
  words.replace(/TITLE|STATE|LIST|COUNT|CONDITION/g, (name) => values[name] ?? name);

/** What an item waits for, as a learner reads it: 「完成「根」、完成「葉」」. Pure. */
export function lockText(condition: Condition, words: LockWords): string {
  switch (condition.kind) {
    case 'done':
      return fill(words.done, { TITLE: condition.item });
    case 'is':
      return fill(words.is, { TITLE: condition.item, STATE: words.states[condition.status] });
    case 'not': {
      const { of } = condition;
      if (of.kind === 'done') return fill(words.notDone, { TITLE: of.item });
      if (of.kind === 'is') return fill(words.isNot, { TITLE: of.item, STATE: words.states[of.status] });
      return fill(words.not, { CONDITION: lockText(of, words) });
    }
    case 'atLeast':
      return fill(words.atLeast, {
        COUNT: String(condition.count),
        LIST: condition.of.map((one) => part(one, words)).join(words.and),
      });
    default:
      return condition.of
        .map((one) => part(one, words))
        .join(condition.kind === 'all' ? words.and : words.or);
  }
}

/** Inside another one a list stands in parentheses, so that it is read as one. */
const part = (condition: Condition, words: LockWords): string =>
  condition.kind === 'all' || condition.kind === 'any'
    ? `（${lockText(condition, words)}）`
    : lockText(condition, words);
