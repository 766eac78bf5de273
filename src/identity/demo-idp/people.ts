import { randomInt } from 'node:crypto';
import { idNumberKind } from '../id-numbers.ts';

/** A made-up person of the demo's identity providers, by the providers' own names. */
export interface DemoIdpPerson {
  subject: string;
  /** What the provider says of them, under its names for it. */
  attributes: Record<string, string>;
}

/** A number of the right form and check digit that belongs to this demo only: made when it first starts. */
export function inventIdNumber(): string {
  for (;;) {
    const letter = String.fromCharCode(65 + randomInt(26));
    const candidate = `${letter}${randomInt(1, 3)}${String(randomInt(10_000_000)).padStart(7, '0')}`;
    for (let digit = 0; digit < 10; digit++)
      if (idNumberKind(`${candidate}${digit}`) !== null) return `${candidate}${digit}`;
  }
}

/** The people of the official provider (SAML): every one of them a civil servant. */
export const officialPeople = (idNumbers: string[]): DemoIdpPerson[] => [
  {
    subject: 'official-1',
    attributes: {
      displayName: '吳公務',
      displayNameEn: 'Wu Kung-Wu',
      mail: 'official@example.org',
      userType: '公務人員',
      idNo: idNumbers[0] ?? '',
      orgCode: '301000000A',
      orgName: '範例縣政府',
      personnelType: '01',
      gender: '女',
      birthday: '0750102',
    },
  },
];

/** The people of the citizens' provider (OpenID Connect). */
export const citizenPeople = (idNumbers: string[]): DemoIdpPerson[] => [
  {
    subject: 'citizen-verified',
    attributes: {
      name: '周民眾',
      email: 'verified@example.org',
      email_verified: 'true',
      user_kind: '一般民眾',
      id_number: idNumbers[1] ?? '',
    },
  },
  {
    subject: 'citizen-official',
    attributes: {
      name: '鄭約聘',
      email: 'contract@example.org',
      email_verified: 'true',
      user_kind: '公務人員',
      id_number: idNumbers[2] ?? '',
      agency_code: '301000000A',
      agency_name: '範例縣政府',
    },
  },
];

/** The people of the social provider: nobody knows who they are. */
export const socialPeople = (): DemoIdpPerson[] => [
  {
    subject: 'social-1',
    attributes: { name: '小芳', nickname: '芳芳', email: 'social@example.org', email_verified: 'true' },
  },
];
