import type { Commit } from '../runtime/commit.ts';
import { Refused } from './api-client.ts';

/** What a commit says before it has its number. */
export type Step = Omit<Commit, 'sequence' | 'partial' | 'append'>;

export interface CommitAnswer {
  acknowledged: { item: string; sequence: number }[];
  refused: { item: string; reason: 'stale' | 'gap'; expected: number }[];
}

export type SavingState = 'saved' | 'pending' | 'offline' | 'stale' | 'expired' | 'refused';

export interface QueueDeps {
  storage: Pick<Storage, 'getItem' | 'setItem' | 'removeItem' | 'key' | 'length'>;
  /** Posts commits; null: the launch has expired; rejects with Refused, and when the network or the server fails. */
  send(commits: Commit[], from: string | null): Promise<CommitAnswer | null>;
  /** Hands commits to the browser to send on its own; false when it takes no more. */
  beacon(commits: Commit[]): boolean;
  registration: string;
  launchId: string;
  onState(state: SavingState): void;
  /** Runs after a while; injected so that tests need not wait. */
  later(act: () => void, milliseconds: number): void;
}

/** A step larger than this is sent in pieces: a beacon carries 64 KB at most, and JSON's quoting takes its part. */
const pieceBytes = 40_000;
const bytes = (value: unknown): number => new TextEncoder().encode(JSON.stringify(value)).length;

/** Cuts a step into numbered pieces that each fit a beacon; the last one carries what happens (start, end). Pure. */
export function pieces(step: Step, firstSequence: number): Commit[] {
  const { start, end, visited, item, set } = step;
  const whole: Commit = { ...step, sequence: firstSequence };
  if (bytes(whole) <= pieceBytes) return [whole];
  // The start must come first: what it opens may not swallow what was staged.
  const commits: Commit[] = start ? [{ item, sequence: firstSequence, start, set: [] }] : [];
  const next = (): number => firstSequence + commits.length;
  let pending: [string, string][] = [];
  const flush = (): void => {
    if (pending.length > 0) commits.push({ item, sequence: next(), set: pending, partial: true });
    pending = [];
  };
  for (const [name, value] of set) {
    if (bytes([name, value]) <= pieceBytes / 2) {
      if (bytes(pending) > pieceBytes / 2) flush();
      pending.push([name, value]);
      continue;
    }
    flush();
    // A character takes up to 6 bytes in JSON; pairs of surrogates stay together.
    const characters = Array.from(value);
    for (let from = 0; from < characters.length; from += 6000) {
      const piece = characters.slice(from, from + 6000).join('');
      commits.push({
        item,
        sequence: next(),
        set: [[name, piece]],
        partial: true,
        ...(from > 0 ? { append: true } : {}),
      });
    }
  }
  commits.push({
    item,
    sequence: next(),
    set: pending,
    ...(end ? { end } : {}),
    ...(visited ? { visited } : {}),
  });
  return commits;
}

/**
 * What goes on in the place of a step that was refused, and what of it is set aside. Each refusal takes more away, and only
 * the last one takes what follows: without the values that the server has named, without any value, the bare number (so
 * that no step is missing), nothing of the item any more. Pure.
 */
export function withoutRefused(commits: Commit[], paths: string[]): { rest: Commit[]; aside: Commit[] } {
  const [first, ...others] = commits;
  if (!first) return { rest: [], aside: [] };
  const { item, sequence, start, end, visited, partial } = first;
  if (first.set.length > 0) {
    const named = new Set(first.set.map(([name]) => name).filter((name) => paths.includes(name)));
    const gone = (name: string): boolean => named.size === 0 || named.has(name);
    const { append: _, ...hollow } = first;
    const rest: Commit[] = [{ ...hollow, set: first.set.filter(([name]) => !gone(name)) }];
    const aside: Commit[] = [{ item, sequence, set: first.set.filter(([name]) => gone(name)) }];
    // The other pieces of a value go with its first one: half a value is worse than none.
    let torn = partial === true;
    for (const one of others) {
      const piece = torn && one.item === item && one.append === true && one.set.every(([name]) => gone(name));
      if (one.item === item && !piece) torn = false;
      if (!piece) rest.push(one);
      else {
        rest.push({ item, sequence: one.sequence, set: [], partial: true });
        aside.push(one);
      }
    }
    return { rest, aside };
  }
  if (start || end || visited)
    return {
      rest: [{ item, sequence, set: [], ...(partial ? { partial } : {}) }, ...others],
      aside: [first],
    };
  return {
    rest: others.filter((one) => one.item !== item),
    aside: [first, ...others.filter((one) => one.item === item)],
  };
}

