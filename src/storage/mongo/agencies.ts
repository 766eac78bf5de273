import { randomUUID } from 'node:crypto';
import { Schema } from 'mongoose';
import type { Agency, AgencyStore } from '../../identity/agencies/store.ts';
import { type Connection, isDuplicateKey } from './open.ts';

interface HeadRow {
  _id: 'directory';
  revision: number;
  /** The parts that make up the directory, in order. */
  parts: string[];
}
interface PartRow {
  _id: string;
  /** The revision of the directory that it was written for. */
  revision: number;
  /** Agency[] as JSON. */
  body: string;
}

const heads = new Schema<HeadRow>(
  {
    _id: { type: String, required: true },
    revision: { type: Number, required: true },
    parts: { type: [String], required: true },
  },
  { versionKey: false, collection: 'agency_directory' },
);
const parts = new Schema<PartRow>(
  {
    _id: { type: String, required: true },
    revision: { type: Number, required: true },
    body: { type: String, required: true },
  },
  { versionKey: false, collection: 'agency_parts' },
);
parts.index({ revision: 1 });

/** So many agencies in a document: far from its limit of 16 MB. */
const partSize = 1000;

export async function createMongoAgencyStore(connection: Connection): Promise<AgencyStore> {
  const head = connection.model<HeadRow>('AgencyDirectory', heads);
  const part = connection.model<PartRow>('AgencyPart', parts);
  for (const model of [head, part]) {
    await model.createCollection();
    await model.createIndexes();
  }

  const current = () => head.findById('directory').lean<HeadRow>();
  return {
    async revision() {
      return (await current())?.revision ?? 0;
    },
    async read() {
      for (let seen = -1; ;) {
        const row = await current();
        if (!row) return { revision: 0, agencies: [] };
        const found = await part.find({ _id: { $in: row.parts } }).lean<PartRow[]>();
        const bodies = new Map(found.map(({ _id, body }) => [_id, body]));
        // A part is missing only when a newer directory has taken this one's place: read that.
        if (row.parts.every((id) => bodies.has(id)))
          return {
            revision: row.revision,
            agencies: row.parts.flatMap((id) => JSON.parse(bodies.get(id) ?? '[]') as Agency[]),
          };
        if (row.revision === seen) throw new Error(`agency directory ${seen} lacks a part`);
        seen = row.revision;
      }
    },
    // New parts first, then the one document that names them: visible at once and whole.
    async replace(agencies, expected) {
      const before = await current();
      if ((before?.revision ?? 0) !== expected) return false;
      const sorted = agencies.toSorted((a, b) => (a.code < b.code ? -1 : 1));
      const rows: PartRow[] = [];
      for (let at = 0; at < sorted.length; at += partSize)
        rows.push({
          _id: randomUUID(),
          revision: expected + 1,
          body: JSON.stringify(sorted.slice(at, at + partSize)),
        });
      const ids = rows.map(({ _id }) => _id);
      if (rows.length > 0) await part.insertMany(rows);
      const fields = { revision: expected + 1, parts: ids };
      try {
        const won = before
          ? (await head.updateOne({ _id: 'directory', revision: expected }, { $set: fields }))
              .matchedCount === 1
          : Boolean(await head.create({ _id: 'directory', ...fields }));
        if (won) {
          // Also what an import that was cut off, or lost, left behind.
          await part.deleteMany({ revision: { $lte: expected + 1 }, _id: { $nin: ids } });
          return true;
        }
      } catch (error) {
        if (!isDuplicateKey(error)) throw error;
      }
      await part.deleteMany({ _id: { $in: ids } });
      return false;
    },
  };
}
