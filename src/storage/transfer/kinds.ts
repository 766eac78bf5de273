import { personFromText } from '../../identity/store.ts';
import { foldName } from '../fold-name.ts';
import { mongoSearchKeys } from '../mongo/identity.ts';
import { decodeLaunch } from '../player-launch.ts';
import { sqliteSearchKeys } from '../sqlite/identity.ts';
import { runtimeStateId } from '../runtime-state-id.ts';

/** How a column of SQLite is kept in MongoDB: dates as Date, 0/1 as boolean, JSON text as a value. */
export type Codec = 'text' | 'number' | 'date' | 'boolean' | 'json';

/** A row as both engines have it in common: SQLite's columns and values. */
export type NeutralRow = Record<string, string | number | null>;

/** One table of SQLite, one collection of MongoDB, and how their rows correspond. What one engine derives is not copied. */
export interface TableKind {
  table: string;
  collection: string;
  /** The columns that make the row's identity, in the order of SQLite's primary key. */
  key: readonly string[];
  columns: Record<string, Codec>;
  /** Columns whose field is not their camelCase name. */
  fields?: Record<string, string>;
  /** Columns that MongoDB keeps elsewhere than in a field of their own: in `_id`, or below another field (`from`, `mongo`). */
  elsewhere?: readonly string[];
  /** Reads the columns that are `elsewhere`. */
  from?: (document: Record<string, unknown>) => NeutralRow;
  /** MongoDB's `_id`; by default the value of the only key column, which then has no field of its own. */
  id?: (row: NeutralRow) => string | number;
  /** What only SQLite keeps beside. */
  sqlite?: (row: NeutralRow) => NeutralRow;
  /** What only MongoDB keeps beside. */
  mongo?: (row: NeutralRow) => Record<string, unknown>;
}

const text = (row: NeutralRow, column: string): string => String(row[column] ?? '');
const table = (
  name: string,
  key: string | readonly string[],
  columns: Record<string, Codec>,
  more: Partial<TableKind> = {},
): TableKind => ({
  table: name,
  collection: name,
  key: typeof key === 'string' ? [key] : key,
  columns,
  ...more,
});

const personKeys = (row: NeutralRow) => {
  const person = personFromText(text(row, 'body'));
  return {
    login: person.local ? foldName(person.local.loginName) : null,
    nickname: person.nickname ? foldName(person.nickname) : null,
    idNumber: person.idNumber?.lookup ?? null,
    createdAt: person.createdAt.getTime(),
  };
};
const present = (fields: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));

