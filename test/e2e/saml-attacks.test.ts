import { createServer, request, type Server } from 'node:http';
import { expect } from 'chai';
import { inventIdNumber } from '../../src/identity/demo-idp/people.ts';
import { createKeyPair } from '../../src/identity/demo-idp/self-signed.ts';
import { auditLines } from '../support/audit.ts';
import { close, listen } from '../support/oidc-idp.ts';
import { referenceOn } from '../support/providers.ts';
import {
  encrypted,
  newId,
  posted,
  somethingIsSigned,
  splitSignature,
  type AssertionFacts,
} from '../support/saml-forge.ts';
import type { Wish } from '../support/saml-party.ts';
import { startSamlSite, type SamlSite } from '../support/saml-site.ts';
import { wrappedResponses } from '../support/saml-wrapping.ts';
import { freePort } from '../support/server.ts';
import { createWanderer, type Page, type Wanderer } from '../support/wanderer.ts';
import en from '../../src/views/messages/en/providers.json' with { type: 'json' };
import zh from '../../src/views/messages/zh-TW/providers.json' with { type: 'json' };

const idNumber = inventIdNumber();
const status: Record<string, number> = {
  ...{
    unverified: 401,
    expired: 401,
    clock: 401,
    audience: 401,
    used: 401,
    unknown: 401,
    refused: 401,
    cancelled: 401,
  },
  ...{ malformed: 400, 'too-large': 413, incomplete: 422, away: 503, 'id-number-taken': 409 },
};

