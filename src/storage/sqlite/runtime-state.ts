import type { RuntimeStateStore, StoredItemState } from '../../player/runtime/store.ts';
import { createGroupedChanges } from './group-commit.ts';
import type { Sqlite, SqliteSchema } from './open.ts';

export const runtimeStateSchema: SqliteSchema = {
  module: 'runtime-state',
  steps: [
    `CREATE TABLE runtime_states (
      registration TEXT NOT NULL,
      item TEXT NOT NULL,
      launch_id TEXT NOT NULL,
      sequence INTEGER NOT NULL,
      body TEXT NOT NULL,
      outbox TEXT,
      updated_at INTEGER NOT NULL,
      revision INTEGER NOT NULL,
      PRIMARY KEY (registration, item)
    );
    CREATE INDEX runtime_states_outbox ON runtime_states (updated_at) WHERE outbox IS NOT NULL;`,
    `ALTER TABLE runtime_states ADD COLUMN package_version_id TEXT;
    CREATE INDEX runtime_states_version ON runtime_states (package_version_id, item) WHERE package_version_id IS NOT NULL;`,
  ],
};

interface Row {
  registration: string;
  item: string;
  launch_id: string;
  sequence: number;
  body: string;
  outbox: string | null;
  updated_at: number;
  revision: number;
  package_version_id: string | null;
}

const toState = (row: Row): StoredItemState => ({
  registration: row.registration,
  item: row.item,
  launchId: row.launch_id,
  sequence: row.sequence,
  body: row.body,
  outbox: row.outbox,
  updatedAt: new Date(row.updated_at),
  revision: row.revision,
  ...(row.package_version_id === null ? {} : { packageVersionId: row.package_version_id }),
});

export function createSqliteRuntimeStateStore(db: Sqlite): RuntimeStateStore {
  const get = db.prepare<[string, string], Row>(
    'SELECT * FROM runtime_states WHERE registration = ? AND item = ?',
  );
  const ofRegistration = db.prepare<[string], Row>(
    'SELECT * FROM runtime_states WHERE registration = ? ORDER BY item',
  );
  const insert = db.prepare<[Row]>(
    `INSERT INTO runtime_states VALUES (@registration, @item, @launch_id, @sequence, @body, @outbox, @updated_at, 1, @package_version_id)
     ON CONFLICT DO NOTHING`,
  );
  const update = db.prepare<[Row]>(
    `UPDATE runtime_states SET launch_id = @launch_id, sequence = @sequence, body = @body, outbox = @outbox,
      updated_at = @updated_at, package_version_id = @package_version_id, revision = @revision + 1
     WHERE registration = @registration AND item = @item AND revision = @revision`,
  );
  const clear = db.prepare<[string, string, number]>(
    `UPDATE runtime_states SET outbox = NULL, revision = revision + 1
     WHERE registration = ? AND item = ? AND revision = ?`,
  );
  const changed = createGroupedChanges(db);
  const withOutbox = db.prepare<[number, number], Row>(
    'SELECT * FROM runtime_states WHERE outbox IS NOT NULL AND updated_at < ? ORDER BY updated_at LIMIT ?',
  );
  const countByItem = db.prepare<[string], { item: string; n: number }>(
    'SELECT item, count(*) AS n FROM runtime_states WHERE package_version_id = ? GROUP BY item',
  );
  const forget = db.prepare<[string]>('DELETE FROM runtime_states WHERE registration = ?');
  return {
    async get(registration, item) {
      const row = get.get(registration, item);
      return row ? toState(row) : null;
    },
    async ofRegistration(registration) {
      return ofRegistration.all(registration).map(toState);
    },
    async put(state) {
      const row: Row = {
        registration: state.registration,
        item: state.item,
        launch_id: state.launchId,
        sequence: state.sequence,
        body: state.body,
        outbox: state.outbox,
        updated_at: state.updatedAt.getTime(),
        revision: state.revision,
        package_version_id: state.packageVersionId ?? null,
      };
      return changed(() => (state.revision === 0 ? insert : update).run(row));
    },
    async clearOutbox({ registration, item, revision }) {
      return changed(() => clear.run(registration, item, revision));
    },
    async forget(registration) {
      return forget.run(registration).changes;
    },
    async withOutbox(before, limit) {
      return withOutbox.all(before.getTime(), limit).map(toState);
    },
    async countByItem(packageVersionId) {
      return new Map(countByItem.all(packageVersionId).map(({ item, n }) => [item, n]));
    },
  };
}
