import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

// `npm run bench` runs the LRS's and the player's figures; `npm run bench -- NAME …` runs bench/NAME.ts with the rest as its
// arguments.
const [asked, ...rest] = process.argv.slice(2);
const known = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith('.ts') && !['run.ts', 'lrs-load.ts', 'lrs-floor.ts'].includes(file))
  .map((file) => file.slice(0, -3));
if (asked !== undefined && !known.includes(asked)) {
  console.error(`There is no bench ${asked}; known: ${known.join(', ')}.`);
  process.exit(2);
}
const run = (name: string): Promise<number> =>
  new Promise((resolve) => {
    spawn(process.execPath, ['--import', 'tsx', join(import.meta.dirname, `${name}.ts`), ...rest], {
      stdio: 'inherit',
    }).once('exit', (code) => resolve(code ?? 1));
  });
let worst = 0;
for (const name of asked === undefined ? ['lrs', 'player'] : [asked])
  worst = Math.max(worst, await run(name));
process.exit(worst);
