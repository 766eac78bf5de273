// A consistent copy of an installation while it runs: npm run backup -- --from ./data --to /backups/2026-11-23
// or, on MongoDB, in mongodump's layout: npm run backup -- --from mongodb://host/zhixing --to /backups/2026-11-23
import { cp, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import Database from 'better-sqlite3';
import { dumpMongo } from '../src/storage/mongo/dump.ts';

/**
 * Copies the database page by page without stopping writers, then the files. Files never change once they are there and are
 * written before the rows that name them, so a copy taken afterwards holds every file that the copied rows name.
 */
export async function backup(
  from: string,
  to: string,
  onProgress: (share: number) => void = () => undefined,
): Promise<void> {
  await mkdir(to, { recursive: true, mode: 0o700 });
  if ((await readdir(to)).length > 0) throw new Error(`${to} is not empty: name a new folder`);
  const db = new Database(join(from, 'zhixing.db'), { fileMustExist: true });
  try {
    await db.backup(join(to, 'zhixing.db'), {
      progress: ({ totalPages, remainingPages }) => {
        onProgress(totalPages === 0 ? 1 : 1 - remainingPages / totalPages);
        return 500;
      },
    });
  } finally {
    db.close();
  }
  for (const name of ['blobs', 'demo-secrets.json'])
    await cp(join(from, name), join(to, name), {
      recursive: true,
      filter: (path) => !path.includes('.incoming'),
    }).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
  const copy = new Database(join(to, 'zhixing.db'), { readonly: true });
  const [check] = copy.pragma('integrity_check', { simple: false }) as { integrity_check: string }[];
  copy.close();
  if (check?.integrity_check !== 'ok') throw new Error(`The copy is damaged: ${check?.integrity_check}`);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { from: { type: 'string', default: './data' }, to: { type: 'string' } },
  });
  if (!values.to) throw new Error('Say where to: npm run backup -- --from ./data --to /backups/2026-11-23');
  const line = (text: string): void => {
    if (process.stderr.isTTY) process.stderr.write(`\r${text.padEnd(60)}`);
  };
  if (/^mongodb(\+srv)?:/.test(values.from)) {
    await dumpMongo(values.from, values.to, (collection, count) => line(`${collection} ${count}`));
    console.log(
      `\nBacked up to ${values.to}. npm run restore, or mongorestore, puts it into an empty database.`,
    );
    return;
  }
  await backup(values.from, values.to, (share) => line(`${Math.floor(share * 100)} %`));
  console.log(`\nBacked up ${values.from} to ${values.to}; the copy's integrity was checked.`);
}

if (process.argv[1] === import.meta.filename)
  main().catch((error: unknown) => {
    console.error((error as Error).message);
    process.exitCode = 1;
  });
