import { Schema } from 'mongoose';
import type { Course, CourseRecord, CourseStore, Enrolment } from '../../courses/store.ts';
import { courseFromJson, searchText } from '../course-json.ts';
import { foldName } from '../fold-name.ts';
import { type Connection, isDuplicateKey } from './open.ts';

interface CourseRow {
  _id: string;
  codeKey: string;
  organisation: string;
  type: string;
  status: string;
  hours: number;
  search: string;
  createdAt: Date;
  publishedAt: Date | null;
  body: string;
  revision: number;
}
interface EnrolmentRow {
  _id: string;
  courseId: string;
  personId: string;
  enrolledAt: Date;
  startedAt: Date | null;
  withdrawnAt: Date | null;
  packageVersionId?: string | null;
  /** `person|course` while current; absent once withdrawn: the unique index is sparse. */
  currentKey?: string;
  /** Its Statement is not stored yet; absent once it is. */
  owed?: boolean;
}

const courses = new Schema<CourseRow>(
  {
    _id: { type: String, required: true },
    codeKey: { type: String, required: true },
    organisation: { type: String, required: true },
    type: { type: String, required: true },
    status: { type: String, required: true },
    hours: { type: Number, required: true },
    search: { type: String, required: true },
    createdAt: { type: Date, required: true },
    publishedAt: { type: Date, default: null },
    body: { type: String, required: true },
    revision: { type: Number, required: true },
  },
  { versionKey: false, collection: 'courses' },
);
courses.index({ codeKey: 1 }, { unique: true });
courses.index({ status: 1, publishedAt: -1, _id: 1 });
courses.index({ organisation: 1, createdAt: -1 });

const enrolments = new Schema<EnrolmentRow>(
  {
    _id: { type: String, required: true },
    courseId: { type: String, required: true },
    personId: { type: String, required: true },
    enrolledAt: { type: Date, required: true },
    startedAt: { type: Date, default: null },
    withdrawnAt: { type: Date, default: null },
    packageVersionId: { type: String, default: null },
    currentKey: String,
    owed: Boolean,
  },
  { versionKey: false, collection: 'enrolments' },
);
enrolments.index({ currentKey: 1 }, { unique: true, sparse: true });
enrolments.index({ personId: 1, enrolledAt: -1 });
enrolments.index({ courseId: 1, _id: 1 });
enrolments.index({ owed: 1, enrolledAt: 1 }, { sparse: true });

const toRow = (course: Course, revision: number): CourseRow => ({
  _id: course.id,
  codeKey: foldName(course.code),
  organisation: course.organisation,
  type: course.type,
  status: course.status,
  hours: course.certifiedHours,
  search: searchText(course),
  createdAt: course.createdAt,
  publishedAt: course.publishedAt,
  body: JSON.stringify(course),
  revision,
});
const toRecord = (row: CourseRow | null): CourseRecord | null =>
  row && { course: courseFromJson(row.body), revision: row.revision };
const toEnrolment = ({
  _id,
  courseId,
  personId,
  enrolledAt,
  startedAt,
  withdrawnAt,
  packageVersionId,
}: EnrolmentRow): Enrolment => ({
  registration: _id,
  courseId,
  personId,
  enrolledAt,
  startedAt,
  withdrawnAt,
  packageVersionId: packageVersionId ?? null,
});
const currentKey = (personId: string, courseId: string): string => `${personId}|${courseId}`;
const literal = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

