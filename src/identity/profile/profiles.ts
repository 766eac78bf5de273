import { DomainError, isDomainError, type Problem } from '../../base/errors.ts';
import type { Language } from '../../base/languages.ts';
import type { Agencies } from '../agencies/agencies.ts';
import type { Agency } from '../agencies/store.ts';
import type { People } from '../people.ts';
import type { ExternalIdentity, IdentityStore, PersonPatch, PersonRecord } from '../store.ts';
import type { Person, PersonalProfile, RecordAudit } from '../types.ts';
import {
  isEmail,
  nicknameFault,
  ownerOf,
  personnelCategories,
  profileFields,
  webAddress,
  type FieldOwner,
  type PersonnelCategory,
  type ProfileField,
} from './fields.ts';

/** What a person may send; a field left out stays as it is. Texts as typed. */
export interface ProfileForm {
  name?: string;
  nameEn?: string;
  nickname?: string;
  gender?: string;
  /** Code, `code name`, or the whole name. */
  agency?: string;
  partTimeAgency?: string;
  personnelCategory?: string;
  email?: string;
  backupEmail?: string;
  website?: string;
  introduction?: string;
  shownOnCard: string[];
}

export interface OwnProfile {
  record: PersonRecord;
  identities: ExternalIdentity[];
  owners: Record<ProfileField, FieldOwner>;
  agency: Agency | null;
  partTimeAgency: Agency | null;
}

/** What other learners see: the nickname, by which the card is found, and what the person shares. */
export interface Card {
  personId: string;
  nickname: string;
  record: PersonRecord;
  shown: ProfileField[];
  identities: ExternalIdentity[];
}

/** The contact e-mail was changed and must be confirmed anew: sends the mail. */
export type EmailChanged = (person: Person, language: Language) => Promise<void>;

export interface ProfilesDeps {
  store: IdentityStore;
  people: People;
  agencies: Agencies;
  audit: RecordAudit;
  emailChanged: EmailChanged;
  categories?: readonly PersonnelCategory[];
}

export interface Profiles {
  categories: readonly PersonnelCategory[];
  of(personId: string): Promise<OwnProfile>;
  /**
   * Saves what the person may change here; fields of an identity provider are left alone whatever is sent.
   * @throws DomainError `invalid` with a problem per field: path is the form's field, message a key under `profile.problem.`
   */
  save(
    personId: string,
    form: ProfileForm,
    by: { language: Language; address: string | null },
  ): Promise<{ emailChanged: boolean }>;
  /** Null: no one has this nickname, or the card is not to be shown. A look at another's card is written to the audit log. */
  card(nickname: string, reader: { id: string; address: string | null }): Promise<Card | null>;
}

