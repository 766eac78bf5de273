import type { Statement } from '../../xapi/types.ts';
import type { Commit } from '../runtime/commit.ts';
import type { CommitResult, ItemProgress } from '../runtime/runtime.ts';
import type { ItemState } from '../runtime/item-state.ts';
import type { ItemOpening } from '../runtime/seeds.ts';

/** The launch has ended or its token is too old: only a new launch helps. */
export class LaunchExpired extends Error {}

export interface CommitReply extends CommitResult {
  progress: ItemProgress[];
  /** In a preview: what would have been written. */
  rehearsal?: { states: Record<string, ItemState>; statements: Statement[] };
}

/** The server says no, and will go on saying so. */
export class Refused extends Error {
  /** What was sent can never be taken; otherwise (403) another day may see it taken. */
  readonly forGood: boolean;
  /** What was wrong, as the server names it. */
  readonly paths: string[];
  constructor(
    message: string,
    { forGood = false, paths = [] }: { forGood?: boolean; paths?: string[] } = {},
  ) {
    super(message);
    this.forGood = forGood;
    this.paths = paths;
  }
}

/** The problems' paths of our own server's error; null: somebody else (a proxy) has answered, who knows nothing of it. */
const problemsOf = async (answer: Response): Promise<string[] | null> => {
  try {
    const { error } = (await answer.json()) as { error?: { problems?: { path: string }[] } };
    return error ? (error.problems ?? []).map(({ path }) => path) : null;
  } catch {
    return null;
  }
};

/**
 * The run-time API as the frame calls it; rejects with LaunchExpired on 401, Refused on 403, 404, and what can never be
 * taken (400, 413, 422), with an Error on anything else but 2xx.
 */
export interface RuntimeClient {
  progress(): Promise<ItemProgress[]>;
  open(item: string): Promise<ItemOpening>;
  /** `preview`: the states of a preview, which the server keeps nowhere. */
  commit(commits: Commit[], from: string | null, preview?: Record<string, ItemState>): Promise<CommitReply>;
  beacon(commits: Commit[]): boolean;
}

export function createRuntimeClient(token: string): RuntimeClient {
  const post = async (path: string, body: object): Promise<unknown> => {
    const answer = await fetch(path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ token, ...body }),
      credentials: 'omit',
      signal: AbortSignal.timeout(30_000),
    });
    if (answer.status === 401) throw new LaunchExpired();
    // A body too large may be a proxy's to refuse; all else only the server itself can refuse for good.
    const paths = [400, 404, 413, 422].includes(answer.status) ? await problemsOf(answer) : null;
    const forGood = paths !== null || answer.status === 413;
    if (forGood || answer.status === 403 || answer.status === 404)
      throw new Refused(`${path} answered ${answer.status}`, { forGood, paths: paths ?? [] });
    if (!answer.ok) throw new Error(`${path} answered ${answer.status}`);
    return answer.json();
  };
  return {
    progress: async () => ((await post('/runtime/progress', {})) as { progress: ItemProgress[] }).progress,
    open: async (item) => (await post('/runtime/open', { item })) as ItemOpening,
    commit: async (commits, from, preview) =>
      (await post('/runtime/commit', {
        commits,
        ...(from ? { from } : {}),
        ...(preview ? { preview } : {}),
      })) as CommitReply,
    beacon: (commits) =>
      navigator.sendBeacon(
        '/runtime/commit',
        new Blob([JSON.stringify({ token, commits })], { type: 'application/json' }),
      ),
  };
}
