import type { PersonRecord } from '../identity/store.ts';
import { foldName } from './fold-name.ts';

/** What a search looks through; empty for somebody who was erased, who is not found any more. */
export function personSearchText(person: PersonRecord): string {
  if (person.erasedAt !== null) return '';
  const { name, nameEn, nickname, local, email, agencyCode, agencyName } = person;
  const parts = [name, nameEn, nickname, local?.loginName, email, agencyCode, agencyName];
  return `|${parts.map((part) => foldName(part ?? '')).join('|')}|`;
}

/** The roles beyond learning; empty for most people. */
export const personStaffRoles = (person: PersonRecord): string[] => [
  ...new Set(person.roles.map(({ role }) => role).filter((role) => role !== 'learner')),
];
