import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect } from 'chai';
import { newUuid } from '../../src/base/ids.ts';
import { leftBehind, type NeutralRow, readOtherwise, tableKinds } from '../../src/storage/transfer/kinds.ts';
import { toDocument, toRow } from '../../src/storage/transfer/mongo-end.ts';
import { emptyStore, type EmptyStore } from '../support/engines.ts';
import { type RunningServer, startServer } from '../support/server.ts';
import { Visitor } from '../support/visitor.ts';

const root = join(import.meta.dirname, '../..');

/** Runs the command; `killAt`: SIGKILL once it has printed this. */
function migrate(
  from: string,
  to: string,
  { dryRun = false, killAt }: { dryRun?: boolean; killAt?: string } = {},
): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve) => {
    const args = ['--import', 'tsx', 'scripts/migrate-store.ts', '--from', from, '--to', to];
    const child = spawn(process.execPath, dryRun ? [...args, '--dry-run'] : args, { cwd: root });
    let output = '';
    const take = (chunk: Buffer): void => {
      output += chunk.toString();
      if (killAt !== undefined && output.includes(killAt)) child.kill('SIGKILL');
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    child.once('exit', (code) => resolve({ code, output }));
  });
}

const fingerprint = (dataDir: string): string =>
  createHash('sha256')
    .update(readFileSync(join(dataDir, 'zhixing.db')))
    .digest('hex');

