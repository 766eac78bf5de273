import { createServer, type Server } from 'node:http';
import express from 'express';
import { exportJWK, generateKeyPair } from 'jose';
import type { ClientMetadata } from 'oidc-provider';
import type { DemoIdpPerson } from '../../src/identity/demo-idp/people.ts';
import { createDemoOidcRoutes } from '../../src/identity/demo-idp/routes-oidc.ts';

/** A real OpenID Connect provider on a port of its own; its people can be changed while it runs. */
export interface OidcIdp {
  issuer: string;
  clientId: string;
  clientSecret: string;
  people: DemoIdpPerson[];
  /** True: requests are taken and never answered. */
  silent: boolean;
  stop(): Promise<void>;
}

export const listen = (server: Server): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      if (typeof address === 'object' && address) resolve(address.port);
    });
  });

export const close = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });

export async function startOidcIdp(
  people: DemoIdpPerson[],
  callbackUrls: string[],
  more: Partial<ClientMetadata> = {},
): Promise<OidcIdp> {
  const app = express();
  const server = createServer(app);
  const port = await listen(server);
  const issuer = `http://127.0.0.1:${port}/oidc`;
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  const idp: OidcIdp = {
    issuer,
    clientId: 'zhixing',
    clientSecret: 'a-secret-of-the-test-0123456789',
    people,
    silent: false,
    stop: () => close(server),
  };
  app.use((req, _res, next) => {
    // The person's own browser is answered: it is the call behind its back that waits for ever.
    if (!idp.silent || req.headers.accept?.includes('text/html')) next();
  });
  app.use(
    '/oidc',
    createDemoOidcRoutes({
      issuer,
      peopleOf: () => idp.people,
      clients: [
        {
          client_id: idp.clientId,
          client_secret: idp.clientSecret,
          redirect_uris: callbackUrls,
          token_endpoint_auth_method: 'client_secret_post',
          ...more,
        },
      ],
      key: { ...(await exportJWK(privateKey)), kid: 'test', alg: 'RS256', use: 'sig' },
      cookieKey: 'test-cookie-key',
    }),
  );
  return idp;
}
