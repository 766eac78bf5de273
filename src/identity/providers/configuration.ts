import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Problem } from '../../base/errors.ts';
import { presetAddresses, presets } from './presets.ts';
import { providerEntry, providerFile, type ProviderSettings } from './settings.ts';
import type {
  AttributeRule,
  ClientAuthentication,
  KeyPair,
  Provider,
  ProviderHelp,
  ProviderSet,
  SamlIdpSource,
} from './types.ts';

export const noProviders: ProviderSet = { providers: [], policy: { sameIdNumber: 'link' } };

type Settings<P extends ProviderSettings['protocol']> = Extract<ProviderSettings, { protocol: P }>;

const attributeRules = (given: ProviderSettings['attributes']): AttributeRule[] =>
  Object.entries(given ?? {}).map(([from, rule]) =>
    typeof rule === 'string'
      ? { from, to: rule, values: null }
      : { from, to: rule.to, values: rule.values ?? null },
  );

const helpOf = (given: ProviderSettings['help']): ProviderHelp => ({
  address: given?.address ?? null,
  phone: given?.phone ?? null,
  hours: given?.hours ?? null,
  mail: given?.mail ?? null,
  website: given?.website ?? null,
  changeName: given?.changeName ?? null,
  changeAgency: given?.changeAgency ?? null,
  changePassword: given?.changePassword ?? null,
});

/** Reads what an entry points to (files, secrets) and notes each fault under the entry's path. */
class EntryReader {
  readonly #folder: string;
  readonly #environment: Record<string, string | undefined>;
  readonly #path: string;
  readonly problems: Problem[] = [];

  constructor(folder: string, environment: Record<string, string | undefined>, path: string) {
    this.#folder = folder;
    this.#environment = environment;
    this.#path = path;
  }

  fault(field: string, message: string): void {
    this.problems.push({ path: `${this.#path}.${field}`, message });
  }

  secret(field: string, name: string): string {
    const value = this.#environment[name] ?? '';
    if (value === '') this.fault(field, `names the environment variable ${name}, which is not set`);
    return value;
  }

