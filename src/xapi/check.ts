import type { Problem } from '../base/errors.ts';
import type { XapiVersion } from './versions.ts';

export type JsonObject = Record<string, unknown>;

/** Where each rule stands: in xAPI 1.0.3 part 2 (Data) and in IEEE 9274.1.1 (2.0). */
export const sections = {
  statement: ['Data 2.2', '4.2.1'],
  id: ['Data 2.4.1', '4.2.4.2'],
  actor: ['Data 2.4.2', '4.2.2.1'],
  ifi: ['Data 2.4.2.3', '4.2.2.1'],
  account: ['Data 2.4.2.4', '4.2.2.1'],
  verb: ['Data 2.4.3', '4.2.2.2'],
  object: ['Data 2.4.4', '4.2.2.3'],
  activity: ['Data 2.4.4.1', '4.2.2.3'],
  interaction: ['Data 2.4.4.1', '4.2.2.3'],
  subStatement: ['Data 2.4.4.3', '4.2.2.3'],
  statementRef: ['Data 2.4.4.3', '4.2.2.3'],
  result: ['Data 2.4.5', '4.2.2.4'],
  score: ['Data 2.4.5.1', '4.2.2.4'],
  context: ['Data 2.4.6', '4.2.2.5'],
  contextActivities: ['Data 2.4.6.2', '4.2.2.5'],
  timestamp: ['Data 4.5', '4.2.7'],
  authority: ['Data 2.4.9', '4.2.4.2'],
  version: ['Data 2.4.10', '4.2.4.3'],
  attachments: ['Data 2.4.11', '4.2.2.6'],
  voiding: ['Data 2.3.2', '4.2.5'],
  signature: ['Data 2.6', '4.2.6'],
  extensions: ['Data 4.1', '4.2.7'],
  languageMap: ['Data 4.2', '4.2.7'],
  iri: ['Data 4.3', '4.2.7'],
  uuid: ['Data 4.4', '4.2.7'],
  duration: ['Data 4.6', '4.2.7'],
} as const;
export type Section = keyof typeof sections;

const most = 100;

/** Gathers what is wrong with a Statement, and what of it has to be written differently when stored. */
export class Checker {
  readonly version: XapiVersion;
  readonly problems: Problem[] = [];
  /** Slash-joined paths below the Statement: see Rewrites in raw.ts. */
  readonly wrap = new Set<string>();
  readonly replace = new Map<string, string>();

  constructor(version: XapiVersion) {
    this.version = version;
  }

  fail(path: string, section: Section, message: string): void {
    if (this.problems.length >= most) return;
    const [old, current] = sections[section];
    const where = this.version === '1.0.3' ? `xAPI 1.0.3 ${old}` : `xAPI 2.0 ${current}`;
    this.problems.push({ path, message: `${message} (${where})` });
  }

  /** Narrows to an object, or notes that it is not one. */
  object(value: unknown, path: string, section: Section): value is JsonObject {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return true;
    this.fail(path, section, `must be an object, found ${found(value)}`);
    return false;
  }

  /** Only the properties of the specification, none of them null. */
  keys(value: JsonObject, allowed: ReadonlySet<string>, path: string, section: Section): void {
    for (const key of Object.keys(value)) {
      if (!allowed.has(key)) this.fail(path, section, `has the unknown property ${JSON.stringify(cut(key))}`);
      else if (value[key] === null) this.fail(`${path}.${key}`, section, 'must not be null');
    }
  }

  text(value: unknown, path: string, section: Section): value is string {
    if (typeof value === 'string') return true;
    this.fail(path, section, `must be a string, found ${found(value)}`);
    return false;
  }

  flag(value: unknown, path: string, section: Section): void {
    if (typeof value !== 'boolean') this.fail(path, section, `must be true or false, found ${found(value)}`);
  }

  list(value: unknown, path: string, section: Section): value is unknown[] {
    if (Array.isArray(value)) return true;
    this.fail(path, section, `must be an array, found ${found(value)}`);
    return false;
  }
}

const cut = (text: string): string => (text.length > 80 ? `${text.slice(0, 80)}…` : text);

/** A value as a message shows it. */
export function found(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object' && value !== null) return 'an object';
  return cut(JSON.stringify(value));
}
