import express, { type RequestHandler, type Router } from 'express';
import { deriveKey } from '../../base/sealing.ts';
import { addressesOf } from '../providers/doors.ts';
import type { Provider } from '../providers/types.ts';
import { demoIdpPeople, idNumberFor } from './people.ts';
import { clientSecretOf, demoProviders } from './providers.ts';

export interface DemoIdpOptions {
  /** Where it answers: an origin of its own on this machine. */
  origin: string;
  publicOrigin: string;
  /** Client secrets and the people's numbers come from it: the same over restarts and in every process. */
  master: Buffer;
}

export interface DemoIdp {
  /** What the sign-in panel offers. */
  providers: Provider[];
  /** Answers at the origin. */
  handler: RequestHandler;
}

/** Whether the libraries that play identity providers are installed: development dependencies, no part of production. */
export function demoIdpInstalled(): boolean {
  try {
    return ['oidc-provider', 'samlp'].every((name) => import.meta.resolve(name) !== '');
  } catch {
    return false;
  }
}

/**
 * The identity providers of demo mode, in the same process on an origin of their own: real protocols, made-up people.
 * Nothing is loaded and no key is made before somebody comes.
 */
export function createDemoIdp({ origin, publicOrigin, master }: DemoIdpOptions): DemoIdp {
  const address = { origin, master };
  const providers = demoProviders(address);
  const numbers = deriveKey(master, 'demo-idp/id-numbers');
  const people = demoIdpPeople((name) => idNumberFor(numbers, name));
  let signingKey: Promise<object> | null = null;

  async function oidcRoutes(key: string): Promise<Router> {
    const [{ createDemoOidcRoutes }, jose] = await Promise.all([import('./routes-oidc.ts'), import('jose')]);
    signingKey ??= jose
      .generateKeyPair('RS256', { extractable: true })
      .then(async ({ privateKey }) => ({ ...(await jose.exportJWK(privateKey)), alg: 'RS256', use: 'sig' }));
    const { callbackUrl, logoutUrl } = addressesOf(publicOrigin, key);
    return createDemoOidcRoutes({
      issuer: `${origin}/${key}`,
      peopleOf: () => people[key] ?? [],
      clients: [
        {
          client_id: 'zhixing-demo',
          client_secret: clientSecretOf(address, key),
          redirect_uris: [callbackUrl],
          post_logout_redirect_uris: [logoutUrl],
          token_endpoint_auth_method: 'client_secret_post',
        },
      ],
      key: await signingKey,
      cookieKey: deriveKey(master, 'demo-idp/cookies').toString('base64url'),
    });
  }
  async function samlRoutes(key: string): Promise<Router> {
    const [{ createDemoSamlRoutes }, { createKeyPair }] = await Promise.all([
      import('./routes-saml.ts'),
      import('./self-signed.ts'),
    ]);
    const { callbackUrl, logoutUrl } = addressesOf(publicOrigin, key);
    return createDemoSamlRoutes({
      issuer: `${origin}/${key}/metadata`,
      path: `/${key}`,
      people: people[key] ?? [],
      keys: createKeyPair('zhixing-demo-ecpa'),
      assertionConsumerUrl: callbackUrl,
      logoutUrl,
    });
  }

  const app = express();
  app.disable('x-powered-by');
  app.use((req, res, next) => {
    // Only under its own name: no page from elsewhere may lead a browser here under another.
    if (req.headers.host !== new URL(origin).host) return void res.sendStatus(421);
    res.set({ 'Cache-Control': 'no-store', 'Referrer-Policy': 'no-referrer', 'X-Frame-Options': 'DENY' });
    return next();
  });
  for (const { key, protocol } of providers) {
    let made: Promise<Router> | null = null;
    app.use(`/${key}`, async (req, res, next) => {
      made ??= protocol === 'saml' ? samlRoutes(key) : oidcRoutes(key);
      made.catch(() => (made = null));
      return (await made)(req, res, next);
    });
  }
  return { providers, handler: app };
}
