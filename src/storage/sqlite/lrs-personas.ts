import type { PersonaStore } from '../../lrs/store.ts';
import type { Sqlite, SqliteSchema } from './open.ts';

export const lrsPersonasSchema: SqliteSchema = {
  module: 'lrs-personas',
  steps: [
    `CREATE TABLE lrs_personas (
      identity TEXT PRIMARY KEY,
      person TEXT NOT NULL,
      since INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX lrs_personas_person ON lrs_personas (person, identity);`,
  ],
};

export function createSqlitePersonaStore(db: Sqlite): PersonaStore {
  const link = db.prepare<[string, string, number]>(
    `INSERT INTO lrs_personas (identity, person, since) VALUES (?, ?, ?)
     ON CONFLICT (identity) DO UPDATE SET since = CASE WHEN person = excluded.person THEN since ELSE excluded.since END,
       person = excluded.person`,
  );
  const unlink = db.prepare<[string, string]>('DELETE FROM lrs_personas WHERE identity = ? AND person = ?');
  const personOf = db.prepare<[string], string>('SELECT person FROM lrs_personas WHERE identity = ?').pluck();
  const identitiesOf = db
    .prepare<[string], string>('SELECT identity FROM lrs_personas WHERE person = ? ORDER BY identity')
    .pluck();
  return {
    async link(identity, person, since) {
      link.run(identity, person, since.getTime());
    },
    async unlink(identity, person) {
      unlink.run(identity, person);
    },
    async joined(identity) {
      const person = personOf.get(identity) ?? identity;
      return [person, ...identitiesOf.all(person)];
    },
  };
}