/** The server takes 500. */
const mostAtOnce = 400;
const prefix = 'zhixing.commits.';
/** Where the newest of the refused steps stay, for whoever is asked what has become of them. */
const asidePrefix = 'zhixing.refused.';
const mostAside = 50;

/**
 * Commits on their way: numbered, kept in the browser's storage until the server has them for good, sent again after a
 * failure, handed to a beacon when the page goes away. What a window could not send is sent by the next one. A step that
 * the server refuses for good is set aside and said, and holds up nothing.
 */
export class CommitQueue {
  readonly #deps: QueueDeps;
  readonly #key: string;
  readonly #sequences = new Map<string, number>();
  #pending: Commit[] = [];
  #sending: Promise<void> | null = null;
  #failures = 0;
  #waiting = false;
  #expired = false;
  /** At most so many in one request: fewer while the one that is refused is looked for. */
  #most = mostAtOnce;
  /** Items of which the server takes nothing any more. */
  readonly #shut = new Set<string>();

  constructor(deps: QueueDeps) {
    this.#deps = deps;
    this.#key = `${prefix}${deps.registration}.${deps.launchId}`;
  }

  /** The server's last step of this launch on the item: numbering goes on from there. */
  resume(item: string, sequence: number): void {
    const pending = this.#pending.filter((commit) => commit.item === item).at(-1)?.sequence ?? 0;
    this.#sequences.set(item, Math.max(sequence, pending));
    this.#shut.delete(item);
  }

  add(step: Step): void {
    const last = this.#sequences.get(step.item) ?? 0;
    const commits = pieces(step, last + 1);
    if (this.#shut.has(step.item)) return this.#setAside(commits);
    this.#sequences.set(step.item, last + commits.length);
    this.#pending.push(...commits);
    this.#keep();
    this.#deps.onState('pending');
    void this.drain();
  }

  get empty(): boolean {
    return this.#pending.length === 0;
  }

  /** Sends until nothing is left or sending fails; resolves either way. */
  drain(): Promise<void> {
    this.#sending ??= this.#drain().finally(() => {
      this.#sending = null;
      // Something may have been added while the last answer was on its way.
      if (!this.empty && !this.#waiting && !this.#expired) void this.drain();
    });
    return this.#sending;
  }

