import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { inventIdNumber } from '../../src/identity/demo-idp/people.ts';
import { createKeyPair } from '../../src/identity/demo-idp/self-signed.ts';
import { idNumberKind } from '../../src/identity/id-numbers.ts';
import { readProviders } from '../../src/identity/providers/configuration.ts';
import { mostAssurance, offeredProvider, providersFor } from '../../src/identity/providers/directory.ts';
import { facts } from '../../src/identity/providers/facts.ts';
import { newReference } from '../../src/identity/providers/failures.ts';
import { readProfile, type Claims } from '../../src/identity/providers/profile.ts';
import { createSealer } from '../../src/identity/providers/sealer.ts';
import type { Provider } from '../../src/identity/providers/types.ts';
import { writeProviders } from '../support/providers.ts';

const oidc = {
  key: 'egov',
  protocol: 'oidc',
  label: { 'zh-TW': '我的E政府', en: 'MyEGov' },
  columns: ['civil-servant', 'public'],
  issuer: 'https://idp.example.org',
  clientId: 'zhixing',
  clientSecretEnv: 'EGOV_SECRET',
};
const read = (
  content: unknown,
  environment: Record<string, string> = {},
  files: Record<string, string> = {},
) => {
  const file = writeProviders(content, files);
  try {
    return readProviders(file.path, environment);
  } finally {
    file.remove();
  }
};
const only = (entry: object, environment: Record<string, string> = {}): Provider => {
  const { providers, problems } = read({ providers: [entry] }, environment);
  expect(problems).to.deep.equal([]);
  const [provider] = providers;
  if (!provider) throw new Error('no provider');
  return provider;
};

