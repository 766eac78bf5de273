import type { PersonRecord } from '../store.ts';

/** The fields of 個人資料 in the order shown (requirements.md §3, 15), and the English name that certificates print. */
export const profileFields = [
  'name',
  'nameEn',
  'nickname',
  'id',
  'gender',
  'agencyName',
  'agencyCode',
  'partTimeAgencyCode',
  'personnelCategory',
  'accounts',
  'email',
  'backupEmail',
  'website',
  'introduction',
] as const;
export type ProfileField = (typeof profileFields)[number];

/** Where a field is changed: at the identity provider, by an administrator, nowhere, or here by the person. */
export type FieldOwner = 'provider' | 'administrator' | 'platform' | 'person';

/** Who says what stands in the field of this person. */
export function ownerOf(
  person: Pick<PersonRecord, 'accountKind' | 'profile'>,
  field: ProfileField,
): FieldOwner {
  if (field === 'id' || field === 'accounts') return 'platform';
  if (person.profile.providedFields.includes(field)) return 'provider';
  if (field !== 'name') return 'person';
  // Credit systems match on the name: it is never typed by whom an official source vouches for.
  if (person.accountKind === 'official' || person.accountKind === 'verified') return 'provider';
  return person.accountKind === 'local' ? 'administrator' : 'person';
}

/** A code of 人事資料庫人員區分 with its meaning. */
export interface PersonnelCategory {
  code: string;
  name: { 'zh-TW': string; en: string };
}

/** The list unless an installation brings its own. A code that is not on it is shown as it came. */
export const personnelCategories: readonly PersonnelCategory[] = [
  { code: '01', name: { 'zh-TW': '一般公務人員', en: 'General civil servant' } },
  { code: '02', name: { 'zh-TW': '警察人員', en: 'Police' } },
  { code: '03', name: { 'zh-TW': '醫事人員', en: 'Medical staff' } },
  { code: '04', name: { 'zh-TW': '關務人員', en: 'Customs staff' } },
  { code: '05', name: { 'zh-TW': '公營事業人員', en: 'State enterprise staff' } },
  { code: '06', name: { 'zh-TW': '約聘僱人員', en: 'Contract staff' } },
  { code: '07', name: { 'zh-TW': '技工、工友', en: 'Technical and maintenance worker' } },
  { code: '10', name: { 'zh-TW': '教育人員', en: 'Educational staff' } },
  { code: '99', name: { 'zh-TW': '其他', en: 'Other' } },
];

/** One address in the form that mail is sent to: no name, no list. */
export const isEmail = (text: string): boolean =>
  text.length <= 254 && /^[^\s@"(),:;<>[\]\\]{1,64}@[^\s@.]+(\.[^\s@.]+)+$/.test(text);

/** A web address that may become a link: only http and https, so that no script is hidden in it. */
export function webAddress(text: string): string | null {
  try {
    const url = new URL(/^[a-z][a-z0-9+.-]*:/i.test(text) ? text : `https://${text}`);
    const plain = url.username === '' && url.password === '' && url.hostname.includes('.');
    return (url.protocol === 'http:' || url.protocol === 'https:') && plain && url.href.length <= 300
      ? url.href
      : null;
  } catch {
    return null;
  }
}

/** Why a nickname cannot be used; null: it can. Whether it is taken is the store's to say. */
export function nicknameFault(nickname: string): 'nickname-short' | 'nickname-long' | 'nickname-form' | null {
  const length = [...nickname].length;
  if (length < 2) return 'nickname-short';
  if (length > 20) return 'nickname-long';
  return /^[.]+$|[\p{C}/\\?#%<>]/u.test(nickname) ? 'nickname-form' : null;
}
