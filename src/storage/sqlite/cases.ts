import type { Case, CaseStore } from '../../identity/privacy/store.ts';
import type { Sqlite, SqliteSchema } from './open.ts';

export const casesSchema: SqliteSchema = {
  module: 'cases',
  steps: [
    `CREATE TABLE cases (
      id TEXT PRIMARY KEY,
      kind TEXT NOT NULL,
      person_id TEXT NOT NULL,
      open_key TEXT UNIQUE,
      due_at INTEGER,
      created_at INTEGER NOT NULL,
      body TEXT NOT NULL,
      revision INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX cases_person ON cases (person_id, kind, created_at);
    CREATE INDEX cases_open ON cases (kind, created_at) WHERE open_key IS NOT NULL;
    CREATE INDEX cases_due ON cases (due_at) WHERE due_at IS NOT NULL;`,
  ],
};

interface Row {
  id: string;
  kind: Case['kind'];
  person_id: string;
  open_key: string | null;
  due_at: number | null;
  created_at: number;
  body: string;
  revision: number;
}

const toCase = (row: Row): Case => ({
  id: row.id,
  kind: row.kind,
  personId: row.person_id,
  openKey: row.open_key,
  dueAt: row.due_at === null ? null : new Date(row.due_at),
  createdAt: new Date(row.created_at),
  body: row.body,
  revision: row.revision,
});
const toRow = (given: Case): Row => ({
  id: given.id,
  kind: given.kind,
  person_id: given.personId,
  open_key: given.openKey,
  due_at: given.dueAt?.getTime() ?? null,
  created_at: given.createdAt.getTime(),
  body: given.body,
  revision: given.revision,
});

export function createSqliteCaseStore(db: Sqlite): CaseStore {
  const insert = db.prepare<[Row]>(
    `INSERT INTO cases VALUES (@id, @kind, @person_id, @open_key, @due_at, @created_at, @body, @revision)
     ON CONFLICT DO NOTHING`,
  );
  const byId = db.prepare<[string], Row>('SELECT * FROM cases WHERE id = ?');
  const byKey = db.prepare<[string], Row>('SELECT * FROM cases WHERE open_key = ?');
  const ofPerson = db.prepare<[string, string], Row>(
    'SELECT * FROM cases WHERE person_id = ? AND kind = ? ORDER BY created_at DESC, id DESC',
  );
  const open = db.prepare<[string, number], Row>(
    'SELECT * FROM cases WHERE kind = ? AND open_key IS NOT NULL ORDER BY created_at, id LIMIT ?',
  );
  const due = db.prepare<[number, number], Row>(
    'SELECT * FROM cases WHERE due_at <= ? ORDER BY due_at, id LIMIT ?',
  );
  const change = db.prepare<[Row]>(
    `UPDATE cases SET open_key = @open_key, due_at = @due_at, body = @body, revision = @revision + 1
     WHERE id = @id AND revision = @revision`,
  );
  const remove = db.prepare<[string]>('DELETE FROM cases WHERE id = ?');
  const one = (row: Row | undefined): Case | null => (row ? toCase(row) : null);

  /** Both in one, so that what stood in the way cannot be closed in between. */
  const addAll = db.transaction((given: Case): Case => {
    insert.run(toRow(given));
    const row = (given.openKey === null ? undefined : byKey.get(given.openKey)) ?? byId.get(given.id);
    if (!row) throw new Error('a case was neither found nor stored');
    return toCase(row);
  });

  return {
    async add(given) {
      return addAll.immediate(given);
    },
    async byId(id) {
      return one(byId.get(id));
    },
    async byKey(openKey) {
      return one(byKey.get(openKey));
    },
    async ofPerson(personId, kind) {
      return ofPerson.all(personId, kind).map(toCase);
    },
    async open(kind, limit) {
      return open.all(kind, limit).map(toCase);
    },
    async due(now, limit) {
      return due.all(now.getTime(), limit).map(toCase);
    },
    async change(given) {
      return change.run(toRow(given)).changes === 1;
    },
    async delete(id) {
      remove.run(id);
    },
  };
}
