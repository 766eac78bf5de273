import type { LocalText } from '../../base/languages.ts';
import type { Assurance } from '../types.ts';

/** The two columns of the sign-in panel: 公務人員登入 and 一般民眾登入 (requirements.md §1). */
export const columns = ['civil-servant', 'public'] as const;
export type Column = (typeof columns)[number];

/** What an attribute of a provider may become. */
export const profileFields = [
  'subject',
  'assurance',
  'name',
  'nameEn',
  'nickname',
  'email',
  'emailVerified',
  'idNumber',
  'birthday',
  'gender',
  'phone',
  'address',
  'agencyCode',
  'agencyName',
  'personnelCategory',
] as const;
export type ProfileField = (typeof profileFields)[number];

/** One line of the attribute map: the provider's name for it, ours, and how its values read. */
export interface AttributeRule {
  from: string;
  to: ProfileField;
  /** The provider's value → ours; a value that is not listed says nothing. Null: taken as it is. */
  values: Record<string, string> | null;
}

/** The directory's entry (W13): whom to ask, and where the provider lets people change what it keeps. */
export interface ProviderHelp {
  address: LocalText | null;
  phone: string | null;
  hours: LocalText | null;
  mail: string | null;
  website: string | null;
  /** Where a name, an agency, a password is changed: always at the provider. */
  changeName: string | null;
  changeAgency: string | null;
  changePassword: string | null;
}

interface ProviderCommon {
  /** Part of its addresses, of the audit log and of stored identities: never changed once in use. */
  key: string;
  label: LocalText;
  columns: Column[];
  /** What holds when the attribute map does not say more. */
  assurance: Assurance;
  attributes: AttributeRule[];
  help: ProviderHelp;
  /** Longest wait for one call to the provider. */
  timeoutSeconds: number;
  clockSkewSeconds: number;
  /** After a sign-out here: sign out there as well, offer it, or leave it. */
  logout: 'always' | 'ask' | 'never';
}

export type ClientAuthentication =
  | { kind: 'none' }
  | { kind: 'secret-post' | 'secret-basic'; secret: string }
  /** Apple: a secret that we sign ourselves, ES256. */
  | { kind: 'apple'; teamId: string; keyId: string; privateKey: string };

/** OpenID Connect Core 1.0, authorization code flow. */
export interface OidcProvider extends ProviderCommon {
  protocol: 'oidc';
  issuer: string;
  clientId: string;
  clientAuthentication: ClientAuthentication;
  scope: string;
  pkce: boolean;
  /** form_post: the answer comes as a POST from the provider's site. */
  responseMode: 'query' | 'form_post';
  userinfo: boolean;
  parameters: Record<string, string>;
}

/** OAuth 2 with a profile endpoint: Facebook's Graph. */
export interface OAuth2Provider extends ProviderCommon {
  protocol: 'oauth2';
  authorizationEndpoint: string;
  tokenEndpoint: string;
  profileEndpoint: string;
  clientId: string;
  clientSecret: string;
  scope: string;
}

/** A key of ours with its certificate, PEM. */
export interface KeyPair {
  privateKey: string;
  certificate: string;
}

/** Where the other side of SAML is described: in the configuration, or in metadata that is read again from time to time. */
export type SamlIdpSource =
  | { kind: 'given'; entityId: string; entryPoint: string; logoutUrl: string | null; certificates: string[] }
  | { kind: 'file'; path: string; entityId: string | null }
  | { kind: 'url'; url: string; entityId: string | null; refreshSeconds: number };

/** SAML 2.0, Web Browser SSO and Single Logout. */
export interface SamlProvider extends ProviderCommon {
  protocol: 'saml';
  idp: SamlIdpSource;
  /** Our entity id; null: the address of our metadata. */
  entityId: string | null;
  /** Null: our entity id. */
  audience: string | null;
  /** The first signs; all stand in the metadata, so that a new one is known before it is used. */
  keys: KeyPair[];
  /** Each is tried; all stand in the metadata. */
  decryptionKeys: KeyPair[];
  nameIdFormat: string | null;
  authnContext: string[];
  forceAuthn: boolean;
  /** An answer that nobody here has asked for is taken too. */
  allowIdpInitiated: boolean;
  /** Beside the assertion, which always must be. */
  wantResponseSigned: boolean;
  wantEncrypted: boolean;
  allowSha1: boolean;
  allowCbc: boolean;
}

/** An example of a protocol of one's own: see ticket.ts. */
export interface TicketProvider extends ProviderCommon {
  protocol: 'ticket';
  loginUrl: string;
  exchangeUrl: string;
  clientId: string;
  secret: string;
}

export type Provider = OidcProvider | OAuth2Provider | SamlProvider | TicketProvider;

export interface ProviderPolicy {
  /**
   * A person whom another provider vouches for with the same ID number: `link` takes both for one person (both
   * providers must be official or verified), `refuse` keeps them apart.
   */
  sameIdNumber: 'link' | 'refuse';
}

export interface ProviderSet {
  providers: Provider[];
  policy: ProviderPolicy;
}
