import type { Language } from '../base/languages.ts';
import type { Agent } from '../xapi/types.ts';
import type { Iris } from '../base/iris.ts';

export const roles = [
  'learner',
  'vendor',
  'partner',
  'teacher',
  'hr',
  'support',
  'admin',
  'auditor',
] as const;
export type Role = (typeof roles)[number];

export interface RoleGrant {
  role: Role;
  /** The vendor organisation, partner or agency the role is held for; null: everywhere. */
  organisation: string | null;
}

/** official: 公務帳號; verified: a member of the public whose ID number an IdP vouches for; social: identity unknown; local: staff and demo. */
export type AccountKind = 'official' | 'verified' | 'social' | 'local';

/** What a person tells about themselves beside the account (requirements.md §3); null or empty: not given. */
export interface PersonalProfile {
  gender: 'female' | 'male' | 'other' | null;
  birthday: string | null;
  /** 兼職代碼 */
  partTimeAgencyCode: string | null;
  /** 備用電子郵件 */
  backupEmail: string | null;
  phone: string | null;
  address: string | null;
  /** 個人網站 */
  website: string | null;
  /** 個人簡介 */
  introduction: string | null;
  /** Names of the fields that other learners see on the card (顯示於名片). */
  shownOnCard: string[];
  /**
   * Names of the fields (as in profile/fields.ts) that the identity provider gave at the last sign-in: they are changed there
   * and refreshed at every sign-in (W5), and read-only here.
   */
  providedFields: string[];
}

export const emptyProfile: PersonalProfile = {
  gender: null,
  birthday: null,
  partTimeAgencyCode: null,
  backupEmail: null,
  phone: null,
  address: null,
  website: null,
  introduction: null,
  shownOnCard: [],
  providedFields: [],
};

/** How sure an identity provider is of whom it sends: 公務帳號, a verified ID number, or an unknown person. */
export type Assurance = 'official' | 'verified' | 'social';

/** Whom a provider vouches for, whatever its protocol; null: the provider does not say. */
export interface ExternalProfile {
  /** The provider's key in the configuration. */
  provider: string;
  /** The provider's own stable name for the person. */
  subject: string;
  assurance: Assurance;
  name: string | null;
  nameEn: string | null;
  nickname: string | null;
  email: string | null;
  emailVerified: boolean;
  /** Never logged, never in a session. */
  idNumber: string | null;
  birthday: string | null;
  gender: PersonalProfile['gender'];
  phone: string | null;
  address: string | null;
  agencyCode: string | null;
  agencyName: string | null;
  personnelCategory: string | null;
}

/** One line of the audit log: who did what to whom, from where, and how it ended. Never a secret, never an ID number. */
export interface AuditEvent {
  /** e.g. `sign-in`, `sign-out`, `person.read`, `person.change`, `roles.change`. */
  action: string;
  /** Who acted; null: nobody signed in. */
  actorId: string | null;
  /** Whose data it was; null: nobody's. */
  subjectId: string | null;
  outcome: 'success' | 'failure';
  /** A short code such as `wrong-password`, `saml-expired`; null when there is nothing to say. */
  reason: string | null;
  /** The client's address. */
  address: string | null;
  /** Further facts, names of fields rather than their values. */
  detail?: Record<string, string>;
}

export type RecordAudit = (event: AuditEvent) => Promise<void>;

/** A person as the rest of the platform sees one (`req.user`). The ID number is never part of it. */
export interface Person {
  id: string;
  /** 姓名; what a certificate prints. */
  name: string;
  nameEn: string | null;
  /** 暱稱, unique. */
  nickname: string | null;
  /** 聯絡信箱 */
  email: string | null;
  accountKind: AccountKind;
  hasIdNumber: boolean;
  agencyCode: string | null;
  agencyName: string | null;
  /** 人事資料庫人員區分, e.g. `10` 教育人員. */
  personnelCategory: string | null;
  roles: RoleGrant[];
  language: Language;
}

/** The actor of every Statement about this person. */
export const actorOf = (person: Pick<Person, 'id'>, iris: Iris): Agent => ({
  objectType: 'Agent',
  account: { homePage: iris.homePage, name: person.id },
});

declare global {
  // eslint-disable-next-line @typescript-eslint/no-namespace
  namespace Express {
    // eslint-disable-next-line @typescript-eslint/no-empty-object-type
    interface User extends Person {}
  }
}
