import { Schema } from 'mongoose';
import {
  nextIssueAt,
  type EmailConfirmationStore,
  type OutboxMail,
  type OutboxStore,
} from '../../identity/mail/store.ts';
import { type Connection, isDuplicateKey } from './open.ts';

interface Row {
  /** The person: one document each, so that every change is one atomic write to one shard. */
  _id: string;
  email: string;
  /** Null once spent. */
  tokenHash: string | null;
  expiresAt: Date;
  /** Milliseconds of the epoch. */
  issuedAt: number[];
  /** Grows with each issue, which is a compare-and-set on it. */
  revision: number;
}

const confirmations = new Schema<Row>(
  {
    _id: { type: String, required: true },
    email: { type: String, required: true },
    tokenHash: { type: String, default: null },
    expiresAt: { type: Date, required: true },
    issuedAt: { type: [Number], required: true },
    revision: { type: Number, required: true },
  },
  { versionKey: false, collection: 'email_confirmations' },
);
confirmations.index({ expiresAt: 1 });

export async function createMongoEmailConfirmationStore(
  connection: Connection,
): Promise<EmailConfirmationStore> {
  const model = connection.model<Row>('EmailConfirmation', confirmations);
  await model.createCollection();
  await model.createIndexes();
  return {
    async issue({ personId, email, tokenHash, expiresAt }, at, limits) {
      for (;;) {
        const row = await model.findById(personId).lean<Row>();
        const before = row?.issuedAt ?? [];
        const wait = nextIssueAt(
          before.map((time) => new Date(time)),
          at,
          limits,
        );
        if (wait) return wait;
        const next: Omit<Row, '_id'> = {
          email,
          tokenHash,
          expiresAt,
          issuedAt: [...before, at.getTime()].slice(-limits.most),
          revision: (row?.revision ?? 0) + 1,
        };
        if (row) {
          const done = await model.updateOne({ _id: personId, revision: row.revision }, { $set: next });
          if (done.matchedCount === 1) return null;
          continue;
        }
        try {
          await model.create({ _id: personId, ...next });
          return null;
        } catch (error) {
          // Another one was first: its time counts now.
          if (!isDuplicateKey(error)) throw error;
        }
      }
    },
    async spend(personId, tokenHash, now) {
      const row = await model
        .findOneAndUpdate(
          { _id: personId, tokenHash, expiresAt: { $gt: now } },
          { $set: { tokenHash: null } },
          { returnDocument: 'before' },
        )
        .lean<Row>();
      return row && { email: row.email };
    },
    async forget(personId) {
      await model.deleteOne({ _id: personId });
    },
    async deleteExpired(now) {
      return (await model.deleteMany({ expiresAt: { $lte: now } })).deletedCount;
    },
  };
}

interface OutboxRow extends Omit<OutboxMail, 'id'> {
  _id: string;
}

const outbox = new Schema<OutboxRow>(
  {
    _id: { type: String, required: true },
    to: { type: String, required: true },
    subject: { type: String, required: true },
    text: { type: String, required: true },
    at: { type: Date, required: true },
  },
  { versionKey: false, collection: 'outbox' },
);
outbox.index({ at: -1, _id: -1 });

export async function createMongoOutboxStore(connection: Connection): Promise<OutboxStore> {
  const model = connection.model<OutboxRow>('OutboxMail', outbox);
  await model.createCollection();
  await model.createIndexes();
  const newest = (limit: number) => model.find().sort({ at: -1, _id: -1 }).limit(limit).lean<OutboxRow[]>();
  return {
    async add({ id, ...rest }, keep) {
      await model.create({ _id: id, ...rest });
      const surplus = await model
        .find({}, { _id: 1 })
        .sort({ at: -1, _id: -1 })
        .skip(keep)
        .lean<OutboxRow[]>();
      if (surplus.length > 0) await model.deleteMany({ _id: { $in: surplus.map(({ _id }) => _id) } });
    },
    async latest(limit) {
      return (await newest(limit)).map(({ _id, to, subject, text, at }) => ({
        id: _id,
        to,
        subject,
        text,
        at,
      }));
    },
  };
}
