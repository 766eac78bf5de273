#!/usr/bin/env node
// npx zhixing check package.zip | npx zhixing upload package.zip
import { register } from 'tsx/esm/api';

register();
const { runCommand } = await import('../src/player/packages/commands.ts');
process.exitCode = await runCommand(process.argv.slice(2), process.env, {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
});
