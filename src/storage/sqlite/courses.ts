import type { Course, CourseStore, Enrolment } from '../../courses/store.ts';
import { courseFromJson, searchText } from '../course-json.ts';
import { foldName } from '../fold-name.ts';
import type { Sqlite, SqliteSchema } from './open.ts';

export const coursesSchema: SqliteSchema = {
  module: 'courses',
  steps: [
    `CREATE TABLE courses (
      id TEXT PRIMARY KEY,
      code_key TEXT NOT NULL UNIQUE,
      organisation TEXT NOT NULL,
      type TEXT NOT NULL,
      status TEXT NOT NULL,
      hours REAL NOT NULL,
      search TEXT NOT NULL,
      created_at INTEGER NOT NULL,
      published_at INTEGER,
      body TEXT NOT NULL,
      revision INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX courses_status ON courses (status, published_at DESC, id);
    CREATE INDEX courses_organisation ON courses (organisation, created_at DESC);
    CREATE TABLE enrolments (
      registration TEXT PRIMARY KEY,
      course_id TEXT NOT NULL,
      person_id TEXT NOT NULL,
      enrolled_at INTEGER NOT NULL,
      started_at INTEGER,
      withdrawn_at INTEGER
    ) WITHOUT ROWID;
    CREATE UNIQUE INDEX enrolments_current ON enrolments (person_id, course_id) WHERE withdrawn_at IS NULL;
    CREATE INDEX enrolments_person ON enrolments (person_id, enrolled_at DESC);
    CREATE INDEX enrolments_course ON enrolments (course_id);`,
    `ALTER TABLE enrolments ADD COLUMN package_version_id TEXT;
    DROP INDEX enrolments_course;
    CREATE INDEX enrolments_course ON enrolments (course_id, registration);`,
    `ALTER TABLE enrolments ADD COLUMN owed INTEGER NOT NULL DEFAULT 0;
    CREATE INDEX enrolments_owed ON enrolments (enrolled_at) WHERE owed = 1;`,
  ],
};

interface CourseRow {
  body: string;
  revision: number;
}
interface EnrolmentRow {
  registration: string;
  course_id: string;
  person_id: string;
  enrolled_at: number;
  started_at: number | null;
  withdrawn_at: number | null;
  package_version_id: string | null;
}

const dateOrNull = (ms: number | null): Date | null => (ms === null ? null : new Date(ms));
const toEnrolment = (row: EnrolmentRow): Enrolment => ({
  registration: row.registration,
  courseId: row.course_id,
  personId: row.person_id,
  enrolledAt: new Date(row.enrolled_at),
  startedAt: dateOrNull(row.started_at),
  withdrawnAt: dateOrNull(row.withdrawn_at),
  packageVersionId: row.package_version_id,
});
const isUnique = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'SQLITE_CONSTRAINT_UNIQUE';

const columns = (course: Course, revision: number) => ({
  id: course.id,
  codeKey: foldName(course.code),
  organisation: course.organisation,
  type: course.type,
  status: course.status,
  hours: course.certifiedHours,
  search: searchText(course),
  createdAt: course.createdAt.getTime(),
  publishedAt: course.publishedAt?.getTime() ?? null,
  body: JSON.stringify(course),
  revision,
});

