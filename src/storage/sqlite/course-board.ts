import type { CourseBoardStore, CoursePost } from '../../courses/store.ts';
import type { Sqlite, SqliteSchema } from './open.ts';

export const courseBoardSchema: SqliteSchema = {
  module: 'course-board',
  steps: [
    `CREATE TABLE course_posts (
      id TEXT PRIMARY KEY,
      course_id TEXT NOT NULL,
      kind TEXT NOT NULL,
      author_id TEXT NOT NULL,
      text TEXT NOT NULL,
      at INTEGER NOT NULL,
      answer_text TEXT,
      answered_by TEXT,
      answered_at INTEGER
    ) WITHOUT ROWID;
    CREATE INDEX course_posts_course ON course_posts (course_id, id DESC);`,
    `CREATE INDEX course_posts_author ON course_posts (author_id, id);
    CREATE INDEX course_posts_answered ON course_posts (answered_by) WHERE answered_by IS NOT NULL;`,
  ],
};

interface Row {
  id: string;
  course_id: string;
  kind: CoursePost['kind'];
  author_id: string;
  text: string;
  at: number;
  answer_text: string | null;
  answered_by: string | null;
  answered_at: number | null;
}

const toPost = (row: Row): CoursePost => ({
  id: row.id,
  courseId: row.course_id,
  kind: row.kind,
  authorId: row.author_id,
  text: row.text,
  at: new Date(row.at),
  answer:
    row.answer_text === null
      ? null
      : { text: row.answer_text, personId: row.answered_by ?? '', at: new Date(row.answered_at ?? 0) },
});

export function createSqliteCourseBoardStore(db: Sqlite): CourseBoardStore {
  const insert = db.prepare('INSERT INTO course_posts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)');
  const byId = db.prepare<[string], Row>('SELECT * FROM course_posts WHERE id = ?');
  const announcements = db.prepare<[string, number], Row>(
    "SELECT * FROM course_posts WHERE course_id = ? AND kind = 'announcement' ORDER BY id DESC LIMIT ?",
  );
  const messages = db.prepare<[{ course: string; author: string | null; limit: number }], Row>(
    `SELECT * FROM course_posts WHERE course_id = @course AND kind <> 'announcement'
      AND (@author IS NULL OR author_id = @author) ORDER BY id DESC LIMIT @limit`,
  );
  const answer = db.prepare(
    'UPDATE course_posts SET answer_text = ?, answered_by = ?, answered_at = ? WHERE id = ?',
  );
  const remove = db.prepare('DELETE FROM course_posts WHERE id = ?');
  const ofAuthor = db.prepare<[string], Row>('SELECT * FROM course_posts WHERE author_id = ? ORDER BY id');
  const anonymise = db.transaction(
    (personId: string): number =>
      db
        .prepare(
          "DELETE FROM course_posts WHERE author_id = ? AND kind <> 'announcement' AND answer_text IS NULL",
        )
        .run(personId).changes +
      db
        .prepare(
          `UPDATE course_posts SET author_id = '', text = CASE kind WHEN 'announcement' THEN text ELSE '' END
           WHERE author_id = ?`,
        )
        .run(personId).changes +
      db.prepare("UPDATE course_posts SET answered_by = '' WHERE answered_by = ?").run(personId).changes,
  );
  return {
    async add({ id, courseId, kind, authorId, text, at, answer: given }) {
      insert.run(
        id,
        courseId,
        kind,
        authorId,
        text,
        at.getTime(),
        given?.text ?? null,
        given?.personId ?? null,
        given?.at.getTime() ?? null,
      );
    },
    async byId(id) {
      const row = byId.get(id);
      return row ? toPost(row) : null;
    },
    async announcements(courseId, limit) {
      return announcements.all(courseId, limit).map(toPost);
    },
    async messages(courseId, limit, authorId) {
      return messages.all({ course: courseId, author: authorId ?? null, limit }).map(toPost);
    },
    async answer(id, { text, personId, at }) {
      return answer.run(text, personId, at.getTime(), id).changes === 1;
    },
    async remove(id) {
      return remove.run(id).changes === 1;
    },
    async ofAuthor(authorId) {
      return ofAuthor.all(authorId).map(toPost);
    },
    async anonymise(personId) {
      return anonymise.immediate(personId);
    },
  };
}
