import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { DomainError } from '../../base/errors.ts';
import type { AuditEntry } from '../../identity/audit/store.ts';
import type { KeptDocument, StatementRow } from '../../lrs/store.ts';
import type { TransferEnd } from './ends.ts';
import { tableKinds } from './kinds.ts';

/** One sort of thing that is moved, whatever it lies in. `text` is what both ends must agree on. */
interface Kind<T = unknown> {
  name: string;
  count(end: TransferEnd): Promise<number>;
  read(end: TransferEnd, after: string | null): AsyncIterable<{ cursor: string; item: T }>;
  write(end: TransferEnd, items: T[], source: TransferEnd): Promise<void>;
  text(item: T, end: TransferEnd): string | Promise<string>;
  /** Items written and marked together. */
  batch: number;
}

export interface MoveProgress {
  kind: string;
  phase: 'copy' | 'compare';
  /** Over all kinds of the phase. */
  done: number;
  total: number;
}

export interface KindResult {
  kind: string;
  source: { count: number; checksum: string };
  target: { count: number; checksum: string };
  same: boolean;
}

const canonical = (value: object): string =>
  JSON.stringify(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));

const hashOf = async (stream: Readable): Promise<string> => {
  const hash = createHash('sha256');
  for await (const chunk of stream) hash.update(chunk as Buffer);
  return hash.digest('hex');
};

const ofTables = tableKinds.map((kind): Kind => {
  type Row = Record<string, string | number | null>;
  const of: Kind<Row> = {
    name: kind.table,
    batch: 500,
    count: (end) => end.count(kind),
    async *read(end, after) {
      for await (const { cursor, row } of end.rows(kind, after)) yield { cursor, item: row };
    },
    write: (end, rows) => end.write(kind, rows),
    text: canonical,
  };
  return of as Kind;
});

const statements: Kind<StatementRow> = {
  name: 'lrs_statements',
  batch: 500,
  count: (end) => end.statementCount(),
  async *read(end, after) {
    for (let seq = Number(after ?? 0); ;) {
      const page = await end.storage.lrs.statements.after(seq, 500);
      for (const item of page) {
        seq = item.seq;
        yield { cursor: String(seq), item };
      }
      if (page.length === 0) return;
    }
  },
  write: (end, rows) => end.storage.lrs.statements.restore(rows),
  text: canonical,
};

const documents: Kind<KeptDocument> = {
  name: 'lrs_documents',
  batch: 50,
  count: (end) => end.documentCount(),
  async *read(end, after) {
    for await (const item of end.storage.lrs.documents.all(after)) yield { cursor: item.cursor, item };
  },
  async write(end, items) {
    for (const { scope, id, document } of items)
      await end.storage.lrs.documents.put(scope, id, document, undefined);
  },
  text: ({ scope, id, document: { body, ...rest } }) =>
    canonical({ ...scope, id, ...rest, body: createHash('sha256').update(body).digest('hex') }),
};

const agents: Kind<{ identity: string; names: string[] }> = {
  name: 'lrs_agent_names',
  batch: 500,
  count: (end) => end.agentCount(),
  async *read(end, after) {
    for await (const item of end.agentNames(after)) yield { cursor: item.identity, item };
  },
  async write(end, items) {
    for (const { identity, names } of items) await end.writeAgentNames(identity, names);
  },
  text: canonical,
};

const blobs: Kind<{ key: string; size: number }> = {
  name: 'files',
  batch: 20,
  async count(end) {
    let count = 0;
    for await (const _ of end.storage.blobs.list('')) count++;
    return count;
  },
  async *read(end, after) {
    for await (const item of end.storage.blobs.list(''))
      if (after === null || item.key > after) yield { cursor: item.key, item };
  },
  async write(end, items, source) {
    for (const { key, size } of items)
      if ((await end.storage.blobs.stat(key))?.size !== size)
        await end.storage.blobs.put(key, await source.storage.blobs.read(key));
  },
  text: async ({ key, size }, end) =>
    canonical({ key, size, hash: await hashOf(await end.storage.blobs.read(key)) }),
};

const auditLog: Kind<AuditEntry> = {
  name: 'audit_log',
  batch: 500,
  async count(end) {
    return (await end.storage.audit.head()).seq;
  },
  async *read(end, after) {
    for (let seq = Number(after ?? 0); ;) {
      const page = await end.storage.audit.after(seq, 500);
      for (const item of page) {
        seq = item.seq;
        yield { cursor: String(seq), item };
      }
      if (page.length === 0) return;
    }
  },
  write: (end, entries) => end.storage.audit.restore(entries),
  text: ({ seq, hash }) => canonical({ seq, hash }),
};

