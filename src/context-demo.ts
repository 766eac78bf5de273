import type { Assessments } from './assessment/types.ts';
import type { Clock } from './base/clock.ts';
import { DomainError } from './base/errors.ts';
import { ensureSampleCourses } from './courses/samples.ts';
import type { Catalogue } from './courses/types.ts';
import type { Agencies } from './identity/agencies/agencies.ts';
import { ensureDemoAgencies } from './identity/agencies/demo-agencies.ts';
import { demoAccounts, demoOrganisation, ensureDemoPeople } from './identity/demo-people.ts';
import type { People } from './identity/people.ts';
import type { Terms } from './identity/terms.ts';
import type { PackageLibrary } from './player/types.ts';

export interface DemoWiring {
  people: People;
  agencies: Agencies;
  terms: Terms;
  catalogue: Catalogue;
  assessments: Assessments;
  library: PackageLibrary;
  clock: Clock;
  /** Where the built sample packages lie. */
  contentDir: string;
}

/** What demo mode holds from its first start: people, agencies, courses. Made once, whichever process comes first. */
export async function ensureDemo(deps: DemoWiring): Promise<void> {
  const { people, terms, clock } = deps;
  await ensureDemoPeople(people, { version: terms.currentVersion(), at: clock.now().toISOString() });
  await ensureDemoAgencies(deps.agencies);
  const vendor = await people.byLoginName('vendor');
  if (!vendor) throw new DomainError('unavailable', 'The demo vendor account is missing.');
  await ensureSampleCourses({
    contentDir: deps.contentDir,
    catalogue: deps.catalogue,
    assessments: deps.assessments,
    library: deps.library,
    by: { personId: vendor.id, organisation: demoOrganisation },
  });
}

/** What is said of it at the terminal. */
export const demoGreeting = (publicOrigin: string, demoIdpOrigin: string | null): string[] => [
  'Demo mode: this machine only. Accounts (name / password):',
  ...demoAccounts.map(
    ({ loginName, password, person }) => `  ${loginName.padEnd(8)} ${password.padEnd(14)} ${person.name}`,
  ),
  ...(demoIdpOrigin === null
    ? []
    : [
        `Identity providers to try (no password): ${publicOrigin}/sign-in  (they answer at ${demoIdpOrigin})`,
      ]),
];
