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
