import { DomainError } from '../base/errors.ts';
import type { Person, Role, RoleGrant } from './types.ts';

/** What a role is held for: one organisation, one agency with all below it, or (null) the whole platform. */
export const roleScopes = {
  learner: null,
  vendor: 'organisation',
  partner: 'organisation',
  teacher: 'organisation',
  hr: 'agency',
  support: null,
  admin: null,
  auditor: null,
} as const satisfies Record<Role, 'organisation' | 'agency' | null>;

/**
 * Who may do what. `own`: only within the organisation, or the agency and those below it, that the role is held for.
 * Every route and every domain action asks here; which route asks for which action stands in route-access.ts.
 */
const table = {
  'course.take': {
    learner: 'all',
    teacher: 'all',
    vendor: 'all',
    hr: 'all',
    support: 'all',
    admin: 'all',
    auditor: 'all',
    partner: 'all',
  },
  'course.edit': { vendor: 'own', admin: 'all' },
  'package.upload': { vendor: 'own', admin: 'all' },
  'package.preview': { vendor: 'own', teacher: 'own', admin: 'all' },
  'record.read': { hr: 'own', support: 'all', admin: 'all', auditor: 'all' },
  'certificate.read': { support: 'all', admin: 'all', auditor: 'all' },
  'lrs.browse': { admin: 'all', auditor: 'all', support: 'all' },
  'lrs.manage': { admin: 'all' },
  'people.read': { support: 'all', admin: 'all', auditor: 'all' },
  'people.find-by-id-number': { support: 'all', admin: 'all' },
  'people.manage': { admin: 'all' },
  'corrections.answer': { support: 'all', admin: 'all' },
  'agencies.manage': { admin: 'all' },
  'sign-ins.diagnose': { support: 'all', admin: 'all' },
  'audit.read': { admin: 'all', auditor: 'all' },
  'credits.confirm': { hr: 'own', admin: 'all' },
} as const satisfies Record<string, Partial<Record<Role, 'all' | 'own'>>>;

export type Action = keyof typeof table;
export const actions = Object.keys(table) as Action[];

/** What the action is about: whose it is. */
export interface Resource {
  /** The vendor organisation or partner. */
  organisation?: string | null;
  /** The codes of the agency and of every agency above it (Agencies.lineOf). */
  agencies?: readonly string[];
}

const scopeIn = (action: Action, role: Role): 'all' | 'own' | undefined =>
  (table[action] as Partial<Record<Role, 'all' | 'own'>>)[role];

/** A role that is held for something reaches nothing while it is not said for what. */
const reaches = ({ role, organisation }: RoleGrant, resource: Resource | undefined): boolean => {
  if (organisation === null) return false;
  if (resource === undefined) return true;
  return roleScopes[role] === 'agency'
    ? (resource.agencies ?? []).includes(organisation)
    : organisation === resource.organisation;
};

/**
 * Whether the person may. Without a resource: whether there is any on which they may (so a menu can offer it).
 */
export function allows(person: Pick<Person, 'roles'> | null, action: Action, resource?: Resource): boolean {
  return (person?.roles ?? []).some((grant) => {
    const scope = scopeIn(action, grant.role);
    return scope === 'all' || (scope === 'own' && reaches(grant, resource));
  });
}

/** The person, if they may; DomainError `unauthenticated` or `forbidden` if not. */
export function authorize(person: Person | null, action: Action, resource?: Resource): Person {
  if (!person) throw new DomainError('unauthenticated', 'Please sign in first.', { code: 'sign-in-first' });
  if (!allows(person, action, resource))
    throw new DomainError('forbidden', 'Your account may not do this. Ask your administrator for the role.', {
      code: 'forbidden',
    });
  return person;
}

/** Who holds any role beyond learning: such accounts have a second factor. */
export const isStaff = ({ roles }: Pick<Person, 'roles'>): boolean =>
  roles.some(({ role }) => role !== 'learner');

/** The organisation a person acts for in this action: that of the first role that allows it. */
export const organisationFor = (person: Person, action: Action): string | null =>
  person.roles.find((grant) => allows({ roles: [grant] }, action))?.organisation ?? null;

/** For what a person may do this: everything, or what the roles that allow it are held for. */
export function reachOf(person: Person, action: Action): 'all' | string[] {
  const granted = person.roles.filter((grant) => allows({ roles: [grant] }, action));
  if (granted.some(({ role }) => scopeIn(action, role) === 'all')) return 'all';
  return granted.flatMap(({ organisation }) => (organisation === null ? [] : [organisation]));
}
