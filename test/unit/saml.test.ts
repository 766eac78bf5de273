import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import { createLogger } from '../../src/base/logger.ts';
import { inventIdNumber } from '../../src/identity/demo-idp/people.ts';
import { createKeyPair } from '../../src/identity/demo-idp/self-signed.ts';
import type { Attempt } from '../../src/identity/providers/protocol.ts';
import { createSamlProtocol, type SamlProtocol } from '../../src/identity/providers/saml.ts';
import { readIdpMetadata } from '../../src/identity/providers/saml/idp-metadata.ts';
import { createIdpSource, type IdpSource } from '../../src/identity/providers/saml/idp-source.ts';
import { readXml } from '../../src/identity/providers/saml/xml.ts';
import { createSealer } from '../../src/identity/providers/sealer.ts';
import type { KeyPair, SamlIdpSource, SamlProvider } from '../../src/identity/providers/types.ts';
import type { Storage } from '../../src/storage/open.ts';
import { TestClock } from '../support/clock.ts';
import { emptyStore, type EmptyStore, openStorage } from '../support/engines.ts';
import { close, listen } from '../support/oidc-idp.ts';
import { until } from '../support/portal.ts';
import { encrypted, idpMetadataXml, newId, posted, readRedirect } from '../support/saml-forge.ts';
import { createParty, type Wish } from '../support/saml-party.ts';

const idpKeys = createKeyPair('idp.example.org');
const nextIdpKeys = createKeyPair('idp.example.org');
const ourKeys = createKeyPair('learn.example.org');
const ourNextKeys = createKeyPair('learn.example.org');
const origin = 'https://learn.example.org/sign-in/ecpa';
const entityId = 'https://idp.example.org/saml';
const entryPoint = 'https://idp.example.org/saml/sign-on?tenant=1';
const logoutUrl = 'https://idp.example.org/saml/logout';
const metadata = (certificates: KeyPair[], more: { validUntil?: string } = {}): string =>
  idpMetadataXml({
    ...{ entityId, entryPoint, logoutUrl, ...more },
    certificates: certificates.map(({ certificate }) => certificate),
  });

const provider = (more: Partial<SamlProvider> = {}): SamlProvider => ({
  key: 'ecpa',
  protocol: 'saml',
  label: { 'zh-TW': 'eCPA' },
  columns: ['civil-servant'],
  assurance: 'official',
  attributes: [
    { from: 'displayName', to: 'name', values: null },
    { from: 'idNo', to: 'idNumber', values: null },
  ],
  help: {
    ...{ address: null, phone: null, hours: null, mail: null, website: null },
    ...{ changeName: null, changeAgency: null, changePassword: null },
  },
  timeoutSeconds: 0.5,
  clockSkewSeconds: 60,
  logout: 'ask',
  idp: { kind: 'url', url: 'https://idp.example.org/metadata', entityId: null, refreshSeconds: 3600 },
  entityId: null,
  audience: null,
  keys: [ourKeys],
  decryptionKeys: [ourKeys],
  nameIdFormat: null,
  authnContext: [],
  forceAuthn: false,
  allowIdpInitiated: false,
  wantResponseSigned: false,
  wantEncrypted: false,
  allowSha1: false,
  allowCbc: false,
  ...more,
});

