import type { PackageItem } from '../../types.ts';
import type { Fact, Facts } from './definition.ts';
import { rollUpFrom } from './rollup.ts';
import { arrangeChildren, process, type NavigationRequest } from './session.ts';
import { hidden, learn, shown } from './tracking.ts';
import { ActivityTree, isAvailable, pathTo } from './tree.ts';

export type { NavigationRequest } from './session.ts';

/** What a request comes to: an item to open, the end of the course, or neither (it is not allowed, nothing happens). */
export interface SequencingOutcome {
  accepted: boolean;
  deliver: string | null;
  ended: boolean;
}

/** True when the manifest says anything about sequencing: only then does the tree decide what may be opened. */
export const isSequenced = (items: PackageItem[], extra: Record<string, unknown>): boolean =>
  extra['sequencing'] !== undefined ||
  items.some((item) => item.sequencing !== undefined || isSequenced(item.children, {}));

/** The run-time names of an objective's facts, behind `cmi.objectives.n.` */
const names: Record<string, Fact> = {
  success_status: 'satisfied',
  completion_status: 'completed',
  progress_measure: 'progress',
  'score.scaled': 'measure',
  'score.raw': 'raw',
  'score.min': 'min',
  'score.max': 'max',
};

const factOf = (fact: Fact, value: string): boolean | number | null => {
  if (fact === 'satisfied') return value === 'passed' ? true : value === 'failed' ? false : null;
  // RTE 4.2.4: "not attempted" is tracked as incomplete.
  if (fact === 'completed') return value === 'completed' ? true : value === 'unknown' ? null : false;
  return value === '' ? null : Number(value);
};
const wordOf = (fact: Fact, value: boolean | number): string =>
  fact === 'satisfied'
    ? value
      ? 'passed'
      : 'failed'
    : fact === 'completed'
      ? value
        ? 'completed'
        : 'incomplete'
      : String(value);

/**
 * SCORM 2004 sequencing of one course (SN 4th Edition, appendix C): told what the SCO sets, asked what a navigation request
 * leads to; its state is kept with the registration.
 */
export class Sequencing {
  readonly #tree: ActivityTree;
  readonly #random: () => number;
  /** What the SCO has set since the tree last learned from it. */
  #said = new Map<string, string>();
  #asked = new Map<string, boolean>();
  /** The global objectives as they were last handed over, as JSON. */
  #told: Map<string, string>;