  file(field: string, name: string): string {
    try {
      return readFileSync(resolve(this.#folder, name), 'utf8');
    } catch (error) {
      this.fault(field, `cannot be read: ${name} (${(error as NodeJS.ErrnoException).code ?? 'error'})`);
      return '';
    }
  }

  path(name: string): string {
    return resolve(this.#folder, name);
  }

  certificate(field: string, name: string): string {
    const pem = this.file(field, name);
    if (pem === '') return pem;
    try {
      return new X509Certificate(pem).toString();
    } catch {
      this.fault(field, `is no X.509 certificate in PEM: ${name}`);
      return '';
    }
  }

  privateKey(field: string, name: string): string {
    const pem = this.file(field, name);
    if (pem === '') return pem;
    try {
      createPrivateKey(pem);
    } catch {
      this.fault(field, `is no private key in PEM (without a passphrase): ${name}`);
      return '';
    }
    return pem;
  }

  keyPair(field: string, given: { privateKeyFile: string; certificateFile: string }): KeyPair {
    const privateKey = this.privateKey(`${field}.privateKeyFile`, given.privateKeyFile);
    const certificate = this.certificate(`${field}.certificateFile`, given.certificateFile);
    if (
      privateKey !== '' &&
      certificate !== '' &&
      !new X509Certificate(certificate).checkPrivateKey(createPrivateKey(privateKey))
    )
      this.fault(field, 'the certificate does not belong to the private key');
    return { privateKey, certificate };
  }
}

const commonOf = (given: ProviderSettings) => ({
  key: given.key,
  label: given.label ?? { 'zh-TW': given.key },
  columns: given.columns ?? [],
  assurance: given.assurance ?? ('social' as const),
  attributes: attributeRules(given.attributes),
  help: helpOf(given.help),
  timeoutSeconds: given.timeoutSeconds,
  clockSkewSeconds: given.clockSkewSeconds,
  logout: given.logout,
});

/** A preset's defaults beneath the entry's own words; it stays social whatever the entry says. */
function presetOf(given: Settings<'google' | 'facebook' | 'apple'>, read: EntryReader) {
  const preset = presets[given.protocol];
  const own = attributeRules(given.attributes);
  if (
    (given.assurance ?? 'social') !== 'social' ||
    own.some(({ to }) => to === 'assurance' || to === 'idNumber')
  )
    read.fault('assurance', `${given.protocol} accounts are social: they vouch for nobody's identity`);
  return {
    ...commonOf(given),
    label: given.label ?? preset.label,
    columns: given.columns ?? [...preset.columns],
    attributes: [
      ...own,
      ...Object.entries(preset.attributes).map(([from, to]) => ({ from, to, values: null })),
    ],
  };
}

function samlSource(given: Settings<'saml'>, read: EntryReader): SamlIdpSource {
  const ways = [given.metadataUrl, given.metadataFile, given.entryPoint].filter((way) => way !== undefined);
  if (ways.length !== 1)
    read.fault(
      'metadataUrl',
      'exactly one of metadataUrl, metadataFile and entryPoint (with idpEntityId and certificateFiles) is needed',
    );
  const entityId = given.idpEntityId ?? null;
  if (given.metadataUrl !== undefined)
    return { kind: 'url', url: given.metadataUrl, entityId, refreshSeconds: given.refreshSeconds };
  if (given.metadataFile !== undefined) {
    read.file('metadataFile', given.metadataFile);
    return { kind: 'file', path: read.path(given.metadataFile), entityId };
  }
  if (given.entryPoint !== undefined) {
    if (entityId === null) read.fault('idpEntityId', 'is needed beside entryPoint');
    if ((given.certificateFiles ?? []).length === 0)
      read.fault('certificateFiles', "is needed beside entryPoint: the provider's signing certificates");
  }
  return {
    kind: 'given',
    entityId: entityId ?? '',
    entryPoint: given.entryPoint ?? '',
    logoutUrl: given.logoutUrl ?? null,
    certificates: (given.certificateFiles ?? []).map((name, at) =>
      read.certificate(`certificateFiles.${at}`, name),
    ),
  };
}

function samlProvider(given: Settings<'saml'>, read: EntryReader): Provider {
  const keys = given.keys.map((pair, at) => read.keyPair(`keys.${at}`, pair));
  const decryptionKeys =
    given.decryptionKeys?.map((pair, at) => read.keyPair(`decryptionKeys.${at}`, pair)) ?? keys;
  if (given.wantEncrypted && decryptionKeys.length === 0)
    read.fault('decryptionKeys', 'wantEncrypted needs a key to decrypt with');
  return {
    ...commonOf(given),
    protocol: 'saml',
    idp: samlSource(given, read),
    entityId: given.entityId ?? null,
    audience: given.audience ?? null,
    keys,
    decryptionKeys,
    nameIdFormat: given.nameIdFormat ?? null,
    authnContext: given.authnContext,
    forceAuthn: given.forceAuthn,
    allowIdpInitiated: given.allowIdpInitiated,
    wantResponseSigned: given.wantResponseSigned,
    wantEncrypted: given.wantEncrypted,
    allowSha1: given.allowSha1,
    allowCbc: given.allowCbc,
  };
}

/** The entry with its secrets and files; faults are noted in `read`. */
function providerOf(given: ProviderSettings, read: EntryReader): Provider {
  if (!(given.protocol in presets)) {
    if (given.label === undefined) read.fault('label', 'is needed');
    if (given.columns === undefined) read.fault('columns', 'is needed: civil-servant, public or both');
  }
  switch (given.protocol) {
    case 'saml':
      return samlProvider(given, read);
    case 'oidc': {
      const clientAuthentication: ClientAuthentication =
        given.clientSecretEnv === undefined
          ? { kind: 'none' }
          : {
              kind: given.clientAuthentication === 'basic' ? 'secret-basic' : 'secret-post',
              secret: read.secret('clientSecretEnv', given.clientSecretEnv),
            };
      const { issuer, clientId, scope, pkce, responseMode, userinfo, parameters } = given;
      if (clientAuthentication.kind === 'none' && !pkce)
        read.fault('pkce', 'may not be off for a client without a secret');
      return {
        ...commonOf(given),
        ...{ protocol: 'oidc', issuer, clientId, clientAuthentication },
        ...{ scope, pkce, responseMode, userinfo, parameters },
      };
    }
    case 'google':
      return {
        ...presetOf(given, read),
        protocol: 'oidc',
        issuer: given.issuer ?? presetAddresses.google.issuer,
        clientId: given.clientId,
        clientAuthentication: {
          kind: 'secret-post',
          secret: read.secret('clientSecretEnv', given.clientSecretEnv),
        },
        scope: 'openid profile email',
        pkce: true,
        responseMode: 'query',
        userinfo: false,
        parameters: {},
      };
    case 'apple':
      return {
        ...presetOf(given, read),
        protocol: 'oidc',
        issuer: given.issuer ?? presetAddresses.apple.issuer,
        clientId: given.clientId,
        clientAuthentication: {
          kind: 'apple',
          teamId: given.teamId,
          keyId: given.keyId,
          privateKey: read.privateKey('privateKeyFile', given.privateKeyFile),
        },
        scope: 'openid name email',
        pkce: false,
        responseMode: 'form_post',
        userinfo: false,
        parameters: {},
      };
    case 'facebook':
      return {
        ...presetOf(given, read),
        protocol: 'oauth2',
        authorizationEndpoint: given.authorizationEndpoint ?? presetAddresses.facebook.authorizationEndpoint,
        tokenEndpoint: given.tokenEndpoint ?? presetAddresses.facebook.tokenEndpoint,
        profileEndpoint: given.profileEndpoint ?? presetAddresses.facebook.profileEndpoint,
        clientId: given.clientId,
        clientSecret: read.secret('clientSecretEnv', given.clientSecretEnv),
        scope: 'public_profile email',
      };
    case 'ticket':
      return {
        ...commonOf(given),
        protocol: 'ticket',
        loginUrl: given.loginUrl,
        exchangeUrl: given.exchangeUrl,
        clientId: given.clientId,
        secret: read.secret('secretEnv', given.secretEnv),
      };
  }
}

/**
 * Reads the providers' file and everything it points to.
 * @param environment where the secrets that the file names by variable are taken from
 * @returns the providers, and every fault there is; with a fault the providers are not to be used
 */
export function readProviders(
  file: string,
  environment: Record<string, string | undefined>,
): ProviderSet & { problems: Problem[] } {
  const at = (where: string): string => `IDENTITY_PROVIDERS${where === '' ? '' : ` ${where}`}`;
  const failed = (message: string) => ({ ...noProviders, problems: [{ path: at(''), message }] });
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    return failed(
      error instanceof SyntaxError
        ? `names a file that is no JSON: ${file}: ${error.message}`
        : `names a file that cannot be read: ${file} (${(error as NodeJS.ErrnoException).code ?? 'error'})`,
    );
  }
  const problems: Problem[] = [];
  const parsed = providerFile.safeParse(content);
  if (!parsed.success) {
    problems.push(...parsed.error.issues.map(({ path, message }) => ({ path: at(path.join('.')), message })));
    return { ...noProviders, problems };
  }
  const seen = new Set<string>();
  const providers = parsed.data.providers.flatMap((entry, index) => {
    const read = new EntryReader(dirname(resolve(file)), environment, `providers.${index}`);
    const given = providerEntry.safeParse(entry);
    if (!given.success)
      for (const { path, message } of given.error.issues) read.fault(path.join('.'), message);
    else if (seen.has(given.data.key)) read.fault('key', `"${given.data.key}" is there twice`);
    const provider = given.success ? [providerOf(given.data, read)] : [];
    if (given.success) seen.add(given.data.key);
    problems.push(...read.problems.map(({ path, message }) => ({ path: at(path), message })));
    return provider;
  });
  return { providers, policy: parsed.data.policy, problems };
}
