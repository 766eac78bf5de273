import express, { type Request, type RequestHandler, type Router } from 'express';
import { DomainError } from '../../base/errors.ts';
import type { PackageOwner } from './library.ts';
import type { TokenScope } from './store.ts';
import { createPackageRoutes, type PackageRoutesDeps } from './routes.ts';
import type { VendorTokens } from './tokens.ts';

export interface PackageApiDeps extends Omit<PackageRoutesDeps, 'uploader'> {
  tokens: VendorTokens;
  /** Counts before a token is looked up. */
  rateLimit: RequestHandler;
}

const ranks: readonly TokenScope[] = ['read', 'upload', 'publish'];
/** What changes something that courses or learners notice. */
const publishes = /\/(?:publication|latest|archived)$|^\/api\/packages\/courses\//;
const scopeFor = ({ method, path }: Request): TokenScope => {
  if (method === 'GET' || method === 'HEAD') return 'read';
  return publishes.test(path) ? 'publish' : 'upload';
};

/**
 * The package routes for a vendor's own programs, by `Authorization: Bearer`. Mount it before sessions and the CSRF fence:
 * no cookie is read here, and a request without a bearer token passes on to those who read it.
 */
export function createPackageApi({ tokens, rateLimit, ...deps }: PackageApiDeps): Router {
  const owners = new WeakMap<Request, PackageOwner>();
  const ownersOnly: RequestHandler = (req, _res, next) => {
    const asks = /^\/api\/packages(\/|$)/.test(req.path) && /^Bearer /i.test(req.headers.authorization ?? '');
    next(asks ? undefined : 'router');
  };
  const authenticate: RequestHandler = async (req, res, next) => {
    const owner = await tokens.authenticate(req.headers.authorization);
    if (!owner) {
      res.set('WWW-Authenticate', 'Bearer realm="packages", error="invalid_token"');
      throw new DomainError(
        'unauthenticated',
        'The API token is unknown, revoked or expired. Make a new one.',
        { code: 'bad-token' },
      );
    }
    const asked = scopeFor(req);
    if (ranks.indexOf(owner.scope) < ranks.indexOf(asked)) {
      res.set('WWW-Authenticate', `Bearer realm="packages", error="insufficient_scope", scope="${asked}"`);
      throw new DomainError('forbidden', `This needs an API token of scope ${asked}.`, {
        code: 'token-scope',
        params: { scope: asked },
      });
    }
    owners.set(req, owner);
    next();
  };
  const routes = createPackageRoutes({
    ...deps,
    uploader(req) {
      const owner = owners.get(req);
      if (!owner) throw new DomainError('unauthenticated', 'Send an API token.', { code: 'bad-token' });
      return { person: { id: owner.personId }, organisation: owner.organisation };
    },
  });
  return express.Router().use(ownersOnly, rateLimit, authenticate, express.json({ limit: '100kb' }), routes);
}
