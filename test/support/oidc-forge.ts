import { createServer } from 'node:http';
import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT, type CryptoKey } from 'jose';
import { close, listen } from './oidc-idp.ts';

/** An OpenID Connect provider that the test plays, so that it can answer anything. What is not said is right. */
export interface OidcForge {
  issuer: string;
  /** What the token endpoint gives for the next code. */
  next: {
    claims: Record<string, unknown>;
    signing: 'right' | 'stranger' | 'none' | 'client-secret';
    /** Instead of the answer. */
    body: string | null;
  };
  /** Paths that are taken and never answered. */
  silent: Set<string>;
  stop(): Promise<void>;
}

export const forgeClient = { id: 'zhixing', secret: 'a-secret-of-the-test-0123456789' };

export async function startOidcForge(): Promise<OidcForge> {
  const own = await generateKeyPair('RS256', { extractable: true });
  const stranger = await generateKeyPair('RS256', { extractable: true });
  const keys = { keys: [{ ...(await exportJWK(own.publicKey)), kid: 'one', alg: 'RS256', use: 'sig' }] };
  const silent = new Set<string>();
  const now = (): number => Math.floor(Date.now() / 1000);

  async function idToken({ claims, signing }: OidcForge['next']): Promise<string> {
    const all = {
      ...{ iss: forge.issuer, aud: forgeClient.id, sub: 'chou', iat: now(), exp: now() + 300 },
      ...claims,
    };
    if (signing === 'none') return new UnsecuredJWT(all).encode();
    const [alg, key]: [string, CryptoKey | Uint8Array] =
      signing === 'client-secret'
        ? ['HS256', new TextEncoder().encode(forgeClient.secret)]
        : ['RS256', (signing === 'stranger' ? stranger : own).privateKey];
    return new SignJWT(all).setProtectedHeader({ alg, kid: 'one' }).sign(key);
  }

  const server = createServer((req, res) => {
    const path = (req.url ?? '').split('?')[0] ?? '';
    if (silent.has(path)) return;
    const json = (content: unknown): void =>
      void res
        .setHeader('content-type', 'application/json')
        .end(typeof content === 'string' ? content : JSON.stringify(content));
    if (path === '/.well-known/openid-configuration')
      return json({
        issuer: forge.issuer,
        authorization_endpoint: `${forge.issuer}/authorize`,
        token_endpoint: `${forge.issuer}/token`,
        jwks_uri: `${forge.issuer}/jwks`,
        response_types_supported: ['code'],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: ['RS256'],
        authorization_response_iss_parameter_supported: true,
      });
    if (path === '/jwks') return json(keys);
    if (path === '/token') {
      if (forge.next.body !== null) return json(forge.next.body);
      return void idToken(forge.next).then((id_token) =>
        json({ access_token: 'x', token_type: 'Bearer', expires_in: 60, id_token }),
      );
    }
    return void res.end('<title>An identity provider</title>');
  });
  const forge: OidcForge = {
    issuer: `http://127.0.0.1:${await listen(server)}`,
    next: { claims: {}, signing: 'right', body: null },
    silent,
    stop: () => close(server),
  };
  return forge;
}
