import { Router, type Request } from 'express';
import { z } from 'zod';
import { parse } from '../../http/validate.ts';
import type { PackageOwner } from './library.ts';
import type { VendorTokens } from './tokens.ts';

export interface TokenRoutesDeps {
  tokens: VendorTokens;
  /** The signed-in vendor; throws `unauthenticated` or `forbidden`. */
  owner(req: Request): PackageOwner;
}

const scopes = ['read', 'upload', 'publish'] as const;
const issueForm = z.object({
  label: z.string().max(200),
  days: z.coerce.number(),
  scope: z.enum(scopes).default('upload'),
});

/** A vendor's page of API tokens: made (and shown once), listed, revoked. */
export function createTokenRoutes({ tokens, owner }: TokenRoutesDeps): Router {
  const routes = Router();
  const day = (date: Date | null): string | null => date && date.toISOString().slice(0, 10);
  const model = async (organisation: string) => ({
    scopes,
    tokens: (await tokens.list(organisation)).map(
      ({ id, label, scope, expiresAt, lastUsedAt, revokedAt }) => ({
        id,
        scope: scope ?? 'publish',
        label,
        expires: day(expiresAt),
        lastUsed: day(lastUsedAt),
        revoked: day(revokedAt),
      }),
    ),
  });

  routes.get('/vendor/tokens', async (req, res) => {
    const { organisation } = owner(req);
    res.render('pages/vendor/tokens', await model(organisation));
  });

  routes.post('/vendor/tokens', async (req, res) => {
    const by = owner(req);
    const { label, days, scope } = parse(issueForm, req.body);
    const { token } = await tokens.issue(by, label, days, scope);
    // Shown in this answer only: no address, no session and no log ever holds it.
    res
      .set('Cache-Control', 'no-store')
      .render('pages/vendor/tokens', { ...(await model(by.organisation)), token });
  });

  routes.post('/vendor/tokens/:id/revoke', async (req, res) => {
    const { organisation } = owner(req);
    await tokens.revoke(String(req.params['id']), organisation);
    res.redirect(303, '/vendor/tokens');
  });

  return routes;
}