export async function createMongoCourseStore(connection: Connection): Promise<CourseStore> {
  const course = connection.model<CourseRow>('Course', courses);
  const enrolment = connection.model<EnrolmentRow>('Enrolment', enrolments);
  for (const model of [course, enrolment]) {
    await model.createCollection();
    await model.createIndexes();
  }
  const current = (personId: string, courseId: string) =>
    enrolment.findOne({ currentKey: currentKey(personId, courseId) }).lean<EnrolmentRow>();
  return {
    async insert(given) {
      try {
        await course.create(toRow(given, 0));
        return true;
      } catch (error) {
        if (isDuplicateKey(error)) return false;
        throw error;
      }
    },
    async replace(given, revision) {
      try {
        const done = await course.replaceOne({ _id: given.id, revision }, toRow(given, revision + 1));
        return done.matchedCount === 1 ? 'done' : 'stale';
      } catch (error) {
        if (isDuplicateKey(error)) return 'code-taken';
        throw error;
      }
    },
    async byId(id) {
      return toRecord(await course.findById(id).lean<CourseRow>());
    },
    async byCode(code) {
      return toRecord(await course.findOne({ codeKey: foldName(code) }).lean<CourseRow>());
    },
    async byIds(ids) {
      return (await course.find({ _id: { $in: ids } }).lean<CourseRow[]>()).map((row) =>
        courseFromJson(row.body),
      );
    },
    async published(filter) {
      const words = filter.text?.trim() ? foldName(filter.text).split(/\s+/).slice(0, 10) : [];
      const where = {
        status: 'published',
        ...(filter.type === undefined ? {} : { type: filter.type }),
        ...(filter.organisation === undefined ? {} : { organisation: filter.organisation }),
        ...(filter.hoursFrom === undefined && filter.hoursTo === undefined
          ? {}
          : {
              hours: {
                ...(filter.hoursFrom === undefined ? {} : { $gte: filter.hoursFrom }),
                ...(filter.hoursTo === undefined ? {} : { $lte: filter.hoursTo }),
              },
            }),
        ...(words.length ? { $and: words.map((word) => ({ search: { $regex: literal(word) } })) } : {}),
      };
      const [rows, total] = await Promise.all([
        course
          .find(where)
          .sort({ publishedAt: -1, _id: 1 })
          .skip(filter.offset)
          .limit(filter.limit)
          .lean<CourseRow[]>(),
        course.countDocuments(where),
      ]);
      return { courses: rows.map((row) => courseFromJson(row.body)), total };
    },
    async ofOrganisation(organisation) {
      const rows = await course.find({ organisation }).sort({ createdAt: -1, _id: -1 }).lean<CourseRow[]>();
      return rows.map((row) => courseFromJson(row.body));
    },
    async enrol({ registration, ...rest }) {
      try {
        await enrolment.create({
          _id: registration,
          ...rest,
          owed: true,
          ...(rest.withdrawnAt === null ? { currentKey: currentKey(rest.personId, rest.courseId) } : {}),
        });
      } catch (error) {
        if (!isDuplicateKey(error)) throw error;
      }
      const row = await current(rest.personId, rest.courseId);
      if (!row) throw new Error('an enrolment was neither found nor stored');
      return toEnrolment(row);
    },
    async unrecordedEnrolments(limit) {
      const rows = await enrolment
        .find({ owed: true })
        .sort({ enrolledAt: 1 })
        .limit(limit)
        .lean<EnrolmentRow[]>();
      return rows.map(toEnrolment);
    },
    async markEnrolmentRecorded(registration) {
      await enrolment.updateOne({ _id: registration }, { $unset: { owed: '' } });
    },
    async enrolment(personId, courseId) {
      const row = await current(personId, courseId);
      return row && toEnrolment(row);
    },
    async byRegistration(registration) {
      const row = await enrolment.findById(registration).lean<EnrolmentRow>();
      return row && toEnrolment(row);
    },
    async enrolmentsOf(personId) {
      const rows = await enrolment
        .find({ personId, withdrawnAt: null })
        .sort({ enrolledAt: -1, _id: 1 })
        .lean<EnrolmentRow[]>();
      return rows.map(toEnrolment);
    },
    async everyEnrolmentOf(personId) {
      const rows = await enrolment.find({ personId }).sort({ enrolledAt: 1, _id: 1 }).lean<EnrolmentRow[]>();
      return rows.map(toEnrolment);
    },
    async transfer(registration, from, to) {
      for (;;) {
        const row = await enrolment.findById(registration).lean<EnrolmentRow>();
        if (row?.personId === to) return 'done';
        if (row?.personId !== from) return 'gone';
        const { withdrawnAt, courseId } = row;
        try {
          // A withdrawal in between changes what the key must be: then once more.
          const done = await enrolment.updateOne(
            { _id: registration, personId: from, withdrawnAt },
            {
              $set: {
                personId: to,
                ...(withdrawnAt === null ? { currentKey: currentKey(to, courseId) } : {}),
              },
            },
          );
          if (done.matchedCount === 1) return 'done';
        } catch (error) {
          if (isDuplicateKey(error)) return 'taken';
          throw error;
        }
      }
    },
    async markStarted(registration, at) {
      const done = await enrolment.updateOne(
        { _id: registration, startedAt: null },
        { $set: { startedAt: at } },
      );
      return done.modifiedCount === 1;
    },
    async pinVersion(registration, versionId) {
      await enrolment.updateOne(
        { _id: registration, packageVersionId: null },
        { $set: { packageVersionId: versionId } },
      );
      return (await enrolment.findById(registration).lean<EnrolmentRow>())?.packageVersionId ?? null;
    },
    async pinStarted(courseId, versionId) {
      const done = await enrolment.updateMany(
        { courseId, withdrawnAt: null, startedAt: { $ne: null }, packageVersionId: null },
        { $set: { packageVersionId: versionId } },
      );
      return done.modifiedCount;
    },
    async moveToVersion(courseId, versionId) {
      const done = await enrolment.updateMany(
        { courseId, withdrawnAt: null, packageVersionId: { $nin: [null, versionId] } },
        { $set: { packageVersionId: versionId } },
      );
      return done.modifiedCount;
    },
    async startedIn(courseId, after, limit) {
      const rows = await enrolment
        .find({
          courseId,
          withdrawnAt: null,
          ...(after === null ? {} : { _id: { $gt: after } }),
          $or: [{ packageVersionId: { $ne: null } }, { startedAt: { $ne: null } }],
        })
        .sort({ _id: 1 })
        .limit(limit)
        .lean<EnrolmentRow[]>();
      return rows.map(toEnrolment);
    },
  };
}
