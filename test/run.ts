import { spawn } from 'node:child_process';
import { prepareMongoForTests } from './support/mongo-server.ts';

// `npm test`: first the checks side by side, and the MongoDB-compatible server if it has to be built; then the tests in two
// processes, for browser tests wait more than they work. Arguments go to mocha. The last line is `N passed, N failed`.

interface Ended {
  code: number;
  output: string;
}

/** @param live what it prints is shown at once; else when it has ended, so that two do not mix */
const run = (command: string, given: string[], live: boolean): Promise<Ended> =>
  new Promise((resolve, reject) => {
    const child = spawn(command, given, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const take = (chunk: Buffer): void => {
      output += chunk.toString();
      if (live) process.stdout.write(chunk);
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    child.once('error', reject);
    child.once('close', (code) => {
      if (!live) process.stdout.write(output);
      resolve({ code: code ?? 1, output });
    });
  });

const checks = await Promise.all([
  ...['format:check', 'lint', 'types'].map((name) => run('npm', ['run', '-s', name], false)),
  prepareMongoForTests().then(() => ({ code: 0, output: '' })),
]);
if (checks.some(({ code }) => code !== 0)) {
  console.log(`0 passed, ${checks.filter(({ code }) => code !== 0).length} failed`);
  process.exit(1);
}

const mocha = ['node_modules/mocha/bin/mocha.js', ...process.argv.slice(2)];
const lanes = await Promise.all([
  run(process.execPath, [...mocha, 'test/e2e/**/*.test.ts'], true),
  run(process.execPath, [...mocha, 'test/{unit,contract}/**/*.test.ts'], false),
]);
const sums = { passed: 0, failed: 0, skipped: 0 };
for (const { code, output } of lanes) {
  const found = /(\d+) passed, (\d+) failed(?:, (\d+) skipped)?\s*$/.exec(output);
  sums.passed += Number(found?.[1] ?? 0);
  sums.skipped += Number(found?.[3] ?? 0);
  // One that ended badly without a count has failed as a whole.
  sums.failed += Math.max(Number(found?.[2] ?? 0), code === 0 ? 0 : 1);
}
const skipped = sums.skipped > 0 ? `, ${sums.skipped} skipped` : '';
console.log(`\n${sums.passed} passed, ${sums.failed} failed${skipped}`);
process.exit(sums.failed === 0 ? 0 : 1);
