import { Schema } from 'mongoose';
import type { DeadLetter, Erasure, ForwardingRule, LrsAdminStore, Rejection } from '../../lrs/admin/store.ts';
import { type Connection, isDuplicateKey } from './open.ts';

/** The port's own shape under `_id`; what has keys of a client's making is JSON text. */
type Kept<T> = Omit<T, 'id'> & { _id: string };
type RejectionRow = Omit<Kept<Rejection>, 'problems'> & { problems: string };
interface RuleRow {
  _id: string;
  rule: string;
  position: number;
  failures: number;
  nextAttemptAt: Date;
  lastError: string | null;
  holder: string;
  heldUntil: Date;
}

const id = { type: String, required: true } as const;
const options = (collection: string) => ({ versionKey: false as const, collection });
const rejectionSchema = new Schema(
  {
    _id: id,
    at: Date,
    credentialId: String,
    method: String,
    resource: String,
    status: Number,
    message: String,
    problems: String,
  },
  options('lrs_rejections'),
);
rejectionSchema.index({ credentialId: 1, at: -1 });
rejectionSchema.index({ at: 1 });
const ruleSchema = new Schema(
  {
    _id: id,
    rule: String,
    position: Number,
    failures: Number,
    nextAttemptAt: Date,
    lastError: { type: String, default: null },
    holder: String,
    heldUntil: Date,
  },
  options('lrs_forwarding'),
);
const letterSchema = new Schema(
  { _id: id, ruleId: String, statementId: String, at: Date, reason: String },
  options('lrs_dead_letters'),
);
letterSchema.index({ ruleId: 1, at: 1 });
const erasureSchema = new Schema(
  {
    _id: id,
    identity: String,
    reason: String,
    requestedBy: String,
    requestedAt: Date,
    confirmedBy: { type: String, default: null },
    confirmedAt: { type: Date, default: null },
    finishedAt: { type: Date, default: null },
    statements: Number,
    documents: Number,
  },
  options('lrs_erasures'),
);

const withId = <T extends { _id: string }>({ _id, ...rest }: T): Omit<T, '_id'> & { id: string } => ({
  id: _id,
  ...rest,
});
const toRule = (text: string): ForwardingRule =>
  JSON.parse(text, (name, value: unknown) =>
    name === 'createdAt' ? new Date(value as string) : value,
  ) as ForwardingRule;

export async function createMongoLrsAdminStore(connection: Connection): Promise<LrsAdminStore> {
  const rejections = connection.model<RejectionRow>('LrsRejection', rejectionSchema as never);
  const rules = connection.model<RuleRow>('LrsForwarding', ruleSchema as never);
  const letters = connection.model<Kept<DeadLetter>>('LrsDeadLetter', letterSchema as never);
  const erasures = connection.model<Kept<Erasure>>('LrsErasure', erasureSchema as never);
  for (const model of [rejections, rules, letters, erasures]) {
    await model.createCollection();
    await model.createIndexes();
  }
  const once = async (insert: () => Promise<unknown>): Promise<void> => {
    try {
      await insert();
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
    }
  };
  return {
    async addRejections(list) {
      const rows = list.map(({ id: _id, problems, ...rest }) => ({
        _id,
        ...rest,
        problems: JSON.stringify(problems),
      }));
      await once(() => rejections.insertMany(rows, { ordered: false }));
    },
    async rejections(credentialId, limit) {
      const rows = await rejections
        .find(credentialId === null ? {} : { credentialId })
        .sort({ at: -1, _id: -1 })
        .limit(limit)
        .lean<RejectionRow[]>();
      return rows.map((row) => ({
        ...withId(row),
        problems: JSON.parse(row.problems) as Rejection['problems'],
      }));
    },
    async deleteRejections(before) {
      return (await rejections.deleteMany({ at: { $lt: before } })).deletedCount;
    },
    async putRule(rule, position) {
      const text = JSON.stringify(rule);
      await once(() =>
        rules.create({
          _id: rule.id,
          rule: text,
          position,
          failures: 0,
          nextAttemptAt: new Date(0),
          lastError: null,
          holder: '',
          heldUntil: new Date(0),
        }),
      );
      await rules.updateOne({ _id: rule.id }, { $set: { rule: text } });
    },
    async rules() {
      const rows = await rules.find().sort({ _id: 1 }).lean<RuleRow[]>();
      return rows.map(({ rule, position, failures, nextAttemptAt, lastError }) => ({
        ...toRule(rule),
        position,
        failures,
        nextAttemptAt,
        lastError,
      }));
    },
    async deleteRule(ruleId) {
      await letters.deleteMany({ ruleId });
      await rules.deleteOne({ _id: ruleId });
    },
    async takeRule(ruleId, holder, now, until) {
      const row = await rules
        .findOneAndUpdate(
          { _id: ruleId, $or: [{ holder }, { heldUntil: { $lte: now } }] },
          { $set: { holder, heldUntil: until } },
          { returnDocument: 'after' },
        )
        .lean<RuleRow | null>();
      if (!row) return null;
      const { position, failures, nextAttemptAt, lastError } = row;
      return { position, failures, nextAttemptAt, lastError };
    },
    async leaveRule(ruleId, holder, state) {
      const { matchedCount } = await rules.updateOne(
        { _id: ruleId, holder },
        { $set: { ...state, holder: '', heldUntil: new Date(0) } },
      );
      return matchedCount === 1;
    },
    addDeadLetter: ({ id: _id, ...rest }) => once(() => letters.create({ _id, ...rest })),
    async deadLetters(ruleId, limit) {
      const rows = await letters
        .find({ ruleId })
        .sort({ at: 1, _id: 1 })
        .limit(limit)
        .lean<Kept<DeadLetter>[]>();
      return rows.map(withId);
    },
    async deleteDeadLetter(letterId) {
      await letters.deleteOne({ _id: letterId });
    },
    async addErasure({ id: _id, ...rest }) {
      await erasures.create({ _id, ...rest });
    },
    async erasures() {
      return (await erasures.find().sort({ requestedAt: -1, _id: -1 }).lean<Kept<Erasure>[]>()).map(withId);
    },
    async confirmErasure(erasureId, by, at) {
      const row = await erasures
        .findOneAndUpdate(
          { _id: erasureId, confirmedBy: null, requestedBy: { $ne: by } },
          { $set: { confirmedBy: by, confirmedAt: at } },
          { returnDocument: 'after' },
        )
        .lean<Kept<Erasure> | null>();
      return row ? withId(row) : null;
    },
    async finishErasure(erasureId, at, statements, documents) {
      await erasures.updateOne({ _id: erasureId }, { $set: { finishedAt: at, statements, documents } });
    },
  };
}
