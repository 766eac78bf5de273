import { Schema } from 'mongoose';
import type { Certificate, CertificateDraft, CertificateStore } from '../../certificates/store.ts';
import { type Connection, isDuplicateKey } from './open.ts';

/** `_id` is `<registration>/<edition>`: one certificate of each, on any deployment. */
interface Row extends Certificate {
  _id: string;
}

interface SerialRow {
  /** 民國 year */
  _id: number;
  last: number;
}

const text = { type: String, required: true };
const schema = new Schema<Row>(
  {
    _id: text,
    number: text,
    verificationCode: text,
    registration: text,
    edition: { type: Number, required: true },
    personId: text,
    // Empty once its holder was erased.
    personName: { type: String, default: '' },
    personNameEn: { type: String, default: null },
    courseCode: text,
    courseTitle: text,
    courseTitleEn: { type: String, default: null },
    organisation: { type: String, default: '' },
    certifiedHours: { type: Number, required: true },
    startedAt: { type: Date, required: true },
    completedAt: { type: Date, required: true },
    readingSeconds: { type: Number, required: true },
    score: { type: Number, default: null },
    conditions: {
      readingSeconds: { type: Number, default: null },
      passScore: { type: Number, default: null },
      survey: { type: Boolean, required: true },
    },
    issuedAt: { type: Date, required: true },
    revokedAt: { type: Date, default: null },
    revocation: { type: Schema.Types.Mixed, default: null },
  },
  { versionKey: false, collection: 'certificates' },
);
schema.index({ number: 1 }, { unique: true });
schema.index({ verificationCode: 1 }, { unique: true });
schema.index({ registration: 1, edition: -1 });
schema.index({ personId: 1, issuedAt: -1 });

const serialSchema = new Schema<SerialRow>(
  { _id: { type: Number, required: true }, last: { type: Number, required: true } },
  { versionKey: false, collection: 'certificate_serials' },
);

const toCertificate = ({ _id, ...certificate }: Row): Certificate => certificate;

export async function createMongoCertificateStore(connection: Connection): Promise<CertificateStore> {
  const model = connection.model<Row>('Certificate', schema);
  const serials = connection.model<SerialRow>('CertificateSerial', serialSchema);
  await model.createCollection();
  await serials.createCollection();
  await model.createIndexes();

  const found = (row: Row | null): Certificate | null => (row ? toCertificate(row) : null);
  const idOf = (draft: CertificateDraft): string => `${draft.registration}/${draft.edition}`;

  async function draw(year: number): Promise<number> {
    for (;;) {
      try {
        const row = await serials
          .findOneAndUpdate({ _id: year }, { $inc: { last: 1 } }, { upsert: true, returnDocument: 'after' })
          .lean<SerialRow>();
        if (row) return row.last;
      } catch (error) {
        // Two first certificates of a year at once: one upsert inserts, the other comes again.
        if (!isDuplicateKey(error)) throw error;
      }
    }
  }

  /** A number drawn in vain goes back when nobody has drawn another since; otherwise it leaves a gap. */
  const giveBack = async (year: number, serial: number): Promise<void> => {
    await serials.updateOne({ _id: year, last: serial }, { $set: { last: serial - 1 } });
  };

  return {
    async issue(draft, year, toNumber) {
      const _id = idOf(draft);
      const there = await model.findById(_id).lean<Row>();
      if (there) return toCertificate(there);
      // First the number, then the whole certificate in one write: a crash between leaves a gap, never a half one.
      const serial = await draw(year);
      const row: Row = { _id, ...draft, number: toNumber(serial), revokedAt: null, revocation: null };
      try {
        await model.insertMany([row]);
        return toCertificate(row);
      } catch (error) {
        if (!isDuplicateKey(error)) throw error;
        const winner = await model.findById(_id).lean<Row>();
        if (!winner) throw error;
        if (winner.number !== row.number) await giveBack(year, serial);
        return toCertificate(winner);
      }
    },
    async byRegistration(registration) {
      return found(await model.findOne({ registration }).sort({ edition: -1 }).lean<Row>());
    },
    async byNumber(number) {
      return found(await model.findOne({ number }).lean<Row>());
    },
    async byVerificationCode(code) {
      return found(await model.findOne({ verificationCode: code }).lean<Row>());
    },
    async ofPerson(personId) {
      const rows = await model.find({ personId }).sort({ issuedAt: -1, number: -1 }).lean<Row[]>();
      return rows.map(toCertificate);
    },
    async transfer(registration, from, to) {
      await model.updateMany({ registration, personId: from }, { $set: { personId: to } });
    },
    async anonymise(personId, pseudonym) {
      const done = await model.updateMany(
        { personId },
        { $set: { personId: pseudonym, personName: '', personNameEn: null } },
      );
      return done.modifiedCount;
    },
    async revoke(number, revocation) {
      await model.updateOne({ number, revokedAt: null }, { $set: { revokedAt: revocation.at, revocation } });
      return found(await model.findOne({ number }).lean<Row>());
    },
  };
}
