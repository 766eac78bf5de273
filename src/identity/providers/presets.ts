import type { LocalText } from '../../base/languages.ts';
import type { Column, ProfileField } from './types.ts';

interface Preset {
  label: LocalText;
  columns: Column[];
  attributes: Partial<Record<string, ProfileField>>;
}

const both: Column[] = ['civil-servant', 'public'];

/** What an entry of the protocol means where it does not say otherwise. A social account never says who somebody is. */
export const presets = {
  google: {
    label: { 'zh-TW': 'Google', en: 'Google' },
    columns: both,
    attributes: { sub: 'subject', name: 'name', email: 'email', email_verified: 'emailVerified' },
  },
  facebook: {
    label: { 'zh-TW': 'Facebook', en: 'Facebook' },
    columns: both,
    attributes: { id: 'subject', name: 'name', email: 'email' },
  },
  apple: {
    label: { 'zh-TW': 'Apple', en: 'Apple' },
    columns: both,
    attributes: { sub: 'subject', name: 'name', email: 'email', email_verified: 'emailVerified' },
  },
} as const satisfies Record<string, Preset>;

/** Where the presets' providers answer. */
export const presetAddresses = {
  google: { issuer: 'https://accounts.google.com' },
  apple: { issuer: 'https://appleid.apple.com' },
  facebook: {
    authorizationEndpoint: 'https://www.facebook.com/v23.0/dialog/oauth',
    tokenEndpoint: 'https://graph.facebook.com/v23.0/oauth/access_token',
    profileEndpoint: 'https://graph.facebook.com/v23.0/me',
  },
} as const;
