import { DomainError } from '../base/errors.ts';
import type { Person, Role } from './types.ts';

/** Who may do what. `own`: only within the organisation (or agency) that the role is held for. Every route asks here. */
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
  'people.manage': { admin: 'all' },
  'agencies.manage': { admin: 'all' },
  'audit.read': { admin: 'all', auditor: 'all' },
  'credits.confirm': { hr: 'own', admin: 'all' },
} as const satisfies Record<string, Partial<Record<Role, 'all' | 'own'>>>;

export type Action = keyof typeof table;
export const actions = Object.keys(table) as Action[];

/** What the action is about; only its organisation matters. */
export interface Resource {
  organisation: string | null;
}

/**
 * Whether the person may. Without a resource: whether there is any on which they may (so a menu can offer it).
 */
export function allows(person: Person | null, action: Action, resource?: Resource): boolean {
  if (!person) return false;
  const row: Partial<Record<Role, 'all' | 'own'>> = table[action];
  return person.roles.some(({ role, organisation }) => {
    const scope = row[role];
    if (scope === undefined) return false;
    if (scope === 'all' || resource === undefined || organisation === null) return true;
    return organisation === resource.organisation;
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
export function organisationFor(person: Person, action: Action): string | null {
  const row: Partial<Record<Role, 'all' | 'own'>> = table[action];
  return person.roles.find(({ role }) => row[role] !== undefined)?.organisation ?? null;
}
