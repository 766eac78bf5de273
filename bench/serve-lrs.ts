import { openStorage } from '../src/storage/open.ts';
import { startLrs } from '../test/support/lrs-server.ts';

// The LRS alone, for the public conformance suite: `npx tsx bench/serve-lrs.ts DATA_DIR [PORT]`; MONGODB_URI picks MongoDB.
const [dataDir = './data/lrs', port = '8090'] = process.argv.slice(2);
const storage = await openStorage({
  mongodbUri: process.env['MONGODB_URI'] ?? null,
  dataDir,
  sqliteSync: 'full',
});
const given = {
  key: process.env['LRS_KEY'] ?? 'conformance',
  secret: process.env['LRS_SECRET'] ?? 'conformance-secret',
};
const server = await startLrs(storage, given, { port: Number(port), listener: true });
console.log(`${storage.engine} at ${server.endpoint}`);
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void server.close().then(() => storage.close()));
