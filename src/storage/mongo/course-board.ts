import { Schema } from 'mongoose';
import type { CourseBoardStore, CoursePost } from '../../courses/store.ts';
import type { Connection } from './open.ts';

interface Row extends Omit<CoursePost, 'id' | 'answer'> {
  _id: string;
  answerText: string | null;
  answeredBy: string | null;
  answeredAt: Date | null;
}

const posts = new Schema<Row>(
  {
    _id: { type: String, required: true },
    courseId: { type: String, required: true },
    kind: { type: String, required: true },
    authorId: { type: String, required: true },
    text: { type: String, required: true },
    at: { type: Date, required: true },
    answerText: { type: String, default: null },
    answeredBy: { type: String, default: null },
    answeredAt: { type: Date, default: null },
  },
  { versionKey: false, collection: 'course_posts' },
);
posts.index({ courseId: 1, _id: -1 });
posts.index({ authorId: 1, _id: 1 });
posts.index({ answeredBy: 1 });

const toPost = ({ _id, answerText, answeredBy, answeredAt, ...post }: Row): CoursePost => ({
  id: _id,
  ...post,
  answer:
    answerText === null
      ? null
      : { text: answerText, personId: answeredBy ?? '', at: answeredAt ?? new Date(0) },
});

export async function createMongoCourseBoardStore(connection: Connection): Promise<CourseBoardStore> {
  const model = connection.model<Row>('CoursePost', posts);
  await model.createCollection();
  await model.createIndexes();
  const newest = async (filter: Record<string, unknown>, limit: number): Promise<CoursePost[]> =>
    (await model.find(filter).sort({ _id: -1 }).limit(limit).lean<Row[]>()).map(toPost);
  return {
    async add({ id, answer, ...post }) {
      await model.create({
        _id: id,
        ...post,
        answerText: answer?.text ?? null,
        answeredBy: answer?.personId ?? null,
        answeredAt: answer?.at ?? null,
      });
    },
    async byId(id) {
      const row = await model.findById(id).lean<Row>();
      return row && toPost(row);
    },
    announcements: (courseId, limit) => newest({ courseId, kind: 'announcement' }, limit),
    messages: (courseId, limit, authorId) =>
      newest(
        {
          courseId,
          kind: { $in: ['question', 'feedback'] },
          ...(authorId === undefined ? {} : { authorId }),
        },
        limit,
      ),
    async answer(id, { text, personId, at }) {
      const done = await model.updateOne(
        { _id: id },
        { $set: { answerText: text, answeredBy: personId, answeredAt: at } },
      );
      return done.matchedCount === 1;
    },
    async remove(id) {
      return (await model.deleteOne({ _id: id })).deletedCount === 1;
    },
    async ofAuthor(authorId) {
      return (await model.find({ authorId }).sort({ _id: 1 }).lean<Row[]>()).map(toPost);
    },
    async anonymise(personId) {
      const kinds: CoursePost['kind'][] = ['question', 'feedback'];
      const messages = { authorId: personId, kind: { $in: kinds } };
      const gone = await model.deleteMany({ ...messages, answerText: null });
      const blanked = await model.updateMany(messages, { $set: { authorId: '', text: '' } });
      const announced = await model.updateMany({ authorId: personId }, { $set: { authorId: '' } });
      const answered = await model.updateMany({ answeredBy: personId }, { $set: { answeredBy: '' } });
      return gone.deletedCount + blanked.modifiedCount + announced.modifiedCount + answered.modifiedCount;
    },
  };
}