  async #drain(): Promise<void> {
    while (this.#pending.length > 0 && !this.#expired) {
      let answer: CommitAnswer | null;
      const part = batch(this.#pending, this.#most);
      try {
        answer = await this.#deps.send(part, null);
      } catch (error) {
        if (error instanceof Refused && error.forGood) {
          this.#failures = 0;
          this.#refuse(part, error);
          continue;
        }
        this.#failures++;
        this.#deps.onState('offline');
        this.#waiting = true;
        this.#deps.later(
          () => {
            this.#waiting = false;
            void this.drain();
          },
          Math.min(30_000, 1000 * 2 ** Math.min(this.#failures, 5)),
        );
        return;
      }
      this.#failures = 0;
      if (!answer) {
        this.#expired = true;
        this.#deps.onState('expired');
        return;
      }
      this.#settle(answer);
    }
    if (this.#pending.length > 0 || this.#state === 'stale') return;
    this.#deps.onState(this.#state === 'fine' ? 'saved' : 'refused');
  }

  #state: 'fine' | 'stale' | 'refused' = 'fine';

  /** Of a batch that was refused the first half is tried next, until it is one step: the one. */
  #refuse(part: Commit[], { paths }: Refused): void {
    const [first] = part;
    if (part.length > 1 || !first) {
      this.#most = Math.ceil(part.length / 2);
      return;
    }
    this.#most = mostAtOnce;
    const { rest, aside } = withoutRefused(this.#pending, paths);
    if (aside[0] === first && first.set.length === 0 && !first.start && !first.end && !first.visited)
      this.#shut.add(first.item);
    this.#pending = rest;
    this.#setAside(aside);
    this.#keep();
  }

  #setAside(commits: Commit[]): void {
    const { storage, registration } = this.#deps;
    // What was but a number is no loss.
    const lost = commits.filter(({ set, start, end, visited }) => set.length > 0 || start || end || visited);
    if (lost.length === 0) return;
    if (this.#state === 'fine') this.#state = 'refused';
    try {
      const key = `${asidePrefix}${registration}`;
      const earlier = JSON.parse(storage.getItem(key) ?? '[]') as Commit[];
      storage.setItem(key, JSON.stringify([...earlier, ...lost].slice(-mostAside)));
    } catch {
      // Storage is full or forbidden: that it was not saved is said all the same.
    }
    this.#deps.onState(this.#state);
  }

  #settle(answer: CommitAnswer): void {
    for (const { item, sequence } of answer.acknowledged)
      this.#pending = this.#pending.filter((commit) => commit.item !== item || commit.sequence > sequence);
    for (const { item, reason } of answer.refused) {
      // Neither can be mended from here: another window writes this item now, or its steps are gone.
      this.#pending = this.#pending.filter((commit) => commit.item !== item);
      this.#state = 'stale';
      this.#deps.onState('stale');
      if (reason === 'gap') this.#sequences.delete(item);
    }
    this.#keep();
  }

  /** The page goes away: everything unsent to the browser's own sender; it stays kept until a server has said yes. */
  sendByBeacon(): void {
    let rest = this.#pending;
    while (rest.length > 0) {
      const part = batch(rest, mostAtOnce, pieceBytes * 1.4);
      if (!this.#deps.beacon(part)) return;
      rest = rest.slice(part.length);
    }
  }

  /** Sends what earlier windows of this registration left behind, before anything is read. */
  async sendLeftovers(): Promise<void> {
    const { storage, registration } = this.#deps;
    const start = `${prefix}${registration}.`;
    const keys = Array.from({ length: storage.length }, (_, n) => storage.key(n)).filter(
      (key): key is string => key !== null && key.startsWith(start) && key !== this.#key,
    );
    for (const key of keys) {
      let commits: Commit[];
      try {
        commits = JSON.parse(storage.getItem(key) ?? '[]') as Commit[];
      } catch {
        commits = [];
      }
      let most = mostAtOnce;
      for (let rest = commits; rest.length > 0;) {
        const part = batch(rest, most);
        try {
          // This launch has expired as well: the next one sends them.
          if ((await this.#deps.send(part, key.slice(start.length))) === null) return;
          rest = rest.slice(part.length);
        } catch (error) {
          if (!(error instanceof Refused && error.forGood)) throw error;
          most = part.length > 1 ? Math.ceil(part.length / 2) : mostAtOnce;
          if (part.length > 1) continue;
          const left = withoutRefused(rest, error.paths);
          rest = left.rest;
          this.#setAside(left.aside);
        }
      }
      storage.removeItem(key);
    }
  }

  #keep(): void {
    const { storage } = this.#deps;
    try {
      if (this.#pending.length === 0) storage.removeItem(this.#key);
      else storage.setItem(this.#key, JSON.stringify(this.#pending));
    } catch {
      // Storage is full or forbidden: memory and the beacon still hold it.
    }
  }
}

/** As many commits from the front as go into one request. */
function batch(commits: Commit[], most: number, limit = 2_000_000): Commit[] {
  const part: Commit[] = [];
  let size = 200;
  for (const commit of commits.slice(0, most)) {
    size += bytes(commit);
    if (part.length > 0 && size > limit) break;
    part.push(commit);
  }
  return part;
}
