// Reads the whole audit log and says whether its chain is intact: npm run audit-verify [-- --expect <no.>:<hash>]
import { parseArgs } from 'node:util';
import { systemClock } from '../src/base/clock.ts';
import { readConfig } from '../src/config.ts';
import { createAudit } from '../src/identity/audit/audit.ts';
import { openStorage } from '../src/storage/open.ts';

const said = { missing: 'is missing', changed: 'was changed', unlinked: 'is not linked to the one before' };

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { expect: { type: 'string' } } });
  const [, seq, hash] = /^(\d+):([0-9a-f]{64})$/.exec(values.expect ?? '') ?? [];
  if (values.expect !== undefined && hash === undefined)
    throw new Error('--expect takes the number and the hash of a line noted earlier: 1234:0af3…');
  const { mongodbUri, dataDir, sqliteSync } = readConfig(
    {
      ...process.env,
      NODE_ENV: 'development',
      HOST: undefined,
      IDENTITY_PROVIDERS: undefined,
      MAIL_URL: undefined,
    },
    // No ID number is read here.
    () => ({ session: '', idNumberKey: Buffer.alloc(32) }),
  );
  const storage = await openStorage({ mongodbUri, dataDir, sqliteSync });
  try {
    const audit = createAudit({ store: storage.audit, clock: systemClock });
    const check = await audit.verify(hash === undefined ? {} : { expected: { seq: Number(seq), hash } });
    if (!check.intact) {
      process.exitCode = 1;
      console.log(
        check.fault === 'cut-off'
          ? `The log was cut off: line ${check.seq} and what followed are gone.`
          : `Line ${check.seq} ${said[check.fault]}; the ${check.lines} lines before are intact.`,
      );
      return;
    }
    console.log(`${check.lines} lines, the chain is intact. Last line: ${check.head.seq}:${check.head.hash}`);
  } finally {
    await storage.close();
  }
}

main().catch((error: unknown) => {
  console.error((error as Error).message);
  process.exitCode = 1;
});
