import { createHmac } from 'node:crypto';
import * as client from 'openid-client';
import { failureReasonOf, signInFailure } from './failures.ts';
import { oidcFailure } from './oidc-failures.ts';
import { createOutgoing } from './outgoing.ts';
import { readProfile, type Claims } from './profile.ts';
import type { Protocol } from './protocol.ts';
import type { OAuth2Provider } from './types.ts';

/**
 * OAuth 2.0 (RFC 6749) with PKCE and a profile endpoint, as Facebook speaks it: no ID token, so the profile is asked for
 * with the access token over our own connection, and the token is bound to our secret (`appsecret_proof`).
 */
export function createOAuth2Protocol(deps: { provider: OAuth2Provider; callbackUrl: string }): Protocol {
  const { provider, callbackUrl } = deps;
  const { authorizationEndpoint, tokenEndpoint, profileEndpoint, clientId, clientSecret } = provider;
  const outgoing = createOutgoing(provider.timeoutSeconds);
  const config = new client.Configuration(
    {
      issuer: new URL(authorizationEndpoint).origin,
      authorization_endpoint: authorizationEndpoint,
      token_endpoint: tokenEndpoint,
    },
    clientId,
    undefined,
    client.ClientSecretPost(clientSecret),
  );
  config.timeout = provider.timeoutSeconds;
  config[client.customFetch] = (url, init) => outgoing(url, init as RequestInit);
  if (tokenEndpoint.startsWith('http:')) client.allowInsecureRequests(config);

  async function profileOf(accessToken: string): Promise<Claims> {
    const url = new URL(profileEndpoint);
    url.searchParams.set('fields', 'id,name,email');
    const proof = createHmac('sha256', clientSecret).update(accessToken).digest('hex');
    url.searchParams.set('appsecret_proof', proof);
    const answer = await outgoing(url.href, { headers: { authorization: `Bearer ${accessToken}` } });
    if (answer.status !== 200)
      throw signInFailure('refused', `the profile was refused with status ${answer.status}`);
    const claims: unknown = await answer.json().catch(() => null);
    if (typeof claims !== 'object' || claims === null || Array.isArray(claims))
      throw signInFailure('malformed', 'the profile is no JSON object');
    return claims as Claims;
  }

  return {
    async begin({ state, codeVerifier }) {
      return client.buildAuthorizationUrl(config, {
        scope: provider.scope,
        redirect_uri: callbackUrl,
        state,
        code_challenge: await client.calculatePKCECodeChallenge(codeVerifier),
        code_challenge_method: 'S256',
      }).href;
    },
    async complete(attempt, answer) {
      if (!attempt) throw signInFailure('unknown', 'no sign-in was begun in this browser');
      const current = new URL(callbackUrl);
      current.search = answer.toString();
      try {
        const tokens = await client.authorizationCodeGrant(config, current, {
          expectedState: attempt.state,
          pkceCodeVerifier: attempt.codeVerifier,
        });
        const { profile, notes } = readProfile(provider, await profileOf(tokens.access_token), null);
        return { profile, notes, logout: { provider: provider.key } };
      } catch (error) {
        throw failureReasonOf(error) === null ? oidcFailure(error) : error;
      }
    },
    signOutUrl: async () => null,
  };
}
