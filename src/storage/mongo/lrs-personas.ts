import { Schema } from 'mongoose';
import type { PersonaStore } from '../../lrs/store.ts';
import { type Connection, isDuplicateKey } from './open.ts';

interface Row {
  /** The Agent's identity. */
  _id: string;
  person: string;
  since: Date;
}

const schema = new Schema<Row>(
  {
    _id: { type: String, required: true },
    person: { type: String, required: true },
    since: { type: Date, required: true },
  },
  { versionKey: false, collection: 'lrs_personas' },
);
schema.index({ person: 1, _id: 1 });

export async function createMongoPersonaStore(connection: Connection): Promise<PersonaStore> {
  const model = connection.model<Row>('LrsPersona', schema);
  await model.createCollection();
  await model.createIndexes();
  return {
    async link(identity, person, since) {
      try {
        await model.create({ _id: identity, person, since });
      } catch (error) {
        if (!isDuplicateKey(error)) throw error;
        await model.updateOne({ _id: identity, person: { $ne: person } }, { $set: { person, since } });
      }
    },
    async unlink(identity, person) {
      await model.deleteOne({ _id: identity, person });
    },
    async joined(identity) {
      const person = (await model.findById(identity).lean<Row>())?.person ?? identity;
      const rows = await model.find({ person }).sort({ _id: 1 }).lean<Row[]>();
      return [person, ...rows.map(({ _id }) => _id)];
    },
  };
}
