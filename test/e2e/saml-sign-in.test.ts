import { expect } from 'chai';
import { auditLines } from '../support/audit.ts';
import { referenceOn } from '../support/providers.ts';
import {
  encrypted,
  logoutRequestXml,
  logoutResponseXml,
  newId,
  posted,
  readRedirect,
  redirected,
  signed,
} from '../support/saml-forge.ts';
import { startSamlSite, type SamlSite } from '../support/saml-site.ts';
import { freePort, type RunningServer, startServer } from '../support/server.ts';
import { createWanderer, formsOf, type Page, type Wanderer } from '../support/wanderer.ts';
import { createKeyPair } from '../../src/identity/demo-idp/self-signed.ts';

/** How the page of a sign-out says it stands at the provider. */
const there = ({ text }: Page): string | null =>
  text.includes('」也已登出') ? 'done' : (/data-there="([a-z]+)"/.exec(text)?.[1] ?? null);

describe('signing in and out with SAML at a real provider (samlp)', function () {
  this.timeout(90_000);
  let server: RunningServer;
  let idp: string;
  before(async () => {
    const port = await freePort();
    idp = `http://127.0.0.1:${port}`;
    const started = await startServer({
      environment: { DEMO_IDP: 'on', DEMO_IDP_PORT: String(port), LOG_LEVEL: 'info' },
    });
    if (!started) throw new Error('no server');
    server = started;
  });
  after(() => server?.remove());

  const choose = async (wanderer: Wanderer, person: string, search = ''): Promise<Page> =>
    wanderer.submit(await wanderer.get(`${server.origin}/sign-in/ecpa${search}`), person);
  const audit = () => auditLines(server.options.dataDir);

  it('brings a civil servant in with everything the provider knows: official at once', async () => {
    const wanderer = createWanderer();
    const form = await choose(wanderer, '吳公務');
    expect(formsOf(form)[0]?.action).to.equal(`${server.origin}/sign-in/ecpa/callback`);
    const page = await wanderer.submit(form);
    expect(page.url, page.text.slice(0, 400)).to.equal(`${server.origin}/welcome/terms`);
    expect(page.text).to.include('吳公務');
    expect(audit().find(({ action }) => action === 'sign-in.new-person')?.detail).to.include({
      provider: 'ecpa',
      kind: 'official',
    });
    expect(audit().at(-1)).to.include({ action: 'sign-in', outcome: 'success' });
    expect(server.output()).to.not.match(/[A-Z][12]\d{8}/);
  });

  it('says so in the reader’s language when the person turned back there', async () => {
    for (const [language, words] of [
      ['zh-TW', '您在登入平臺取消了登入'],
      ['en', 'You turned back at the sign-in service'],
    ] as const) {
      const wanderer = createWanderer(language);
      const page = await wanderer.submit(await choose(wanderer, '取消'));
      expect(page.status).to.equal(401);
      expect(page.text).to.include(words);
      const line = audit().findLast(({ action }) => action === 'sign-in');
      expect(line).to.include({ outcome: 'failure', reason: 'saml-cancelled' });
      expect(line?.detail?.['reference']).to.equal(referenceOn(page.text));
    }
  });

  it('ends the session there too when the person signs out here (Single Logout), and the provider asks again', async () => {
    const wanderer = createWanderer();
    const inside = await wanderer.submit(await choose(wanderer, '吳公務'));
    // Signed in there: a second sign-in would ask nobody.
    const again = await wanderer.get(`${server.origin}/sign-in/ecpa`);
    expect(again.text).to.include('hiddenform');
    const out = await wanderer.submit(inside, '登出');
    expect(there(out)).to.equal('due');
    const ended = await wanderer.get(`${server.origin}/sign-in/ecpa/sign-out`);
    expect(wanderer.trail.findLast((step) => step.includes('/ecpa/logout?'))).to.match(
      new RegExp(`^GET (${idp}|${server.origin})`),
    );
    expect(ended.url).to.equal(`${server.origin}/sign-in/signed-out`);
    expect(there(ended), server.output().split('\n').slice(-4).join('\n')).to.equal('done');
    expect(audit().at(-1)).to.include({ action: 'sign-out.provider', outcome: 'success' });
    const asked = await wanderer.get(`${server.origin}/sign-in/ecpa`);
    expect(
      formsOf(asked)
        .map(({ button }) => button)
        .join(),
    ).to.include('吳公務');
  });

  it('publishes our metadata as XML for the provider’s operators', async () => {
    const page = await createWanderer().get(`${server.origin}/sign-in/ecpa/metadata`);
    expect(page.headers.get('content-type')).to.include('application/samlmetadata+xml');
    expect(page.text).to.include(`entityID="${server.origin}/sign-in/ecpa/metadata"`);
    expect((await createWanderer().get(`${server.origin}/sign-in/egov/metadata`)).status).to.equal(404);
  });
});

