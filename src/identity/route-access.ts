import type { Action } from './policy.ts';

/** What decides where the policy's actions do not. */
export const grounds = {
  public: 'Everybody. Nothing personal is shown but to its owner.',
  'signed-in': 'Whoever is signed in, on their own account only.',
  own: 'Whoever is signed in, on what is their own.',
  staff: 'Whoever holds a role beyond learning, on their own account.',
  'sign-in-under-way': 'Whoever has done the first step of a sign-in in this session.',
  'provider-answer': "An identity provider's signed answer to a sign-in that this program began.",
  'mailed-link': 'Whoever holds the secret of a link that works once.',
  'beat-token': "The token of one reading session; beacons carry no form's token.",
  'launch-token': 'The token of one launch, on the origin of content, where there is no cookie.',
  'lrs-credential': "An LRS credential or its OAuth token, within the credential's scopes.",
} as const;
export type Ground = keyof typeof grounds;

/** What decides. `own or <action>`: one's own; somebody else's by the action, which the handler asks for. */
export type Access = Action | Ground | `own or ${Action}`;

/**
 * Every route, and what decides who may come. The gate (routes-access.ts) asks it before the route's own handler, which asks
 * again about the resource. A test finds every route of the program and fails on one that is not here.
 * `package.upload` on /api/packages is asked of the session, or of the bearer token's maker.
 */
