// Moves everything from one engine to the other: npm run migrate-store -- --from sqlite:./data --to mongodb://host/zhixing
import { parseArgs } from 'node:util';
import { compare, copy, type MoveProgress, survey } from '../src/storage/transfer/move.ts';
import type { TransferEnd } from '../src/storage/transfer/ends.ts';
import { isEmptyDatabase, openMongoEnd } from '../src/storage/transfer/mongo-end.ts';
import { isEmptyFolder, openSqliteEnd } from '../src/storage/transfer/sqlite-end.ts';

const usage =
  'npm run migrate-store -- --from sqlite:./data --to mongodb://host/zhixing [--dry-run]   (or the other way round)';

const isMongo = (address: string): boolean => /^mongodb(\+srv)?:\/\//.test(address);
function folderOf(address: string): string {
  const folder = /^sqlite:(.+)$/.exec(address)?.[1];
  if (folder === undefined)
    throw new Error(`"${address}" is no store: write sqlite:<folder> or mongodb://…\n${usage}`);
  return folder;
}
const openEnd = async (address: string, use: 'read' | 'write'): Promise<TransferEnd> =>
  isMongo(address) ? openMongoEnd(address, use) : openSqliteEnd(folderOf(address), use);

/** A bar on a terminal; elsewhere one line as each kind begins. */
function createBar(): (progress: MoveProgress) => void {
  let last = '';
  return ({ kind, phase, done, total }) => {
    if (process.stderr.isTTY) {
      const share = total === 0 ? 1 : Math.min(1, done / total);
      const bar = '█'.repeat(Math.round(share * 30)).padEnd(30, '░');
      process.stderr.write(
        `\r${phase} ${bar} ${Math.floor(share * 100)} %  ${done}/${total}  ${kind.padEnd(24)}`,
      );
    } else if (last !== `${phase} ${kind}`) process.stderr.write(`${phase} ${kind} (${done}/${total})\n`);
    last = `${phase} ${kind}`;
  };
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      from: { type: 'string' },
      to: { type: 'string' },
      'dry-run': { type: 'boolean', default: false },
    },
  });
  const { from, to } = values;
  if (from === undefined || to === undefined) throw new Error(usage);
  const source = await openEnd(from, 'read');
  try {
    if (values['dry-run']) {
      const empty = isMongo(to) ? await isEmptyDatabase(to) : isEmptyFolder(folderOf(to));
      for (const { kind, count } of await survey(source)) console.log(`${kind.padEnd(24)} ${count}`);
      console.log(
        `${empty ? 'The target is empty.' : 'The target is not empty: only an unfinished copy of the same source can be gone on with.'} Nothing was written.`,
      );
      return;
    }
    const target = await openEnd(to, 'write');
    try {
      const bar = createBar();
      await copy(source, target, bar);
      const results = await compare(source, target, bar);
      if (process.stderr.isTTY) process.stderr.write('\n');
      for (const { kind, source: a, target: b, same } of results)
        console.log(
          `${same ? 'same     ' : 'DIFFERENT'} ${kind.padEnd(24)} ${String(a.count).padStart(10)} ${a.checksum}${same ? '' : `   target ${b.count} ${b.checksum}`}`,
        );
      const different = results.filter(({ same }) => !same);
      if (different.length > 0)
        throw new Error(
          `${different.map(({ kind }) => kind).join(', ')} differ: was the program still running on the source? Stop it, empty the target, and begin anew. The source is unchanged.`,
        );
      await target.finish();
      console.log(
        isMongo(to)
          ? 'Everything is there. Start the program with MONGODB_URI set to the new store, and the same ID_NUMBER_KEY and SESSION_SECRET.'
          : 'Everything is there. Start the program without MONGODB_URI, with DATA_DIR set to the new folder, and the same ID_NUMBER_KEY and SESSION_SECRET.',
      );
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}

main().catch((error: unknown) => {
  console.error((error as Error).message);
  process.exitCode = 1;
});
