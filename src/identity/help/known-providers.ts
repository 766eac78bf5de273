import type { LocalText } from '../../base/languages.ts';
import { presetAddresses } from '../providers/presets.ts';
import type { Provider, ProviderHelp } from '../providers/types.ts';

/** The providers that the platform's texts speak of (requirements.md §1, 9; §2, 13 and 14). */
export const knownKeys = ['ecpa', 'egov', 'facebook', 'google', 'apple'] as const;
export type KnownKey = (typeof knownKeys)[number];

export const noHelp: ProviderHelp = {
  address: null,
  phone: null,
  hours: null,
  mail: null,
  website: null,
  changeName: null,
  changeAgency: null,
  changePassword: null,
};

/**
 * What is published of them. Hours and addresses change and are left to the configuration where they are not certain; a
 * configured provider's own `help` wins, field by field.
 */
export const knownProviders: Record<KnownKey, { label: LocalText; help: ProviderHelp }> = {
  ecpa: {
    label: { 'zh-TW': '人事服務網eCPA', en: 'eCPA (civil service HR)' },
    help: {
      ...noHelp,
      phone: '02-23979108',
      mail: 'pemis@dgpa.gov.tw',
      website: 'https://ecpa.dgpa.gov.tw/',
      address: {
        'zh-TW': '行政院人事行政總處，臺北市中正區濟南路1段2-2號10樓',
        en: 'Directorate-General of Personnel Administration, 10F., No. 2-2, Sec. 1, Jinan Rd., Zhongzheng Dist., Taipei City',
      },
    },
  },
  egov: {
    label: { 'zh-TW': '我的e政府', en: 'MyEGov' },
    help: {
      ...noHelp,
      phone: '02-2192-7111',
      mail: 'egov@service.gov.tw',
      website: 'https://www.gov.tw/',
    },
  },
  facebook: {
    label: { 'zh-TW': 'Facebook', en: 'Facebook' },
    help: { ...noHelp, website: 'https://www.facebook.com/help' },
  },
  google: {
    label: { 'zh-TW': 'Google', en: 'Google' },
    help: {
      ...noHelp,
      website: 'https://support.google.com/accounts',
      changePassword: 'https://myaccount.google.com/security',
      changeName: 'https://myaccount.google.com/personal-info',
    },
  },
  apple: {
    label: { 'zh-TW': 'Apple', en: 'Apple' },
    help: {
      ...noHelp,
      website: 'https://support.apple.com/apple-account',
      changePassword: 'https://account.apple.com/',
      changeName: 'https://account.apple.com/',
    },
  },
};

const hostOf = (address: string): string => new URL(address).host;

/** Which of them an entry of the configuration is: by its key, or by where it sends people. */
export function knownKeyOf(provider: Provider): KnownKey | null {
  const byKey = knownKeys.find((key) => key === provider.key);
  if (byKey) return byKey;
  if (provider.protocol === 'oidc') {
    if (provider.issuer === presetAddresses.google.issuer) return 'google';
    if (provider.issuer === presetAddresses.apple.issuer) return 'apple';
  }
  const facebook = hostOf(presetAddresses.facebook.authorizationEndpoint);
  return provider.protocol === 'oauth2' && hostOf(provider.authorizationEndpoint) === facebook
    ? 'facebook'
    : null;
}

/** Whom to ask about a provider: what its entry says, over what is known of it. */
export function helpOf(provider: Provider): ProviderHelp {
  const known = knownKeyOf(provider);
  const base = known === null ? noHelp : knownProviders[known].help;
  const own = Object.entries(provider.help).filter(([, value]) => value !== null);
  return { ...base, ...Object.fromEntries(own) };
}

/** One entry of the directory page. */
export interface DirectoryEntry {
  key: string;
  /** Message keys about it are under `help.known.<known>`; null: only what the configuration says is known. */
  known: KnownKey | null;
  label: LocalText;
  help: ProviderHelp;
  /** It can be signed in with here. */
  offered: boolean;
}

/** The known ones first, in the order of the requirements; then whatever else is configured. */
export function directoryOf(providers: readonly Provider[]): DirectoryEntry[] {
  const configured = providers.map((provider): DirectoryEntry => ({
    key: provider.key,
    known: knownKeyOf(provider),
    label: provider.label,
    help: helpOf(provider),
    offered: true,
  }));
  const known = knownKeys.flatMap((key): DirectoryEntry[] => {
    const own = configured.filter((entry) => entry.known === key);
    return own.length > 0 ? own : [{ key, known: key, ...knownProviders[key], offered: false }];
  });
  return [...known, ...configured.filter((entry) => entry.known === null)];
}
