import type { Certificate, CertificateStore } from '../../certificates/store.ts';
import type { Sqlite, SqliteSchema } from './open.ts';

export const certificatesSchema: SqliteSchema = {
  module: 'certificates',
  steps: [
    `CREATE TABLE certificate_serials (year INTEGER PRIMARY KEY, last INTEGER NOT NULL);
    CREATE TABLE certificates (
      number TEXT PRIMARY KEY,
      verification_code TEXT NOT NULL UNIQUE,
      registration TEXT NOT NULL,
      edition INTEGER NOT NULL,
      person_id TEXT NOT NULL,
      person_name TEXT NOT NULL,
      person_name_en TEXT,
      course_code TEXT NOT NULL,
      course_title TEXT NOT NULL,
      course_title_en TEXT,
      organisation TEXT NOT NULL,
      certified_hours REAL NOT NULL,
      started_at INTEGER NOT NULL,
      completed_at INTEGER NOT NULL,
      reading_seconds REAL NOT NULL,
      score REAL,
      required_reading_seconds REAL,
      required_score REAL,
      survey_required INTEGER NOT NULL,
      issued_at INTEGER NOT NULL,
      revoked_at INTEGER,
      revoked_reason TEXT,
      revoked_by TEXT,
      UNIQUE (registration, edition)
    ) WITHOUT ROWID;
    CREATE INDEX certificates_person ON certificates (person_id, issued_at);`,
  ],
};

interface Row {
  number: string;
  verification_code: string;
  registration: string;
  edition: number;
  person_id: string;
  person_name: string;
  person_name_en: string | null;
  course_code: string;
  course_title: string;
  course_title_en: string | null;
  organisation: string;
  certified_hours: number;
  started_at: number;
  completed_at: number;
  reading_seconds: number;
  score: number | null;
  required_reading_seconds: number | null;
  required_score: number | null;
  survey_required: number;
  issued_at: number;
  revoked_at: number | null;
  revoked_reason: string | null;
  revoked_by: string | null;
}

const toCertificate = (row: Row): Certificate => ({
  number: row.number,
  verificationCode: row.verification_code,
  registration: row.registration,
  edition: row.edition,
  personId: row.person_id,
  personName: row.person_name,
  personNameEn: row.person_name_en,
  courseCode: row.course_code,
  courseTitle: row.course_title,
  courseTitleEn: row.course_title_en,
  organisation: row.organisation,
  certifiedHours: row.certified_hours,
  startedAt: new Date(row.started_at),
  completedAt: new Date(row.completed_at),
  readingSeconds: row.reading_seconds,
  score: row.score,
  conditions: {
    readingSeconds: row.required_reading_seconds,
    passScore: row.required_score,
    survey: row.survey_required === 1,
  },
  issuedAt: new Date(row.issued_at),
  revokedAt: row.revoked_at === null ? null : new Date(row.revoked_at),
  revocation:
    row.revoked_at === null
      ? null
      : { at: new Date(row.revoked_at), reason: row.revoked_reason ?? '', by: row.revoked_by ?? '' },
});

export function createSqliteCertificateStore(db: Sqlite): CertificateStore {
  const one = (where: string) => db.prepare<unknown[], Row>(`SELECT * FROM certificates WHERE ${where}`);
  const byEdition = one('registration = ? AND edition = ?');
  const byRegistration = one('registration = ? ORDER BY edition DESC LIMIT 1');
  const byNumber = one('number = ?');
  const byCode = one('verification_code = ?');
  const ofPerson = one('person_id = ? ORDER BY issued_at DESC, number DESC');
  const draw = db
    .prepare<[number], number>(
      `INSERT INTO certificate_serials (year, last) VALUES (?, 1)
       ON CONFLICT (year) DO UPDATE SET last = last + 1 RETURNING last`,
    )
    .pluck();
  const insert = db.prepare(
    `INSERT INTO certificates VALUES (
      @number, @verificationCode, @registration, @edition, @personId, @personName, @personNameEn, @courseCode,
      @courseTitle, @courseTitleEn, @organisation, @certifiedHours, @startedAt, @completedAt, @readingSeconds, @score,
      @requiredReadingSeconds, @requiredScore, @surveyRequired, @issuedAt, NULL, NULL, NULL)`,
  );
  const revoke = db.prepare(
    'UPDATE certificates SET revoked_at = ?, revoked_reason = ?, revoked_by = ? WHERE number = ? AND revoked_at IS NULL',
  );
  const transfer = db.prepare(
    'UPDATE certificates SET person_id = ? WHERE registration = ? AND person_id = ?',
  );
  const anonymise = db.prepare(
    "UPDATE certificates SET person_id = ?, person_name = '', person_name_en = NULL WHERE person_id = ?",
  );
  const found = (row: Row | undefined): Certificate | null => (row ? toCertificate(row) : null);

  const issue = db.transaction<
    CertificateStore['issue'] extends (...args: infer A) => unknown ? (...args: A) => Row : never
  >((draft, year, toNumber) => {
    const there = byEdition.get(draft.registration, draft.edition);
    if (there) return there;
    const number = toNumber(draw.get(year) ?? 1);
    const { conditions, startedAt, completedAt, issuedAt, ...rest } = draft;
    insert.run({
      ...rest,
      number,
      startedAt: startedAt.getTime(),
      completedAt: completedAt.getTime(),
      issuedAt: issuedAt.getTime(),
      requiredReadingSeconds: conditions.readingSeconds,
      requiredScore: conditions.passScore,
      surveyRequired: conditions.survey ? 1 : 0,
    });
    return byNumber.get(number) as Row;
  });

  return {
    async issue(draft, year, toNumber) {
      return toCertificate(issue.immediate(draft, year, toNumber));
    },
    async byRegistration(registration) {
      return found(byRegistration.get(registration));
    },
    async byNumber(number) {
      return found(byNumber.get(number));
    },
    async byVerificationCode(code) {
      return found(byCode.get(code));
    },
    async ofPerson(personId) {
      return ofPerson.all(personId).map(toCertificate);
    },
    async transfer(registration, from, to) {
      transfer.run(to, registration, from);
    },
    async anonymise(personId, pseudonym) {
      return anonymise.run(pseudonym, personId).changes;
    },
    async revoke(number, { at, reason, by }) {
      revoke.run(at.getTime(), reason, by, number);
      return found(byNumber.get(number));
    },
  };
}
