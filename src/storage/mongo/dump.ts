import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import mongoose from 'mongoose';
import { DomainError } from '../../base/errors.ts';
import { openMongo } from './open.ts';

const { BSON } = mongoose.mongo;

/** What only counts the moment, or is made again: not in a dump. */
const leftOut = new Set(['rate_counters', 'sign_in_failures']);
const sequenceName = 'lrs_sequence';
const statementsName = 'lrs_statements';
const afterSequence = [statementsName, 'lrs_references', 'lrs_activities', 'lrs_agents'];
const files = ['blobs.files', 'blobs.chunks'];

/**
 * The order in which a copy taken while writes go on is whole. First every row that a Statement may stand behind (a session
 * marked as recorded), then the cut (`lrs_sequence`), then the Statements up to it, then the files, which are there before the
 * rows that name them, and of a file its entry before its chunks.
 */
export function dumpOrder(names: readonly string[]): string[] {
  const late = [sequenceName, ...afterSequence, ...files];
  const early = names.filter((name) => !late.includes(name) && !leftOut.has(name)).sort();
  return [...early, ...late.filter((name) => names.includes(name))];
}

/** Writes `<folder>/<database>/<collection>.bson` and `.metadata.json` as mongodump does; mongorestore reads them. */
export async function dumpMongo(
  uri: string,
  folder: string,
  onProgress: (collection: string, documents: number) => void = () => undefined,
): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  if ((await readdir(folder)).length > 0) throw new Error(`${folder} is not empty: name a new folder`);
  const connection = await openMongo(uri);
  try {
    const db = connection.db;
    if (!db) throw new Error('the connection is not open');
    const names = (await db.listCollections({}, { nameOnly: true }).toArray()).map(({ name }) => name);
    if (!names.includes(sequenceName))
      throw new DomainError('not-found', `There is no store in the database ${connection.name}.`);
    const place = join(folder, connection.name);
    await mkdir(place, { mode: 0o700 });
    let cut = 0;
    for (const name of dumpOrder(names)) {
      const collection = db.collection(name);
      const filter = name === statementsName ? { seq: { $lt: cut } } : {};
      const file = await open(join(place, `${name}.bson`), 'wx', 0o600);
      let count = 0;
      try {
        for await (const document of collection.find(filter).batchSize(200)) {
          if (name === sequenceName) cut = Number(document['next']);
          await file.write(BSON.serialize(document));
          if (++count % 1000 === 0) onProgress(name, count);
        }
        await file.sync();
      } finally {
        await file.close();
      }
      const indexes = await collection.indexes();
      const metadata = { indexes, collectionName: name, type: 'collection' };
      await writeFile(
        join(place, `${name}.metadata.json`),
        BSON.EJSON.stringify(metadata, undefined, undefined, { relaxed: false }),
      );
      onProgress(name, count);
    }
  } finally {
    await connection.close();
  }
}

/** The documents of a .bson file, one after the other. */
async function* documentsOf(path: string): AsyncIterable<mongoose.mongo.BSON.Document> {
  let rest = Buffer.alloc(0);
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) {
    rest = Buffer.concat([rest, chunk as Buffer]);
    let at = 0;
    while (rest.length - at >= 4 && rest.length - at >= rest.readInt32LE(at)) {
      const size = rest.readInt32LE(at);
      yield BSON.deserialize(rest.subarray(at, at + size), { promoteBuffers: false });
      at += size;
    }
    rest = rest.subarray(at);
  }
  if (rest.length > 0) throw new Error(`${path} ends in the middle of a document: the copy is not whole`);
}

/** Puts a dump into an empty database; indexes are made as they were, and by the program at its start. */
export async function restoreMongo(
  folder: string,
  uri: string,
  onProgress: (collection: string, documents: number) => void = () => undefined,
): Promise<void> {
  const [name, ...others] = await readdir(folder);
  if (name === undefined || others.length > 0)
    throw new Error(`${folder} is no dump: it must hold the one folder of a database`);
  const place = join(folder, name);
  const connection = await openMongo(uri);
  try {
    const db = connection.db;
    if (!db) throw new Error('the connection is not open');
    if ((await db.listCollections({}, { nameOnly: true }).toArray()).length > 0)
      throw new Error(`The database ${connection.name} is not empty: name a new one`);
    for (const file of (await readdir(place)).filter((each) => each.endsWith('.bson')).sort()) {
      const collection = db.collection(file.slice(0, -'.bson'.length));
      const metadata = BSON.EJSON.parse(
        await readFile(join(place, file.replace(/\.bson$/, '.metadata.json')), 'utf8'),
      ) as { indexes: { key: Record<string, 1 | -1>; name: string; unique?: boolean; sparse?: boolean }[] };
      await db.createCollection(collection.collectionName);
      let count = 0;
      let waiting: mongoose.mongo.BSON.Document[] = [];
      const flush = async (): Promise<void> => {
        if (waiting.length > 0) await collection.insertMany(waiting);
        count += waiting.length;
        waiting = [];
        onProgress(collection.collectionName, count);
      };
      for await (const document of documentsOf(join(place, file))) {
        waiting.push(document);
        if (waiting.length >= 200) await flush();
      }
      await flush();
      for (const { key, name: index, unique, sparse } of metadata.indexes)
        if (index !== '_id_')
          await collection.createIndex(key, {
            name: index,
            ...(unique ? { unique } : {}),
            ...(sparse ? { sparse } : {}),
          });
    }
  } finally {
    await connection.close();
  }
}
