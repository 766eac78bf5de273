import {
  patched,
  personFromText,
  withEmailConfirmed,
  withRecoveryRenewed,
  withRecoverySpent,
  withRole,
  withStepSpent,
} from '../../identity/store.ts';
import type {
  ExternalIdentity,
  IdentityStore,
  PersonConflict,
  PersonPatch,
  PersonRecord,
} from '../../identity/store.ts';
import { foldName } from '../fold-name.ts';
import { personSearchText, personStaffRoles } from '../person-keys.ts';
import type { Sqlite, SqliteSchema } from './open.ts';

export const identitySchema: SqliteSchema = {
  module: 'identity',
  steps: [
    `CREATE TABLE people (
      id TEXT PRIMARY KEY,
      body TEXT NOT NULL,
      login_key TEXT UNIQUE,
      nickname_key TEXT UNIQUE,
      id_number_lookup TEXT UNIQUE,
      created_at INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE identities (
      provider TEXT NOT NULL,
      subject TEXT NOT NULL,
      person_id TEXT NOT NULL REFERENCES people (id) ON DELETE CASCADE,
      PRIMARY KEY (provider, subject)
    ) WITHOUT ROWID;
    CREATE INDEX identities_person ON identities (person_id);
    CREATE TABLE sign_in_failures (
      key TEXT NOT NULL,
      at INTEGER NOT NULL
    );
    CREATE INDEX sign_in_failures_key ON sign_in_failures (key, at);`,
    `ALTER TABLE people ADD COLUMN search_text TEXT;
    ALTER TABLE people ADD COLUMN agency_code TEXT;
    ALTER TABLE people ADD COLUMN staff_roles TEXT;
    CREATE INDEX people_search ON people (search_text);
    CREATE INDEX people_agency ON people (agency_code) WHERE agency_code IS NOT NULL;
    CREATE INDEX people_staff ON people (staff_roles) WHERE staff_roles IS NOT NULL;`,
  ],
};

interface Row {
  body: string;
}

/** Which unique column refused; SQLite names it in the message. */
function conflictOf(error: unknown): PersonConflict | null {
  if (!(error instanceof Error) || !('code' in error) || !String(error.code).startsWith('SQLITE_CONSTRAINT'))
    return null;
  if (error.message.includes('login_key')) return 'login-name';
  if (error.message.includes('nickname_key')) return 'nickname';
  if (error.message.includes('id_number_lookup')) return 'id-number';
  if (error.message.includes('identities')) return 'identity';
  return null;
}

const toRecord = (row: Row): PersonRecord => personFromText(row.body);
/** `|admin|hr|`; null where there is none. */
const staffText = (person: PersonRecord): string | null => {
  const roles = personStaffRoles(person);
  return roles.length === 0 ? null : `|${roles.join('|')}|`;
};
/** What is looked for beside the unique names; migrate-store makes them anew too. */
export const sqliteSearchKeys = (person: PersonRecord) => ({
  search_text: personSearchText(person),
  agency_code: person.agencyCode,
  staff_roles: staffText(person),
});
const keysOf = (person: PersonRecord) => [
  JSON.stringify(person),
  person.local ? foldName(person.local.loginName) : null,
  person.nickname ? foldName(person.nickname) : null,
  person.idNumber?.lookup ?? null,
  ...Object.values(sqliteSearchKeys(person)),
];