const attempt = (): Attempt => ({
  ...{ provider: 'ecpa', state: newId(), nonce: '', codeVerifier: '', requestId: newId() },
  ...{ returnTo: '/', startedAt: 0 },
});
const party = createParty({
  entityId,
  key: idpKeys,
  audience: `${origin}/metadata`,
  recipient: `${origin}/callback`,
  attributes: { displayName: '吳公務' },
});
const codeOf = async (act: () => Promise<unknown>): Promise<string | null> => {
  try {
    await act();
    return null;
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
};

describe('SAML 2.0', () => {
  let store: EmptyStore;
  let storage: Storage;
  let clock: TestClock;
  before(async () => {
    const empty = await emptyStore('sqlite');
    if (!empty) throw new Error('no store');
    store = empty;
    storage = await openStorage(store.options);
  });
  after(async () => {
    await storage.close();
    store.remove();
  });
  beforeEach(() => (clock = new TestClock(new Date().toISOString())));

  const protocolOf = (of: SamlProvider, source: IdpSource): SamlProtocol =>
    createSamlProtocol({
      ...{ provider: of, source, once: storage.once, clock },
      callbackUrl: `${origin}/callback`,
      logoutUrl: `${origin}/logout`,
      metadataUrl: `${origin}/metadata`,
      hashName: (name) => `hash of ${name.length}`,
    });
  const sourceOf = (...keys: KeyPair[]): IdpSource => {
    const description = readIdpMetadata(metadata(keys), null);
    return { current: async () => description, renewed: async () => null };
  };
  const complete = async (protocol: SamlProtocol, wish: Wish = {}) => {
    const one = attempt();
    const SAMLResponse = await party.response(one.requestId, wish);
    return protocol.complete(one, new URLSearchParams({ SAMLResponse, RelayState: one.state }));
  };

  describe('requests', () => {
    it('are signed by our first key, for this provider, with the id and the RelayState of the attempt', async () => {
      const { begin } = protocolOf(
        provider({
          keys: [ourKeys, ourNextKeys],
          nameIdFormat: 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent',
          authnContext: ['urn:oasis:names:tc:SAML:2.0:ac:classes:X509'],
          forceAuthn: true,
        }),
        sourceOf(idpKeys),
      );
      const one = attempt();
      const url = await begin(one);
      expect(url).to.match(/^https:\/\/idp\.example\.org\/saml\/sign-on\?/);
      expect(new URL(url).searchParams.get('tenant')).to.equal('1');
      const signedQuery = url.replace('tenant=1&', '');
      const request = readRedirect(signedQuery, ourKeys.certificate);
      expect(request).to.include({ name: 'SAMLRequest', relayState: one.state, genuine: true });
      expect(readRedirect(signedQuery, ourNextKeys.certificate).genuine).to.equal(false);
      const root = readXml(request.xml);
      expect(Object.fromEntries(root.attributes)).to.include({
        ID: one.requestId,
        Destination: entryPoint,
        AssertionConsumerServiceURL: `${origin}/callback`,
        ForceAuthn: 'true',
      });
      expect(request.xml)
        .to.include(`>${origin}/metadata</saml:Issuer>`)
        .and.include('nameid-format:persistent')
        .and.include('ac:classes:X509');
    });

    it('are not sent unsigned to a provider that wants them signed', async () => {
      const text = metadata([idpKeys]).replace(
        '<IDPSSODescriptor ',
        '<IDPSSODescriptor WantAuthnRequestsSigned="true" ',
      );
      const description = readIdpMetadata(text, null);
      const source = { current: async () => description, renewed: async () => null };
      const protocol = protocolOf(provider({ keys: [] }), source);
      expect(await codeOf(() => protocol.begin(attempt()))).to.equal('sign-in-configuration');
    });
  });

  describe('our metadata', () => {
    it('holds every key, those too that are not used yet, and where we answer', async () => {
      const protocol = protocolOf(
        provider({ keys: [ourKeys, ourNextKeys], decryptionKeys: [ourNextKeys, ourKeys] }),
        sourceOf(idpKeys),
      );
      const text = await protocol.metadata();
      const root = readXml(text);
      expect(root.attributes.get('entityID')).to.equal(`${origin}/metadata`);
      const role = root.children[0]!;
      const keys = role.children.filter(({ name }) => name === 'KeyDescriptor');
      expect(keys.map(({ attributes }) => attributes.get('use'))).to.deep.equal([
        ...['signing', 'signing', 'encryption', 'encryption'],
      ]);
      const bodies = keys.map((key) =>
        /X509Certificate/.test(key.children[0]!.children[0]!.children[0]!.name),
      );
      expect(bodies).to.deep.equal([true, true, true, true]);
      expect(text).to.include(`Location="${origin}/callback"`).and.include(`Location="${origin}/logout"`);
      expect(text).to.not.include('cbc').and.not.include('PRIVATE KEY');
    });
  });

  describe('answers', () => {
    it('say who it is, what the provider knows, and what signing out needs', async () => {
      const protocol = protocolOf(provider(), sourceOf(idpKeys));
      const { profile, logout } = await complete(protocol, { assertion: { sessionIndex: 's-1' } });
      expect(profile).to.include({ provider: 'ecpa', subject: 'wu', name: '吳公務', assurance: 'official' });
      expect(logout).to.deep.equal({
        provider: 'ecpa',
        nameHash: 'hash of 2',
        nameId: 'wu',
        nameIdFormat: 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent',
        sessionIndex: 's-1',
      });
    });

    it('may be signed in whole as well, and encrypted for either of our keys', async () => {
      const protocol = protocolOf(
        provider({ decryptionKeys: [ourNextKeys, ourKeys], wantEncrypted: true, wantResponseSigned: true }),
        sourceOf(idpKeys),
      );
      for (const { certificate } of [ourKeys, ourNextKeys]) {
        const { profile } = await complete(protocol, {
          responseBy: { key: idpKeys },
          wrap: (assertion) => encrypted(assertion, certificate),
        });
        expect(profile.name).to.equal('吳公務');
      }
    });

    it('may be signed by any of the keys that the provider has published: its key roll-over', async () => {
      const protocol = protocolOf(provider(), sourceOf(idpKeys, nextIdpKeys));
      expect((await complete(protocol)).profile.name).to.equal('吳公務');
      expect((await complete(protocol, { assertionBy: { key: nextIdpKeys } })).profile.name).to.equal(
        '吳公務',
      );
    });

    it('hold until their end and a minute, by our clock, and not before their beginning', async () => {
      const protocol = protocolOf(provider(), sourceOf(idpKeys));
      const one = attempt();
      const SAMLResponse = await party.response(one.requestId);
      const take = () => protocol.complete(one, new URLSearchParams({ SAMLResponse }));
      clock.advance(-70);
      expect(await codeOf(take)).to.equal('sign-in-clock');
      clock.advance(70 + 300 + 61);
      expect(await codeOf(take)).to.equal('sign-in-expired');
      clock.advance(-5);
      expect(await codeOf(take)).to.equal(null);
      expect(await codeOf(take)).to.equal('sign-in-used');
    });

    it('with several confirmations are remembered until the last of them ends', async () => {
      const protocol = protocolOf(provider({ allowIdpInitiated: true }), sourceOf(idpKeys));
      const SAMLResponse = await party.response(null, {
        before(assertion) {
          const [first = ''] =
            /<saml:SubjectConfirmation .*<\/saml:SubjectConfirmation>/.exec(assertion) ?? [];
          const soon = new Date(clock.now().getTime() + 60_000).toISOString();
          return assertion.replace(
            first,
            first.replace(/NotOnOrAfter="[^"]*"/, `NotOnOrAfter="${soon}"`) + first,
          );
        },
      });
      const take = () => protocol.complete(null, new URLSearchParams({ SAMLResponse }));
      expect(await codeOf(take)).to.equal(null);
      clock.advance(200);
      await storage.once.deleteExpired(clock.now());
      expect(await codeOf(take)).to.equal('sign-in-used');
    });

    it('with a condition that is not known are refused', async () => {
      const protocol = protocolOf(provider(), sourceOf(idpKeys));
      const withCondition = (condition: string) => () =>
        complete(protocol, {
          before: (assertion) => assertion.replace('</saml:Conditions>', `${condition}</saml:Conditions>`),
        });
      expect(await codeOf(withCondition('<saml:OneTimeUse/>'))).to.equal(null);
      expect(await codeOf(withCondition('<saml:Condition/>'))).to.equal('sign-in-unverified');
    });

    it('show that it is still the same person only if the provider has asked them again', async () => {
      const protocol = protocolOf(provider(), sourceOf(idpKeys));
      const confirming = (): Attempt => ({
        ...attempt(),
        startedAt: clock.now().getTime(),
        purpose: { kind: 'confirm', personId: 'wu' },
      });
      const { xml } = readRedirect(
        (await protocol.begin(confirming())).replace('tenant=1&', ''),
        ourKeys.certificate,
      );
      expect(readXml(xml).attributes.get('ForceAuthn')).to.equal('true');
      for (const [authenticated, code] of [
        [0, null],
        [-3600, 'sign-in-unverified'],
      ] as const) {
        const one = confirming();
        const SAMLResponse = await party.response(one.requestId, { assertion: { authenticated } });
        const end = await codeOf(() => protocol.complete(one, new URLSearchParams({ SAMLResponse })));
        expect(end).to.equal(code);
      }
    });

    it('from another way of signing in than was asked for are refused', async () => {
      const authnContext = ['urn:oasis:names:tc:SAML:2.0:ac:classes:X509'];
      const protocol = protocolOf(provider({ authnContext }), sourceOf(idpKeys));
      expect(await codeOf(() => complete(protocol))).to.equal('sign-in-refused');
      expect(
        await codeOf(() => complete(protocol, { assertion: { authnContext: authnContext[0]! } })),
      ).to.equal(null);
    });

    it('with a transient name name nobody, unless an attribute does', async () => {
      const nameIdFormat = 'urn:oasis:names:tc:SAML:2.0:nameid-format:transient';
      const wish = { assertion: { nameIdFormat, attributes: { uid: 'wu-1' } } };
      const plain = protocolOf(provider(), sourceOf(idpKeys));
      expect(await codeOf(() => complete(plain, wish))).to.equal('sign-in-incomplete');
      const mapped = protocolOf(
        provider({ attributes: [{ from: 'uid', to: 'subject', values: null }] }),
        sourceOf(idpKeys),
      );
      expect((await complete(mapped, wish)).profile.subject).to.equal('wu-1');
    });

    it('whose name is an ID number leave no trace of it in the session, and no logout at the provider', async () => {
      const protocol = protocolOf(provider(), sourceOf(idpKeys));
      const idNumber = inventIdNumber();
      const { logout } = await complete(protocol, { assertion: { nameId: idNumber } });
      expect(JSON.stringify(logout)).to.not.include(idNumber);
      expect(await protocol.signOutUrl(logout, 'state')).to.equal(null);
    });
  });

  describe('answers that somebody has changed', () => {
    /** Pieces of a message that an attacker would move about, double or leave out. */
    const pieces = /<[^>]+>|[^<]+/g;
    const change = fc.oneof(
      fc.record({ kind: fc.constantFrom('drop', 'double', 'swap'), at: fc.nat(), to: fc.nat() }),
      fc.record({ kind: fc.constant('insert' as const), at: fc.nat(), text: fc.string({ maxLength: 12 }) }),
      fc.record({
        kind: fc.constant('insert' as const),
        at: fc.nat(),
        text: fc.constantFrom(
          '<!---->',
          '<x/>',
          '&#0;',
          '&lt;',
          '<![CDATA[wu]]>',
          '<?x?>',
          '\u0000',
          '\r\n',
          '</saml:Assertion>',
        ),
      }),
    );
    type Change = typeof change extends fc.Arbitrary<infer T> ? T : never;
    function changed(xml: string, one: Change): string {
      const parts = xml.match(pieces) ?? [];
      const at = one.at % parts.length;
      if ('text' in one) return [...parts.slice(0, at), one.text, ...parts.slice(at)].join('');
      const to = one.to % parts.length;
      const here = parts[at] ?? '';
      const kept = one.kind === 'double' ? parts : parts.filter((_, index) => index !== at);
      if (one.kind === 'drop') return kept.join('');
      return [...kept.slice(0, to), here, ...kept.slice(to)].join('');
    }

    it('end with a reason, or say exactly what the provider has said: nothing in between', async function () {
      this.timeout(60_000);
      const source = sourceOf(idpKeys);
      const one = attempt();
      const right = await party.xml(one.requestId);
      const reasons = new Set<string | null>();
      let run = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 3 }), async (changes) => {
          // Each run at an entry of its own, for which nothing was taken yet.
          const protocol = protocolOf(provider({ key: `run-${run++}` }), source);
          const SAMLResponse = posted(changes.reduce(changed, right));
          const end = await codeOf(async () => {
            const { profile } = await protocol.complete(one, new URLSearchParams({ SAMLResponse }));
            expect(profile).to.include({ subject: 'wu', name: '吳公務', assurance: 'official' });
          });
          reasons.add(end);
          expect(end ?? 'sign-in-').to.match(/^sign-in-/);
        }),
        { numRuns: 300 },
      );
      expect(reasons).to.include('sign-in-malformed').and.include('sign-in-unverified');
    });
  });

  describe("the provider's metadata", () => {
    it('is read: addresses, keys for signing, its end', () => {
      const end = '2027-01-02T03:04:05Z';
      const text = metadata([idpKeys, nextIdpKeys], { validUntil: end }).replace(
        '</IDPSSODescriptor>',
        '<!-- a comment may be here --></IDPSSODescriptor>',
      );
      const description = readIdpMetadata(`\ufeff${text}`, null);
      expect(description).to.include({ entityId, entryPoint, logoutUrl, logoutResponseUrl: logoutUrl });
      expect(description.certificates).to.deep.equal([idpKeys.certificate, nextIdpKeys.certificate]);
      expect(description.validUntil).to.equal(Date.parse(end));
    });

    it('of several providers is read for the one that the configuration names', () => {
      const other = metadata([nextIdpKeys]).replace(entityId, 'https://other.example.org');
      const both = `<EntitiesDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" validUntil="2027-01-01T00:00:00Z">${metadata([idpKeys])}${other}</EntitiesDescriptor>`;
      expect(() => readIdpMetadata(both, null)).to.throw('several');
      const found = readIdpMetadata(both, 'https://other.example.org');
      expect(found.certificates).to.deep.equal([nextIdpKeys.certificate]);
      expect(found.validUntil).to.equal(Date.UTC(2027, 0, 1));
      expect(() => readIdpMetadata(both, 'https://nobody.example.org')).to.throw('idpEntityId');
    });

    it('that is wrong is refused, and the log says why', () => {
      const right = metadata([idpKeys]);
      for (const [text, why] of [
        ['no xml', 'cannot be read'],
        [`<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>${right}`, 'cannot be read'],
        [right.replace(/<KeyDescriptor[\s\S]*<\/KeyDescriptor>/, ''), 'no signing certificate'],
        [right.replace(/<X509Certificate>[^<]*/, '<X509Certificate>AAAA'), 'a certificate that is none'],
        [right.replaceAll('HTTP-Redirect', 'HTTP-Artifact'), 'no SingleSignOnService by HTTP-Redirect'],
        [
          right.replaceAll('https://idp.example.org/saml/sign-on', 'javascript:alert(1)//'),
          'no https address',
        ],
        [right.replaceAll('IDPSSODescriptor', 'SPSSODescriptor'), 'no identity provider'],
      ] as const)
        expect(() => readIdpMetadata(text, null), why).to.throw(why);
    });

    describe('at an address', () => {
      let server: Server;
      let url: string;
      let content: string;
      let mode: 'well' | 'silent' | 'broken' | 'away';
      let asked: number;
      const logger = createLogger('silent');
      const sealer = createSealer('a secret of the test');
      beforeEach(async () => {
        [content, mode, asked] = [metadata([idpKeys]), 'well', 0];
        server = createServer((_req, res) => {
          asked++;
          if (mode === 'silent') return;
          if (mode === 'away') res.statusCode = 503;
          res.end(mode === 'broken' ? '<html>Maintenance</html>' : content);
        });
        url = `http://127.0.0.1:${await listen(server)}/metadata`;
      });
      afterEach(() => close(server));
      const source = (more: Partial<Extract<SamlIdpSource, { kind: 'url' }>> = {}): IdpSource =>
        createIdpSource({
          provider: provider({ idp: { kind: 'url', url, entityId: null, refreshSeconds: 3600, ...more } }),
          ...{ once: storage.once, sealer, clock, logger },
        });

      it('is read once, and again when its time has come, without anybody waiting for it', async () => {
        const one = source();
        await Promise.all([one.current(), one.current(), one.current()]);
        expect(asked).to.equal(1);
        content = metadata([idpKeys, nextIdpKeys]);
        clock.advance(3599);
        expect((await one.current()).certificates).to.have.length(1);
        expect(asked).to.equal(1);
        clock.advance(2);
        expect((await one.current()).certificates).to.have.length(1);
        await until('the refresh', async () => (await one.current()).certificates.length === 2);
        expect(asked).to.equal(2);
      });

      it('ends a sign-in with a reason when it does not answer, answers late or answers nonsense, and there is no copy', async () => {
        mode = 'silent';
        expect(await codeOf(() => source().current())).to.equal('sign-in-away');
        mode = 'away';
        expect(await codeOf(() => source().current())).to.equal('sign-in-away');
        mode = 'broken';
        expect(await codeOf(() => source().current())).to.equal('sign-in-configuration');
        mode = 'well';
        expect(await codeOf(() => source({ entityId: 'https://other.example.org' }).current())).to.equal(
          'sign-in-configuration',
        );
        expect((await source().current()).entityId).to.equal(entityId);
      });

      it('holds as the last good copy while the provider is away, in every process, for two weeks', async () => {
        await source().current();
        for (mode of ['silent', 'broken', 'away'] as const) {
          const afterRestart = source();
          clock.advance(2 * 86_400);
          expect((await afterRestart.current()).entityId).to.equal(entityId);
        }
        clock.advance(8 * 86_400);
        expect(await codeOf(() => source().current())).to.equal('sign-in-away');
      });

      it('is not believed after its own end', async () => {
        content = metadata([idpKeys], {
          validUntil: new Date(clock.now().getTime() + 7200_000).toISOString(),
        });
        const one = source({ refreshSeconds: 86_400 });
        await one.current();
        mode = 'away';
        clock.advance(7199);
        expect((await one.current()).entityId).to.equal(entityId);
        clock.advance(1);
        expect(await codeOf(() => one.current())).to.equal('sign-in-away');
      });

      it('is read again when a signature is by a key that is not known yet, at most once a minute', async () => {
        const one = source();
        const protocol = protocolOf(provider(), one);
        await complete(protocol);
        clock.advance(61);
        content = metadata([nextIdpKeys]);
        const wish: Wish = { assertionBy: { key: nextIdpKeys }, assertion: { issued: 61, notBefore: 0 } };
        expect((await complete(protocol, wish)).profile.name).to.equal('吳公務');
        expect(asked).to.equal(2);
        // The old key has gone with it.
        expect(await codeOf(() => complete(protocol))).to.equal('sign-in-unverified');
        expect(asked).to.equal(2);
      });
    });

    it('in a file is read again when the file changes; a broken one does not count', async () => {
      const folder = mkdtempSync(join(tmpdir(), 'zhixing-metadata-'));
      try {
        const path = join(folder, 'idp.xml');
        const write = (text: string, at: number): void => {
          writeFileSync(path, text);
          utimesSync(path, at, at);
        };
        const source = createIdpSource({
          provider: provider({ idp: { kind: 'file', path, entityId: null } }),
          ...{ once: storage.once, sealer: createSealer('x'), clock, logger: createLogger('silent') },
        });
        expect(await codeOf(() => source.current())).to.equal('sign-in-configuration');
        write(metadata([idpKeys]), 1000);
        expect((await source.current()).certificates).to.deep.equal([idpKeys.certificate]);
        write('half a fi', 2000);
        expect((await source.current()).certificates).to.deep.equal([idpKeys.certificate]);
        write(metadata([nextIdpKeys]), 3000);
        expect((await source.current()).certificates).to.deep.equal([nextIdpKeys.certificate]);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    });
  });
});
