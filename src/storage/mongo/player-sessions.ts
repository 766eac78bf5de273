import { Schema } from 'mongoose';
import type { PlayerSessionStore, StoredReadingSession } from '../../player/sessions/store.ts';
import { decodeLaunch } from '../player-launch.ts';
import { type Connection, isDuplicateKey } from './open.ts';

interface LaunchRow {
  _id: string;
  /** PlayerLaunch as JSON. */
  body: string;
  learnerId: string;
  expiresAt: Date;
}
interface SessionRow extends Omit<StoredReadingSession, 'id' | 'asked'> {
  _id: string;
  asked?: boolean | null;
  /** `running`, or the session's own id once it has ended: with learnerId unique, so that one runs per learner. */
  slot: string;
  /** Ended, its Statement not stored yet. */
  owed: boolean;
}

const launches = new Schema<LaunchRow>(
  {
    _id: { type: String, required: true },
    body: { type: String, required: true },
    learnerId: { type: String, required: true },
    expiresAt: { type: Date, required: true },
  },
  { versionKey: false, collection: 'player_launches' },
);
launches.index({ expiresAt: 1 });
launches.index({ learnerId: 1 });

const sessions = new Schema<SessionRow>(
  {
    _id: { type: String, required: true },
    launchId: { type: String, required: true },
    learnerId: { type: String, required: true },
    registration: { type: String, required: true },
    packageVersionId: { type: String, required: true },
    startedAt: { type: Date, required: true },
    lastBeatAt: { type: Date, required: true },
    paused: { type: Boolean, required: true },
    endedAt: { type: Date, default: null },
    ending: { type: String, default: null },
    milliseconds: { type: Number, required: true },
    priorMilliseconds: { type: Number, required: true },
    recordedAt: { type: Date, default: null },
    revision: { type: Number, required: true },
    device: String,
    asked: { type: Boolean, default: null },
    slot: { type: String, required: true },
    owed: { type: Boolean, required: true },
  },
  { versionKey: false, collection: 'reading_sessions' },
);
// Sharded by learnerId: the unique index begins with it.
sessions.index({ learnerId: 1, slot: 1 }, { unique: true });
sessions.index({ registration: 1, startedAt: 1 });
sessions.index({ slot: 1, lastBeatAt: 1 });
sessions.index({ owed: 1, endedAt: 1 });

const toSession = ({
  _id,
  slot: _slot,
  owed: _owed,
  device,
  asked,
  ...rest
}: SessionRow): StoredReadingSession => ({
  id: _id,
  ...rest,
  ...(device ? { device } : {}),
  ...(asked ? { asked } : {}),
});
const toRow = ({ id, ...rest }: StoredReadingSession): SessionRow => ({
  _id: id,
  ...rest,
  // An explicit null: a change sets every field, and this one must be able to go.
  asked: rest.asked ?? null,
  slot: rest.endedAt === null ? 'running' : id,
  owed: rest.endedAt !== null && rest.recordedAt === null,
});

export async function createMongoPlayerSessionStore(connection: Connection): Promise<PlayerSessionStore> {
  const launch = connection.model<LaunchRow>('PlayerLaunch', launches);
  const session = connection.model<SessionRow>('ReadingSession', sessions);
  for (const model of [launch, session]) {
    await model.createCollection();
    await model.createIndexes();
  }
  return {
    async putLaunch(value) {
      await launch.create({
        _id: value.id,
        body: JSON.stringify(value),
        learnerId: value.learner.id,
        expiresAt: value.expiresAt,
      });
    },
    async launch(id) {
      const row = await launch.findById(id).lean<LaunchRow>();
      return row ? decodeLaunch(row.body) : null;
    },
    async start(value) {
      try {
        await session.create(toRow(value));
        return true;
      } catch (error) {
        if (isDuplicateKey(error)) return false;
        throw error;
      }
    },
    async running(learnerId) {
      const row = await session.findOne({ learnerId, slot: 'running' }).lean<SessionRow>();
      return row ? toSession(row) : null;
    },
    async change(value) {
      const { _id, ...next } = toRow({ ...value, revision: value.revision + 1 });
      const done = await session.updateOne(
        { _id, learnerId: value.learnerId, revision: value.revision, slot: 'running' },
        { $set: next },
      );
      return done.matchedCount === 1;
    },
    async markRecorded({ id, learnerId }, at) {
      await session.updateOne({ _id: id, learnerId, owed: true }, { $set: { owed: false, recordedAt: at } });
    },
    async silentSince(instant, limit) {
      const rows = await session
        .find({ slot: 'running', lastBeatAt: { $lt: instant } })
        .sort({ lastBeatAt: 1 })
        .limit(limit)
        .lean<SessionRow[]>();
      return rows.map(toSession);
    },
    async unrecorded(limit) {
      const rows = await session.find({ owed: true }).sort({ endedAt: 1 }).limit(limit).lean<SessionRow[]>();
      return rows.map(toSession);
    },
    async ofRegistration(registration) {
      const rows = await session.find({ registration }).sort({ startedAt: 1, _id: 1 }).lean<SessionRow[]>();
      return rows.map(toSession);
    },
    async forget(registration) {
      // The launches first: after a crash in between the sessions still say which they were.
      const ids = await session.distinct('launchId', { registration });
      await launch.deleteMany({ _id: { $in: ids } });
      return (await session.deleteMany({ registration })).deletedCount;
    },
    async forgetLaunches(learnerId) {
      return (await launch.deleteMany({ learnerId })).deletedCount;
    },
    async deleteLaunches(before) {
      return (await launch.deleteMany({ expiresAt: { $lt: before } })).deletedCount;
    },
  };
}
