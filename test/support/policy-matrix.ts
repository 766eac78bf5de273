import type { Action } from '../../src/identity/policy.ts';
import type { Role } from '../../src/identity/types.ts';

/** Who may do what, written down a second time: a change of the policy is a change here too. `own`: within what the role is held for. */
export const expectedPolicy: Record<Action, Partial<Record<Role, 'all' | 'own'>>> = {
  'course.take': {
    learner: 'all',
    vendor: 'all',
    partner: 'all',
    teacher: 'all',
    hr: 'all',
    support: 'all',
    admin: 'all',
    auditor: 'all',
  },
  'course.edit': { vendor: 'own', admin: 'all' },
  'package.upload': { vendor: 'own', admin: 'all' },
  'package.preview': { vendor: 'own', teacher: 'own', admin: 'all' },
  'record.read': { hr: 'own', support: 'all', admin: 'all', auditor: 'all' },
  'certificate.read': { support: 'all', admin: 'all', auditor: 'all' },
  'lrs.browse': { support: 'all', admin: 'all', auditor: 'all' },
  'lrs.manage': { admin: 'all' },
  'people.read': { support: 'all', admin: 'all', auditor: 'all' },
  'people.find-by-id-number': { support: 'all', admin: 'all' },
  'people.manage': { admin: 'all' },
  'agencies.manage': { admin: 'all' },
  'sign-ins.diagnose': { support: 'all', admin: 'all' },
  'corrections.answer': { support: 'all', admin: 'all' },
  'audit.read': { admin: 'all', auditor: 'all' },
  'credits.confirm': { hr: 'own', admin: 'all' },
};