/** Every table that is copied row by row. Statements, documents, names of agents and the feed have readers of their own. */
export const tableKinds: readonly TableKind[] = [
  table('web_sessions', 'id', {
    id: 'text',
    data: 'text',
    person_id: 'text',
    seen_at: 'date',
    expires_at: 'date',
    ends_at: 'date',
  }),
  table(
    'player_launches',
    'id',
    { id: 'text', body: 'text', expires_at: 'date' },
    { mongo: (row) => ({ learnerId: decodeLaunch(text(row, 'body')).learner.id }) },
  ),
  table(
    'reading_sessions',
    'id',
    {
      id: 'text',
      launch_id: 'text',
      learner_id: 'text',
      registration: 'text',
      package_version_id: 'text',
      started_at: 'date',
      last_beat_at: 'date',
      paused: 'boolean',
      ended_at: 'date',
      ending: 'text',
      milliseconds: 'number',
      prior_milliseconds: 'number',
      recorded_at: 'date',
      revision: 'number',
      device: 'text',
      asked: 'boolean',
    },
    {
      mongo: (row) => ({
        slot: row['ended_at'] === null ? 'running' : row['id'],
        owed: row['ended_at'] !== null && row['recorded_at'] === null,
      }),
    },
  ),
  table(
    'people',
    'id',
    { id: 'text', body: 'text' },
    {
      sqlite(row) {
        const { login, nickname, idNumber, createdAt } = personKeys(row);
        return {
          login_key: login,
          nickname_key: nickname,
          id_number_lookup: idNumber,
          created_at: createdAt,
          ...sqliteSearchKeys(personFromText(text(row, 'body'))),
        };
      },
      mongo(row) {
        const { login, nickname, idNumber } = personKeys(row);
        return {
          revision: 0,
          ...mongoSearchKeys(personFromText(text(row, 'body'))),
          ...present({ loginKey: login, nicknameKey: nickname, idNumberLookup: idNumber }),
        };
      },
    },
  ),
  table(
    'identities',
    ['provider', 'subject'],
    { provider: 'text', subject: 'text', person_id: 'text' },
    {
      elsewhere: ['provider', 'subject'],
      id: (row) => JSON.stringify([row['provider'], row['subject']]),
      from({ _id }) {
        const [provider = '', subject = ''] = JSON.parse(String(_id)) as string[];
        return { provider, subject };
      },
    },
  ),
  table(
    'cases',
    'id',
    {
      id: 'text',
      kind: 'text',
      person_id: 'text',
      open_key: 'text',
      due_at: 'date',
      created_at: 'date',
      body: 'text',
      revision: 'number',
    },
    {
      // Absent, not null, once it is closed.
      elsewhere: ['open_key'],
      from: ({ openKey }) => ({ open_key: typeof openKey === 'string' ? openKey : null }),
      mongo: (row) => present({ openKey: row['open_key'] }),
    },
  ),
  table('agency_directory', 'id', { id: 'text', revision: 'number', parts: 'json' }),
  table('agency_parts', 'id', { id: 'text', revision: 'number', body: 'text' }),
  table(
    'email_confirmations',
    'person_id',
    { person_id: 'text', email: 'text', token_hash: 'text', expires_at: 'date', issued_at: 'json' },
    { mongo: () => ({ revision: 0 }) },
  ),
  table(
    'outbox',
    'id',
    { id: 'text', recipient: 'text', subject: 'text', text: 'text', at: 'date' },
    { fields: { recipient: 'to' } },
  ),
  table(
    'runtime_states',
    ['registration', 'item'],
    {
      registration: 'text',
      item: 'text',
      launch_id: 'text',
      sequence: 'number',
      body: 'text',
      outbox: 'text',
      updated_at: 'date',
      revision: 'number',
      package_version_id: 'text',
    },
    {
      id: (row) => runtimeStateId(text(row, 'registration'), text(row, 'item')),
      mongo: (row) => ({ owing: row['outbox'] !== null }),
    },
  ),
  table('packages', 'id', {
    id: 'text',
    organisation: 'text',
    title: 'text',
    latest_version_id: 'text',
    publications: 'json',
    archived_at: 'date',
  }),
  table('package_versions', 'id', { id: 'text', package_id: 'text', version: 'number', body: 'text' }),
  table(
    'package_files',
    ['version_id', 'path'],
    { version_id: 'text', path: 'text', size: 'number', blob_key: 'text', sha256: 'text' },
    { id: (row) => `${text(row, 'version_id')}/${text(row, 'path')}` },
  ),
  table('package_jobs', 'id', { id: 'text', body: 'text', updated_at: 'date' }),
  table('vendor_tokens', 'id', {
    id: 'text',
    hash: 'text',
    organisation: 'text',
    person_id: 'text',
    label: 'text',
    created_at: 'date',
    expires_at: 'date',
    revoked_at: 'date',
    last_used_at: 'date',
    scope: 'text',
  }),
  table('course_posts', 'id', {
    id: 'text',
    course_id: 'text',
    kind: 'text',
    author_id: 'text',
    text: 'text',
    at: 'date',
    answer_text: 'text',
    answered_by: 'text',
    answered_at: 'date',
  }),
  table('courses', 'id', {
    id: 'text',
    code_key: 'text',
    organisation: 'text',
    type: 'text',
    status: 'text',
    hours: 'number',
    search: 'text',
    created_at: 'date',
    published_at: 'date',
    body: 'text',
    revision: 'number',
  }),
  table(
    'enrolments',
    'registration',
    {
      registration: 'text',
      course_id: 'text',
      person_id: 'text',
      enrolled_at: 'date',
      started_at: 'date',
      withdrawn_at: 'date',
      package_version_id: 'text',
      owed: 'boolean',
    },
    {
      elsewhere: ['owed'],
      from: ({ owed }) => ({ owed: owed === true ? 1 : 0 }),
      mongo: (row): Record<string, unknown> => ({
        ...(row['withdrawn_at'] === null
          ? { currentKey: `${text(row, 'person_id')}|${text(row, 'course_id')}` }
          : {}),
        ...(row['owed'] === 1 ? { owed: true } : {}),
      }),
    },
  ),
  table('quizzes', 'course_id', { course_id: 'text', body: 'text' }),
  table('surveys', 'course_id', { course_id: 'text', body: 'text' }),
  table(
    'quiz_attempts',
    'id',
    {
      id: 'text',
      registration: 'text',
      course_id: 'text',
      started_at: 'date',
      submitted_at: 'date',
      question_ids: 'json',
      answers: 'text',
      score: 'number',
      viewed_at: 'date',
      recorded: 'boolean',
    },
    {
      fields: { viewed_at: 'answersViewedAt' },
      mongo: (row): Record<string, unknown> =>
        row['submitted_at'] === null ? { openKey: row['registration'] } : {},
    },
  ),
  table('survey_responses', 'registration', {
    registration: 'text',
    course_id: 'text',
    answers: 'text',
    submitted_at: 'date',
    recorded: 'boolean',
  }),
  table('progress', 'registration', {
    registration: 'text',
    reading_seconds: 'number',
    quiz_score: 'number',
    survey_done: 'boolean',
    completed_at: 'date',
  }),
  table(
    'certificate_serials',
    'year',
    { year: 'number', last: 'number' },
    { id: (row) => Number(row['year']), elsewhere: ['year'], from: ({ _id }) => ({ year: Number(_id) }) },
  ),
  table(
    'certificates',
    'number',
    {
      number: 'text',
      verification_code: 'text',
      registration: 'text',
      edition: 'number',
      person_id: 'text',
      person_name: 'text',
      person_name_en: 'text',
      course_code: 'text',
      course_title: 'text',
      course_title_en: 'text',
      organisation: 'text',
      certified_hours: 'number',
      started_at: 'date',
      completed_at: 'date',
      reading_seconds: 'number',
      score: 'number',
      required_reading_seconds: 'number',
      required_score: 'number',
      survey_required: 'number',
      issued_at: 'date',
      revoked_at: 'date',
      revoked_reason: 'text',
      revoked_by: 'text',
    },
    {
      id: (row) => `${text(row, 'registration')}/${text(row, 'edition')}`,
      elsewhere: [
        'required_reading_seconds',
        'required_score',
        'survey_required',
        'revoked_reason',
        'revoked_by',
      ],
      from(document) {
        const conditions = document['conditions'] as {
          readingSeconds?: number | null;
          passScore?: number | null;
          survey: boolean;
        };
        const revocation = document['revocation'] as { reason: string; by: string } | null;
        return {
          required_reading_seconds: conditions.readingSeconds ?? null,
          required_score: conditions.passScore ?? null,
          survey_required: conditions.survey ? 1 : 0,
          revoked_reason: revocation?.reason ?? null,
          revoked_by: revocation?.by ?? null,
        };
      },
      mongo: (row) => ({
        conditions: {
          readingSeconds: row['required_reading_seconds'],
          passScore: row['required_score'],
          survey: row['survey_required'] === 1,
        },
        revocation:
          row['revoked_at'] === null
            ? null
            : {
                at: new Date(Number(row['revoked_at'])),
                reason: row['revoked_reason'],
                by: row['revoked_by'],
              },
      }),
    },
  ),
  table('lrs_activities', 'id', { id: 'text', definition: 'text' }),
  table('lrs_credentials', 'id', {
    id: 'text',
    key: 'text',
    data: 'text',
    created_at: 'date',
    last_used_at: 'date',
  }),
  table('lrs_tokens', 'hash', { hash: 'text', credential_id: 'text', scopes: 'json', expires_at: 'date' }),
  table('lrs_personas', 'identity', { identity: 'text', person: 'text', since: 'date' }),
  table('lrs_rejections', 'id', {
    id: 'text',
    at: 'date',
    credential_id: 'text',
    method: 'text',
    resource: 'text',
    status: 'number',
    message: 'text',
    problems: 'text',
  }),
  table(
    'lrs_forwarding',
    'id',
    {
      id: 'text',
      rule: 'text',
      position: 'number',
      failures: 'number',
      next_attempt_at: 'date',
      last_error: 'text',
    },
    {
      sqlite: () => ({ holder: '', held_until: 0 }),
      mongo: () => ({ holder: '', heldUntil: new Date(0) }),
    },
  ),
  table('lrs_dead_letters', 'id', {
    id: 'text',
    rule_id: 'text',
    statement_id: 'text',
    at: 'date',
    reason: 'text',
  }),
  table('lrs_erasures', 'id', {
    id: 'text',
    identity: 'text',
    reason: 'text',
    requested_by: 'text',
    requested_at: 'date',
    confirmed_by: 'text',
    confirmed_at: 'date',
    finished_at: 'date',
    statements: 'number',
    documents: 'number',
  }),
];

/** Tables that are read and written through the ports or made again from what is copied. */
export const readOtherwise: readonly string[] = [
  'lrs_statements',
  'lrs_term_keys',
  'lrs_terms',
  'lrs_terms_through',
  'lrs_references',
  'lrs_agent_names',
  'lrs_documents',
  'lrs_feed',
  'audit_log',
];

/** Tables of SQLite that stay behind: what they hold has run out within minutes. */
export const leftBehind: readonly string[] = ['schema_steps', 'rate_counters', 'sign_in_failures', 'once'];
