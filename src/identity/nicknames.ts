import { idNumberKind } from './id-numbers.ts';

/** What is wrong with a wished nickname; keys under `welcome.nickname.faults`. */
export type NicknameFault =
  'empty' | 'short' | 'long' | 'characters' | 'edges' | 'digits' | 'personal' | 'reserved';

/** In characters as a reader counts them (graphemes). */
export const nicknameLength = { least: 2, most: 20 };

/** Names that would speak for the platform or an office. */
const reserved = [
  '管理員',
  '管理者',
  '系統管理',
  '客服',
  '知行',
  '官方',
  '平臺',
  '平台',
  'admin',
  'administrator',
  'root',
  'support',
  'system',
  'zhixing',
];

const graphemes = new Intl.Segmenter('zh-TW', { granularity: 'grapheme' });
const lengthOf = (text: string): number => [...graphemes.segment(text)].length;

/** As it is kept and shown: compatibility forms and runs of spaces made plain. */
export const cleanNickname = (wish: string): string => wish.normalize('NFKC').replace(/\s+/gu, ' ').trim();

/**
 * The rules of a nickname, applied to its clean form: 2 to 20 characters; letters and digits of any script, single
 * spaces, and `- _ . ·` between them; not digits only, no ID number, no mail address, no name of an office.
 */
export function nicknameFault(clean: string): NicknameFault | null {
  if (clean === '') return 'empty';
  if (/@/.test(clean) || idNumberKind(clean.replaceAll(/[ ._·-]/g, '')) !== null) return 'personal';
  if (!/^[\p{L}\p{M}\p{N} _.·-]+$/u.test(clean)) return 'characters';
  const length = lengthOf(clean);
  if (length < nicknameLength.least) return 'short';
  if (length > nicknameLength.most) return 'long';
  if (!/^[\p{L}\p{N}]/u.test(clean) || !/[\p{L}\p{M}\p{N}]$/u.test(clean) || /[ _.·-]{2}/.test(clean))
    return 'edges';
  if (!/\p{L}/u.test(clean)) return 'digits';
  const bare = clean.toLowerCase().replaceAll(/[ _.·-]/g, '');
  if (
    reserved.some(
      (word) => bare === word || (word.length > 2 && /\p{Script=Han}/u.test(word) && bare.includes(word)),
    )
  )
    return 'reserved';
  return null;
}

const shortened = (text: string, most: number): string =>
  [...graphemes.segment(text)]
    .slice(0, most)
    .map(({ segment }) => segment)
    .join('')
    .replace(/[ _.·-]+$/, '');

/** Words that make a name of one's own out of a common one. */
const companions = ['愛學習', '學員', '同學'];

/**
 * Free nicknames near the one that is taken, each keeping the rules (W19).
 * @param isTaken asked for one candidate at a time
 * @param pick a whole number from 0 up to (not including) its argument
 */
export async function suggestNicknames(
  wish: string,
  isTaken: (nickname: string) => Promise<boolean>,
  pick: (below: number) => number,
  wanted = 3,
): Promise<string[]> {
  const base = cleanNickname(wish);
  const han = /\p{Script=Han}/u.test(base);
  const found: string[] = [];
  for (let turn = 0; found.length < wanted && turn < 60; turn++) {
    // A word first where the wish is Chinese, then numbers that grow with each round, so that a free one is met.
    const word = han && turn < companions.length ? companions[turn] : undefined;
    const digits = Math.min(6, 2 + Math.floor(turn / 8));
    const tail = word ?? `${han ? '' : '-'}${10 ** (digits - 1) + pick(9 * 10 ** (digits - 1))}`;
    const candidate = `${shortened(base, nicknameLength.most - tail.length)}${tail}`;
    if (found.includes(candidate) || nicknameFault(candidate) !== null || (await isTaken(candidate)))
      continue;
    found.push(candidate);
  }
  return found;
}
