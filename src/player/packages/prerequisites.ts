/** A lesson's status as aicc_script speaks of it (SCORM 1.2 RTE 3.4.4, cmi.core.lesson_status). */
export type LessonStatus = 'passed' | 'completed' | 'browsed' | 'failed' | 'incomplete' | 'not attempted';

/**
 * An aicc_script expression (SCORM 1.2 CAM 2.3.2.5.2, adlcp:prerequisites; AICC CMI001 4.5) taken apart.
 * done: the item is completed or passed; is: it has this status; atLeast: so many of these are true.
 */
export type Condition =
  | { kind: 'done'; item: string }
  | { kind: 'is'; item: string; status: LessonStatus }
  | { kind: 'not'; of: Condition }
  | { kind: 'all' | 'any'; of: Condition[] }
  | { kind: 'atLeast'; count: number; of: Condition[] };

const statuses: LessonStatus[] = ['passed', 'completed', 'browsed', 'failed', 'incomplete', 'not attempted'];
/** AICC lets a status be its first letter, in either case. */
const statusOf = (word: string): LessonStatus | null => {
  const asked = word.trim().toLowerCase();
  if (asked === '') return null;
  return statuses.find((status) => status === asked || (asked.length === 1 && status[0] === asked)) ?? null;
};

const token = /\s*(?:(<>|[&|~=(){},*])|"([^"]*)"|([^\s&|~=<>(){},*"]+))/y;
type Token = { sign: string } | { quoted: string } | { word: string };

/** The script's tokens; null where something else stands. */
function tokensOf(script: string): Token[] | null {
  const tokens: Token[] = [];
  const end = script.trimEnd().length;
  token.lastIndex = 0;
  while (token.lastIndex < end) {
    const found = token.exec(script);
    if (!found) return null;
    const [, sign, quoted, word] = found;
    tokens.push(sign !== undefined ? { sign } : quoted !== undefined ? { quoted } : { word: word ?? '' });
  }
  return tokens;
}

class Malformed extends Error {}

/** Precedence as AICC has it: `~` before `= <>` before `&` before `|`; `n*{a, b}` counts. */
class Parser {
  readonly #tokens: Token[];
  #at = 0;
  #depth = 0;

  constructor(tokens: Token[]) {
    this.#tokens = tokens;
  }

  whole(): Condition {
    const condition = this.#any();
    if (this.#at < this.#tokens.length) throw new Malformed();
    return condition;
  }

  #any(): Condition {
    // Parentheses may not exhaust the stack.
    if (++this.#depth > 50) throw new Malformed();
    const of = [this.#all()];
    while (this.#take('|')) of.push(this.#all());
    this.#depth--;
    return joined('any', of);
  }

  #all(): Condition {
    const of = [this.#one()];
    while (this.#take('&')) of.push(this.#one());
    return joined('all', of);
  }

  #one(): Condition {
    let negations = 0;
    while (this.#take('~')) negations++;
    const condition = this.#primary();
    return negations % 2 === 1 ? { kind: 'not', of: condition } : condition;
  }

  #primary(): Condition {
    if (this.#take('(')) {
      const inner = this.#any();
      this.#expect(')');
      return inner;
    }
    if (this.#take('{')) return joined('all', this.#members());
    const next = this.#tokens[this.#at++];
    const name = next && ('word' in next ? next.word : 'quoted' in next ? next.quoted : null);
    if (!name) throw new Malformed();
    if (/^\d+$/.test(name) && this.#take('*')) {
      this.#expect('{');
      return { kind: 'atLeast', count: Number(name), of: this.#members() };
    }
    if (this.#take('=')) return { kind: 'is', item: name, status: this.#status() };
    if (this.#take('<>')) return { kind: 'not', of: { kind: 'is', item: name, status: this.#status() } };
    return { kind: 'done', item: name };
  }

  #members(): Condition[] {
    const of = [this.#any()];
    while (this.#take(',')) of.push(this.#any());
    this.#expect('}');
    return of;
  }

  #status(): LessonStatus {
    const words: string[] = [];
    for (;;) {
      const next = this.#tokens[this.#at];
      if (!next || 'sign' in next) break;
      words.push('word' in next ? next.word : next.quoted);
      this.#at++;
    }
    const status = statusOf(words.join(' '));
    if (!status) throw new Malformed();
    return status;
  }

  #take(sign: string): boolean {
    const next = this.#tokens[this.#at];
    if (!next || !('sign' in next) || next.sign !== sign) return false;
    this.#at++;
    return true;
  }

  #expect(sign: string): void {
    if (!this.#take(sign)) throw new Malformed();
  }
}

const joined = (kind: 'all' | 'any', of: Condition[]): Condition =>
  of.length === 1 && of[0] ? of[0] : { kind, of };

/** The condition that a script states; null when it is empty or not aicc_script. Pure. */
export function parsePrerequisites(script: string): Condition | null {
  const tokens = tokensOf(script);
  if (!tokens || tokens.length === 0) return null;
  try {
    return new Parser(tokens).whole();
  } catch (error) {
    if (error instanceof Malformed) return null;
    throw error;
  }
}

/** The items that a condition names. Pure. */
export function itemsIn(condition: Condition): string[] {
  switch (condition.kind) {
    case 'done':
    case 'is':
      return [condition.item];
    case 'not':
      return itemsIn(condition.of);
    default:
      return condition.of.flatMap(itemsIn);
  }
}

/** The condition without items that do not exist, which nobody could ever fulfil; null: nothing is left of it. Pure. */
export function amongKnown(condition: Condition, isKnown: (item: string) => boolean): Condition | null {
  switch (condition.kind) {
    case 'done':
    case 'is':
      return isKnown(condition.item) ? condition : null;
    case 'not': {
      const of = amongKnown(condition.of, isKnown);
      return of && { kind: 'not', of };
    }
    default: {
      const of = condition.of.flatMap((one) => amongKnown(one, isKnown) ?? []);
      if (of.length === 0) return null;
      return condition.kind === 'atLeast'
        ? { kind: 'atLeast', count: Math.min(condition.count, of.length), of }
        : joined(condition.kind, of);
    }
  }
}

/** True when the condition holds. Pure. */
export function holds(condition: Condition, status: (item: string) => LessonStatus): boolean {
  switch (condition.kind) {
    case 'done':
      return ['completed', 'passed'].includes(status(condition.item));
    case 'is':
      return status(condition.item) === condition.status;
    case 'not':
      return !holds(condition.of, status);
    case 'all':
      return condition.of.every((one) => holds(one, status));
    case 'any':
      return condition.of.some((one) => holds(one, status));
    case 'atLeast':
      return condition.of.filter((one) => holds(one, status)).length >= condition.count;
  }
}

/** What is still missing: of things that must all be true only those that are not; null when it holds. Pure. */
export function unmet(condition: Condition, status: (item: string) => LessonStatus): Condition | null {
  if (holds(condition, status)) return null;
  if (condition.kind !== 'all') return condition;
  return joined(
    'all',
    condition.of.flatMap((one) => unmet(one, status) ?? []),
  );
}
