import { createHash } from 'node:crypto';
import { Schema } from 'mongoose';
import type { DocumentScope, DocumentStore } from '../../lrs/store.ts';
import { wellFormed } from '../../xapi/terms.ts';
import { type Connection, isDuplicateKey } from './open.ts';

interface Row {
  /** Hash of scope, registration and id. */
  _id: string;
  /** Hash of `scopeParts`. */
  scope: string;
  /** JSON of kind, Activity and agent. */
  scopeParts: string;
  /** Hash of the agent's identity; null where the kind has none. */
  agent: string | null;
  registration: string;
  id: string;
  contentType: string;
  body: { buffer: Buffer } | Buffer;
  etag: string;
  updated: number;
}

const schema = new Schema(
  {
    _id: { type: String, required: true },
    scope: String,
    scopeParts: String,
    agent: { type: String, default: null },
    registration: String,
    id: String,
    contentType: String,
    body: Buffer,
    etag: String,
    updated: Number,
  },
  { versionKey: false, collection: 'lrs_documents', id: false },
);
schema.index({ agent: 1 });
schema.index({ scope: 1, registration: 1, updated: 1 });

const scopeParts = (scope: DocumentScope): string =>
  JSON.stringify([scope.kind, scope.activityId, scope.agent]);
const scopeText = (scope: DocumentScope): string =>
  createHash('sha256').update(scopeParts(scope)).digest('base64url');
const agentHash = (agent: string): string =>
  createHash('sha256').update(wellFormed(agent)).digest('base64url');
const registrationText = (scope: DocumentScope): string => scope.registration?.toLowerCase() ?? '';
const keyOf = (scope: DocumentScope, id: string): string =>
  createHash('sha256')
    .update(JSON.stringify([scopeText(scope), registrationText(scope), id]))
    .digest('base64url');

const kept = ({ scopeParts: parts, registration, id, contentType, etag, updated, body }: Row) => {
  const [kind, activityId, agent] = JSON.parse(parts) as [
    DocumentScope['kind'],
    string | null,
    string | null,
  ];
  return {
    scope: { kind, activityId, agent, registration: registration === '' ? null : registration },
    id,
    document: {
      contentType,
      etag,
      updated,
      body: Buffer.from(Buffer.isBuffer(body) ? body : body.buffer),
    },
  };
};

export async function createMongoDocumentStore(connection: Connection): Promise<DocumentStore> {
  const model = connection.model<Row>('LrsDocument', schema as never);
  await model.createCollection();
  await model.createIndexes();
  const ofScope = (scope: DocumentScope) => {
    const registration = registrationText(scope);
    return { scope: scopeText(scope), ...(registration === '' ? {} : { registration }) };
  };
  return {
    async get(scope, id) {
      const row = await model.findOne({ _id: keyOf(scope, id) }).lean<Row | null>();
      if (!row) return null;
      const { contentType, etag, updated, body } = row;
      return { contentType, etag, updated, body: Buffer.from(Buffer.isBuffer(body) ? body : body.buffer) };
    },
    async put(scope, id, document, expected) {
      const _id = keyOf(scope, id);
      const row = {
        scope: scopeText(scope),
        scopeParts: scopeParts(scope),
        agent: scope.agent === null ? null : agentHash(scope.agent),
        registration: registrationText(scope),
        id,
        ...document,
      };
      if (typeof expected === 'string')
        return (await model.updateOne({ _id, etag: expected }, { $set: row })).matchedCount === 1;
      try {
        if (expected === null) {
          await model.create({ _id, ...row });
          return true;
        }
        await model.updateOne({ _id }, { $set: row }, { upsert: true });
        return true;
      } catch (error) {
        if (!isDuplicateKey(error)) throw error;
        if (expected === null) return false;
        await model.updateOne({ _id }, { $set: row }); // two first upserts met: it is there now
        return true;
      }
    },
    async delete(scope, id, expected) {
      const _id = keyOf(scope, id);
      const { deletedCount } = await model.deleteOne(
        expected === undefined ? { _id } : { _id, etag: expected },
      );
      return expected === undefined || deletedCount === 1;
    },
    async ids(scope, since) {
      const rows = await model
        .find({ ...ofScope(scope), ...(since === null ? {} : { updated: { $gt: since } }) }, { id: 1 })
        .lean<{ id: string }[]>();
      return [...new Set(rows.map(({ id }) => id))].sort();
    },
    async countOf(agent) {
      return model.countDocuments({ agent: agentHash(agent) });
    },
    async *ofAgent(agent) {
      const cursor = model
        .find({ agent: agentHash(agent) })
        .lean<Row[]>()
        .cursor({ batchSize: 20 });
      for await (const row of cursor as AsyncIterable<Row>) yield kept(row);
    },
    async eraseAgent(agent) {
      return (await model.deleteMany({ agent: agentHash(agent) })).deletedCount;
    },
    async *all(after) {
      const cursor = model
        .find(after === null ? {} : { _id: { $gt: after } })
        .sort({ _id: 1 })
        .lean<Row[]>()
        .cursor({ batchSize: 100 });
      for await (const row of cursor as AsyncIterable<Row>) {
        yield { cursor: row._id, ...kept(row) };
      }
    },
    async deleteAll(scope) {
      return (await model.deleteMany(ofScope(scope))).deletedCount;
    },
  };
}
