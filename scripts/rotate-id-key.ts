// Replaces ID_NUMBER_KEY: ID_NUMBER_KEY_OLD=… ID_NUMBER_KEY_NEW=… npm run rotate-id-key [-- --dry-run]
import { loadEnvFile } from 'node:process';
import { parseArgs } from 'node:util';
import { systemClock } from '../src/base/clock.ts';
import { readConfig } from '../src/config.ts';
import { rotateIdKey, type KeyRotationReport } from '../src/id-key.ts';
import { createAudit } from '../src/identity/audit/audit.ts';
import { openStorage } from '../src/storage/open.ts';

const keyIn = (name: string): Buffer => {
  const text = process.env[name] ?? '';
  if (!/^[0-9a-fA-F]{64}$/.test(text))
    throw new Error(`${name} must be 64 hexadecimal digits (openssl rand -hex 32).`);
  return Buffer.from(text, 'hex');
};
const counts = ({ changed, already, people }: KeyRotationReport): string =>
  `${people} people: ${changed.idNumbers} ID numbers, ${changed.signIns} sign-ins, ${changed.secondFactors} second factors, ` +
  `${changed.forwarding} forwarding secrets; ${already} under the new key before`;

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { 'dry-run': { type: 'boolean', default: false } } });
  try {
    loadEnvFile('.env');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const [oldKey, newKey] = [keyIn('ID_NUMBER_KEY_OLD'), keyIn('ID_NUMBER_KEY_NEW')];
  if (oldKey.equals(newKey)) throw new Error('The two keys are the same.');
  const { mongodbUri, dataDir, sqliteSync } = readConfig(
    {
      MONGODB_URI: process.env['MONGODB_URI'],
      DATA_DIR: process.env['DATA_DIR'],
      SQLITE_SYNC: process.env['SQLITE_SYNC'],
    },
    () => ({ session: '', idNumberKey: newKey }),
  );
  const storage = await openStorage({ mongodbUri, dataDir, sqliteSync });
  try {
    const rotate = (dryRun: boolean): Promise<KeyRotationReport> =>
      rotateIdKey({
        ...{ storage, oldKey, newKey, clock: systemClock, dryRun },
        onProgress: (people) => process.stderr.write(`\r${people} people …`),
      });
    const say = (line: string): void => {
      process.stderr.write('\r');
      console.log(line);
    };
    if (values['dry-run']) {
      const plan = await rotate(true);
      say(`Would seal anew, of ${counts(plan)}.`);
      for (const fault of plan.faults) say(`Neither key opens: ${fault}`);
      process.exitCode = plan.faults.length > 0 ? 1 : 0;
      return;
    }
    const done = await rotate(false);
    say(`Sealed anew, of ${counts(done)}.`);
    // Read again from end to end: nothing may hang on the old key any more.
    const check = await rotate(true);
    const left = Object.values(check.changed).reduce((sum, each) => sum + each, 0);
    for (const fault of check.faults) say(`Neither key opens: ${fault}`);
    for (const one of check.stale) say(`Left as it is, of a number that is not theirs any more: ${one}`);
    const whole = left === 0 && check.faults.length === 0;
    await createAudit({ store: storage.audit, clock: systemClock }).record({
      ...{ action: 'id-key.rotate', actorId: null, subjectId: null, address: null },
      outcome: whole ? 'success' : 'failure',
      reason: whole ? null : 'not-finished',
      detail: Object.fromEntries(Object.entries(done.changed).map(([what, count]) => [what, String(count)])),
    });
    if (whole)
      return say(
        'Checked: everything opens with the new key. Set it as ID_NUMBER_KEY and start the program.',
      );
    say(
      left > 0
        ? `${left} values are under the old key still: is the program running? Stop it and run this again.`
        : 'Not finished: what neither key opens must be mended first (a backup, or the key before).',
    );
    process.exitCode = 1;
  } finally {
    await storage.close();
  }
}

main().catch((error: unknown) => {
  console.error((error as Error).message);
  process.exitCode = 1;
});