export function createSqliteCourseStore(db: Sqlite): CourseStore {
  const insert = db.prepare(
    `INSERT INTO courses (id, code_key, organisation, type, status, hours, search, created_at, published_at, body, revision)
     VALUES (@id, @codeKey, @organisation, @type, @status, @hours, @search, @createdAt, @publishedAt, @body, @revision)`,
  );
  const replace = db.prepare(
    `UPDATE courses SET code_key = @codeKey, organisation = @organisation, type = @type, status = @status, hours = @hours,
       search = @search, published_at = @publishedAt, body = @body, revision = @revision
     WHERE id = @id AND revision = @revision - 1`,
  );
  const byId = db.prepare<[string], CourseRow>('SELECT body, revision FROM courses WHERE id = ?');
  const byCode = db.prepare<[string], CourseRow>('SELECT body, revision FROM courses WHERE code_key = ?');
  const byIds = db.prepare<[string], CourseRow>(
    'SELECT body, revision FROM courses WHERE id IN (SELECT value FROM json_each(?))',
  );
  const ofOrganisation = db.prepare<[string], CourseRow>(
    'SELECT body, revision FROM courses WHERE organisation = ? ORDER BY created_at DESC, id DESC',
  );
  const enrol = db.prepare(
    `INSERT INTO enrolments (registration, course_id, person_id, enrolled_at, started_at, withdrawn_at, package_version_id, owed)
     VALUES (?, ?, ?, ?, ?, ?, ?, 1) ON CONFLICT DO NOTHING`,
  );
  const owed = db.prepare<[number], EnrolmentRow>(
    'SELECT * FROM enrolments WHERE owed = 1 ORDER BY enrolled_at LIMIT ?',
  );
  const recorded = db.prepare('UPDATE enrolments SET owed = 0 WHERE registration = ?');
  const current = db.prepare<[string, string], EnrolmentRow>(
    'SELECT * FROM enrolments WHERE person_id = ? AND course_id = ? AND withdrawn_at IS NULL',
  );
  const byRegistration = db.prepare<[string], EnrolmentRow>(
    'SELECT * FROM enrolments WHERE registration = ?',
  );
  const ofPerson = db.prepare<[string], EnrolmentRow>(
    'SELECT * FROM enrolments WHERE person_id = ? AND withdrawn_at IS NULL ORDER BY enrolled_at DESC, registration',
  );
  const everyOf = db.prepare<[string], EnrolmentRow>(
    'SELECT * FROM enrolments WHERE person_id = ? ORDER BY enrolled_at, registration',
  );
  const transfer = db.prepare('UPDATE enrolments SET person_id = ? WHERE registration = ? AND person_id = ?');
  const start = db.prepare(
    'UPDATE enrolments SET started_at = ? WHERE registration = ? AND started_at IS NULL',
  );

  const pin = db.prepare(
    'UPDATE enrolments SET package_version_id = ? WHERE registration = ? AND package_version_id IS NULL',
  );
  const pinStarted = db.prepare(
    `UPDATE enrolments SET package_version_id = ?
     WHERE course_id = ? AND withdrawn_at IS NULL AND started_at IS NOT NULL AND package_version_id IS NULL`,
  );
  const move = db.prepare(
    `UPDATE enrolments SET package_version_id = @version
     WHERE course_id = @course AND withdrawn_at IS NULL AND package_version_id <> @version`,
  );
  const startedIn = db.prepare<[string, string, number], EnrolmentRow>(
    `SELECT * FROM enrolments WHERE course_id = ? AND registration > ? AND withdrawn_at IS NULL
       AND (package_version_id IS NOT NULL OR started_at IS NOT NULL) ORDER BY registration LIMIT ?`,
  );

  const record = (row: CourseRow | undefined) =>
    row ? { course: courseFromJson(row.body), revision: row.revision } : null;

  return {
    async insert(course) {
      try {
        insert.run(columns(course, 0));
        return true;
      } catch (error) {
        if (isUnique(error)) return false;
        throw error;
      }
    },
    async replace(course, revision) {
      try {
        return replace.run(columns(course, revision + 1)).changes === 1 ? 'done' : 'stale';
      } catch (error) {
        if (isUnique(error)) return 'code-taken';
        throw error;
      }
    },
    async byId(id) {
      return record(byId.get(id));
    },
    async byCode(code) {
      return record(byCode.get(foldName(code)));
    },
    async byIds(ids) {
      return byIds.all(JSON.stringify(ids)).map((row) => courseFromJson(row.body));
    },
    async published(filter) {
      const where = ["status = 'published'"];
      const values: Record<string, string | number> = {};
      const and = (clause: string, name: string, value: string | number | undefined): void => {
        if (value === undefined) return;
        where.push(clause);
        values[name] = value;
      };
      (filter.text?.trim() ? foldName(filter.text).split(/\s+/) : []).slice(0, 10).forEach((word, at) => {
        and(`instr(search, @word${at}) > 0`, `word${at}`, word);
      });
      and('type = @type', 'type', filter.type);
      and('organisation = @organisation', 'organisation', filter.organisation);
      and('hours >= @hoursFrom', 'hoursFrom', filter.hoursFrom);
      and('hours <= @hoursTo', 'hoursTo', filter.hoursTo);
      const from = `FROM courses WHERE ${where.join(' AND ')}`;
      const total =
        db.prepare<[typeof values], { n: number }>(`SELECT count(*) AS n ${from}`).get(values)?.n ?? 0;
      const rows = db
        .prepare<[typeof values], CourseRow>(
          `SELECT body, revision ${from} ORDER BY published_at DESC, id LIMIT @limit OFFSET @offset`,
        )
        .all({ ...values, limit: filter.limit, offset: filter.offset });
      return { courses: rows.map((row) => courseFromJson(row.body)), total };
    },
    async ofOrganisation(organisation) {
      return ofOrganisation.all(organisation).map((row) => courseFromJson(row.body));
    },
    async enrol(enrolment) {
      enrol.run(
        enrolment.registration,
        enrolment.courseId,
        enrolment.personId,
        enrolment.enrolledAt.getTime(),
        enrolment.startedAt?.getTime() ?? null,
        enrolment.withdrawnAt?.getTime() ?? null,
        enrolment.packageVersionId,
      );
      const row = current.get(enrolment.personId, enrolment.courseId);
      if (!row) throw new Error('an enrolment was neither found nor stored');
      return toEnrolment(row);
    },
    async unrecordedEnrolments(limit) {
      return owed.all(limit).map(toEnrolment);
    },
    async markEnrolmentRecorded(registration) {
      recorded.run(registration);
    },
    async enrolment(personId, courseId) {
      const row = current.get(personId, courseId);
      return row ? toEnrolment(row) : null;
    },
    async byRegistration(registration) {
      const row = byRegistration.get(registration);
      return row ? toEnrolment(row) : null;
    },
    async enrolmentsOf(personId) {
      return ofPerson.all(personId).map(toEnrolment);
    },
    async everyEnrolmentOf(personId) {
      return everyOf.all(personId).map(toEnrolment);
    },
    async transfer(registration, from, to) {
      try {
        if (transfer.run(to, registration, from).changes === 1) return 'done';
      } catch (error) {
        if (isUnique(error)) return 'taken';
        throw error;
      }
      return byRegistration.get(registration)?.person_id === to ? 'done' : 'gone';
    },
    async markStarted(registration, at) {
      return start.run(at.getTime(), registration).changes === 1;
    },
    async pinVersion(registration, versionId) {
      pin.run(versionId, registration);
      return byRegistration.get(registration)?.package_version_id ?? null;
    },
    async pinStarted(courseId, versionId) {
      return pinStarted.run(versionId, courseId).changes;
    },
    async moveToVersion(course, version) {
      return move.run({ course, version }).changes;
    },
    async startedIn(courseId, after, limit) {
      return startedIn.all(courseId, after ?? '', limit).map(toEnrolment);
    },
  };
}
