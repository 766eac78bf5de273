import type { Problem } from '../../base/errors.ts';
import { inLanguage, type Language, type LocalText } from '../../base/languages.ts';
import { translate } from '../../views/messages.ts';
import type { ExternalIdentity, PersonRecord } from '../store.ts';
import { profileFields, type PersonnelCategory, type ProfileField } from './fields.ts';
import type { Card, OwnProfile, ProfileForm } from './profiles.ts';

/** A row of the profile page. */
export interface FieldRow {
  field: ProfileField;
  label: string;
  /** Name of the form's input; null: the row is only read. */
  input: Exclude<keyof ProfileForm, 'shownOnCard'> | null;
  control: 'text' | 'email' | 'url' | 'textarea' | 'select' | 'agency' | 'fixed';
  /** In the input. */
  value: string;
  /** As text, where it is only read. */
  shown: string;
  options: { value: string; label: string; selected: boolean }[];
  required: boolean;
  maxLength: number;
  autocomplete: string;
  hint: string | null;
  error: string | null;
  onCard: boolean;
}

const inputs: Partial<Record<ProfileField, NonNullable<FieldRow['input']>>> = {
  name: 'name',
  nameEn: 'nameEn',
  nickname: 'nickname',
  gender: 'gender',
  agencyName: 'agency',
  partTimeAgencyCode: 'partTimeAgency',
  personnelCategory: 'personnelCategory',
  email: 'email',
  backupEmail: 'backupEmail',
  website: 'website',
  introduction: 'introduction',
};
const controls: Partial<Record<ProfileField, FieldRow['control']>> = {
  gender: 'select',
  personnelCategory: 'select',
  agencyName: 'agency',
  partTimeAgencyCode: 'agency',
  email: 'email',
  backupEmail: 'email',
  website: 'url',
  introduction: 'textarea',
};
const autocompletes: Partial<Record<ProfileField, string>> = {
  name: 'name',
  nickname: 'nickname',
  email: 'email',
  website: 'url',
};
const maxLengths: Partial<Record<ProfileField, number>> = { nickname: 20, introduction: 1000, website: 300 };
const genders = ['female', 'male', 'other'] as const;

/** What the profile page and the card show of each field. */
export function createFieldViews(deps: {
  categories: readonly PersonnelCategory[];
  providerLabel(key: string): LocalText | null;
}) {
  const { categories, providerLabel } = deps;

  const categoryText = (language: Language, code: string): string => {
    const known = categories.find((category) => category.code === code);
    return known ? `${code} ${inLanguage(known.name, language)}` : code;
  };
  const accountsText = (language: Language, identities: readonly ExternalIdentity[]): string =>
    [...new Set(identities.map(({ provider }) => provider))]
      .map((key) => {
        const label = providerLabel(key);
        return label ? inLanguage(label, language) : key;
      })
      .join('、');

  const text = (
    language: Language,
    record: PersonRecord,
    identities: readonly ExternalIdentity[],
    field: ProfileField,
  ): string => {
    const { profile } = record;
    switch (field) {
      case 'gender':
        return profile.gender ? translate(language, `profile.gender.${profile.gender}`) : '';
      case 'personnelCategory':
        return record.personnelCategory ? categoryText(language, record.personnelCategory) : '';
      case 'accounts':
        return accountsText(language, identities);
      case 'partTimeAgencyCode':
      case 'backupEmail':
      case 'website':
      case 'introduction':
        return profile[field] ?? '';
      default:
        return record[field] ?? '';
    }
  };

  return {
    rows(language: Language, own: OwnProfile, form: ProfileForm | null, problems: Problem[]): FieldRow[] {
      const { record, owners } = own;
      const t = (key: string, params: Record<string, unknown> = {}): string =>
        translate(language, `profile.${key}`, params);
      const agencyText = (agency: OwnProfile['agency'], code: string | null, name: string | null): string =>
        agency
          ? `${agency.code} ${inLanguage(agency.name, language)}`
          : [code, name].filter(Boolean).join(' ');
      const kept = (field: ProfileField): string => {
        if (field === 'agencyName') return agencyText(own.agency, record.agencyCode, record.agencyName);
        if (field === 'partTimeAgencyCode')
          return agencyText(own.partTimeAgency, record.profile.partTimeAgencyCode, null);
        if (field === 'gender') return record.profile.gender ?? '';
        if (field === 'personnelCategory') return record.personnelCategory ?? '';
        return text(language, record, own.identities, field);
      };
      const optionsOf = (field: ProfileField, value: string): FieldRow['options'] => {
        if (field === 'gender')
          return [
            { value: '', label: t('notSaid'), selected: value === '' },
            ...genders.map((one) => ({ value: one, label: t(`gender.${one}`), selected: value === one })),
          ];
        if (field !== 'personnelCategory') return [];
        const codes = categories.map(({ code }) => code);
        return [
          { value: '', label: t('notSaid'), selected: value === '' },
          ...[...codes, ...(value === '' || codes.includes(value) ? [] : [value])].map((code) => ({
            value: code,
            label: categoryText(language, code),
            selected: value === code,
          })),
        ];
      };
      return profileFields.map((field) => {
        // The code follows from the agency that is chosen in the row above.
        const owner = owners[field === 'agencyName' ? 'agencyCode' : field];
        const changeable = owner === 'person' && field !== 'agencyCode';
        const input = changeable ? (inputs[field] ?? null) : null;
        const value = (input && form?.[input]) ?? kept(field);
        const problem = problems.find(({ path }) => input !== null && path === input);
        const hints: Partial<Record<ProfileField, string>> = {
          nickname: t('hint.nickname'),
          nameEn: t('hint.nameEn'),
          id: t('hint.id'),
          agencyName: t('hint.agency'),
          agencyCode: t('hint.agencyCode'),
          partTimeAgencyCode: t('hint.agency'),
          personnelCategory: t('hint.personnelCategory'),
          accounts: t('hint.accounts'),
          email: t('hint.email'),
          website: t('hint.website'),
          introduction: t('hint.introduction'),
        };
        // Those that vouch for the person are the ones whose word stands here.
        const vouching = own.identities.filter(
          ({ provider }) => (record.vouchers[provider] ?? 'social') !== 'social',
        );
        const readOnly =
          owner === 'provider'
            ? t('hint.provider', { providers: accountsText(language, vouching) || t('yourProvider') })
            : owner === 'administrator'
              ? t('hint.administrator')
              : null;
        return {
          field,
          label: t(`field.${field}`),
          input,
          control: input === null ? 'fixed' : (controls[field] ?? 'text'),
          value,
          shown: text(language, record, own.identities, field) || '--',
          options: optionsOf(field, value),
          required:
            field === 'email' || (field === 'nickname' && record.nickname !== null) || field === 'name',
          maxLength: maxLengths[field] ?? 254,
          autocomplete: autocompletes[field] ?? 'off',
          hint: readOnly ?? hints[field] ?? null,
          error: problem ? t(`problem.${problem.message}`) : null,
          onCard: form ? form.shownOnCard.includes(field) : record.profile.shownOnCard.includes(field),
        };
      });
    },

    /** What a card shows: only what is shared and not empty. */
    card(language: Language, { record, shown, identities }: Card) {
      return shown
        .filter((field) => field !== 'nickname')
        .map((field) => ({
          field,
          label: translate(language, `profile.field.${field}`),
          text: text(language, record, identities, field),
          link: field === 'website',
          mail: field === 'email' || field === 'backupEmail',
          long: field === 'introduction',
        }))
        .filter((fact) => fact.text !== '');
    },
  };
}