export const routeAccess: Readonly<Record<string, Access>> = {
  // Whether it lives; files of the pages
  'GET /healthz': 'public',
  'GET /readyz': 'public',
  'GET /assets/*path': 'public',
  'USE /assets/fonts': 'public',
  'USE /client': 'public',

  // Signing in and out
  'GET /sign-in': 'public',
  'POST /sign-in': 'public',
  'POST /sign-out': 'public',
  'GET /sign-in/code': 'sign-in-under-way',
  'POST /sign-in/code': 'sign-in-under-way',
  'GET /sign-in/:provider': 'public',
  'GET /sign-in/:provider/callback': 'provider-answer',
  'POST /sign-in/:provider/callback': 'provider-answer',
  'POST /sign-in/:provider/logout': 'provider-answer',
  'GET /sign-in/:provider/metadata': 'public',
  'GET /first-login': 'public',
  'GET /first-login/:step': 'public',
  'GET /sign-in-questions': 'public',
  'GET /terms': 'public',
  'GET /demo/outbox': 'public',

  // One's own account
  'GET /welcome': 'signed-in',
  'GET /welcome/declined': 'public',
  'GET /welcome/terms': 'signed-in',
  'POST /welcome/terms': 'signed-in',
  'POST /welcome/decline': 'signed-in',
  'GET /welcome/nickname': 'signed-in',
  'POST /welcome/nickname': 'signed-in',
  'GET /welcome/done': 'signed-in',
  'POST /welcome/resend': 'signed-in',
  'POST /welcome/reminder': 'public',
  'GET /confirm-email': 'mailed-link',
  'POST /confirm-email': 'mailed-link',
  'GET /api/nickname-check': 'signed-in',
  'GET /account': 'signed-in',
  'GET /account/profile': 'signed-in',
  'POST /account/profile': 'signed-in',
  'GET /account/totp': 'staff',
  'POST /account/totp': 'staff',
  'POST /account/totp/change': 'signed-in',
  'GET /api/agencies': 'signed-in',
  'GET /people/:nickname': 'course.take',

  // Courses and learning
  'GET /': 'public',
  'GET /interfaces': 'public',
  'GET /courses': 'public',
  'GET /courses/:code': 'public',
  'GET /my-courses': 'course.take',
  'POST /courses/:code/enrol': 'course.take',
  'GET /courses/:code/learn': 'course.take',
  'GET /courses/:code/quiz': 'course.take',
  'POST /courses/:code/quiz/attempts': 'course.take',
  'GET /courses/:code/quiz/attempts/:id': 'course.take',
  'POST /courses/:code/quiz/attempts/:id': 'course.take',
  'POST /courses/:code/quiz/attempts/:id/answers': 'course.take',
  'GET /courses/:code/survey': 'course.take',
  'POST /courses/:code/survey': 'course.take',
  'GET /courses/:code/sessions': 'course.take',
  'GET /record': 'course.take',
  'USE /api/player': 'beat-token',
  'POST /api/player/sessions/:id/beat': 'beat-token',
  'POST /api/player/sessions/:id/leave': 'beat-token',
  'content POST /launch': 'launch-token',
  'content POST /runtime/progress': 'launch-token',
  'content POST /runtime/open': 'launch-token',
  'content POST /runtime/commit': 'launch-token',
  'content GET /^\\/s\\/([^/]+)\\/(.+)$': 'launch-token',
  'content USE /client': 'public',

  // Certificates
  'POST /certificates': 'own',
  'GET /certificates/:number.pdf': 'own or certificate.read',
  'GET /certificates.pdf': 'own or certificate.read',
  'GET /certificates.zip': 'own or certificate.read',
  'GET /verify': 'public',
  'GET /verify/:code': 'public',

  // Vendors
  'GET /vendor': 'course.edit',
  'GET /vendor/upload': 'course.edit',
  'GET /vendor/uploads/:id': 'course.edit',
  'GET /vendor/courses/new': 'course.edit',
  'POST /vendor/courses': 'course.edit',
  'GET /vendor/courses/:id': 'course.edit',
  'POST /vendor/courses/:id': 'course.edit',
  'POST /vendor/courses/:id/publish': 'course.edit',
  'GET /vendor/courses/:id/quiz': 'course.edit',
  'POST /vendor/courses/:id/quiz': 'course.edit',
  'GET /vendor/courses/:id/survey': 'course.edit',
  'POST /vendor/courses/:id/survey': 'course.edit',
  'GET /vendor/preview/:versionId': 'package.preview',
  'GET /vendor/packages/archived': 'package.upload',
  'GET /vendor/packages/:id': 'package.upload',
  'GET /vendor/packages/:id/versions/:versionId': 'package.upload',
  'GET /vendor/packages/:id/publish': 'package.upload',
  'POST /vendor/packages/:id/publish': 'package.upload',
  'POST /vendor/packages/:id/archived': 'package.upload',
  'GET /vendor/packages/:id/replace': 'package.upload',
  'POST /vendor/packages/:id/replace': 'package.upload',
  'GET /vendor/tokens': 'package.upload',
  'POST /vendor/tokens': 'package.upload',
  'POST /vendor/tokens/:id/revoke': 'package.upload',
  'GET /api/packages/openapi.json': 'public',
  'GET /api/packages': 'package.upload',
  'POST /api/packages': 'package.upload',
  'GET /api/packages/jobs/:id': 'package.upload',
  'GET /api/packages/jobs/:id/report.json': 'package.upload',
  'GET /api/packages/jobs/:id/report.txt': 'package.upload',
  'GET /api/packages/:id': 'package.upload',
  'PUT /api/packages/:id/files': 'package.upload',
  'PUT /api/packages/:id/latest': 'package.upload',
  'PUT /api/packages/:id/archived': 'package.upload',

  // Learning records of others
  'GET /support/sessions': 'record.read',
  'POST /support/sessions': 'record.read',
  'GET /support/sessions/:registration': 'record.read',

  // Administration
  'GET /admin/agencies': 'agencies.manage',
  'GET /admin/agencies.csv': 'agencies.manage',
  'POST /admin/agencies/import': 'agencies.manage',
  'USE /admin/audit': 'audit.read',
  'GET /admin/audit': 'audit.read',
  'GET /admin/audit.csv': 'audit.read',
  'POST /admin/audit/check': 'audit.read',

  // The Learning Record Store
  'USE /xapi': 'lrs-credential',
  'USE /admin/lrs': 'lrs.browse',
  'USE /api/lrs': 'lrs.browse',
  'GET /admin/lrs': 'lrs.browse',
  'GET /admin/lrs/statements/:id': 'lrs.browse',
  'GET /api/lrs/statements': 'lrs.browse',
  'GET /api/lrs/statements/:id': 'lrs.browse',
  'GET /api/lrs/export/count': 'lrs.browse',
  'GET /api/lrs/export.:format': 'lrs.browse',
  'GET /api/lrs/live': 'lrs.browse',
  'GET /admin/lrs/rejections': 'lrs.browse',
  'GET /api/lrs/rejections': 'lrs.browse',
  'USE /admin/lrs/credentials': 'lrs.manage',
  'GET /admin/lrs/credentials': 'lrs.manage',
  'POST /admin/lrs/credentials': 'lrs.manage',
  'GET /admin/lrs/credentials/:id': 'lrs.manage',
  'POST /admin/lrs/credentials/:id': 'lrs.manage',
  'POST /admin/lrs/credentials/:id/rotate': 'lrs.manage',
  'POST /admin/lrs/credentials/:id/remove': 'lrs.manage',
  'POST /admin/lrs/credentials/:id/switch': 'lrs.manage',
  'USE /admin/lrs/forwarding': 'lrs.manage',
  'GET /admin/lrs/forwarding': 'lrs.manage',
  'POST /admin/lrs/forwarding': 'lrs.manage',
  'POST /admin/lrs/forwarding/:id/switch': 'lrs.manage',
  'POST /admin/lrs/forwarding/:id/replay': 'lrs.manage',
  'POST /admin/lrs/forwarding/:id/remove': 'lrs.manage',
  'USE /admin/lrs/erasures': 'lrs.manage',
  'GET /admin/lrs/erasures': 'lrs.manage',
  'POST /admin/lrs/erasures': 'lrs.manage',
  'POST /admin/lrs/erasures/:id/confirm': 'lrs.manage',
};

/** What the gate can ask without knowing the resource; null: only the handler can tell. */
export function askedOf(access: Access): Action | 'signed-in' | null {
  if (access in grounds) return ['signed-in', 'own', 'staff'].includes(access) ? 'signed-in' : null;
  return access.startsWith('own or ') ? 'signed-in' : (access as Action);
}
