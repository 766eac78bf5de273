import { expect } from 'chai';
import { inventIdNumber } from '../../src/identity/demo-idp/people.ts';
import { startOidcIdp, type OidcIdp } from '../support/oidc-idp.ts';
import { auditLines } from '../support/audit.ts';
import { referenceOn, writeProviders } from '../support/providers.ts';
import { freePort, type RunningServer, startServer } from '../support/server.ts';
import { createWanderer, type Page, type Wanderer } from '../support/wanderer.ts';

const idNumber = inventIdNumber();
const attributes = {
  name: 'name',
  email: 'email',
  email_verified: 'emailVerified',
  user_kind: { to: 'assurance', values: { 公務人員: 'official', 一般民眾: 'verified' } },
  id_number: 'idNumber',
  agency_code: 'agencyCode',
  agency_name: 'agencyName',
};

describe('signing in with OpenID Connect (requirements.md §1; W5)', function () {
  this.timeout(60_000);
  let idp: OidcIdp;
  let server: RunningServer;
  let file: { path: string; remove(): void };
  before(async () => {
    const port = await freePort();
    idp = await startOidcIdp(
      [
        {
          subject: 'chou',
          attributes: {
            name: '周民眾',
            email: 'chou@example.org',
            email_verified: 'true',
            user_kind: '一般民眾',
            id_number: idNumber,
          },
        },
      ],
      [`http://localhost:${port}/sign-in/egov/callback`],
      { post_logout_redirect_uris: [`http://localhost:${port}/sign-in/egov/logout`] },
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
          attributes,
          timeoutSeconds: 5,
          help: { phone: '02-2192-7111', mail: 'egov@service.gov.tw' },
        },
      ],
    });
    const started = await startServer({
      environment: {
        IDENTITY_PROVIDERS: file.path,
        EGOV_SECRET: idp.clientSecret,
        LOG_LEVEL: 'info',
      },
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

  const signIn = async (wanderer: Wanderer, path = '/sign-in/egov'): Promise<Page> => {
    const chooser = await wanderer.get(server.origin + path);
    return wanderer.submit(chooser, '周民眾');
  };

  it('brings a new person in, to the page they wanted, with one audit line', async () => {
    const wanderer = createWanderer();
    const page = await signIn(wanderer, '/sign-in/egov?returnTo=%2Fcourses%3Ftype%3Dmicro');
    expect(page.text).to.include('周民眾');
    const lines = auditLines(server.options.dataDir);
    expect(lines.filter(({ action }) => action === 'sign-in')).to.have.length(1);
    expect(lines.find(({ action }) => action === 'sign-in.new-person')?.detail).to.include({
      kind: 'verified',
    });
    expect(server.output()).to.not.include(idNumber);
  });

  it('knows the person again, official at once after the account was converted, and no longer when it was not (W5)', async () => {
    const chou = idp.people[0]!;
    chou.attributes = {
      ...chou.attributes,
      user_kind: '公務人員',
      agency_code: '301000000A',
      agency_name: '範例縣政府',
    };
    await signIn(createWanderer());
    chou.attributes = { ...chou.attributes, user_kind: '一般民眾', agency_code: '', agency_name: '' };
    await signIn(createWanderer());
    const kinds = auditLines(server.options.dataDir)
      .filter(({ action }) => action === 'sign-in.refresh')
      .map(({ detail }) => detail?.['kind']);
    expect(kinds).to.deep.equal(['verified → official', 'official → verified']);
    expect(
      auditLines(server.options.dataDir).filter(({ action }) => action === 'sign-in.new-person'),
    ).to.have.length(1);
  });

  it('says so when the person turned back, with a reference that stands in the log and in the audit line (W13)', async () => {
    const wanderer = createWanderer();
    const chooser = await wanderer.get(`${server.origin}/sign-in/egov`);
    const page = await wanderer.submit(chooser, '取消');
    expect(page.status).to.equal(401);
    expect(page.text).to.include('您在登入平臺取消了登入').and.include('02-2192-7111');
    const reference = referenceOn(page.text);
    const line = auditLines(server.options.dataDir).findLast(({ action }) => action === 'sign-in');
    expect(line).to.deep.include({ outcome: 'failure', reason: 'oidc-cancelled' });
    expect(line?.detail).to.include({ method: 'egov', reference });
  });

  it('ends in a clear page when the provider answers too late, and works again afterwards', async () => {
    idp.silent = true;
    try {
      // The description is known already: it is the token that comes too late.
      const wanderer = createWanderer('en');
      const chooser = await wanderer.get(`${server.origin}/sign-in/egov`);
      const page = await wanderer.submit(chooser, '周民眾');
      expect(page.status).to.equal(503);
      expect(page.text).to.include('does not answer').and.include('02-2192-7111');
    } finally {
      idp.silent = false;
    }
    // A new person: the welcome asks for their consent first.
    expect((await signIn(createWanderer())).url).to.equal(`${server.origin}/welcome/terms`);
  });

  it('has no other way in: unknown providers, posted answers, answers without an attempt', async () => {
    const wanderer = createWanderer();
    expect((await wanderer.get(`${server.origin}/sign-in/nobody`)).status).to.equal(404);
    expect((await wanderer.get(`${server.origin}/sign-in/nobody/callback?code=x&state=y`)).status).to.equal(
      404,
    );
    const posted = await wanderer.post(
      `${server.origin}/sign-in/egov/callback`,
      { code: 'x', state: 'y' },
      idp.issuer,
    );
    expect(posted.status).to.equal(403);
    const unasked = await wanderer.get(`${server.origin}/sign-in/egov/callback?code=x&state=y`);
    expect(unasked.status).to.equal(401);
    expect(unasked.text).to.include('沒有進行中的登入');
  });
});