describe('npm run migrate-store', function () {
  this.timeout(300_000);
  const folders = mkdtempSync(join(tmpdir(), 'zhixing-move-'));
  const lrsHeaders = (server: RunningServer) => ({
    authorization: server.lrs.authorization,
    'x-experience-api-version': '1.0.3',
    'content-type': 'application/json',
  });
  const course = '/courses/ZX115110001';
  const attached = Buffer.from('附件的內容');
  const sha2 = createHash('sha256').update(attached).digest('hex');
  const target = newUuid();
  const hidden = newUuid();
  const pointing = newUuid();
  let source: RunningServer | null = null;
  let mongo: EmptyStore | null = null;

  before(async function () {
    mongo = await emptyStore('mongodb');
    if (!mongo) return this.skip();
    source = await startServer();
    if (!source) throw new Error('no server');
    const server = source;
    const learner = new Visitor(server.origin);
    await learner.submit('/sign-in', '/sign-in', { loginName: 'learner', password: 'learner-demo' });
    await learner.submit(course, `${course}/enrol`);
    // Opening it fixes the version that the learner goes on with: a fact of the enrolment from here on.
    expect((await learner.get(`${course}/learn`)).text).to.include('個人資料保護的第一課');
    await learner.submit(`${course}/quiz`, `${course}/quiz/attempts`);
    const actor = { mbox: 'mailto:move@example.org', name: '搬家' };
    const statement = (id: string, verb: string, object: object) => ({
      id,
      actor,
      verb: { id: `http://adlnet.gov/expapi/verbs/${verb}` },
      object,
    });
    const activity = { id: 'http://example.org/move', definition: { name: { 'zh-TW': '搬家' } } };
    const boundary = 'move';
    const body = JSON.stringify([
      {
        ...statement(target, 'experienced', activity),
        attachments: [
          {
            usageType: 'http://example.org/usage',
            display: { 'zh-TW': '附件' },
            contentType: 'text/plain',
            length: attached.length,
            sha2,
          },
        ],
      },
      statement(hidden, 'experienced', activity),
      statement(newUuid(), 'voided', { objectType: 'StatementRef', id: hidden }),
      statement(pointing, 'commented', { objectType: 'StatementRef', id: target }),
    ]);
    const posted = await fetch(`${server.lrs.endpoint}/statements`, {
      method: 'POST',
      headers: { ...lrsHeaders(server), 'content-type': `multipart/mixed; boundary=${boundary}` },
      body: Buffer.concat([
        Buffer.from(
          `--${boundary}\r\nContent-Type: application/json\r\n\r\n${body}\r\n--${boundary}\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: binary\r\nX-Experience-API-Hash: ${sha2}\r\n\r\n`,
        ),
        attached,
        Buffer.from(`\r\n--${boundary}--\r\n`),
      ]),
    });
    expect(posted.status).to.equal(200);
    const query = new URLSearchParams({
      activityId: activity.id,
      agent: JSON.stringify({ mbox: actor.mbox }),
      stateId: 'bookmark',
      registration: newUuid(),
    });
    const put = await fetch(`${server.lrs.endpoint}/activities/state?${query}`, {
      method: 'PUT',
      headers: lrsHeaders(server),
      body: '{"page":3}',
    });
    expect(put.status).to.equal(204);
    await server.stop();
  });
  after(async () => {
    await source?.remove();
    mongo?.remove();
    rmSync(folders, { recursive: true, force: true });
  });

  /** The least that a person's row holds. */
  const person = JSON.stringify({
    ...{ createdAt: new Date(0), local: null, nickname: null, idNumber: null, erasedAt: null },
    ...{ name: '某人', nameEn: null, email: null, agencyCode: null, agencyName: null, roles: [] },
  });

  it('knows every table of SQLite: copied, read through a port, or said to be left behind', () => {
    const db = new Database(join(source?.options.dataDir ?? '', 'zhixing.db'), { readonly: true });
    const tables = db
      .prepare<[], string>("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
      .pluck()
      .all();
    const known = [...tableKinds.map(({ table }) => table), ...readOtherwise, ...leftBehind];
    expect([...known].sort()).to.deep.equal([...tables].sort());
    for (const { table, columns, sqlite } of tableKinds) {
      const all = (db.pragma(`table_info(${table})`) as { name: string }[]).map(({ name }) => name);
      const more = sqlite ? Object.keys(sqlite({ body: person })) : [];
      expect([...Object.keys(columns), ...more].sort(), table).to.deep.equal([...all].sort());
    }
    db.close();
  });

  it('makes of each row a document, and of the document the row', () => {
    for (const kind of tableKinds)
      for (const empty of [false, true]) {
        const row: NeutralRow = {};
        for (const [column, codec] of Object.entries(kind.columns)) {
          const given = { text: 'x/y', number: 7, date: 1_700_000_000_123, boolean: 1, json: '["a"]' }[codec];
          row[column] = empty && !kind.key.includes(column) && codec !== 'json' ? null : given;
        }
        if (kind.table === 'people') row['body'] = person;
        if (kind.table === 'player_launches') row['body'] = '{"learner":{"id":"p1"}}';
        if (kind.table === 'certificates') row['survey_required'] = 1;
        if (empty)
          for (const [column, codec] of Object.entries(kind.columns))
            if (codec === 'boolean') row[column] = 0;
        expect(toRow(kind, toDocument(kind, row)), kind.table).to.deep.equal(row);
      }
  });

  it('a dry run counts, and writes nothing', async () => {
    const to = join(folders, 'dry');
    const { code, output } = await migrate(`sqlite:${source?.options.dataDir}`, `sqlite:${to}`, {
      dryRun: true,
    });
    expect(code, output).to.equal(0);
    expect(output)
      .to.match(/lrs_statements +\d+/)
      .and.to.include('Nothing was written');
    expect(existsSync(to)).to.equal(false);
  });

  it('says what is wrong with an address, and with a source that is not there', async () => {
    const wrong = await migrate('postgres://x', `sqlite:${join(folders, 'x')}`);
    expect(wrong.code).to.equal(1);
    expect(wrong.output).to.include('write sqlite:<folder> or mongodb://');
    const absent = await migrate(`sqlite:${join(folders, 'absent')}`, `sqlite:${join(folders, 'x')}`);
    expect(absent.output).to.include('There is no zhixing.db');
  });

  it('moves everything to MongoDB, killed on the way, and back; the source is never changed', async () => {
    if (!source || !mongo) throw new Error('no store');
    const from = `sqlite:${source.options.dataDir}`;
    const uri = mongo.options.mongodbUri ?? '';
    const before = fingerprint(source.options.dataDir);

    expect((await migrate(from, uri, { killAt: 'copy package_files' })).code).to.equal(null);
    const early = await startServer({ on: mongo.options }).then(
      () => 'started',
      (error: Error) => error.message,
    );
    expect(early).to.include('unfinished target of a move');
    const there = await migrate(from, uri);
    expect(there.code, there.output).to.equal(0);
    expect(there.output).to.not.include('DIFFERENT');
    expect(fingerprint(source.options.dataDir)).to.equal(before);
    const again = await migrate(from, uri);
    expect(again.code).to.equal(1);
    expect(again.output).to.include('The target is not empty');

    // The same program on the new store: the learner, the course half way, the Statements.
    const server = await startServer({ on: mongo.options });
    if (!server) throw new Error('no server');
    try {
      const learner = new Visitor(server.origin);
      await learner.submit('/sign-in', '/sign-in', { loginName: 'learner', password: 'learner-demo' });
      const record = await learner.get('/record');
      expect(record.text).to.include('個人資料保護的第一課');
      const page = await fetch(`${server.lrs.endpoint}/statements?activity=http://example.org/move`, {
        headers: lrsHeaders(server),
      });
      const { statements } = (await page.json()) as { statements: { id: string }[] };
      expect(statements.map(({ id }) => id)).to.include.members([target, pointing]);
      expect(statements.map(({ id }) => id)).to.not.include(hidden);
      const withFiles = await fetch(
        `${server.lrs.endpoint}/statements?statementId=${target}&attachments=true`,
        { headers: lrsHeaders(server) },
      );
      expect(Buffer.from(await withFiles.arrayBuffer()).includes(attached)).to.equal(true);
      const lesson = await learner.get(`${course}/learn`);
      expect(lesson.text).to.include('個人資料保護的第一課');
    } finally {
      await server.stop();
    }

    const back = join(folders, 'back');
    const returned = await migrate(uri, `sqlite:${back}`);
    expect(returned.code, returned.output).to.equal(0);
    const third = join(folders, 'third');
    const sideways = await migrate(`sqlite:${back}`, `sqlite:${third}`);
    expect(sideways.code, sideways.output).to.equal(0);
    // What was there from the beginning has come back as it was.
    const rows = (dataDir: string, table: string): unknown[] => {
      const db = new Database(join(dataDir, 'zhixing.db'), { readonly: true });
      const all = db.prepare(`SELECT * FROM ${table}`).all();
      db.close();
      return all;
    };
    for (const table of [
      'courses',
      'packages',
      'package_files',
      'quizzes',
      'surveys',
      'enrolments',
      'quiz_attempts',
    ])
      expect(rows(back, table), table).to.deep.equal(rows(source.options.dataDir, table));
    const first = rows(source.options.dataDir, 'lrs_statements') as {
      seq: number;
      id: Buffer;
      body: string;
    }[];
    const copied = rows(third, 'lrs_statements') as typeof first;
    expect(copied.slice(0, first.length)).to.deep.equal(first);
  });
});
