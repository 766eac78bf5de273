import { Schema } from 'mongoose';
import type { Connection } from './open.ts';

/** A range of seqs given to one batch that is not finished yet. */
export interface OpenRange {
  batch: string;
  first: number;
  count: number;
  stored: number;
  /** writing: may be undone by anyone once its time is over. committed: decided; whoever comes next completes it. */
  phase: 'writing' | 'committed';
  /** Milliseconds. */
  until: number;
}

/** A range whose batch was undone: nothing in it counts, even if its late writer still adds to it. */
export interface DeadRange {
  first: number;
  count: number;
  /** When it was undone, in milliseconds. */
  at: number;
}

/**
 * The one document that orders all Statements. Every change goes through compare-and-set on `rev`, so that seqs,
 * `stored` and the set of unfinished batches always agree, on a standalone server as on shards.
 */
export interface SequenceState {
  rev: number;
  /** The next free seq. */
  next: number;
  /** The last `stored` given out: it never falls, whatever the clocks do. */
  stored: number;
  open: OpenRange[];
  dead: DeadRange[];
}

interface Row extends SequenceState {
  _id: string;
}

const range = { batch: String, first: Number, count: Number, stored: Number, phase: String, until: Number };
const schema = new Schema(
  {
    _id: { type: String, required: true },
    rev: Number,
    next: Number,
    stored: Number,
    open: { type: [new Schema(range, { _id: false })], default: [] },
    dead: { type: [new Schema({ first: Number, count: Number, at: Number }, { _id: false })], default: [] },
  },
  { versionKey: false, collection: 'lrs_sequence' },
);

const only = 'statements';

/** Everything before this seq is finished: what readers and the feed may see. */
export const visibleBefore = (state: SequenceState): number =>
  state.open.reduce((least, { first }) => Math.min(least, first), state.next);

export const isDead = (state: SequenceState, seq: number): boolean =>
  state.dead.some(({ first, count }) => seq >= first && seq < first + count);

export interface Sequence {
  read(): Promise<SequenceState>;
  /** Applies a change to the newest state until it meets no rival; `change` gives null to leave it. */
  change(change: (state: SequenceState) => Omit<SequenceState, 'rev'> | null): Promise<SequenceState | null>;
}

export async function createSequence(connection: Connection): Promise<Sequence> {
  const model = connection.model('LrsSequence', schema);
  await model.createCollection();
  const read = async (): Promise<SequenceState> => {
    const row = await model.findOne({ _id: only }).lean<Row | null>();
    if (row) return row;
    try {
      await model.create({ _id: only, rev: 0, next: 1, stored: 0, open: [], dead: [] });
    } catch {
      // Another process made it first.
    }
    return (
      (await model.findOne({ _id: only }).lean<Row | null>()) ?? Promise.reject(new Error('no sequence'))
    );
  };
  await read();
  return {
    read,
    async change(change) {
      for (let tries = 0; ; tries++) {
        const state = await read();
        const next = change(state);
        if (next === null) return null;
        const { stored, open, dead } = next;
        const row = await model
          .findOneAndUpdate(
            { _id: only, rev: state.rev },
            { $set: { rev: state.rev + 1, next: next.next, stored, open, dead } },
            { returnDocument: 'after' },
          )
          .lean<Row | null>();
        if (row) return row;
        await new Promise((resolve) => setTimeout(resolve, Math.random() * Math.min(50, 2 + tries * 2)));
      }
    },
  };
}
