import type { DocumentScope, DocumentStore, StoredDocument } from '../../lrs/store.ts';
import { wellFormed } from '../../xapi/terms.ts';
import type { Sqlite, SqliteSchema } from './open.ts';

export const lrsDocumentsSchema: SqliteSchema = {
  module: 'lrs-documents',
  steps: [
    `CREATE TABLE lrs_documents (
      scope TEXT NOT NULL,
      registration TEXT NOT NULL,
      id TEXT NOT NULL,
      content_type TEXT NOT NULL,
      etag TEXT NOT NULL,
      updated INTEGER NOT NULL,
      body BLOB NOT NULL,
      UNIQUE (scope, registration, id)
    );`,
  ],
};

interface Row {
  content_type: string;
  body: Buffer;
  etag: string;
  updated: number;
}

const scopeText = (scope: DocumentScope): string =>
  JSON.stringify([scope.kind, scope.activityId, scope.agent]);
/** '' is "none" as a key, and "any" for a whole scope. */
const registrationText = (scope: DocumentScope): string => scope.registration?.toLowerCase() ?? '';

export function createSqliteDocumentStore(db: Sqlite): DocumentStore {
  const get = db.prepare<[string, string, string], Row>(
    'SELECT content_type, body, etag, updated FROM lrs_documents WHERE scope = ? AND registration = ? AND id = ?',
  );
  const put = db.prepare(
    `INSERT INTO lrs_documents (scope, registration, id, content_type, etag, updated, body) VALUES (?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (scope, registration, id) DO UPDATE SET
       content_type = excluded.content_type, etag = excluded.etag, updated = excluded.updated, body = excluded.body`,
  );
  const remove = db.prepare('DELETE FROM lrs_documents WHERE scope = ? AND registration = ? AND id = ?');
  const ids = db
    .prepare<[{ scope: string; registration: string; since: number }], string>(
      `SELECT DISTINCT id FROM lrs_documents
       WHERE scope = @scope AND (@registration = '' OR registration = @registration) AND updated > @since ORDER BY id`,
    )
    .pluck();
  const removeAll = db.prepare(
    `DELETE FROM lrs_documents WHERE scope = @scope AND (@registration = '' OR registration = @registration)`,
  );
  type Scope = [DocumentScope['kind'], string | null, string | null];
  type PageRow = Omit<StoredDocument, 'contentType'> & {
    rowid: number;
    scope: string;
    registration: string;
    id: string;
    content_type: string;
  };
  const page = db.prepare<[number], PageRow>(
    'SELECT rowid, * FROM lrs_documents WHERE rowid > ? ORDER BY rowid LIMIT 100',
  );
  // Rare, and so without an index: the scope's third part is the agent.
  const ofAgent = 'FROM lrs_documents WHERE substr(scope, -length(@agent)) = @agent';
  const endOf = (agent: string) => ({ agent: `,${JSON.stringify(agent)}]` });
  const pageOfAgent = db.prepare<[{ agent: string; after: number }], PageRow>(
    `SELECT rowid, * ${ofAgent} AND rowid > @after ORDER BY rowid LIMIT 20`,
  );
  const kept = ({ scope, registration, id, content_type, body, etag, updated }: PageRow) => {
    const [kind, activityId, agent] = JSON.parse(scope) as Scope;
    return {
      scope: { kind, activityId, agent, registration: registration === '' ? null : registration },
      id,
      document: { contentType: content_type, body, etag, updated },
    };
  };
  const countOf = db.prepare<[{ agent: string }], number>(`SELECT count(*) ${ofAgent}`).pluck();
  const eraseAgent = db.prepare<[{ agent: string }]>(`DELETE ${ofAgent}`);
  const etagOf = (scope: DocumentScope, id: string): string | null =>
    get.get(scopeText(scope), registrationText(scope), wellFormed(id))?.etag ?? null;
  return {
    async get(scope, id) {
      const row = get.get(scopeText(scope), registrationText(scope), wellFormed(id));
      if (!row) return null;
      const { content_type: contentType, ...rest } = row;
      return { contentType, ...rest } satisfies StoredDocument;
    },
    async put(scope, id, { contentType, etag, updated, body }, expected) {
      return db
        .transaction(() => {
          if (expected !== undefined && etagOf(scope, id) !== expected) return false;
          put.run(
            scopeText(scope),
            registrationText(scope),
            wellFormed(id),
            contentType,
            etag,
            updated,
            body,
          );
          return true;
        })
        .immediate();
    },
    async delete(scope, id, expected) {
      return db
        .transaction(() => {
          if (expected !== undefined && etagOf(scope, id) !== expected) return false;
          remove.run(scopeText(scope), registrationText(scope), wellFormed(id));
          return true;
        })
        .immediate();
    },
    async ids(scope, since) {
      return ids.all({
        scope: scopeText(scope),
        registration: registrationText(scope),
        since: since ?? Number.MIN_SAFE_INTEGER,
      });
    },
    async countOf(agent) {
      return countOf.get(endOf(agent)) ?? 0;
    },
    async *ofAgent(agent) {
      for (let after = 0; ;) {
        const rows = pageOfAgent.all({ ...endOf(agent), after });
        yield* rows.map(kept);
        const last = rows.at(-1);
        if (!last) return;
        after = last.rowid;
      }
    },
    async eraseAgent(agent) {
      return eraseAgent.run(endOf(agent)).changes;
    },
    async *all(after) {
      for (let rowid = Number(after ?? 0); ;) {
        const rows = page.all(rowid);
        for (const row of rows) {
          yield { cursor: String(row.rowid), ...kept(row) };
          rowid = row.rowid;
        }
        if (rows.length === 0) return;
      }
    },
    async deleteAll(scope) {
      return removeAll.run({ scope: scopeText(scope), registration: registrationText(scope) }).changes;
    },
  };
}
