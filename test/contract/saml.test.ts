import { expect } from 'chai';
import { createKeyPair } from '../../src/identity/demo-idp/self-signed.ts';
import { createNameHash, createNamedSessions } from '../../src/identity/providers/named-sessions.ts';
import type { LogoutFacts } from '../../src/identity/providers/protocol.ts';
import { createSamlProtocol, type SamlProtocol } from '../../src/identity/providers/saml.ts';
import { createSealer } from '../../src/identity/providers/sealer.ts';
import type { Storage } from '../../src/storage/open.ts';
import { TestClock } from '../support/clock.ts';
import { onEveryEngine, openStorage } from '../support/engines.ts';
import { newId } from '../support/saml-forge.ts';
import { createParty } from '../support/saml-party.ts';

const origin = 'https://learn.example.org/sign-in/ecpa';
const party = createParty({
  entityId: 'https://idp.example.org/saml',
  key: createKeyPair('idp.example.org'),
  audience: `${origin}/metadata`,
  recipient: `${origin}/callback`,
  attributes: {},
});

const protocolOn = ({ once }: Storage): SamlProtocol =>
  createSamlProtocol({
    provider: {
      ...{
        key: 'ecpa',
        protocol: 'saml',
        label: { 'zh-TW': 'eCPA' },
        columns: ['public'],
        assurance: 'social',
      },
      attributes: [],
      help: {
        ...{ address: null, phone: null, hours: null, mail: null, website: null },
        ...{ changeName: null, changeAgency: null, changePassword: null },
      },
      ...{ timeoutSeconds: 5, clockSkewSeconds: 60, logout: 'ask' },
      idp: { kind: 'file', path: 'idp.xml', entityId: null },
      ...{
        entityId: null,
        audience: null,
        keys: [],
        decryptionKeys: [],
        nameIdFormat: null,
        authnContext: [],
      },
      ...{ forceAuthn: false, allowIdpInitiated: true, wantResponseSigned: false, wantEncrypted: false },
      ...{ allowSha1: false, allowCbc: false },
    },
    source: {
      current: async () => ({
        ...{ entityId: party.entityId, entryPoint: 'https://idp.example.org/sso', logoutUrl: null },
        ...{ logoutResponseUrl: null, certificates: [party.key.certificate], wantsSignedRequests: false },
        validUntil: null,
      }),
      renewed: async () => null,
    },
    callbackUrl: `${origin}/callback`,
    logoutUrl: `${origin}/logout`,
    metadataUrl: `${origin}/metadata`,
    hashName: (name) => name,
    once,
    clock: { now: () => new Date() },
  });

onEveryEngine('SAML over several processes', ({ storage, options }) => {
  it('takes an assertion once, whichever process it comes to, also at the same moment', async () => {
    const second = await openStorage(options());
    try {
      const processes = [protocolOn(storage()), protocolOn(second)];
      const answer = new URLSearchParams({ SAMLResponse: await party.response(null) });
      const ends = await Promise.all(
        Array.from({ length: 8 }, (_, at) =>
          processes[at % 2]!.complete(null, answer).then(
            () => 'in',
            (error: unknown) => (error as { code: string }).code,
          ),
        ),
      );
      expect(ends.toSorted()).to.deep.equal(['in', ...Array.from({ length: 7 }, () => 'sign-in-used')]);
    } finally {
      await second.close();
    }
  });

  it('ends the sessions of a name at a provider, those of the index where one is named, and no others', async () => {
    const clock = new TestClock();
    const sealer = createSealer('a secret of the test');
    const hash = createNameHash('a secret of the test');
    const { once, webSessions } = storage();
    const named = createNamedSessions({ once, webSessions, sealer, clock });
    const expiresAt = new Date(clock.now().getTime() + 3600_000);
    const facts = (name: string, sessionIndex?: string, provider = 'ecpa'): LogoutFacts => ({
      ...{ provider, nameHash: hash(provider, name) },
      ...(sessionIndex === undefined ? {} : { sessionIndex }),
    });
    const session = async (personId: string, of: LogoutFacts | null): Promise<string> => {
      const id = newId();
      const external = of && sealer.seal(JSON.stringify(of));
      const data = JSON.stringify({ passport: { user: personId }, ...(external ? { external } : {}) });
      await webSessions.put({ id, data, personId, expiresAt, seenAt: clock.now(), endsAt: null });
      if (of) await named.note(of, personId);
      return id;
    };
    const one = await session('wu', facts('wu', 's1'));
    const two = await session('wu', facts('wu', 's2'));
    const noIndex = await session('wu', facts('wu'));
    const elsewhere = await session('wu', facts('wu', 's1', 'egov'));
    const local = await session('wu', null);
    const other = await session('liu', facts('liu', 's1'));
    const left = async (): Promise<string[]> => {
      const all = [one, two, noIndex, elsewhere, local, other];
      const found = await Promise.all(all.map((id) => webSessions.get(id, clock.now())));
      return all.filter((_, at) => found[at] !== null);
    };

    const whom = { provider: 'ecpa', nameHash: hash('ecpa', 'wu') };
    expect(await named.end({ ...whom, sessionIndexes: ['s1', 's9'] })).to.deep.equal({
      personId: 'wu',
      ended: 2,
    });
    expect(await left()).to.deep.equal([two, elsewhere, local, other]);
    expect(await named.end({ ...whom, sessionIndexes: [] })).to.deep.equal({ personId: 'wu', ended: 1 });
    expect(await left()).to.deep.equal([elsewhere, local, other]);
    expect(await named.end({ ...whom, nameHash: hash('ecpa', 'nobody'), sessionIndexes: [] })).to.deep.equal({
      personId: null,
      ended: 0,
    });
  });
});
