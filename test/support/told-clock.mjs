// Preloaded into a server under test (NODE_OPTIONS=--import=…): the machine's clock says what a file says, so that a laptop can
// sleep for three hours in a moment. The program itself knows nothing of it.
import { readFileSync } from 'node:fs';

const file = process.env['TOLD_CLOCK_FILE'] ?? '';
const now = () => Number(readFileSync(file, 'latin1'));
globalThis.Date = new Proxy(Date, {
  construct: (target, args, newTarget) =>
    Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
  apply: (target) => new target(now()).toString(),
  get: (target, name) => (name === 'now' ? now : Reflect.get(target, name)),
});
