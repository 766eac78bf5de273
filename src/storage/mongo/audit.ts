import { Schema } from 'mongoose';
import {
  type AuditEntry,
  type AuditHead,
  type AuditStore,
  chained,
  noHead,
} from '../../identity/audit/store.ts';
import { type Connection, isDuplicateKey } from './open.ts';

/** `_id` is the seq: of two who add behind the same line one is refused, and tries again behind the other. */
type Row = Omit<AuditEntry, 'seq' | 'detail'> & { _id: number; detail: string };

const schema = new Schema(
  {
    _id: { type: Number, required: true },
    at: Number,
    action: String,
    actorId: { type: String, default: null },
    subjectId: { type: String, default: null },
    outcome: String,
    reason: { type: String, default: null },
    address: { type: String, default: null },
    detail: String,
    previous: String,
    hash: String,
  },
  { versionKey: false, collection: 'audit_log' },
);
schema.index({ actorId: 1, _id: -1 });
schema.index({ subjectId: 1, _id: -1 });
schema.index({ action: 1, _id: -1 });
schema.index({ at: 1 });
schema.index({ hash: 1 });

const toEntry = ({ _id, detail, ...rest }: Row): AuditEntry => ({
  ...rest,
  seq: _id,
  detail: JSON.parse(detail) as Record<string, string>,
});
const toRow = ({ seq, detail, ...rest }: AuditEntry): Row => ({
  ...rest,
  _id: seq,
  detail: JSON.stringify(detail ?? {}),
});
const mostTries = 200;

export async function createMongoAuditStore(connection: Connection): Promise<AuditStore> {
  const model = connection.model<Row>('AuditEntry', schema as never);
  await model.createCollection();
  await model.createIndexes();
  const head = async (): Promise<AuditHead> => {
    const row = await model.findOne({}, { hash: 1 }).sort({ _id: -1 }).lean<Row | null>();
    return row ? { seq: row._id, hash: row.hash } : noHead;
  };
  return {
    async append(events) {
      let rest = events;
      for (let tries = 0; rest.length > 0; tries++) {
        const entries = chained(await head(), rest);
        try {
          await model.insertMany(entries.map(toRow), { ordered: true, lean: true });
          return;
        } catch (error) {
          if (!isDuplicateKey(error) || tries >= mostTries) throw error;
          // In order: whatever stands before the refused line is kept, and is not written again.
          const hashes = entries.map(({ hash }) => hash);
          rest = rest.slice(await model.countDocuments({ hash: { $in: hashes } }));
          await new Promise((resolve) => setTimeout(resolve, Math.random() * 20));
        }
      }
    },
    head,
    async find({ personId, action, outcome, from, to, before, limit }) {
      const at = { ...(from === null ? {} : { $gte: from }), ...(to === null ? {} : { $lt: to }) };
      const rows = await model
        .find({
          ...(personId === null ? {} : { $or: [{ actorId: personId }, { subjectId: personId }] }),
          ...(action === null ? {} : { action }),
          ...(outcome === null ? {} : { outcome }),
          ...(from === null && to === null ? {} : { at }),
          ...(before === null ? {} : { _id: { $lt: before } }),
        })
        .sort({ _id: -1 })
        .limit(limit)
        .lean<Row[]>();
      return rows.map(toEntry);
    },
    async after(seq, limit) {
      const rows = await model
        .find({ _id: { $gt: seq } })
        .sort({ _id: 1 })
        .limit(limit)
        .lean<Row[]>();
      return rows.map(toEntry);
    },
    async restore(entries) {
      try {
        await model.insertMany(entries.map(toRow), { ordered: false, lean: true });
      } catch (error) {
        if (!isDuplicateKey(error)) throw error;
      }
    },
  };
}
