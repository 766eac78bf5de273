import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { inventIdNumber } from '../../src/identity/demo-idp/people.ts';
import { startOidcIdp, type OidcIdp } from '../support/oidc-idp.ts';
import { Client } from '../support/client.ts';
import { writeProviders } from '../support/providers.ts';
import { freePort, type RunningServer, startServer } from '../support/server.ts';
import { createWanderer } from '../support/wanderer.ts';

describe('ID numbers of a whole run (issue 7, 7)', function () {
  this.timeout(120_000);
  const held = inventIdNumber();
  const sought = inventIdNumber();
  let idp: OidcIdp;
  let server: RunningServer;
  let file: { path: string; remove(): void };
  before(async () => {
    const port = await freePort();
    idp = await startOidcIdp(
      [{ subject: held, attributes: { name: '吳字號', user_kind: '一般民眾', id_number: held } }],
      [`http://localhost:${port}/sign-in/egov/callback`],
    );
    file = writeProviders({
      providers: [
        {
          key: 'egov',
          protocol: 'oidc',
          label: { 'zh-TW': '我的E政府', en: 'MyEGov' },
          columns: ['civil-servant', 'public'],
          issuer: idp.issuer,
          clientId: idp.clientId,
          clientSecretEnv: 'EGOV_SECRET',
          attributes: {
            name: 'name',
            user_kind: { to: 'assurance', values: { 一般民眾: 'verified' } },
            id_number: 'idNumber',
          },
          timeoutSeconds: 5,
          help: { phone: '02-2192-7111', mail: 'egov@service.gov.tw' },
        },
      ],
    });
    const started = await startServer({
      environment: { IDENTITY_PROVIDERS: file.path, EGOV_SECRET: idp.clientSecret, LOG_LEVEL: 'trace' },
      port,
    });
    if (!started) throw new Error('no server');
    server = started;
  });
  after(async () => {
    await server?.remove();
    await idp?.stop();
    file?.remove();
  });

  /** Every file below the folder, as its bytes stand on the disk (write-ahead log included). */
  const filesBelow = (folder: string): Buffer[] =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(join(entry.parentPath, entry.name)));

  it('stand in no page, no log line and no file of the store', async () => {
    const wanderer = createWanderer();
    const arrived = await wanderer.submit(await wanderer.get(`${server.origin}/sign-in/egov`), '吳字號');
    expect(arrived.text).to.include('吳字號');
    const profile = await wanderer.get(`${server.origin}/account/profile`);

    const admin = await new Client(server.origin).signIn('admin', 'admin-demo');
    const found = await admin.post('/admin/people', { idNumber: held });
    expect(found.location).to.match(/^\/admin\/people\/[0-9a-f-]{36}$/);
    const page = await admin.get(found.location ?? '');
    expect(page.text)
      .to.include('吳字號')
      .and.to.include(`${held[0]}******${held.slice(-3)}`);
    const none = await admin.post('/admin/people', { idNumber: sought });
    const wrong = await admin.post('/admin/people', { idNumber: `${sought.slice(0, 9)}X` });
    expect(wrong.status).to.equal(400);
    const misplaced = await admin.post('/admin/people', { text: sought });
    const audit = await admin.get('/admin/audit');
    const csv = await admin.get('/admin/audit.csv');

    // What one typed into a field of text comes back in that field, and nowhere else.
    const shown = misplaced.text
      .replace(/<input id="text"[^>]*>/, '')
      .replaceAll(/<input type="hidden" name="text"[^>]*>/g, '');
    for (const text of [
      arrived.text,
      profile.text,
      page.text,
      none.text,
      wrong.text,
      shown,
      audit.text,
      csv.text,
    ])
      for (const number of [held, sought]) expect(text).to.not.include(number);
    await server.stop();
    const files = filesBelow(server.options.dataDir);
    expect(files.some((bytes) => bytes.includes('吳字號'))).to.equal(true);
    for (const number of [held, sought, sought.slice(0, 9)]) {
      expect(server.output(), 'the log').to.not.include(number);
      for (const bytes of files) expect(bytes.includes(number), 'a file of the store').to.equal(false);
    }
    expect(server.output()).to.include('/admin/people');
  });
});