describe('logout messages of a SAML provider', function () {
  this.timeout(90_000);
  let site: SamlSite;
  let origin: string;
  let logoutUrl: string;
  const stranger = createKeyPair('idp.example.org');
  before(async () => {
    site = await startSamlSite(
      { ecpa: { logout: 'always' } },
      { displayName: '吳公務', userType: '公務人員' },
    );
    origin = site.server.origin;
    logoutUrl = `${origin}/sign-in/ecpa/logout`;
  });
  after(() => site?.remove());

  const signedIn = async (wanderer: Wanderer): Promise<boolean> =>
    (await wanderer.get(`${origin}/sign-in-questions`)).text.includes('action="/sign-out"');
  async function enter(nameId: string, sessionIndex: string): Promise<Wanderer> {
    const wanderer = createWanderer();
    const { requestId, relayState } = await site.begin(wanderer, 'ecpa');
    const SAMLResponse = await site
      .party('ecpa')
      .response(requestId, { assertion: { nameId, sessionIndex } });
    await site.post(wanderer, 'ecpa', { SAMLResponse, RelayState: relayState });
    expect(await signedIn(wanderer)).to.equal(true);
    return wanderer;
  }
  const nameXml = (name: string): string =>
    `<saml:NameID xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">${name}</saml:NameID>`;
  const requestXml = (name: string, more: Partial<Parameters<typeof logoutRequestXml>[0]> = {}): string =>
    logoutRequestXml({ issuer: site.entityId, destination: logoutUrl, nameXml: nameXml(name), ...more });
  const signing = () => ({ key: site.idpKeys });
  const byRedirect = (xml: string, relayState?: string): string =>
    redirected(logoutUrl, 'SAMLRequest', xml, signing(), relayState);
  const last = () => auditLines(site.server.options.dataDir).at(-1);

  it('end the sessions that are meant, and are answered with a signed LogoutResponse', async () => {
    const one = await enter('wu', 'session-1');
    const two = await enter('wu', 'session-2');
    const other = await enter('liu', 'session-3');
    const xml = requestXml('wu', { id: '_request-1', sessionIndex: 'session-1' });
    const page = await one.get(byRedirect(xml, 'state of the provider'));
    expect(page.url).to.include(`${site.idpOrigin}/logout?`);
    const answer = readRedirect(page.url, site.ourKeys.certificate);
    expect(answer).to.include({ name: 'SAMLResponse', relayState: 'state of the provider', genuine: true });
    expect(answer.xml).to.include('InResponseTo="_request-1"').and.include('status:Success');
    expect(last()).to.deep.include({
      ...{ action: 'sign-out', outcome: 'success', reason: 'provider' },
      detail: { method: 'ecpa', sessions: '1' },
    });
    expect([await signedIn(one), await signedIn(two), await signedIn(other)]).to.deep.equal([
      false,
      true,
      true,
    ]);
  });

  it('are taken by POST too, without a cookie of ours, and end every session of the name where none is named', async () => {
    const one = await enter('wu', 'session-4');
    const two = await enter('wu', 'session-5');
    const other = await enter('liu', 'session-6');
    const xml = signed(requestXml('wu', { id: '_request-2' }), '_request-2', signing());
    const page = await createWanderer().post(logoutUrl, { SAMLRequest: posted(xml) }, site.idpOrigin);
    expect(readRedirect(page.url, site.ourKeys.certificate).genuine).to.equal(true);
    expect([await signedIn(one), await signedIn(two), await signedIn(other)]).to.deep.equal([
      false,
      false,
      true,
    ]);
  });

  it('may name the person encrypted', async () => {
    const one = await enter('wu', 'session-7');
    const sealedName = await encrypted(
      nameXml('wu'),
      site.ourKeys.certificate,
      undefined,
      undefined,
      'EncryptedID',
    );
    const id = newId();
    const xml = signed(requestXml('wu', { id, nameXml: sealedName }), id, signing());
    await createWanderer().post(logoutUrl, { SAMLRequest: posted(xml) }, site.idpOrigin);
    expect(await signedIn(one)).to.equal(false);
  });

  it('about somebody who is not signed in are answered all the same: there is nothing left to end', async () => {
    const page = await createWanderer().get(byRedirect(requestXml('nobody')));
    expect(readRedirect(page.url, site.ourKeys.certificate).xml).to.include('status:Success');
  });

  it('that are not genuine end nothing: a clear page, and an audit line with the reason', async () => {
    const one = await enter('wu', 'session-8');
    const right = requestXml('wu');
    const unsigned = byRedirect(right).replace(/&SigAlg=.*$/, '');
    const id = newId();
    const post = (xml: string) => () => one.post(logoutUrl, { SAMLRequest: posted(xml) }, site.idpOrigin);
    const get = (url: string) => () => one.get(url);
    const used = requestXml('liu');
    await createWanderer().get(byRedirect(used));
    const bomb = `<a>${' '.repeat(4_000_000)}</a>`;
    for (const [what, send, reason] of [
      ['unsigned', get(unsigned), 'unverified'],
      ['unsigned, by POST', post(right), 'unverified'],
      ['of another key', get(redirected(logoutUrl, 'SAMLRequest', right, { key: stranger })), 'unverified'],
      [
        'of another key, by POST',
        post(signed(requestXml('wu', { id }), id, { key: stranger })),
        'unverified',
      ],
      [
        'changed',
        post(signed(requestXml('liu', { id }), id, signing()).replace('>liu<', '>wu<')),
        'unverified',
      ],
      [
        'SHA-1',
        get(redirected(logoutUrl, 'SAMLRequest', right, { ...signing(), algorithm: 'sha1' })),
        'unverified',
      ],
      [
        'another RelayState',
        get(byRedirect(right, 'a').replace('RelayState=a', 'RelayState=b')),
        'unverified',
      ],
      ['a second RelayState', get(`${byRedirect(right, 'a')}&RelayState=b`), 'malformed'],
      ['two messages', get(`${byRedirect(right)}&SAMLResponse=x`), 'malformed'],
      ['used', get(byRedirect(used)), 'used'],
      ['old', get(byRedirect(requestXml('wu', { issued: -400 }))), 'expired'],
      ['from the future', get(byRedirect(requestXml('wu', { issued: 200 }))), 'clock'],
      [
        'for another',
        get(byRedirect(requestXml('wu', { destination: 'https://other.example.org' }))),
        'audience',
      ],
      [
        'of another issuer',
        get(byRedirect(requestXml('wu', { issuer: 'https://other.example.org' }))),
        'unverified',
      ],
      ['about nobody', get(byRedirect(requestXml('wu', { nameXml: '' }))), 'malformed'],
      ['a bomb', get(byRedirect(bomb)), 'too-large'],
      ['with a DTD', get(byRedirect(`<!DOCTYPE a>${right}`)), 'malformed'],
      [
        'a response as a request',
        get(
          byRedirect(logoutResponseXml({ issuer: site.entityId, destination: logoutUrl, inResponseTo: 'x' })),
        ),
        'malformed',
      ],
      ['too large, by POST', post('x'.repeat(300_000)), 'too-large'],
      ['a parcel that is not there', get(`${logoutUrl}?parcel=x`), 'used'],
    ] as const) {
      const page = await send();
      const { output } = site.server;
      const facts = `${what}\n${output().split('\n').slice(-3).join('\n')}`;
      expect(page.text, facts).to.include('收到的登出通知').and.include('02-2397-9108');
      expect(last(), facts).to.include({ action: 'sign-out', outcome: 'failure', reason: `saml-${reason}` });
      expect(last()?.detail, facts).to.deep.equal({ method: 'ecpa', reference: referenceOn(page.text) });
      expect(page.status, facts).to.be.within(400, 499);
    }
    expect(await signedIn(one)).to.equal(true);
  });

  describe('that answer ours', () => {
    /** Signs out here; what the platform asks of the provider. */
    async function leave(): Promise<{ wanderer: Wanderer; requestId: string; relayState: string }> {
      const wanderer = await enter('wu', newId());
      await wanderer.submit(await wanderer.get(`${origin}/sign-in-questions`), '登出');
      const page = await wanderer.get(`${origin}/sign-in/ecpa/sign-out`);
      const { xml, relayState, genuine } = readRedirect(page.url, site.ourKeys.certificate);
      expect(genuine).to.equal(true);
      expect(xml).to.include('LogoutRequest').and.include('>wu</saml:NameID>').and.include('SessionIndex');
      return { wanderer, requestId: /\bID="([^"]+)"/.exec(xml)?.[1] ?? '', relayState: relayState ?? '' };
    }
    const answerXml = (inResponseTo: string, status?: string): string =>
      logoutResponseXml({
        ...{ issuer: site.entityId, destination: logoutUrl, inResponseTo },
        ...(status === undefined ? {} : { status }),
      });

    it('end on the page of the sign-out, with what the provider has said', async () => {
      for (const [status, shown] of [
        ['Success', 'done'],
        ['PartialLogout', 'failed'],
      ] as const) {
        const { wanderer, requestId, relayState } = await leave();
        const xml = answerXml(requestId, status);
        const page = await wanderer.get(redirected(logoutUrl, 'SAMLResponse', xml, signing(), relayState));
        expect(page.url).to.equal(`${origin}/sign-in/signed-out`);
        expect(there(page)).to.equal(shown);
      }
    });

    it('are not believed when they answer something else, or come unsigned', async () => {
      const { wanderer, requestId, relayState } = await leave();
      for (const [url, reason] of [
        [redirected(logoutUrl, 'SAMLResponse', answerXml(newId()), signing(), relayState), 'unknown'],
        [redirected(logoutUrl, 'SAMLResponse', answerXml(requestId), signing(), 'another'), 'unknown'],
        [
          redirected(logoutUrl, 'SAMLResponse', answerXml(requestId), { key: stranger }, relayState),
          'unverified',
        ],
      ] as const) {
        const page = await wanderer.get(url);
        expect(page.text).to.include('您在本站已經登出');
        expect(last()).to.include({ action: 'sign-out', outcome: 'failure', reason: `saml-${reason}` });
      }
      expect(there(await wanderer.get(`${origin}/sign-in/signed-out`))).to.equal('going');
      // Another browser's answer ends nothing here.
      const url = redirected(logoutUrl, 'SAMLResponse', answerXml(requestId), signing(), relayState);
      await createWanderer().get(url);
      expect(there(await wanderer.get(`${origin}/sign-in/signed-out`))).to.equal('going');
      expect(there(await wanderer.get(url))).to.equal('done');
    });
  });
});
