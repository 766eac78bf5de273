import { Schema } from 'mongoose';
import type { AgencyStore } from '../../identity/agencies/store.ts';
import { type AgencyPart, fromPart, toParts } from '../agency-parts.ts';
import { type Connection, isDuplicateKey } from './open.ts';

interface HeadRow {
  _id: 'directory';
  revision: number;
  /** The parts that make up the directory, in order. */
  parts: string[];
}
type PartRow = Omit<AgencyPart, 'id'> & { _id: string };

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
            agencies: row.parts.flatMap((id) => fromPart(bodies.get(id) ?? '[]')),
          };
        if (row.revision === seen) throw new Error(`agency directory ${seen} lacks a part`);
        seen = row.revision;
      }
    },
    // New parts first, then the one document that names them: visible at once and whole.
    async replace(agencies, expected) {
      const before = await current();
      if ((before?.revision ?? 0) !== expected) return false;
      const rows: PartRow[] = toParts(agencies, expected + 1).map(({ id, ...rest }) => ({
        _id: id,
        ...rest,
      }));
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