describe('the file of identity providers', () => {
  it('holds any number of providers, with secrets by name and defaults for the rest', () => {
    const { providers, problems, policy } = read(
      {
        providers: [
          oidc,
          { key: 'google', protocol: 'google', clientId: 'g', clientSecretEnv: 'GOOGLE_SECRET' },
          { key: 'facebook', protocol: 'facebook', clientId: 'f', clientSecretEnv: 'FACEBOOK_SECRET' },
        ],
      },
      { EGOV_SECRET: 's1', GOOGLE_SECRET: 's2', FACEBOOK_SECRET: 's3' },
    );
    expect(problems).to.deep.equal([]);
    expect(policy).to.deep.equal({ sameIdNumber: 'link' });
    expect(providers.map(({ key, protocol, assurance }) => [key, protocol, assurance])).to.deep.equal([
      ['egov', 'oidc', 'social'],
      ['google', 'oidc', 'social'],
      ['facebook', 'oauth2', 'social'],
    ]);
    expect(providers[0]).to.deep.include({
      clientAuthentication: { kind: 'secret-post', secret: 's1' },
      pkce: true,
      timeoutSeconds: 10,
    });
  });

  it('tells every fault of every entry at once', () => {
    const { problems } = read(
      {
        providers: [
          { ...oidc, issuer: 'http://idp.example.org', columns: ['everybody'] },
          { ...oidc, key: 'Big Letters', clientSecretEnv: 'not-a-name', colour: 'red' },
          {
            key: 'ecpa',
            protocol: 'saml',
            label: 'eCPA',
            columns: ['civil-servant'],
            entryPoint: 'https://e.example.org',
          },
          oidc,
          { ...oidc, clientSecretEnv: 'EGOV_SECRET' },
          { key: 'x', protocol: 'kerberos' },
          {
            key: 'google',
            protocol: 'google',
            clientId: 'g',
            clientSecretEnv: 'EGOV_SECRET',
            assurance: 'official',
          },
          {
            ...{ key: 'apple', protocol: 'apple', clientId: 'a', teamId: 't', keyId: 'k' },
            privateKeyFile: 'nowhere.p8',
          },
        ],
      },
      { EGOV_SECRET: 's' },
    );
    const paths = problems.map(({ path }) => path.replace('IDENTITY_PROVIDERS providers.', ''));
    for (const path of [
      '0.issuer',
      '0.columns.0',
      '1.key',
      '1.clientSecretEnv',
      '2.idpEntityId',
      '2.certificateFiles',
      '4.key',
      '5.protocol',
      '6.assurance',
      '7.privateKeyFile',
    ])
      expect(paths, problems.map((p) => `${p.path}: ${p.message}`).join('\n')).to.include(path);
    expect(JSON.stringify(problems)).to.include('colour');
  });

  it('says what is wrong with a file that is not there, no JSON, or names a secret that is not set', () => {
    expect(readProviders('/nowhere/providers.json', {}).problems[0]?.message).to.include('ENOENT');
    expect(read('{ providers: }').problems[0]?.message).to.include('no JSON');
    expect(read({ providers: [oidc] }).problems[0]?.message).to.include('EGOV_SECRET');
  });

  it('takes http for this machine only', () => {
    only({ ...oidc, issuer: 'http://127.0.0.1:8081/oidc' }, { EGOV_SECRET: 's' });
    only({ ...oidc, issuer: 'http://[::1]:8081/oidc' }, { EGOV_SECRET: 's' });
    for (const issuer of [
      'http://127.0.0.1.example.org',
      'http://localhost.example.org',
      'ftp://localhost',
      'x',
    ])
      expect(
        read({ providers: [{ ...oidc, issuer }] }, { EGOV_SECRET: 's' }).problems,
        issuer,
      ).to.have.length(1);
  });

  it('refuses a certificate that is none, and one of another key', () => {
    const one = createKeyPair('one.example.org');
    const two = createKeyPair('two.example.org');
    const saml = (keys: object[]) => ({
      ...{ key: 'ecpa', protocol: 'saml', label: 'eCPA', columns: ['civil-servant'] },
      ...{ entryPoint: 'https://e.example.org', idpEntityId: 'e', certificateFiles: ['one.crt'], keys },
    });
    const files = {
      'one.key': one.privateKey,
      'one.crt': one.certificate,
      'two.crt': two.certificate,
      'no.crt': 'x',
    };
    const good = read(
      { providers: [saml([{ privateKeyFile: 'one.key', certificateFile: 'one.crt' }])] },
      {},
      files,
    );
    expect(good.problems).to.deep.equal([]);
    const bad = read(
      {
        providers: [
          saml([
            { privateKeyFile: 'one.key', certificateFile: 'two.crt' },
            { privateKeyFile: 'no.crt', certificateFile: 'no.crt' },
          ]),
        ],
      },
      {},
      files,
    );
    expect(bad.problems.map(({ path }) => path.split('.').slice(2).join('.'))).to.deep.equal([
      'keys.0',
      'keys.1.privateKeyFile',
      'keys.1.certificateFile',
    ]);
  });

  it('is what docs/identity.md shows', () => {
    const text = readFileSync(join(import.meta.dirname, '../../docs/identity.md'), 'utf8');
    const shown = [...text.matchAll(/```json\n([\s\S]*?)```/g)].map(
      ([, json = '']) => JSON.parse(json) as object,
    );
    expect(shown).to.have.length(2);
    const keys = createKeyPair('learn.example.org');
    const files = {
      'sp-2026.key': keys.privateKey,
      'sp-2026.crt': keys.certificate,
      'apple.p8': keys.privateKey,
    };
    for (const content of shown) {
      const whole = Array.isArray(content) ? { providers: content } : content;
      const { problems, providers } = read(whole, { GOOGLE_SECRET: 's', FACEBOOK_SECRET: 's' }, files);
      expect(problems).to.deep.equal([]);
      expect(providers).to.not.have.length(0);
    }
  });

  it('knows the columns of the panel and the most that an entry can vouch for', () => {
    const mapped = only(
      {
        ...oidc,
        columns: ['civil-servant'],
        attributes: { kind: { to: 'assurance', values: { 公務人員: 'official', 一般民眾: 'verified' } } },
      },
      { EGOV_SECRET: 's' },
    );
    const google = only(
      { key: 'google', protocol: 'google', clientId: 'g', clientSecretEnv: 'S' },
      { S: 's' },
    );
    expect([mostAssurance(mapped), mostAssurance(google)]).to.deep.equal(['official', 'social']);
    const offered = [mapped, google].map(offeredProvider);
    expect(providersFor(offered, 'civil-servant').map(({ key }) => key)).to.deep.equal(['egov', 'google']);
    expect(providersFor(offered, 'public').map(({ key }) => key)).to.deep.equal(['google']);
  });
});

