import { deriveKey } from '../../base/sealing.ts';
import type {
  AttributeRule,
  Column,
  KeyPair,
  OidcProvider,
  ProfileField,
  Provider,
  ProviderHelp,
  SamlProvider,
} from '../providers/types.ts';
import { createKeyPair } from './self-signed.ts';

/** Where the demo's providers answer, and with which secrets. */
export interface DemoIdpAddress {
  /** An origin of its own on this machine, e.g. http://127.0.0.1:8081 */
  origin: string;
  /** Client secrets come from it. */
  master: Buffer;
}

const both: Column[] = ['civil-servant', 'public'];
/** The directory's own entries of the real providers hold in demo mode too. */
const help: ProviderHelp = {
  address: null,
  phone: null,
  hours: null,
  mail: null,
  website: null,
  changeName: null,
  changeAgency: null,
  changePassword: null,
};
const rules = (map: Record<string, ProfileField>): AttributeRule[] =>
  Object.entries(map).map(([from, to]) => ({ from, to, values: null }));
const kinds = { 公務人員: 'official', 一般民眾: 'verified' };

const common = { help, timeoutSeconds: 10, clockSkewSeconds: 60 };

export const clientSecretOf = ({ master }: DemoIdpAddress, key: string): string =>
  deriveKey(master, `demo-idp/client/${key}`).toString('base64url');

const oidc = (
  address: DemoIdpAddress,
  key: string,
  entry: Pick<OidcProvider, 'label' | 'assurance' | 'attributes' | 'logout'> &
    Partial<Pick<OidcProvider, 'responseMode'>>,
): OidcProvider => ({
  ...common,
  key,
  columns: both,
  protocol: 'oidc',
  issuer: `${address.origin}/${key}`,
  clientId: 'zhixing-demo',
  clientAuthentication: { kind: 'secret-post', secret: clientSecretOf(address, key) },
  scope: 'openid profile email',
  pkce: true,
  responseMode: 'query',
  userinfo: true,
  parameters: {},
  ...entry,
});

const socialAttributes = rules({
  name: 'name',
  nickname: 'nickname',
  email: 'email',
  email_verified: 'emailVerified',
});

/** Metadata of the demo's SAML provider. */
export const demoSamlPaths = {
  metadata: '/ecpa/metadata',
  signOn: '/ecpa/sign-on',
  logout: '/ecpa/logout',
} as const;

/** Our own key in the demo, made when it is first needed. */
const demoKeys = (): (() => KeyPair[]) => {
  let made: KeyPair[] | null = null;
  return () => (made ??= [createKeyPair('zhixing-demo')]);
};

/** 人事服務網eCPA of the demo: SAML. Its certificate is read from its metadata. */
const samlProvider = ({ origin }: DemoIdpAddress, keys = demoKeys()): SamlProvider => ({
  ...common,
  key: 'ecpa',
  label: { 'zh-TW': '人事服務網eCPA', en: 'eCPA (civil service HR)' },
  columns: ['civil-servant'],
  protocol: 'saml',
  assurance: 'official',
  attributes: [
    ...rules({
      displayName: 'name',
      displayNameEn: 'nameEn',
      mail: 'email',
      idNo: 'idNumber',
      orgCode: 'agencyCode',
      orgName: 'agencyName',
      personnelType: 'personnelCategory',
      gender: 'gender',
      birthday: 'birthday',
    }),
    { from: 'userType', to: 'assurance', values: kinds },
  ],
  logout: 'always',
  idp: { kind: 'url', url: `${origin}${demoSamlPaths.metadata}`, entityId: null, refreshSeconds: 3600 },
  entityId: null,
  audience: null,
  get keys() {
    return keys();
  },
  get decryptionKeys() {
    return keys();
  },
  nameIdFormat: null,
  authnContext: [],
  forceAuthn: false,
  allowIdpInitiated: false,
  wantResponseSigned: false,
  wantEncrypted: false,
  allowSha1: false,
  allowCbc: false,
});

/** The two columns of the sign-in panel (requirements.md §1, 2) with providers that anybody can try at once. */
export const demoProviders = (address: DemoIdpAddress): Provider[] => [
  samlProvider(address),
  oidc(address, 'egov', {
    label: { 'zh-TW': '我的e政府', en: 'MyEGov' },
    assurance: 'verified',
    attributes: [
      ...rules({
        name: 'name',
        email: 'email',
        email_verified: 'emailVerified',
        id_number: 'idNumber',
        agency_code: 'agencyCode',
        agency_name: 'agencyName',
      }),
      { from: 'user_kind', to: 'assurance', values: kinds },
    ],
    logout: 'ask',
  }),
  oidc(address, 'facebook', {
    label: { 'zh-TW': 'Facebook', en: 'Facebook' },
    assurance: 'social',
    attributes: socialAttributes,
    logout: 'never',
  }),
  oidc(address, 'google', {
    label: { 'zh-TW': 'Google', en: 'Google' },
    assurance: 'social',
    attributes: socialAttributes,
    logout: 'never',
  }),
  oidc(address, 'apple', {
    label: { 'zh-TW': 'Apple', en: 'Apple' },
    assurance: 'social',
    attributes: socialAttributes,
    logout: 'never',
    responseMode: 'form_post',
  }),
];
