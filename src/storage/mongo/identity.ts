import { Schema } from 'mongoose';
import {
  patched,
  personFromText,
  withEmailConfirmed,
  withRecoveryRenewed,
  withRecoverySpent,
  withRole,
  withStepSpent,
} from '../../identity/store.ts';
import type { ExternalIdentity, IdentityStore, PersonConflict, PersonRecord } from '../../identity/store.ts';
import { foldName } from '../fold-name.ts';
import { personSearchText, personStaffRoles } from '../person-keys.ts';
import { type Connection, isDuplicateKey } from './open.ts';

interface Row {
  _id: string;
  /** PersonRecord as JSON. */
  body: string;
  /** Absent, not null, when there is none: the unique indexes are sparse. */
  loginKey?: string;
  nicknameKey?: string;
  idNumberLookup?: string;
  /** Looked through by the search; empty: not to be found. */
  searchText?: string;
  agencyCode?: string;
  staffRoles?: string[];
  /** Grows with each change: a change is a compare-and-set on it. */
  revision: number;
}
interface IdentityRow {
  /** JSON of [provider, subject] */
  _id: string;
  personId: string;
  /** True while its person is being written; false once that is done. */
  pending?: boolean;
}
interface FailureRow {
  key: string;
  at: Date;
}

const people = new Schema<Row>(
  {
    _id: { type: String, required: true },
    body: { type: String, required: true },
    loginKey: String,
    nicknameKey: String,
    idNumberLookup: String,
    searchText: String,
    agencyCode: String,
    staffRoles: { type: [String], default: undefined },
    revision: { type: Number, required: true },
  },
  { versionKey: false, collection: 'people' },
);
people.index({ loginKey: 1 }, { unique: true, sparse: true });
people.index({ nicknameKey: 1 }, { unique: true, sparse: true });
people.index({ idNumberLookup: 1 }, { unique: true, sparse: true });

people.index({ searchText: 1 });
people.index({ agencyCode: 1 }, { sparse: true });
people.index({ staffRoles: 1 }, { sparse: true });

const identities = new Schema<IdentityRow>(
  { _id: { type: String, required: true }, personId: { type: String, required: true }, pending: Boolean },
  { versionKey: false, collection: 'identities' },
);
identities.index({ personId: 1 });

const failures = new Schema<FailureRow>(
  { key: { type: String, required: true }, at: { type: Date, required: true } },
  { versionKey: false, collection: 'sign_in_failures' },
);
failures.index({ key: 1, at: 1 });

const toRecord = (row: Row): PersonRecord => personFromText(row.body);

/** What is looked for beside the unique names; migrate-store makes them anew too. */
export const mongoSearchKeys = (person: PersonRecord) => {
  const staffRoles = personStaffRoles(person);
  return {
    searchText: personSearchText(person),
    ...(person.agencyCode === null ? {} : { agencyCode: person.agencyCode }),
    ...(staffRoles.length === 0 ? {} : { staffRoles }),
  };
};

const toRow = (person: PersonRecord, revision: number): Row => ({
  _id: person.id,
  body: JSON.stringify(person),
  ...(person.local ? { loginKey: foldName(person.local.loginName) } : {}),
  ...(person.nickname ? { nicknameKey: foldName(person.nickname) } : {}),
  ...(person.idNumber ? { idNumberLookup: person.idNumber.lookup } : {}),
  ...mongoSearchKeys(person),
  revision,
});

/** So long the person behind a reservation is waited for, all in all two seconds. */
const slowCreation = { tries: 40, pauseMs: 50 };