describe('reading what a provider says (requirements.md §1, 11)', () => {
  const provider = only(
    {
      ...oidc,
      assurance: 'social',
      attributes: {
        name: 'name',
        kind: { to: 'assurance', values: { 公務人員: 'official', 一般民眾: 'verified', 自然人: 'verified' } },
        id: 'idNumber',
        mail: 'email',
        mail_ok: 'emailVerified',
        born: 'birthday',
        sex: 'gender',
        'address.formatted': 'address',
        org: 'agencyCode',
        tel: 'phone',
      },
    },
    { EGOV_SECRET: 's' },
  );
  const reading = (claims: Claims, subject: string | null = 'chou') => readProfile(provider, claims, subject);
  const code = (act: () => unknown): string | null => {
    try {
      act();
      return null;
    } catch (error) {
      return (error as { code: string }).code;
    }
  };

  it('maps names and values', () => {
    const idNumber = inventIdNumber();
    const { profile, notes } = reading({
      name: ' 周民眾 ',
      kind: ['公務人員'],
      id: idNumber.toLowerCase(),
      mail: 'chou@example.org',
      mail_ok: true,
      born: '0750102',
      sex: '女',
      address: { formatted: '臺北市' },
      org: '301000000A',
      tel: '02-1234 5678',
    });
    expect(notes).to.deep.equal([]);
    expect(profile).to.deep.include({
      ...{ name: '周民眾', assurance: 'official', idNumber, email: 'chou@example.org', emailVerified: true },
      ...{ birthday: '1986-01-02', gender: 'female', address: '臺北市', agencyCode: '301000000A' },
      phone: '02-1234 5678',
    });
  });

  it('falls back to the default where the map does not know the value: nobody is official by accident', () => {
    const { profile, notes } = reading({ kind: '公務人員 ' + 'x', id: inventIdNumber() });
    expect(profile).to.include({ assurance: 'social', idNumber: null });
    expect(notes).to.deep.equal(['unknown-value:assurance']);
    expect(reading({ kind: 'constructor' }).profile.assurance).to.equal('social');
  });

  it('goes on without an ID number of the wrong form or check digit, and says so', () => {
    const right = inventIdNumber();
    const wrong = `${right.slice(0, 9)}${(Number(right[9]) + 1) % 10}`;
    for (const id of [wrong, '123', "' OR 1=1 --"]) {
      const { profile, notes } = reading({ kind: '一般民眾', id });
      expect(profile.idNumber).to.equal(null);
      expect(notes).to.deep.equal(['invalid:idNumber']);
    }
  });

  it('cuts texts, drops codes of the wrong form, and refuses what is absurd', () => {
    const { profile, notes } = reading({
      name: '長'.repeat(101),
      mail: `${'a'.repeat(300)}@example.org`,
      org: 'x'.repeat(50),
      born: '19860231',
      sex: 'x',
      tel: 'call me',
      address: { formatted: '路\u0000\u200b口' },
    });
    expect([...(profile.name ?? '')]).to.have.length(100);
    expect(profile).to.include({
      email: null,
      agencyCode: null,
      birthday: null,
      phone: null,
      address: '路口',
    });
    expect(notes.toSorted()).to.deep.equal([
      'cut:name',
      'dropped:agencyCode',
      'dropped:birthday',
      'dropped:email',
      'dropped:gender',
      'dropped:phone',
    ]);
    expect(code(() => reading({ name: 'x'.repeat(10_001) }))).to.equal('sign-in-too-large');
  });

  it('takes the subject exactly as it is, or not at all', () => {
    expect(reading({}, ' Chou ').profile.subject).to.equal(' Chou ');
    expect(code(() => reading({}, null))).to.equal('sign-in-incomplete');
    expect(code(() => reading({}, '  '))).to.equal('sign-in-incomplete');
    expect(code(() => reading({}, 'a\u200bb'))).to.equal('sign-in-malformed');
    expect(code(() => reading({}, 'x'.repeat(256)))).to.equal('sign-in-too-large');
  });

  it('is not led astray by names of the language', () => {
    const { profile } = reading(JSON.parse('{"__proto__": {"name": "x"}, "toString": "y"}') as Claims);
    expect(profile.name).to.equal(null);
  });
});

describe('small parts of signing in elsewhere', () => {
  it('seals a text so that only this secret opens it, unchanged', () => {
    const sealer = createSealer('a secret of the session');
    const sealed = sealer.seal('內容');
    expect(sealer.open(sealed)).to.equal('內容');
    expect(createSealer('another').open(sealed)).to.equal(null);
    expect(sealer.open(`${sealed.slice(0, -2)}xx`)).to.equal(null);
    expect(sealer.open('')).to.equal(null);
  });

  it('gives references that can be read out', () => {
    expect(newReference()).to.match(/^[2-9A-HJ-NP-Z]{5}-[2-9A-HJ-NP-Z]{5}$/);
    expect(new Set(Array.from({ length: 100 }, newReference)).size).to.equal(100);
  });

  it('logs of an error its messages only, without line breaks and without an ID number', () => {
    const idNumber = inventIdNumber();
    const error = new Error('outer', {
      cause: new Error(`claim was ${idNumber}\nnext`, { cause: { secret: 1 } }),
    });
    expect(facts(error)).to.deep.equal(['Error: outer', 'Error: claim was … next']);
  });

  it('invents ID numbers that are valid and different', () => {
    const numbers = Array.from({ length: 50 }, inventIdNumber);
    expect(numbers.every((number) => idNumberKind(number) === 'national')).to.equal(true);
    expect(new Set(numbers).size).to.equal(50);
  });
});
