import { Schema } from 'mongoose';
import type { CompletionStore, Progress } from '../../completion/store.ts';
import { type Connection, isDuplicateKey } from './open.ts';

interface Row {
  _id: string;
  readingSeconds: number;
  quizScore: number | null;
  surveyDone: boolean;
  completedAt: Date | null;
}

const schema = new Schema<Row>(
  {
    _id: { type: String, required: true },
    readingSeconds: { type: Number, required: true },
    quizScore: { type: Number, default: null },
    surveyDone: { type: Boolean, required: true },
    completedAt: { type: Date, default: null },
  },
  { versionKey: false, collection: 'progress' },
);

const toProgress = ({ _id, readingSeconds, quizScore, surveyDone, completedAt }: Row): Progress => ({
  registration: _id,
  readingSeconds,
  quizScore,
  surveyDone,
  completedAt,
});

export async function createMongoCompletionStore(connection: Connection): Promise<CompletionStore> {
  const model = connection.model<Row>('Progress', schema);
  await model.createCollection();
  const get = async (registration: string): Promise<Progress | null> => {
    const row = await model.findById(registration).lean<Row>();
    return row && toProgress(row);
  };
  return {
    progress: get,
    async progressOfAll(registrations) {
      return (await model.find({ _id: { $in: registrations } }).lean<Row[]>()).map(toProgress);
    },
    async save({ registration, completedAt, ...rest }) {
      try {
        await model.create({ _id: registration, ...rest, completedAt });
      } catch (error) {
        if (!isDuplicateKey(error)) throw error;
        await model.updateOne({ _id: registration }, { $set: rest });
        if (completedAt !== null)
          await model.updateOne({ _id: registration, completedAt: null }, { $set: { completedAt } });
      }
      const stored = await get(registration);
      if (!stored) throw new Error('progress was not stored');
      return stored;
    },
    async forget(registration) {
      await model.deleteOne({ _id: registration });
    },
  };
}
