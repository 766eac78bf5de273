import { expect } from 'chai';
import { inventIdNumber } from '../../src/identity/demo-idp/people.ts';
import { auditLines } from '../support/audit.ts';
import { forgeClient, startOidcForge, type OidcForge } from '../support/oidc-forge.ts';
import { referenceOn, writeProviders } from '../support/providers.ts';
import { type RunningServer, startServer } from '../support/server.ts';
import { createWanderer, type Page, type Wanderer } from '../support/wanderer.ts';
import en from '../../src/views/messages/en/providers.json' with { type: 'json' };
import zh from '../../src/views/messages/zh-TW/providers.json' with { type: 'json' };

const status: Record<string, number> = {
  ...{ unverified: 401, expired: 401, clock: 401, audience: 401, used: 401, unknown: 401 },
  ...{ away: 503, 'too-large': 413, 'id-number-taken': 409, malformed: 400 },
};

describe('attacks on OpenID Connect sign-in (each ends in a clear page and an audit line)', function () {
  this.timeout(90_000);
  let honest: OidcForge;
  let other: OidcForge;
  let server: RunningServer;
  let file: { path: string; remove(): void };
  before(async () => {
    [honest, other] = await Promise.all([startOidcForge(), startOidcForge()]);
    const entry = (key: string, { issuer }: OidcForge, more: object = {}) => ({
      ...{ key, protocol: 'oidc', label: { 'zh-TW': '我的E政府', en: 'MyEGov' }, columns: ['public'] },
      ...{ issuer, clientId: forgeClient.id, clientSecretEnv: 'FORGE_SECRET', assurance: 'verified' },
      attributes: { name: 'name', id_number: 'idNumber' },
      help: { phone: '02-2192-7111' },
      timeoutSeconds: 2,
      ...more,
    });
    file = writeProviders({
      policy: { sameIdNumber: 'refuse' },
      providers: [
        entry('honest', honest),
        entry('other', other),
        entry('form', honest, { responseMode: 'form_post' }),
        entry('late', other, { timeoutSeconds: 0.3 }),
      ],
    });
    const started = await startServer({
      environment: { IDENTITY_PROVIDERS: file.path, FORGE_SECRET: forgeClient.secret, LOG_LEVEL: 'info' },
    });
    if (!started) throw new Error('no server');
    server = started;
  });
  after(async () => {
    await server?.remove();
    await Promise.all([honest, other].map((one) => one?.stop()));
    file?.remove();
  });
  beforeEach(() => {
    for (const one of [honest, other]) {
      one.next = { claims: {}, signing: 'right', body: null };
      one.silent.clear();
    }
  });

  const audit = () => auditLines(server.options.dataDir);
  const signedIn = async (wanderer: Wanderer): Promise<boolean> =>
    (await wanderer.get(`${server.origin}/sign-in-questions`)).text.includes('action="/sign-out"');
  let turn = 0;
  const visitor = (): Wanderer => createWanderer(turn++ % 2 === 0 ? 'zh-TW' : 'en');

  /** Begins; the next ID token bears the nonce that was asked for. */
  async function begin(
    wanderer: Wanderer,
    key: string,
    from = honest,
  ): Promise<{ state: string; nonce: string }> {
    const { searchParams } = new URL((await wanderer.get(`${server.origin}/sign-in/${key}`)).url);
    const [state = '', nonce = ''] = ['state', 'nonce'].map((name) => searchParams.get(name) ?? '');
    from.next.claims = { nonce, ...from.next.claims };
    return { state, nonce };
  }
  const callback = (key: string, answer: Record<string, string>): string =>
    `${server.origin}/sign-in/${key}/callback?${new URLSearchParams(answer).toString()}`;

  async function expectRefusal(
    page: Page,
    wanderer: Wanderer,
    reason: string,
    key = 'honest',
  ): Promise<void> {
    const facts = `${page.url}\n${server.output().split('\n').slice(-3).join('\n')}`;
    const line = audit().findLast(({ action }) => action === 'sign-in');
    expect(line, facts).to.include({ outcome: 'failure', reason: `oidc-${reason}` });
    expect(page.status, facts).to.equal(status[reason]);
    const words = (page.text.includes('<html lang="en"') ? en : zh).reasons[
      reason as keyof typeof en.reasons
    ];
    expect(page.text).to.include(words).and.include('02-2192-7111');
    expect(line?.detail).to.deep.equal({ method: key, reference: referenceOn(page.text) });
    expect(await signedIn(wanderer)).to.equal(false);
  }
  async function attack(next: Partial<OidcForge['next']>, reason: string): Promise<void> {
    Object.assign(honest.next, next);
    const wanderer = visitor();
    const { state } = await begin(wanderer, 'honest');
    const page = await wanderer.get(callback('honest', { code: 'x', state, iss: honest.issuer }));
    await expectRefusal(page, wanderer, reason);
  }

  it('lets the right answer in: the tests below are about what is wrong with theirs', async () => {
    const wanderer = visitor();
    const { state } = await begin(wanderer, 'honest');
    await wanderer.get(callback('honest', { code: 'x', state, iss: honest.issuer }));
    expect(await signedIn(wanderer)).to.equal(true);
  });

  it('refuses a mix-up: the answer of another issuer, of none, or of another provider’s attempt (RFC 9207)', async () => {
    for (const iss of [{ iss: other.issuer }, {}] as Record<string, string>[]) {
      const wanderer = visitor();
      const { state } = await begin(wanderer, 'honest');
      const page = await wanderer.get(callback('honest', { code: 'x', state, ...iss }));
      await expectRefusal(page, wanderer, 'unverified');
    }
    // Begun at the other; the code comes from the honest one, to its own address and to the other's.
    const first = visitor();
    const begun = await begin(first, 'other', other);
    const honestAnswer = { code: 'x', state: begun.state, iss: honest.issuer };
    await expectRefusal(await first.get(callback('honest', honestAnswer)), first, 'unverified');
    const second = visitor();
    const { state } = await begin(second, 'other', other);
    const page = await second.get(callback('other', { ...honestAnswer, state }));
    await expectRefusal(page, second, 'unverified', 'other');
  });

  it('refuses an ID token of another sign-in (nonce), and one without', async () => {
    await attack({ claims: { nonce: 'of another sign-in' } }, 'unverified');
    await attack({ claims: { nonce: undefined } }, 'unverified');
  });

  it('refuses a state that was answered, in the same browser and in another, and lets one of many in', async () => {
    const wanderer = visitor();
    const { state } = await begin(wanderer, 'honest');
    const answer = callback('honest', { code: 'x', state, iss: honest.issuer });
    const pages = await Promise.all(Array.from({ length: 6 }, () => wanderer.get(answer)));
    const successes = audit().filter(({ action, outcome }) => action === 'sign-in' && outcome === 'success');
    expect(pages).to.have.length(6);
    expect(successes).to.have.length(2);
    const thief = visitor();
    await expectRefusal(await thief.get(answer), thief, 'unknown');
    const { state: fresh } = await begin(thief, 'honest');
    const forged = await thief.get(callback('honest', { code: 'x', state: `${fresh}x`, iss: honest.issuer }));
    await expectRefusal(forged, thief, 'unknown');
  });

  it('refuses an ID token that is not signed by the provider', async () => {
    for (const signing of ['stranger', 'none', 'client-secret'] as const)
      await attack({ signing }, 'unverified');
  });

  it('refuses an ID token of another issuer, for another client, that has expired or is from the future', async () => {
    const now = Math.floor(Date.now() / 1000);
    await attack({ claims: { iss: other.issuer } }, 'unverified');
    await attack({ claims: { aud: 'another' } }, 'audience');
    await attack({ claims: { exp: now - 100, iat: now - 400 } }, 'expired');
    await attack({ claims: { nbf: now + 200 } }, 'clock');
  });

  it('says so when the provider answers late: description, token, keys', async () => {
    other.silent.add('/.well-known/openid-configuration');
    const early = visitor();
    await expectRefusal(await early.get(`${server.origin}/sign-in/late`), early, 'away', 'late');
    for (const path of ['/token', '/jwks']) {
      other.silent.clear();
      other.next.claims = {};
      const wanderer = visitor();
      const { state } = await begin(wanderer, 'late', other);
      other.silent.add(path);
      const page = await wanderer.get(callback('late', { code: 'x', state, iss: other.issuer }));
      await expectRefusal(page, wanderer, 'away', 'late');
    }
  });

  it('refuses an answer and an attribute that are too large', async () => {
    await attack({ claims: { name: 'x'.repeat(10_001) } }, 'too-large');
    await attack({ body: JSON.stringify({ access_token: 'x'.repeat(2_000_000) }) }, 'away');
  });

  it('refuses a posted answer with a field twice, and takes none where none is expected', async () => {
    const wanderer = visitor();
    const { state } = await begin(wanderer, 'form');
    const post = async (key: string, body: string): Promise<Page> => {
      const answer = await fetch(`${server.origin}/sign-in/${key}/callback`, {
        method: 'POST',
        redirect: 'manual',
        headers: { 'content-type': 'application/x-www-form-urlencoded', origin: honest.issuer },
        body,
      });
      const to = answer.headers.get('location');
      return to === null
        ? { url: answer.url, status: answer.status, headers: answer.headers, text: await answer.text() }
        : wanderer.get(new URL(to, server.origin).href);
    };
    const page = await post('form', `code=x&code=y&state=${state}&iss=${encodeURIComponent(honest.issuer)}`);
    await expectRefusal(page, wanderer, 'unverified', 'form');
    expect((await post('honest', `code=x&state=${state}`)).status).to.equal(403);
  });

  it('refuses a second account with the same ID number where the policy says so', async () => {
    const id_number = inventIdNumber();
    honest.next.claims = { sub: 'first', id_number };
    const wanderer = visitor();
    const { state } = await begin(wanderer, 'honest');
    await wanderer.get(callback('honest', { code: 'x', state, iss: honest.issuer }));
    expect(await signedIn(wanderer)).to.equal(true);
    await attack({ claims: { sub: 'second', id_number } }, 'id-number-taken');
    expect(server.output() + JSON.stringify(audit())).to.not.include(id_number);
  });
});
