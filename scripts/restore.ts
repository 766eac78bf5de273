// Puts a MongoDB backup into an empty database: npm run restore -- --from /backups/2026-11-23 --to mongodb://host/zhixing
// (A backup of SQLite needs no restoring: DATA_DIR may name its folder, or a copy of it.)
import { parseArgs } from 'node:util';
import { restoreMongo } from '../src/storage/mongo/dump.ts';

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { from: { type: 'string' }, to: { type: 'string' } } });
  if (values.from === undefined || values.to === undefined || !/^mongodb(\+srv)?:/.test(values.to))
    throw new Error('npm run restore -- --from /backups/2026-11-23 --to mongodb://host/zhixing');
  await restoreMongo(values.from, values.to, (collection, count) => {
    if (process.stderr.isTTY) process.stderr.write(`\r${`${collection} ${count}`.padEnd(60)}`);
  });
  console.log(`Restored from ${values.from}.`);
}

main().catch((error: unknown) => {
  console.error((error as Error).message);
  process.exitCode = 1;
});
