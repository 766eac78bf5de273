import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

// `npm run bench` runs the LRS's figures; `npm run bench -- NAME …` runs bench/NAME.ts with the rest as its arguments.
const [name = 'lrs', ...rest] = process.argv.slice(2);
const known = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith('.ts') && !['run.ts', 'lrs-load.ts', 'lrs-floor.ts'].includes(file))
  .map((file) => file.slice(0, -3));
if (!known.includes(name)) {
  console.error(`There is no bench ${name}; known: ${known.join(', ')}.`);
  process.exit(2);
}
spawn(process.execPath, ['--import', 'tsx', join(import.meta.dirname, `${name}.ts`), ...rest], {
  stdio: 'inherit',
}).once('exit', (code) => process.exit(code ?? 1));