export function createSqliteIdentityStore(db: Sqlite): IdentityStore {
  const insert = db.prepare(
    `INSERT INTO people (body, login_key, nickname_key, id_number_lookup, search_text, agency_code, staff_roles, id, created_at)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const change = db.prepare(
    `UPDATE people SET body = ?, login_key = ?, nickname_key = ?, id_number_lookup = ?, search_text = ?, agency_code = ?,
    staff_roles = ? WHERE id = ?`,
  );
  const insertIdentity = db.prepare('INSERT INTO identities (provider, subject, person_id) VALUES (?, ?, ?)');
  const byId = db.prepare<[string], Row>('SELECT body FROM people WHERE id = ?');
  const byIds = db.prepare<[string], Row>(
    'SELECT body FROM people WHERE id IN (SELECT value FROM json_each(?))',
  );
  const byLogin = db.prepare<[string], Row>('SELECT body FROM people WHERE login_key = ?');
  const byNickname = db.prepare<[string], Row>('SELECT body FROM people WHERE nickname_key = ?');
  const byIdNumber = db.prepare<[string], Row>('SELECT body FROM people WHERE id_number_lookup = ?');
  const identitiesOf = db.prepare<[string], ExternalIdentity>(
    'SELECT provider, subject FROM identities WHERE person_id = ? ORDER BY provider, subject',
  );
  const unlink = db.prepare('DELETE FROM identities WHERE provider = ? AND subject = ? AND person_id = ?');
  const move = db.prepare(
    'UPDATE identities SET person_id = @to WHERE provider = @provider AND subject = @subject AND person_id IN (@from, @to)',
  );
  const byIdentity = db.prepare<[string, string], Row>(
    'SELECT p.body FROM identities i JOIN people p ON p.id = i.person_id WHERE i.provider = ? AND i.subject = ?',
  );
  const addFailure = db.prepare('INSERT INTO sign_in_failures (key, at) VALUES (?, ?)');
  const forget = db.prepare('DELETE FROM sign_in_failures WHERE key = ? AND at < ?');
  const count = db.prepare<[string, number], { n: number }>(
    'SELECT count(*) AS n FROM sign_in_failures WHERE key = ? AND at >= ?',
  );
  const under = db.prepare<[string, string, number], { key: string; count: number; last: number }>(
    'SELECT key, count(*) AS count, max(at) AS last FROM sign_in_failures WHERE key >= ? AND key < ? AND at >= ? GROUP BY key',
  );
  const page = db.prepare<[string, number], Row>('SELECT body FROM people WHERE id > ? ORDER BY id LIMIT ?');
  const clear = db.prepare('DELETE FROM sign_in_failures WHERE key = ?');

  // People from before there was a search.
  const unsearchable = db.prepare<[], Row>('SELECT body FROM people WHERE search_text IS NULL LIMIT 1000');
  for (let rows = unsearchable.all(); rows.length > 0; rows = unsearchable.all())
    db.transaction(() => {
      for (const record of rows.map(toRecord)) change.run(...keysOf(record), record.id);
    })();

  const createAll = db.transaction((person: PersonRecord, identity?: ExternalIdentity) => {
    insert.run(...keysOf(person), person.id, person.createdAt.getTime());
    if (identity) insertIdentity.run(identity.provider, identity.subject, person.id);
  });
  const updateAll = db.transaction((id: string, patch: PersonPatch): 'not-found' | null => {
    const row = byId.get(id);
    if (!row) return 'not-found';
    change.run(...keysOf(patched(toRecord(row), patch)), id);
    return null;
  });
  /** Changes the person as decided on what is kept at that moment; false when there is none, or nothing is to be changed. */
  const changeAll = db.transaction(
    (id: string, decide: (person: PersonRecord) => PersonRecord | null): boolean => {
      const row = byId.get(id);
      const next = row && decide(toRecord(row));
      if (!next) return false;
      change.run(...keysOf(next), id);
      return true;
    },
  );
  const failAll = db.transaction((key: string, at: Date, since: Date): number => {
    forget.run(key, since.getTime());
    addFailure.run(key, at.getTime());
    return count.get(key, since.getTime())?.n ?? 0;
  });
  const orConflict = <T>(act: () => T): T | PersonConflict => {
    try {
      return act();
    } catch (error) {
      const conflict = conflictOf(error);
      if (conflict) return conflict;
      throw error;
    }
  };
  const one = (row: Row | undefined): PersonRecord | null => (row ? toRecord(row) : null);

  return {
    async create(person, identity) {
      return orConflict(() => {
        createAll.immediate(person, identity);
        return null;
      });
    },
    async byId(id) {
      return one(byId.get(id));
    },
    async byIds(ids) {
      return byIds.all(JSON.stringify(ids)).map(toRecord);
    },
    async search({ words, agencies, role, after = null, limit }) {
      const conditions = ["search_text > ''", 'id > ?'];
      const given: (string | number)[] = [after ?? ''];
      for (const word of words) {
        conditions.push('instr(search_text, ?) > 0');
        given.push(foldName(word));
      }
      if (agencies) {
        conditions.push('agency_code IN (SELECT value FROM json_each(?))');
        given.push(JSON.stringify(agencies));
      }
      if (role !== undefined) {
        conditions.push('staff_roles IS NOT NULL', 'instr(staff_roles, ?) > 0');
        given.push(`|${role}|`);
      }
      // The ids first: they and what is looked through stand in an index, the bodies do not.
      return db
        .prepare<(string | number)[], Row>(
          `SELECT body FROM people WHERE id IN (SELECT id FROM people WHERE ${conditions.join(' AND ')} ORDER BY id LIMIT ?) ORDER BY id`,
        )
        .all(...given, limit)
        .map(toRecord);
    },
    async page(after, limit) {
      return page.all(after ?? '', limit).map(toRecord);
    },
    async changeRole(id, wanted) {
      return changeAll.immediate(id, (person) => withRole(person, wanted));
    },
    async byLoginName(loginName) {
      return one(byLogin.get(foldName(loginName)));
    },
    async byNickname(nickname) {
      return one(byNickname.get(foldName(nickname)));
    },
    async byIdNumber(lookup) {
      return one(byIdNumber.get(lookup));
    },
    async identitiesOf(id) {
      return identitiesOf.all(id);
    },
    async moveIdentity({ provider, subject }, from, to) {
      return move.run({ provider, subject, from, to }).changes === 1;
    },
    async unlink(id, { provider, subject }) {
      return unlink.run(provider, subject, id).changes === 1;
    },
    async byIdentity({ provider, subject }) {
      return one(byIdentity.get(provider, subject));
    },
    async update(id, patch) {
      return orConflict(() => updateAll.immediate(id, patch));
    },
    async confirmEmail(id, email) {
      return changeAll.immediate(id, (person) => withEmailConfirmed(person, email));
    },
    async spendTotpStep(id, spent) {
      return changeAll.immediate(id, (person) => withStepSpent(person, spent));
    },
    async spendRecoveryCode(id, spent) {
      return changeAll.immediate(id, (person) => withRecoverySpent(person, spent));
    },
    async renewRecoveryCodes(id, renewed) {
      return changeAll.immediate(id, (person) => withRecoveryRenewed(person, renewed));
    },
    async link(id, { provider, subject }) {
      return orConflict(() => {
        insertIdentity.run(provider, subject, id);
        return null;
      });
    },
    async addFailure(key, at, since) {
      return failAll.immediate(key, at, since);
    },
    async failures(key, since) {
      return count.get(key, since.getTime())?.n ?? 0;
    },
    async failuresUnder(prefix, since) {
      return under
        .all(prefix, `${prefix}\u{10ffff}`, since.getTime())
        .map(({ key, count, last }) => ({ key, count, last: new Date(last) }));
    },
    async clearFailures(key) {
      clear.run(key);
    },
  };
}