export function createProfiles(deps: ProfilesDeps): Profiles {
  const { store, people, agencies, audit } = deps;
  const categories = deps.categories ?? personnelCategories;

  const recordOf = async (personId: string): Promise<PersonRecord> => {
    const record = await store.byId(personId);
    if (!record || record.erasedAt !== null)
      throw new DomainError('not-found', 'There is no such person.', { code: 'no-person' });
    return record;
  };
  const agencyOf = async (code: string | null): Promise<Agency | null> =>
    code === null ? null : agencies.byCode(code);

  /** The agency that was meant; a string says why there is none. */
  const meant = async (
    typed: string,
    present: string | null,
  ): Promise<Agency | 'agency-unknown' | 'agency-closed'> => {
    const [code = ''] = typed.split(/\s/);
    const sameName = async () => {
      const found = await agencies.search(typed, { limit: 2, withInactive: true });
      const exact = found.filter(({ agency }) => Object.values(agency.name).includes(typed));
      return exact.length === 1 ? exact[0]?.agency : undefined;
    };
    const agency = (await agencies.byCode(code)) ?? (await sameName());
    if (!agency) return 'agency-unknown';
    return agency.active || agency.code === present ? agency : 'agency-closed';
  };

  const read = async (
    record: PersonRecord,
    form: ProfileForm,
  ): Promise<{ patch: PersonPatch; problems: Problem[] }> => {
    const problems: Problem[] = [];
    const patch: PersonPatch = {};
    const profile: Partial<PersonalProfile> = {};
    const problem = (path: keyof ProfileForm, code: string): void =>
      void problems.push({ path, message: code });
    const mine = (field: ProfileField): boolean => ownerOf(record, field) === 'person';
    const typed = (field: Exclude<keyof ProfileForm, 'shownOnCard'>): string | undefined =>
      form[field]?.normalize('NFC').trim();

    const name = typed('name');
    if (name !== undefined && mine('name')) {
      if (name === '' || name.length > 100) problem('name', name === '' ? 'name-missing' : 'too-long');
      else patch.name = name;
    }
    const nameEn = typed('nameEn');
    if (nameEn !== undefined && mine('nameEn')) {
      if (nameEn.length > 100) problem('nameEn', 'too-long');
      else patch.nameEn = nameEn || null;
    }
    const nickname = typed('nickname');
    if (nickname !== undefined && nickname !== (record.nickname ?? '')) {
      const fault = nicknameFault(nickname);
      if (fault) problem('nickname', fault);
      else patch.nickname = nickname;
    }
    const gender = typed('gender');
    if (gender !== undefined && mine('gender')) {
      if (gender === 'female' || gender === 'male' || gender === 'other') profile.gender = gender;
      else if (gender === '') profile.gender = null;
      else problem('gender', 'choice');
    }
    const agency = typed('agency');
    const unchanged = (text: string, code: string | null): boolean =>
      code !== null && text.split(/\s/)[0]?.toUpperCase() === code;
    if (agency !== undefined && mine('agencyCode') && !unchanged(agency, record.agencyCode)) {
      const found = agency === '' ? null : await meant(agency, record.agencyCode);
      if (typeof found === 'string') problem('agency', found);
      else {
        patch.agencyCode = found?.code ?? null;
        patch.agencyName = found?.name['zh-TW'] ?? null;
      }
    }
    const partTime = typed('partTimeAgency');
    const partTimeCode = record.profile.partTimeAgencyCode;
    if (partTime !== undefined && mine('partTimeAgencyCode') && !unchanged(partTime, partTimeCode)) {
      const found = partTime === '' ? null : await meant(partTime, partTimeCode);
      if (typeof found === 'string') problem('partTimeAgency', found);
      else profile.partTimeAgencyCode = found?.code ?? null;
    }
    const category = typed('personnelCategory');
    if (
      category !== undefined &&
      mine('personnelCategory') &&
      category !== (record.personnelCategory ?? '')
    ) {
      if (category === '' || categories.some(({ code }) => code === category))
        patch.personnelCategory = category || null;
      else problem('personnelCategory', 'choice');
    }
    const email = typed('email');
    if (email !== undefined && mine('email')) {
      if (email === '') problem('email', 'email-missing');
      else if (!isEmail(email)) problem('email', 'email-form');
      else if (email !== record.email) {
        patch.email = email;
        patch.emailConfirmed = false;
      }
    }
    const backup = typed('backupEmail');
    if (backup !== undefined && mine('backupEmail')) {
      if (backup !== '' && !isEmail(backup)) problem('backupEmail', 'email-form');
      else if (backup !== '' && backup.toLowerCase() === (email ?? record.email)?.toLowerCase())
        problem('backupEmail', 'backup-same');
      else profile.backupEmail = backup || null;
    }
    const website = typed('website');
    if (website !== undefined && mine('website')) {
      const address = website === '' ? null : webAddress(website);
      if (website !== '' && address === null) problem('website', 'website-form');
      else profile.website = address;
    }
    const introduction = form.introduction?.normalize('NFC').replaceAll('\r\n', '\n').trim();
    if (introduction !== undefined && mine('introduction')) {
      if ([...introduction].length > 1000) problem('introduction', 'introduction-long');
      else profile.introduction = introduction || null;
    }
    profile.shownOnCard = profileFields.filter((field) => form.shownOnCard.includes(field));
    patch.profile = profile;
    return { patch, problems };
  };

  /** Names of the fields whose values differ. */
  const changedFields = (before: PersonRecord, { profile = {}, ...rest }: PersonPatch): string[] => {
    const differs = (from: object, to: object): string[] =>
      Object.entries(to)
        .filter(
          ([name, value]) =>
            JSON.stringify(value) !== JSON.stringify((from as Record<string, unknown>)[name]),
        )
        .map(([name]) => name);
    return [...differs(before, rest), ...differs(before.profile, profile)];
  };

  return {
    categories,
    async of(personId) {
      const record = await recordOf(personId);
      const owners = Object.fromEntries(profileFields.map((field) => [field, ownerOf(record, field)]));
      return {
        record,
        identities: await store.identitiesOf(personId),
        owners: owners as Record<ProfileField, FieldOwner>,
        agency: await agencyOf(record.agencyCode),
        partTimeAgency: await agencyOf(record.profile.partTimeAgencyCode),
      };
    },
    async save(personId, form, { language, address }) {
      const record = await recordOf(personId);
      const { patch, problems } = await read(record, form);
      const refused = (): DomainError =>
        new DomainError('invalid', 'Some fields are not valid.', { code: 'invalid-fields', problems });
      if (problems.length > 0) throw refused();
      const fields = changedFields(record, patch);
      if (fields.length === 0) return { emailChanged: false };
      let person: Person;
      try {
        person = await people.update(personId, patch);
      } catch (error) {
        if (!isDomainError(error, 'conflict') || error.code !== 'taken-nickname') throw error;
        problems.push({ path: 'nickname', message: 'nickname-taken' });
        throw refused();
      }
      await audit({
        action: 'person.change',
        actorId: personId,
        subjectId: personId,
        outcome: 'success',
        reason: null,
        address,
        detail: { fields: fields.join(' ') },
      });
      const emailChanged = patch.email !== undefined;
      if (emailChanged) await deps.emailChanged(person, language);
      return { emailChanged };
    },
    async card(nickname, reader) {
      const record = await store.byNickname(nickname);
      if (!record?.nickname || record.erasedAt !== null) return null;
      // Restricted: no processing beyond storage, so nobody else sees it.
      if (record.restrictedAt !== null && record.id !== reader.id) return null;
      const shown = profileFields.filter((field) => record.profile.shownOnCard.includes(field));
      if (reader.id !== record.id)
        await audit({
          action: 'person.read',
          actorId: reader.id,
          subjectId: record.id,
          outcome: 'success',
          reason: 'card',
          address: reader.address,
          detail: { fields: shown.join(' ') },
        });
      const identities = shown.includes('accounts') ? await store.identitiesOf(record.id) : [];
      return { personId: record.id, nickname: record.nickname, record, shown, identities };
    },
  };
}
