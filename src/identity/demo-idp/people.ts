import { createHmac, randomBytes } from 'node:crypto';
import { idNumberKind } from '../id-numbers.ts';

/** A made-up person of the demo's identity providers, by the providers' own names. */
export interface DemoIdpPerson {
  subject: string;
  /** What the provider says of them, under its names for it. */
  attributes: Record<string, string>;
}

/** A number of the right form and check digit from ten bytes; the example that everybody knows is none of them. */
function idNumberFrom(bytes: Buffer): string | null {
  const letter = String.fromCharCode(65 + (bytes.readUInt8(0) % 26));
  const digits = String(bytes.readUInt32BE(2) % 10_000_000).padStart(7, '0');
  const body = `${letter}${1 + (bytes.readUInt8(1) % 2)}${digits}`;
  if (body === 'A12345678') return null;
  for (let digit = 0; digit < 10; digit++)
    if (idNumberKind(`${body}${digit}`) !== null) return `${body}${digit}`;
  return null;
}

/** A made-up number of the right form and check digit. */
export function inventIdNumber(): string {
  for (;;) {
    const number = idNumberFrom(randomBytes(10));
    if (number !== null) return number;
  }
}

/** The same for the same key and name, so that a demo person keeps theirs over a restart; another key, other numbers. */
export function idNumberFor(key: Buffer, name: string): string {
  for (let round = 0; ; round++) {
    const number = idNumberFrom(createHmac('sha256', key).update(`${name}/${round}`).digest());
    if (number !== null) return number;
  }
}

/** The people of each of the demo's providers, by its key. `idNumberOf` gives a person's number, the same everywhere. */
export function demoIdpPeople(idNumberOf: (name: string) => string): Record<string, DemoIdpPerson[]> {
  return {
    // Every one of them a civil servant, as the provider knows them.
    ecpa: [
      {
        subject: 'official-1',
        attributes: {
          displayName: '吳公務',
          displayNameEn: 'Wu Kung-Wu',
          mail: 'official@example.org',
          userType: '公務人員',
          idNo: idNumberOf('吳公務'),
          orgCode: '301000000A',
          orgName: '範例縣政府',
          personnelType: '01',
          gender: '女',
          birthday: '0750102',
        },
      },
      {
        subject: 'official-2',
        attributes: {
          displayName: '孫教師',
          displayNameEn: 'Sun Chiao-Shih',
          mail: 'teacher@example.org',
          userType: '公務人員',
          idNo: idNumberOf('孫教師'),
          orgCode: '301000000A',
          orgName: '範例縣政府',
          personnelType: '10',
          gender: '男',
          birthday: '0690915',
        },
      },
      {
        // Has an account at the citizens' provider too: one person, two ways in.
        subject: 'official-3',
        attributes: {
          displayName: '鄭約聘',
          displayNameEn: 'Cheng Yueh-Pin',
          mail: 'contract@example.org',
          userType: '公務人員',
          idNo: idNumberOf('鄭約聘'),
          orgCode: '301000000A',
          orgName: '範例縣政府',
          personnelType: '05',
        },
      },
    ],
    egov: [
      {
        subject: 'citizen-verified',
        attributes: {
          name: '周民眾',
          email: 'verified@example.org',
          email_verified: 'true',
          user_kind: '一般民眾',
          id_number: idNumberOf('周民眾'),
        },
      },
      {
        subject: 'citizen-official',
        attributes: {
          name: '鄭約聘',
          email: 'contract@example.org',
          email_verified: 'true',
          user_kind: '公務人員',
          id_number: idNumberOf('鄭約聘'),
          agency_code: '301000000A',
          agency_name: '範例縣政府',
        },
      },
      {
        // Registered without an ID number: nothing is vouched for.
        subject: 'citizen-unverified',
        attributes: {
          name: '許未驗',
          email: 'unverified@example.org',
          email_verified: 'true',
          user_kind: '一般民眾',
        },
      },
    ],
    // Nobody knows who they are.
    facebook: [
      {
        subject: 'facebook-1',
        attributes: { name: '阿傑', email: 'jay@example.org', email_verified: 'true' },
      },
    ],
    google: [
      {
        subject: 'google-1',
        attributes: { name: '小芳', nickname: '芳芳', email: 'social@example.org', email_verified: 'true' },
      },
    ],
    apple: [
      {
        subject: 'apple-1',
        attributes: { name: '小如', email: 'relay@example.org', email_verified: 'true' },
      },
    ],
  };
}
