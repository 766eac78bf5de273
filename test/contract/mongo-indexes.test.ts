import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { type Connection, openMongo } from '../../src/storage/mongo/open.ts';
import { storageOnMongo } from '../../src/storage/mongo/storage.ts';
import type { Storage } from '../../src/storage/open.ts';
import { emptyStore, type EmptyStore } from '../support/engines.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/operations.md'), 'utf8');
type Tables = Map<string, { indexes: string[]; shardKey: string }>;

/** The table as it stands in docs/operations.md: names of collections to the indexes of all of them. */
function documented(): Tables {
  const rows = page
    .split('\n')
    .map((line) => /^\| (`[a-z_.`, ]+`) +\| (.*?) *\| (.+?) +\|$/.exec(line))
    .filter((row) => row !== null);
  const names = (text: string): string[] => [...text.matchAll(/`([a-z_.]+)`/g)].map(([, name = '']) => name);
  return new Map(
    rows.map(([, collections = '', indexes = '', shardKey = '']) => [
      names(collections).toSorted().join(', '),
      {
        indexes: [...indexes.matchAll(/`([^`]+)`((?: unique| sparse)*)/g)]
          .map(([, keys = '', flags = '']) => `${keys}${flags}`)
          .toSorted(),
        shardKey,
      },
    ]),
  );
}

const keysOf = (key: Record<string, unknown>): string =>
  Object.entries(key)
    .map(([field, direction]) => (direction === -1 ? `${field} desc` : field))
    .join(', ');

describe('collections and indexes of a started MongoDB engine', () => {
  let empty: EmptyStore | null = null;
  let connection: Connection;
  let storage: Storage;
  before(async function () {
    this.timeout(600_000); // the first run builds the server
    empty = await emptyStore('mongodb');
    if (!empty) return this.skip();
    connection = await openMongo(empty.options.mongodbUri ?? '');
    storage = await storageOnMongo(connection);
    await storage.blobs.put('x', Buffer.from('x')); // GridFS makes its own with the first file
  });
  after(async () => {
    await storage?.close();
    empty?.remove();
  });

  it('are those that docs/operations.md lists, each with a word on sharding', async () => {
    const declaredSparse = new Set(
      Object.values(connection.models).flatMap((model) =>
        (model.schema.indexes() as [Record<string, unknown>, { sparse?: boolean }][])
          .filter(([, { sparse }]) => sparse)
          .map(([key]) => `${model.collection.name}: ${keysOf(key)}`),
      ),
    );
    const real = new Map<string, string[]>();
    for (const { name } of (await connection.db?.listCollections().toArray()) ?? []) {
      const indexes = await connection.collection(name).indexes();
      real.set(
        name,
        indexes
          .filter((index) => index.name !== '_id_')
          .map(({ key, unique }) => {
            const keys = keysOf(key);
            // A compatible server may not say that an index is sparse: the schema does.
            const sparse = declaredSparse.has(`${name}: ${keys}`);
            return `${keys}${unique ? ' unique' : ''}${sparse ? ' sparse' : ''}`;
          }),
      );
    }
    const table = documented();
    expect([...table.keys()].flatMap((names) => names.split(', ')).toSorted()).to.deep.equal(
      [...real.keys()].toSorted(),
    );
    for (const [names, { indexes, shardKey }] of table) {
      const found = names.split(', ').flatMap((name) => real.get(name) ?? []);
      expect(found.toSorted(), names).to.deep.equal(indexes);
      expect(shardKey, names).to.not.equal('');
    }
  });

  it('no unique index stands in the way of a shard key', () => {
    for (const [names, { indexes, shardKey }] of documented()) {
      const [, key = ''] = /^`([^`]+)`/.exec(shardKey) ?? [];
      if (key === '') continue;
      for (const index of indexes.filter((each) => each.includes(' unique')))
        expect(index.startsWith(key), `${names}: ${index}`).to.equal(true);
    }
  });
});