describe('attacks on SAML sign-in (each ends in a clear page and an audit line)', function () {
  this.timeout(120_000);
  let site: SamlSite;
  let silent: Server;
  let origin: string;
  const stranger = createKeyPair('idp.example.org');
  before(async () => {
    silent = createServer(() => undefined);
    const silentPort = await listen(silent);
    const nobody = await freePort();
    site = await startSamlSite(
      {
        ecpa: {},
        whole: { wantResponseSigned: true },
        secret: { wantEncrypted: true },
        legacy: { allowSha1: true, allowCbc: true },
        first: { allowIdpInitiated: true },
        late: { metadataUrl: `http://127.0.0.1:${silentPort}/metadata`, timeoutSeconds: 0.3 },
        gone: { metadataUrl: `http://127.0.0.1:${nobody}/metadata` },
      },
      { displayName: '吳公務', userType: '一般民眾', mail: 'wu@example.org' },
      { sameIdNumber: 'refuse' },
    );
    origin = site.server.origin;
  });
  after(async () => {
    await site?.remove();
    if (silent) await close(silent);
  });

  const audit = () => auditLines(site.server.options.dataDir);
  const signedIn = async (wanderer: Wanderer): Promise<boolean> =>
    (await wanderer.get(`${origin}/sign-in-questions`)).text.includes('action="/sign-out"');
  let turn = 0;

  /** The page says why in the reader's language and whom to call; the audit line has the same reference. */
  async function expectRefusal(page: Page, wanderer: Wanderer, reason: string, key: string): Promise<void> {
    const facts = `${page.url}\n${site.server.output().split('\n').slice(-3).join('\n')}`;
    const line = audit().findLast(({ action }) => action === 'sign-in');
    expect(line, facts).to.include({ outcome: 'failure', reason: `saml-${reason}`, actorId: null });
    expect(page.status, facts).to.equal(status[reason]);
    const english = page.text.includes('<html lang="en"');
    const words = (english ? en : zh).reasons[reason as keyof typeof en.reasons];
    expect(page.text).to.include(words).and.include('02-2397-9108');
    expect(line?.detail).to.deep.equal({ method: key, reference: referenceOn(page.text) });
    expect(await signedIn(wanderer)).to.equal(false);
    // Nothing that was sent comes back, and the page tells no more than its reason.
    expect(page.text).to.not.include('evil').and.not.include('signature');
  }

  interface Attack {
    wish?: Wish;
    key?: string;
    /** Instead of what the party would answer. */
    message?(requestId: string): Promise<string> | string;
    relayState?: string;
    requestId?: string | null;
  }
  async function attack(
    { wish, key = 'ecpa', message, relayState, requestId }: Attack,
    reason: string,
  ): Promise<void> {
    const wanderer = createWanderer(turn++ % 2 === 0 ? 'zh-TW' : 'en');
    const asked = await site.begin(wanderer, key);
    const answers = requestId === undefined ? asked.requestId : requestId;
    const SAMLResponse = message
      ? await message(asked.requestId)
      : await site.party(key).response(answers, wish);
    const page = await site.post(wanderer, key, {
      SAMLResponse,
      RelayState: relayState ?? asked.relayState,
    });
    await expectRefusal(page, wanderer, reason, key);
  }
  async function enter(wanderer: Wanderer, key = 'ecpa', wish: Wish = {}, search = ''): Promise<Page> {
    const { requestId, relayState } = await site.begin(wanderer, key, search);
    const SAMLResponse = await site.party(key).response(requestId, wish);
    return site.post(wanderer, key, { SAMLResponse, RelayState: relayState });
  }

  it('lets the right answer in: the tests below are about what is wrong with theirs', async () => {
    for (const key of ['ecpa', 'legacy', 'first']) {
      const wanderer = createWanderer();
      await enter(wanderer, key);
      expect(await signedIn(wanderer), key).to.equal(true);
    }
    const whole = createWanderer();
    await enter(whole, 'whole', { responseBy: { key: site.idpKeys } });
    expect(await signedIn(whole)).to.equal(true);
    const secret = createWanderer();
    await enter(secret, 'secret', { wrap: (one) => encrypted(one, site.ourKeys.certificate) });
    expect(await signedIn(secret)).to.equal(true);
  });

  describe('signatures', () => {
    it('refuses an unsigned assertion, also in a signed response', async () => {
      await attack({ wish: { assertionBy: null } }, 'unverified');
      await attack({ wish: { assertionBy: null, responseBy: { key: site.idpKeys } } }, 'unverified');
    });

    it("refuses another's signature, also with its certificate beside it", async () => {
      await attack({ wish: { assertionBy: { key: stranger } } }, 'unverified');
    });

    it('refuses what was changed after it was signed', async () => {
      await attack({ wish: { wrap: (one) => one.replace('>wu<', '>liu<') } }, 'unverified');
      await attack({ wish: { wrap: (one) => one.replace('一般民眾', '公務人員') } }, 'unverified');
    });

    it('refuses a response whose own signature is wrong, though nobody asked for one', async () => {
      await attack({ wish: { responseBy: { key: stranger } } }, 'unverified');
      await attack(
        {
          wish: {
            responseBy: { key: site.idpKeys },
            finish: (xml) =>
              xml.replace('<samlp:Status>', '<samlp:Status >').replace('Success"', 'Success" a="b"'),
          },
        },
        'unverified',
      );
    });

    it('refuses a response that is not signed where that is asked for', async () => {
      await attack({ key: 'whole' }, 'unverified');
    });

    it('refuses SHA-1, unless the entry allows it', async () => {
      const wish: Wish = { assertionBy: { key: site.idpKeys, algorithm: 'sha1' } };
      await attack({ wish }, 'unverified');
      await attack(
        { wish: { wrap: (one) => encrypted(one, site.ourKeys.certificate), ...wish } },
        'unverified',
      );
      const wanderer = createWanderer();
      await enter(wanderer, 'legacy', wish);
      expect(await signedIn(wanderer)).to.equal(true);
    });

    it('refuses a keyed hash with our public knowledge of the certificate as its key, and odd transforms', async () => {
      const swap = (from: string, to: string): Attack => ({ wish: { wrap: (one) => one.replace(from, to) } });
      await attack(
        swap(
          'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
          'http://www.w3.org/2000/09/xmldsig#hmac-sha1',
        ),
        'unverified',
      );
      await attack(
        swap(
          'http://www.w3.org/2000/09/xmldsig#enveloped-signature',
          'http://www.w3.org/TR/1999/REC-xslt-19991116',
        ),
        'unverified',
      );
    });
  });

  describe('encryption', () => {
    const sealed = (
      ...algorithms: [Parameters<typeof encrypted>[2], Parameters<typeof encrypted>[3]?]
    ): Wish => ({
      wrap: (one) => encrypted(one, site.ourKeys.certificate, ...algorithms),
    });
    const cbc = 'http://www.w3.org/2001/04/xmlenc#aes256-cbc';

    it('refuses CBC, unless the entry allows it, and PKCS #1 v1.5 and Triple DES always', async () => {
      await attack({ wish: sealed(cbc) }, 'unverified');
      const wanderer = createWanderer();
      await enter(wanderer, 'legacy', sealed(cbc));
      expect(await signedIn(wanderer)).to.equal(true);
      for (const key of ['ecpa', 'legacy']) {
        await attack({ key, wish: sealed('http://www.w3.org/2001/04/xmlenc#tripledes-cbc') }, 'unverified');
        await attack(
          {
            key,
            wish: sealed(
              'http://www.w3.org/2009/xmlenc11#aes256-gcm',
              'http://www.w3.org/2001/04/xmlenc#rsa-1_5',
            ),
          },
          'unverified',
        );
      }
    });

    it("refuses what was encrypted for another's key, what is unsigned inside, and clear text where it is not wanted", async () => {
      await attack({ wish: { wrap: (one) => encrypted(one, stranger.certificate) } }, 'unverified');
      await attack({ wish: { ...sealed(undefined), assertionBy: null } }, 'unverified');
      await attack(
        { wish: { ...sealed(undefined), assertionBy: null, responseBy: { key: site.idpKeys } } },
        'unverified',
      );
      await attack({ key: 'secret' }, 'unverified');
    });
  });

  describe('whom and when it is for', () => {
    it('refuses what has expired and what is not yet valid', async () => {
      await attack({ wish: { assertion: { issued: -700, notBefore: -700, notOnOrAfter: -100 } } }, 'expired');
      await attack({ wish: { assertion: { notBefore: 200, notOnOrAfter: 500 } } }, 'clock');
      await attack({ wish: { assertion: { issued: 200 } } }, 'clock');
    });

    it('refuses another audience, recipient or destination', async () => {
      await attack({ wish: { assertion: { audience: 'https://other.example.org/metadata' } } }, 'audience');
      await attack({ wish: { assertion: { recipient: 'https://other.example.org/acs' } } }, 'audience');
      await attack({ wish: { response: { destination: 'https://other.example.org/acs' } } }, 'audience');
      // What a provider has said for one of our entries is not good for another.
      await attack({ message: (id) => site.party('whole').response(id) }, 'audience');
      await attack(
        { wish: { response: { destination: null }, responseBy: { key: site.idpKeys } } },
        'audience',
      );
    });

    it('refuses another issuer, of the response and of the assertion', async () => {
      const issuer = 'https://other.example.org/metadata';
      await attack({ wish: { response: { issuer } } }, 'unverified');
      await attack({ wish: { assertion: { issuer } } }, 'unverified');
    });

    it('refuses the answer to another request, and an answer to none', async () => {
      await attack({ requestId: newId() }, 'unverified');
      await attack({ requestId: null }, 'unverified');
      await attack({ wish: { assertion: { inResponseTo: newId() } } }, 'unverified');
      await attack({ wish: { assertion: { inResponseTo: null } } }, 'unverified');
    });

    it('refuses what the provider has not said yes to, and an assertion about nobody', async () => {
      await attack({ wish: { response: { status: 'RequestDenied' } } }, 'cancelled');
      await attack({ wish: { response: { status: 'Responder' }, wrap: () => '' } }, 'refused');
      await attack({ wish: { wrap: () => '' } }, 'incomplete');
      await attack({ wish: { assertion: { nameId: '' } } }, 'incomplete');
    });
  });

  describe('replay', () => {
    it('refuses an answer that was taken: in the same browser, in another, and in a new attempt', async () => {
      const wanderer = createWanderer();
      const { requestId, relayState } = await site.begin(wanderer, 'ecpa');
      const fields = { SAMLResponse: await site.party('ecpa').response(requestId), RelayState: relayState };
      await site.post(wanderer, 'ecpa', fields);
      expect(await signedIn(wanderer)).to.equal(true);

      const thief = createWanderer('en');
      await expectRefusal(await site.post(thief, 'ecpa', fields), thief, 'unknown', 'ecpa');
      await attack({ message: () => fields.SAMLResponse }, 'unverified');
      // The person has pressed "back": nothing is wrong for them, and the line is there all the same.
      const again = await site.post(wanderer, 'ecpa', fields);
      expect(again.text).to.include('action="/sign-out"');
      expect(audit().at(-1)).to.include({ outcome: 'failure', reason: 'saml-unknown' });
    });

    it('refuses an assertion that nobody has asked for the second time, even in a new response', async () => {
      const facts: Partial<AssertionFacts> = { id: newId() };
      const send = async (wanderer: Wanderer): Promise<Page> =>
        site.post(wanderer, 'first', {
          SAMLResponse: await site.party('first').response(null, { assertion: facts }),
        });
      const one = createWanderer();
      await send(one);
      expect(await signedIn(one)).to.equal(true);
      const two = createWanderer();
      await expectRefusal(await send(two), two, 'used', 'first');
    });

    it('lets one of many in who come with the same assertion at the same moment', async () => {
      const SAMLResponse = await site.party('first').response(null);
      const pages = await Promise.all(
        Array.from({ length: 8 }, () => site.post(createWanderer(), 'first', { SAMLResponse })),
      );
      expect(pages.filter((page) => page.status === 200)).to.have.length(1);
      expect(pages.filter((page) => page.status === 401)).to.have.length(7);
    });
  });

  describe('signature wrapping', () => {
    for (const name of ['XSW1', 'XSW2', 'XSW3', 'XSW4', 'XSW5', 'XSW6', 'XSW7', 'XSW8'])
      it(`refuses ${name}, though the signature in it is right`, async () => {
        for (const key of ['ecpa', 'whole'])
          await attack(
            {
              key,
              message(requestId) {
                const { entityId, audience, recipient } = site.party(key);
                const genuine: AssertionFacts = {
                  id: newId(),
                  issuer: entityId,
                  nameId: 'mallory',
                  nameIdFormat: 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent',
                  nameIdXml: '',
                  ...{ audience, recipient, inResponseTo: requestId, sessionIndex: newId() },
                  authnContext: 'urn:oasis:names:tc:SAML:2.0:ac:classes:Password',
                  attributes: { displayName: 'Mallory' },
                  ...{ issued: 0, authenticated: 0, notBefore: -5, notOnOrAfter: 300 },
                };
                const all = wrappedResponses({
                  genuine,
                  forged: { ...genuine, id: newId(), nameId: 'wu', attributes: { displayName: '吳公務' } },
                  response: {
                    ...{ id: newId(), issuer: entityId, destination: recipient, inResponseTo: requestId },
                    status: 'Success',
                  },
                  key: site.idpKeys,
                });
                const found = Object.entries(all).find(([title]) => title.startsWith(name));
                if (!found) throw new Error(name);
                expect(somethingIsSigned(found[1], site.idpKeys.certificate), 'a real attack').to.equal(true);
                return posted(found[1]);
              },
            },
            'unverified',
          );
      });

    it('refuses two elements of the same identifier, and a signature about another element', async () => {
      await attack(
        {
          wish: {
            wrap: (one) =>
              `<samlp:Extensions><x ID="${/ID="([^"]+)"/.exec(one)?.[1]}"/></samlp:Extensions>${one}`,
          },
        },
        'unverified',
      );
      await attack(
        {
          wish: {
            wrap(one) {
              const { signature, rest } = splitSignature(one);
              return rest.replace(
                '</saml:Issuer>',
                `</saml:Issuer>${signature.replace(/URI="#[^"]*"/, 'URI=""')}`,
              );
            },
          },
        },
        'unverified',
      );
    });
  });

  describe('XML that means harm', () => {
    it('refuses a comment in a name, which no signature would notice', async () => {
      await attack(
        {
          wish: {
            assertion: { nameId: 'wu.example.net' },
            finish(xml) {
              const changed = xml.replace('>wu.example.net<', '>wu<!---->.example.net<');
              expect(somethingIsSigned(changed, site.idpKeys.certificate)).to.equal(true);
              return changed;
            },
          },
        },
        'malformed',
      );
    });

    it('refuses DTDs: external entities, entity bombs and plain ones, without reading or unfolding anything', async () => {
      const dtd = (subset: string) => (xml: string) => `<!DOCTYPE samlp:Response ${subset}>${xml}`;
      const bomb = Array.from(
        { length: 9 },
        (_, at) => `<!ENTITY e${at + 1} "${`&e${at};`.repeat(10)}">`,
      ).join('');
      for (const [subset, entity] of [
        ['[<!ENTITY x SYSTEM "file:///etc/passwd">]', '&x;'],
        [`[<!ENTITY x SYSTEM "${site.idpOrigin}/evil">]`, '&x;'],
        [`[<!ENTITY % x SYSTEM "${site.idpOrigin}/evil"> %x;]`, 'wu'],
        [`[<!ENTITY e0 "lol">${bomb}]`, '&e9;'],
        ['SYSTEM "http://127.0.0.1/x.dtd"', 'wu'],
        ['', 'wu'],
      ] as const)
        await attack(
          { wish: { finish: (xml) => dtd(subset)(xml).replace('>wu<', `>${entity}<`) } },
          'malformed',
        );
      expect(site.asked.filter((path) => path.includes('evil'))).to.deep.equal([]);
    });

    it('refuses undeclared entities, processing instructions, half documents and what is no XML at all', async () => {
      for (const finish of [
        (xml: string) => xml.replace('>wu<', '>&wu;<'),
        (xml: string) => `<?xml-stylesheet href="evil.xsl"?>${xml}`,
        (xml: string) => xml.slice(0, -20),
        (xml: string) => `${xml}<more/>`,
        () => '',
        () => '{"SAML": 2}',
        (xml: string) => `<?xml version="1.0" encoding="UTF-16"?>${xml}`,
      ])
        await attack({ wish: { finish } }, 'malformed');
      for (const message of ['', '%%%', 'AAAAA', Buffer.from([0xff, 0xfe, 0x3c]).toString('base64')])
        await attack({ message: () => message }, 'malformed');
      await attack(
        { wish: { finish: (xml) => xml.replaceAll('samlp:Response', 'samlp:ArtifactResponse') } },
        'malformed',
      );
      await attack({ message: () => posted(`${'<a>'.repeat(5000)}${'</a>'.repeat(5000)}`) }, 'malformed');
    });

    it('refuses two answers at once', async () => {
      const wanderer = createWanderer();
      const { requestId, relayState } = await site.begin(wanderer, 'ecpa');
      const one = encodeURIComponent(await site.party('ecpa').response(requestId));
      const answer = await fetch(`${origin}/sign-in/ecpa/callback`, {
        method: 'POST',
        redirect: 'manual',
        headers: { 'content-type': 'application/x-www-form-urlencoded', origin: site.idpOrigin },
        body: `SAMLResponse=${one}&SAMLResponse=${one}&RelayState=${encodeURIComponent(relayState)}`,
      });
      const page = await wanderer.get(new URL(answer.headers.get('location') ?? '', origin).href);
      await expectRefusal(page, wanderer, 'malformed', 'ecpa');
    });

    it('refuses what is too large: the form, the message, one attribute, too many of them', async () => {
      const note = (size: number): Wish => ({ assertion: { attributes: { note: 'x'.repeat(size) } } });
      // A form of this size is not read, so nobody knows for which attempt it was.
      await attack({ wish: note(400_000) }, 'too-large');
      await attack({ wish: note(130_000) }, 'too-large');
      await attack({ wish: { assertion: { attributes: { displayName: 'x'.repeat(10_001) } } } }, 'too-large');
      const many = Object.fromEntries(Array.from({ length: 201 }, (_, at) => [`a${at}`, '']));
      await attack({ wish: { assertion: { attributes: many } } }, 'too-large');
    });
  });

  describe('the way there and back', () => {
    it('refuses a forged RelayState: an address, one of another browser, one of another provider', async () => {
      await attack({ relayState: 'https://evil.example.org/' }, 'unknown');
      await attack({ relayState: '' }, 'unknown');
      await attack({ relayState: '__proto__' }, 'unknown');
      const other = await site.begin(createWanderer(), 'ecpa');
      await attack({ relayState: other.relayState }, 'unknown');

      const wanderer = createWanderer();
      const elsewhere = await site.begin(wanderer, 'whole');
      const SAMLResponse = await site.party('ecpa').response(elsewhere.requestId);
      const page = await site.post(wanderer, 'ecpa', { SAMLResponse, RelayState: elsewhere.relayState });
      await expectRefusal(page, wanderer, 'unverified', 'ecpa');
    });

    it('leads to a page of our own after the sign-in, whatever was asked for', async () => {
      for (const wanted of [
        'https://evil.example.org/',
        '//evil.example.org/',
        '/\\evil.example.org',
        'javascript:alert(1)',
      ]) {
        const wanderer = createWanderer();
        const page = await enter(wanderer, 'ecpa', {}, `?returnTo=${encodeURIComponent(wanted)}`);
        expect(new URL(page.url).origin, wanted).to.equal(origin);
        expect(wanderer.trail.join('\n')).to.not.include(' https://evil').and.not.include(' http://evil');
      }
    });

    it('gives the session a new name: one that was planted is worth nothing (session fixation)', async () => {
      const wanderer = createWanderer();
      const { requestId, relayState } = await site.begin(wanderer, 'ecpa');
      const planted = wanderer.cookie('localhost', 'zhixing');
      expect(planted).to.be.a('string');
      const SAMLResponse = await site.party('ecpa').response(requestId);
      await site.post(wanderer, 'ecpa', { SAMLResponse, RelayState: relayState });
      expect(await signedIn(wanderer)).to.equal(true);
      expect(wanderer.cookie('localhost', 'zhixing')).to.not.equal(planted);
      const attacker = createWanderer();
      attacker.setCookie('localhost', 'zhixing', planted ?? '');
      expect(await signedIn(attacker)).to.equal(false);
    });

    it('names its own addresses whatever Host a request bears', async () => {
      const ask = (headers: Record<string, string>): Promise<{ status: number; text: string }> =>
        new Promise((resolve, reject) =>
          request(`${origin}/sign-in/ecpa/metadata`, { headers }, (res) => {
            let text = '';
            res.on('data', (part: Buffer) => (text += part.toString()));
            res.on('end', () => resolve({ status: res.statusCode ?? 0, text }));
          })
            .on('error', reject)
            .end(),
        );
      const forged = await ask({ host: 'evil.example.org' });
      expect(forged.status).to.equal(400);
      expect(forged.text).to.not.include('evil');
      const forwarded = await ask({
        'x-forwarded-host': 'evil.example.org',
        forwarded: 'host=evil.example.org',
      });
      expect(forwarded.status).to.equal(200);
      expect(forwarded.text).to.not.include('evil');
      expect(forwarded.text).to.include(`${origin}/sign-in/ecpa/callback`);
    });

    it('refuses an answer that nobody has asked for, unless the entry allows it, and then goes to our own first page', async () => {
      const uninvited = createWanderer();
      const page = await site.post(uninvited, 'ecpa', {
        SAMLResponse: await site.party('ecpa').response(null),
      });
      await expectRefusal(page, uninvited, 'unknown', 'ecpa');

      const invited = createWanderer();
      const welcome = await site.post(invited, 'first', {
        SAMLResponse: await site.party('first').response(null),
        RelayState: 'https://evil.example.org/',
      });
      expect(await signedIn(invited)).to.equal(true);
      expect(new URL(welcome.url).origin).to.equal(origin);

      // What answers a request of another browser is not what nobody has asked for.
      const stolen = createWanderer();
      const answer = await site.post(stolen, 'first', {
        SAMLResponse: await site.party('first').response(newId()),
      });
      await expectRefusal(answer, stolen, 'unknown', 'first');
    });

    it('says so when the provider answers late or not at all', async () => {
      for (const key of ['late', 'gone']) {
        const wanderer = createWanderer('en');
        const page = await wanderer.get(`${origin}/sign-in/${key}`);
        await expectRefusal(page, wanderer, 'away', key);
      }
    });

    it('refuses a second account with the same ID number where the policy says so', async () => {
      const claims = { displayName: '吳公務', userType: '公務人員', idNo: idNumber };
      const first = createWanderer();
      await enter(first, 'ecpa', { assertion: { nameId: 'wu-2', attributes: claims } });
      expect(await signedIn(first)).to.equal(true);
      await attack(
        { key: 'legacy', wish: { assertion: { nameId: 'other', attributes: claims } } },
        'id-number-taken',
      );
      const lines = audit();
      expect(lines.at(-2)).to.include({
        action: 'sign-in.id-number',
        outcome: 'failure',
        reason: 'id-number-taken',
      });
      expect(site.server.output() + JSON.stringify(lines)).to.not.include(idNumber);
    });
  });
});