export async function createMongoIdentityStore(connection: Connection): Promise<IdentityStore> {
  const person = connection.model<Row>('Person', people);
  const identity = connection.model<IdentityRow>('Identity', identities);
  const failure = connection.model<FailureRow>('SignInFailure', failures);
  for (const model of [person, identity, failure]) {
    await model.createCollection();
    await model.createIndexes();
  }

  /** Which of the unique names is held by someone else: asked only after an index has refused. */
  const takenBy = async (row: Row): Promise<PersonConflict> => {
    for (const [field, conflict] of [
      ['loginKey', 'login-name'],
      ['nicknameKey', 'nickname'],
      ['idNumberLookup', 'id-number'],
    ] as const)
      if (row[field] !== undefined && (await person.exists({ [field]: row[field], _id: { $ne: row._id } })))
        return conflict;
    return 'login-name';
  };

  /**
   * Reserves an identity for a person. One that stays pending while its person does not appear was left behind by a
   * crash and is taken over; a creator who was only slow notices that it is no longer theirs.
   */
  const reserve = async (key: string, personId: string, pending: boolean): Promise<boolean> => {
    for (let tries = 0; ; tries++) {
      try {
        await identity.create({ _id: key, personId, ...(pending ? { pending } : {}) });
        return true;
      } catch (error) {
        if (!isDuplicateKey(error)) throw error;
      }
      const held = await identity.findById(key).lean<IdentityRow>();
      if (!held) continue;
      if (held.personId === personId) return true;
      if (held.pending === false || (await person.exists({ _id: held.personId }))) return false;
      if (tries < slowCreation.tries) {
        await new Promise((resolve) => setTimeout(resolve, slowCreation.pauseMs));
        continue;
      }
      const taken = await identity.updateOne(
        { _id: key, personId: held.personId, pending: { $ne: false } },
        { $set: { personId, pending } },
      );
      if (taken.matchedCount === 1) return true;
    }
  };
  /** False when someone else has taken the reservation over meanwhile. */
  const keepReserved = async (key: string, personId: string): Promise<boolean> =>
    (await identity.updateOne({ _id: key, personId }, { $set: { pending: false } })).matchedCount === 1;
  const keyOf = ({ provider, subject }: { provider: string; subject: string }): string =>
    JSON.stringify([provider, subject]);
  /** Changes the person as decided on what is kept at that moment; false when there is none, or nothing is to be changed. */
  const changed = async (
    id: string,
    decide: (kept: PersonRecord) => PersonRecord | null,
  ): Promise<boolean> => {
    for (;;) {
      const row = await person.findById(id).lean<Row>();
      const next = row && decide(toRecord(row));
      if (!next) return false;
      const done = await person.replaceOne(
        { _id: id, revision: row.revision },
        toRow(next, row.revision + 1),
      );
      if (done.matchedCount === 1) return true;
    }
  };
  // People from before there was a search.
  for await (const row of person
    .find({ searchText: { $exists: false } })
    .lean<Row[]>()
    .cursor())
    await changed(row._id, (kept) => kept);

  const one = (row: Row | null): PersonRecord | null => (row ? toRecord(row) : null);

  return {
    async create(record, external) {
      if (external && !(await reserve(keyOf(external), record.id, true))) return 'identity';
      const row = toRow(record, 0);
      try {
        await person.create(row);
        if (!external || (await keepReserved(keyOf(external), record.id))) return null;
        await person.deleteOne({ _id: record.id });
        return 'identity';
      } catch (error) {
        if (external) await identity.deleteOne({ _id: keyOf(external), personId: record.id });
        if (isDuplicateKey(error)) return takenBy(row);
        throw error;
      }
    },
    async byId(id) {
      return one(await person.findById(id).lean<Row>());
    },
    async byIds(ids) {
      return (await person.find({ _id: { $in: ids } }).lean<Row[]>()).map(toRecord);
    },
    async search({ words, agencies, role, after = null, limit }) {
      const found = await person
        .find({
          $and: [
            { searchText: { $gt: '' } },
            ...words.map((word) => ({
              searchText: { $regex: foldName(word).replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&') },
            })),
            ...(agencies ? [{ agencyCode: { $in: [...agencies] } }] : []),
            ...(role === undefined ? [] : [{ staffRoles: role }]),
            ...(after === null ? [] : [{ _id: { $gt: after } }]),
          ],
        })
        .sort({ _id: 1 })
        .limit(limit)
        .lean<Row[]>();
      return found.map(toRecord);
    },
    async page(after, limit) {
      const found = await person
        .find(after === null ? {} : { _id: { $gt: after } })
        .sort({ _id: 1 })
        .limit(limit)
        .lean<Row[]>();
      return found.map(toRecord);
    },
    changeRole: (id, wanted) => changed(id, (kept) => withRole(kept, wanted)),
    async byLoginName(loginName) {
      return one(await person.findOne({ loginKey: foldName(loginName) }).lean<Row>());
    },
    async byNickname(nickname) {
      return one(await person.findOne({ nicknameKey: foldName(nickname) }).lean<Row>());
    },
    async byIdNumber(lookup) {
      return one(await person.findOne({ idNumberLookup: lookup }).lean<Row>());
    },
    async identitiesOf(id) {
      const found = await identity.find({ personId: id }).sort({ _id: 1 }).lean<IdentityRow[]>();
      return found.map(({ _id }) => {
        const [provider = '', subject = ''] = JSON.parse(_id) as string[];
        return { provider, subject } satisfies ExternalIdentity;
      });
    },
    async moveIdentity(external, from, to) {
      const done = await identity.updateOne(
        { _id: keyOf(external), personId: { $in: [from, to] } },
        { $set: { personId: to } },
      );
      return done.matchedCount === 1;
    },
    async unlink(id, external) {
      return (await identity.deleteOne({ _id: keyOf(external), personId: id })).deletedCount === 1;
    },
    async byIdentity(external) {
      const found = await identity.findById(keyOf(external)).lean<IdentityRow>();
      return found ? one(await person.findById(found.personId).lean<Row>()) : null;
    },
    async update(id, patch) {
      for (;;) {
        const row = await person.findById(id).lean<Row>();
        if (!row) return 'not-found';
        const next = toRow(patched(toRecord(row), patch), row.revision + 1);
        try {
          const done = await person.replaceOne({ _id: id, revision: row.revision }, next);
          if (done.matchedCount === 1) return null;
        } catch (error) {
          if (isDuplicateKey(error)) return takenBy(next);
          throw error;
        }
      }
    },
    confirmEmail: (id, email) => changed(id, (kept) => withEmailConfirmed(kept, email)),
    spendTotpStep: (id, spent) => changed(id, (kept) => withStepSpent(kept, spent)),
    spendRecoveryCode: (id, spent) => changed(id, (kept) => withRecoverySpent(kept, spent)),
    renewRecoveryCodes: (id, renewed) => changed(id, (kept) => withRecoveryRenewed(kept, renewed)),
    async link(id, external) {
      return (await reserve(keyOf(external), id, false)) ? null : 'identity';
    },
    async addFailure(key, at, since) {
      await failure.deleteMany({ key, at: { $lt: since } });
      await failure.create({ key, at });
      return failure.countDocuments({ key, at: { $gte: since } });
    },
    async failures(key, since) {
      return failure.countDocuments({ key, at: { $gte: since } });
    },
    async failuresUnder(prefix, since) {
      const found = await failure
        .find({ key: { $gte: prefix, $lt: `${prefix}\u{10ffff}` }, at: { $gte: since } })
        .lean<FailureRow[]>();
      const byKey = new Map<string, { key: string; count: number; last: Date }>();
      for (const { key, at } of found) {
        const { count = 0, last = at } = byKey.get(key) ?? {};
        byKey.set(key, { key, count: count + 1, last: at > last ? at : last });
      }
      return [...byKey.values()];
    },
    async clearFailures(key) {
      await failure.deleteMany({ key });
    },
  };
}
