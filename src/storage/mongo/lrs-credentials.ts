import { Schema } from 'mongoose';
import { DomainError } from '../../base/errors.ts';
import type { BearerToken, Credential, CredentialStore } from '../../lrs/store.ts';
import { type Connection, isDuplicateKey } from './open.ts';

interface Row {
  /** The credential's id. */
  _id: string;
  key: string;
  /** JSON text of what nobody searches for. */
  data: string;
  createdAt: Date;
  lastUsedAt: Date | null;
}
interface TokenRow {
  _id: string;
  credentialId: string;
  scopes: BearerToken['scopes'];
  expiresAt: Date;
}

const schema = new Schema(
  {
    _id: { type: String, required: true },
    key: { type: String, required: true },
    data: String,
    createdAt: Date,
    lastUsedAt: { type: Date, default: null },
  },
  { versionKey: false, collection: 'lrs_credentials' },
);
schema.index({ key: 1 }, { unique: true });

const tokenSchema = new Schema(
  { _id: { type: String, required: true }, credentialId: String, scopes: [String], expiresAt: Date },
  { versionKey: false, collection: 'lrs_tokens' },
);
tokenSchema.index({ credentialId: 1 });
tokenSchema.index({ expiresAt: 1 });

type Kept = Omit<Credential, 'id' | 'key' | 'createdAt' | 'lastUsedAt'>;
const dates = (name: string, value: unknown): unknown =>
  name === 'expiresAt' && typeof value === 'string' ? new Date(value) : value;
const toCredential = (row: Row): Credential => ({
  ...(JSON.parse(row.data, dates) as Kept),
  id: row._id,
  key: row.key,
  createdAt: row.createdAt,
  lastUsedAt: row.lastUsedAt,
});
const dataOf = ({ id: _id, key: _key, createdAt: _c, lastUsedAt: _l, ...kept }: Credential): string =>
  JSON.stringify(kept satisfies Kept);
const taken = (key: string): DomainError =>
  new DomainError('conflict', `There is a credential with the key ${key} already.`, {
    code: 'lrs-key-taken',
    params: { key },
  });

export async function createMongoCredentialStore(connection: Connection): Promise<CredentialStore> {
  const model = connection.model<Row>('LrsCredential', schema as never);
  const tokens = connection.model<TokenRow>('LrsToken', tokenSchema as never);
  await model.createCollection();
  await model.createIndexes();
  await tokens.createCollection();
  await tokens.createIndexes();
  return {
    async create(credential) {
      const { id: _id, key, createdAt, lastUsedAt } = credential;
      try {
        await model.create({ _id, key, data: dataOf(credential), createdAt, lastUsedAt });
      } catch (error) {
        throw isDuplicateKey(error) ? taken(key) : error;
      }
    },
    async update(credential) {
      const { id: _id, key } = credential;
      try {
        const { matchedCount } = await model.updateOne({ _id }, { $set: { key, data: dataOf(credential) } });
        if (matchedCount === 1) return;
      } catch (error) {
        throw isDuplicateKey(error) ? taken(key) : error;
      }
      throw new DomainError('not-found', 'There is no such credential.', { code: 'lrs-no-credential' });
    },
    async byKey(key) {
      const row = await model.findOne({ key }).lean<Row | null>();
      return row ? toCredential(row) : null;
    },
    async byId(id) {
      const row = await model.findOne({ _id: id }).lean<Row | null>();
      return row ? toCredential(row) : null;
    },
    async all() {
      return (await model.find().sort({ createdAt: 1, _id: 1 }).lean<Row[]>()).map(toCredential);
    },
    async delete(id) {
      await tokens.deleteMany({ credentialId: id });
      await model.deleteOne({ _id: id });
    },
    async used(id, at) {
      await model.updateOne({ _id: id }, { $max: { lastUsedAt: at } });
    },
    async putToken({ hash, credentialId, scopes, expiresAt }) {
      await tokens.updateOne({ _id: hash }, { $set: { credentialId, scopes, expiresAt } }, { upsert: true });
    },
    async token(hash, now) {
      const row = await tokens.findOne({ _id: hash, expiresAt: { $gt: now } }).lean<TokenRow | null>();
      if (!row) return null;
      const { _id, ...rest } = row;
      return { hash: _id, ...rest };
    },
    async deleteTokens(credentialId) {
      await tokens.deleteMany({ credentialId });
    },
    async deleteExpiredTokens(now) {
      return (await tokens.deleteMany({ expiresAt: { $lte: now } })).deletedCount;
    },
  };
}
