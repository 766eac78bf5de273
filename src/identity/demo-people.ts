import type { NewPerson, People } from './people.ts';

export interface DemoAccount {
  loginName: string;
  password: string;
  /** Message key of what it is for, under `identity.demo`. */
  label: 'learner' | 'public' | 'vendor' | 'hr' | 'admin';
  person: Omit<NewPerson, 'login'>;
}

/** The vendor organisation that owns the sample courses. */
export const demoOrganisation = '知行教材工作室';

/** Demo mode only: printed at the start and offered on the sign-in page. They are no secrets, and hold no ID number. */
export const demoAccounts: readonly DemoAccount[] = [
  {
    loginName: 'learner',
    password: 'learner-demo',
    label: 'learner',
    person: {
      name: '王小明',
      nameEn: 'Wang Hsiao-Ming',
      nickname: '小明',
      email: 'learner@example.org',
      accountKind: 'official',
      agencyCode: '301000000A',
      agencyName: '範例縣政府',
      personnelCategory: '01',
      roles: [{ role: 'learner', organisation: null }],
    },
  },
  {
    loginName: 'citizen',
    password: 'citizen-demo',
    label: 'public',
    person: {
      name: '林美惠',
      nameEn: 'Lin Mei-Hui',
      nickname: '美惠',
      email: 'citizen@example.org',
      accountKind: 'social',
      roles: [{ role: 'learner', organisation: null }],
    },
  },
  {
    loginName: 'vendor',
    password: 'vendor-demo',
    label: 'vendor',
    person: {
      name: '陳教材',
      nameEn: 'Chen Chiao-Tsai',
      nickname: '教材小陳',
      email: 'vendor@example.org',
      accountKind: 'local',
      roles: [
        { role: 'vendor', organisation: demoOrganisation },
        { role: 'learner', organisation: null },
      ],
    },
  },
  {
    loginName: 'hr',
    password: 'hr-demo-2026',
    label: 'hr',
    person: {
      name: '張人事',
      nameEn: 'Chang Jen-Shih',
      nickname: '人事小張',
      email: 'hr@example.org',
      accountKind: 'official',
      agencyCode: '301000000A',
      agencyName: '範例縣政府',
      roles: [
        { role: 'hr', organisation: '301000000A' },
        { role: 'learner', organisation: null },
      ],
    },
  },
  {
    loginName: 'admin',
    password: 'admin-demo',
    label: 'admin',
    person: {
      name: '李管理',
      nameEn: 'Li Kuan-Li',
      nickname: '管理員',
      email: 'admin@example.org',
      accountKind: 'local',
      roles: [
        { role: 'admin', organisation: null },
        { role: 'learner', organisation: null },
      ],
    },
  },
];

/**
 * Creates those that are missing; safe to run at each start and in several processes at once.
 * @param consent so that whoever tries the platform need not agree to the terms as each of them
 */
export async function ensureDemoPeople(people: People, consent: NewPerson['consent'] = null): Promise<void> {
  for (const { loginName, password, person } of demoAccounts) {
    if (await people.byLoginName(loginName)) continue;
    try {
      await people.create({ ...person, consent, login: { name: loginName, password } });
    } catch (error) {
      // Another process was first.
      if (!(await people.byLoginName(loginName))) throw error;
    }
  }
}