const position: Kind<{ next: number; feed: number }> = {
  name: 'lrs_position',
  batch: 1,
  count: async () => 1,
  async *read(end, after) {
    if (after === null) yield { cursor: 'all', item: await end.position() };
  },
  async write(end, items) {
    for (const item of items) await end.writePosition(item);
  },
  text: canonical,
};

/** The position comes last: it tells the feed where to go on, so everything before it must be there. */
export const kinds: readonly Kind[] = [
  ...ofTables,
  agents as Kind,
  auditLog as Kind,
  blobs as Kind,
  documents as Kind,
  statements as Kind,
  position as Kind,
];

/** How many of each kind the store holds. */
export async function survey(end: TransferEnd): Promise<{ kind: string; count: number }[]> {
  const counts = [];
  for (const kind of kinds) counts.push({ kind: kind.name, count: await kind.count(end) });
  return counts;
}

/**
 * Copies everything from the source into an empty store, or goes on where an earlier call was cut off. The source is
 * only read. @throws DomainError `conflict` when the target holds something else
 */
export async function copy(
  source: TransferEnd,
  target: TransferEnd,
  onProgress: (progress: MoveProgress) => void,
): Promise<void> {
  const before = await target.marks();
  if (!before) {
    for (const { kind, count } of await survey(target))
      if (count > 0 && kind !== position.name)
        throw new DomainError(
          'conflict',
          `The target is not empty (${kind}: ${count}). Name an empty folder or database.`,
        );
  } else if (before.source !== source.name)
    throw new DomainError(
      'conflict',
      `The target holds an unfinished copy of ${before.source}, not of ${source.name}. Finish that one, or name an empty target.`,
    );
  await target.begin(source.name);
  const marks = new Map((before?.marks ?? []).map((mark) => [mark.kind, mark]));
  const total = (await survey(source)).reduce((sum, { count }) => sum + count, 0);
  let done = 0;
  for (const kind of kinds) {
    const mark = marks.get(kind.name);
    if (mark?.done) {
      done += await kind.count(target);
      continue;
    }
    if (mark) done += await kind.count(target);
    let cursor = mark?.cursor ?? null;
    let waiting: unknown[] = [];
    const flush = async (): Promise<void> => {
      if (waiting.length > 0) await kind.write(target, waiting, source);
      done += waiting.length;
      waiting = [];
      await target.mark({ kind: kind.name, cursor, done: false });
      onProgress({ kind: kind.name, phase: 'copy', done, total });
    };
    for await (const { cursor: next, item } of kind.read(source, cursor)) {
      waiting.push(item);
      cursor = next;
      if (waiting.length >= kind.batch) await flush();
    }
    await flush();
    await target.mark({ kind: kind.name, cursor, done: true });
  }
}

/** A sum over the hashes of all items, so that the order in which an engine gives them does not matter. */
async function sumOf(
  kind: Kind,
  end: TransferEnd,
  onItem: () => void,
): Promise<{ count: number; checksum: string }> {
  let count = 0;
  let sum = 0n;
  for await (const { item } of kind.read(end, null)) {
    const hash = createHash('sha256')
      .update(await kind.text(item, end))
      .digest('hex');
    sum = BigInt.asUintN(256, sum + BigInt(`0x${hash}`));
    count++;
    onItem();
  }
  return { count, checksum: sum.toString(16).padStart(64, '0').slice(0, 16) };
}

/** Reads both stores from end to end and compares counts and checksums, kind by kind. */
export async function compare(
  source: TransferEnd,
  target: TransferEnd,
  onProgress: (progress: MoveProgress) => void,
): Promise<KindResult[]> {
  const total = 2 * (await survey(source)).reduce((sum, { count }) => sum + count, 0);
  let done = 0;
  const results: KindResult[] = [];
  for (const kind of kinds) {
    const tick = (): void => {
      done++;
      if (done % 200 === 0) onProgress({ kind: kind.name, phase: 'compare', done, total });
    };
    const ends = [await sumOf(kind, source, tick), await sumOf(kind, target, tick)] as const;
    const same = ends[0].count === ends[1].count && ends[0].checksum === ends[1].checksum;
    results.push({ kind: kind.name, source: ends[0], target: ends[1], same });
    onProgress({ kind: kind.name, phase: 'compare', done, total });
  }
  return results;
}