  constructor(
    items: PackageItem[],
    extra: Record<string, unknown>,
    saved: string | null,
    /** Global objectives that the learner's other courses know too, by target; of no use to a course that keeps its own. */
    shared: Readonly<Record<string, Facts>> = {},
    random: () => number = Math.random,
  ) {
    this.#tree = new ActivityTree(items, extra);
    this.#random = random;
    const loaded = saved !== null && this.#tree.load(saved);
    if (this.#tree.globalToSystem)
      for (const [target, facts] of Object.entries(shared)) this.#tree.globals.set(target, { ...facts });
    this.#told = this.#globals();
    if (!loaded) {
      for (const one of this.#tree.all) arrangeChildren(one, random);
      return;
    }
    const { current } = this.#tree;
    // Left without a word (a crash, a lost tab): taken as suspended, so that nothing of the attempt is lost.
    if (current?.tracking.active) process(this.#tree, 'suspendAll', null, random);
    this.#tree.current = null;
  }

  /** The course as a whole, which can be chosen too. */
  get root(): string {
    return this.#tree.root.id;
  }

  /** The first request of a launch: where it was suspended, else at the start; null: the learner has to choose. */
  begin(): string | null {
    if (this.#tree.suspended) {
      const resumed = this.request('resumeAll');
      if (resumed.deliver) return resumed.deliver;
    }
    return this.request('start').deliver;
  }

  request(request: NavigationRequest, target?: string): SequencingOutcome {
    const found = target === undefined ? null : this.#tree.find(target);
    this.learn();
    const outcome = process(this.#tree, request, found, this.#random);
    if (outcome.ended) this.#tree.current = null;
    this.#asked.clear();
    return { ...outcome, deliver: outcome.deliver?.id ?? null };
  }

  /** Number of the attempt on the course as a whole. */
  get attempt(): number {
    return this.#tree.root.tracking.attempts;
  }

  /** What the SCO now opened finds in `cmi.objectives` (RTE 4.2.17, SN 3.10). */
  opened(): Record<string, string> {
    this.#said.clear();
    const { current } = this.#tree;
    const seed: Record<string, string> = {};
    if (!current) return seed;
    let index = 0;
    for (const [n, { id }] of current.definition.objectives.entries()) {
      if (id === null) continue;
      const facts = shown(this.#tree, current, n);
      const at = `cmi.objectives.${index++}`;
      seed[`${at}.id`] = id;
      for (const [name, fact] of Object.entries(names)) {
        const value = facts[fact];
        if (value !== null) seed[`${at}.${name}`] = wordOf(fact, value);
      }
    }
    return seed;
  }

  /** The SCO has set a value; `cmi.objectives` are found by the ids among them. */
  set(element: string, value: string): void {
    if (/^cmi\.(completion_status|success_status|progress_measure|score\.|objectives\.|exit)/.test(element))
      this.#said.set(element, value);
  }

  /** The tree takes over what the SCO has said (at a commit, and before anything is decided). */
  learn(objectiveId: (index: number) => string | null = () => null): void {
    const { current } = this.#tree;
    if (!current || this.#said.size === 0) return;
    const news = new Map<number, Partial<Facts>>();
    const note = (n: number, fact: Fact, value: string): void => {
      news.set(n, { ...news.get(n), [fact]: factOf(fact, value) });
    };
    for (const [element, value] of this.#said) {
      const member = /^cmi\.objectives\.(\d+)\.(.+)$/.exec(element);
      const fact = member && names[member[2] ?? ''];
      if (!member || !fact) continue;
      const id = objectiveId(Number(member[1]));
      const n = current.definition.objectives.findIndex((one) => one.id !== null && one.id === id);
      if (n >= 0) note(n, fact, value);
    }
    for (const [element, value] of this.#said) {
      const fact = names[element.replace(/^cmi\./, '')];
      if (!fact) continue;
      // A success that is "unknown" does not take back what was said of the primary objective.
      if (fact === 'satisfied' && factOf(fact, value) === null && news.get(0)?.satisfied !== undefined)
        continue;
      note(0, fact, value);
    }
    if (news.get(0)?.completed !== undefined) current.tracking.saidCompletion = true;
    if (news.get(0)?.satisfied !== undefined) current.tracking.saidSuccess = true;
    const exit = this.#said.get('cmi.exit');
    if (exit !== undefined) current.tracking.suspended = exit === 'suspend';
    this.#said.clear();
    const written = [...news].flatMap(([n, facts]) => learn(this.#tree, current, n, facts));
    rollUpFrom(this.#tree, current, written);
    this.#asked.clear();
  }

  /** The attempt is abandoned: what the SCO said last is not tracked. */
  forget(): void {
    this.#said.clear();
  }

  /** Whether a request would lead somewhere now; decided on a copy of the state, remembered until it changes. */
  allows(request: NavigationRequest, target?: string): boolean {
    const key = `${request} ${target ?? ''}`;
    const before = this.#asked.get(key);
    if (before !== undefined) return before;
    const tree = this.#tree;
    const putBack = tree.remember();
    const found = target === undefined ? null : tree.find(target);
    const outcome = process(tree, request, found, () => 0);
    putBack();
    // SN 4.6.1 (NB.2.1) and ADL's tests: to go on is offered wherever the parent flows, also past the last activity.
    const answer = outcome.deliver !== null || (request === 'continue' && outcome.accepted);
    this.#asked.set(key, answer);
    return answer;
  }

  /** False for what a table of contents leaves out: not selected, invisible, or hidden by a rule (SN 4.8.1, UI). */
  shows(id: string): boolean {
    const found = this.#tree.find(id);
    if (!found) return false;
    return found.visible && pathTo(found).every((one) => isAvailable(one) && !hidden(this.#tree, one));
  }

  /** adl.nav.request_valid.* (SN 5.6.5) */
  answer(element: string): string {
    const named = /^adl\.nav\.request_valid\.(choice|jump)\.\{target=(.+)\}$/.exec(element);
    if (named)
      return this.#tree.find(named[2] ?? '') === null
        ? 'false'
        : String(this.allows(named[1] as 'choice' | 'jump', named[2]));
    const plain = /^adl\.nav\.request_valid\.(continue|previous)$/.exec(element);
    return plain ? String(this.allows(plain[1] as 'continue' | 'previous')) : 'unknown';
  }

  #globals(): Map<string, string> {
    return new Map([...this.#tree.globals].map(([target, facts]) => [target, JSON.stringify(facts)]));
  }

  /** The global objectives that have changed since the last call and that other courses may read (SN 3.10.2). */
  takeGlobals(): [string, Facts][] {
    if (!this.#tree.globalToSystem) return [];
    const now = this.#globals();
    const changed = [...now].filter(([target, json]) => this.#told.get(target) !== json);
    this.#told = now;
    return changed.map(([target, json]) => [target, JSON.parse(json) as Facts]);
  }

  save(): string {
    return this.#tree.save();
  }
}
