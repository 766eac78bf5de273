import { createPrivateKey } from 'node:crypto';
import { SignJWT } from 'jose';
import * as client from 'openid-client';
import type { Clock } from '../../base/clock.ts';
import { failureReasonOf, signInFailure } from './failures.ts';
import { oidcFailure } from './oidc-failures.ts';
import { createOutgoing } from './outgoing.ts';
import { readProfile, type Claims } from './profile.ts';
import type { Answer, Attempt, Protocol, Vouched } from './protocol.ts';
import type { OidcProvider } from './types.ts';

/** How long a provider's description is believed; its keys are read again by themselves when a new one appears. */
const descriptionSeconds = 3600;
/** Apple allows six months; ours live five minutes. */
const clientSecretSeconds = 300;

/** Apple's client secret: a JWT that we sign (ES256), see developer.apple.com "Creating a client secret". */
const appleClientSecret = (
  { teamId, keyId, privateKey }: { teamId: string; keyId: string; privateKey: string },
  clientId: string,
  audience: string,
  now: Date,
): Promise<string> => {
  const seconds = Math.floor(now.getTime() / 1000);
  return new SignJWT()
    .setProtectedHeader({ alg: 'ES256', kid: keyId })
    .setIssuer(teamId)
    .setSubject(clientId)
    .setAudience(audience)
    .setIssuedAt(seconds)
    .setExpirationTime(seconds + clientSecretSeconds)
    .sign(createPrivateKey(privateKey));
};

function clientAuthentication(provider: OidcProvider, clock: Clock): client.ClientAuth {
  const given = provider.clientAuthentication;
  switch (given.kind) {
    case 'none':
      return client.None();
    case 'secret-basic':
      return client.ClientSecretBasic(given.secret);
    case 'secret-post':
      return client.ClientSecretPost(given.secret);
    case 'apple':
      return async (as, metadata, body, headers) => {
        const secret = await appleClientSecret(given, provider.clientId, as.issuer, clock.now());
        await client.ClientSecretPost(secret)(as, metadata, body, headers);
      };
  }
}

/** The name that Apple sends once, at the first sign-in, as JSON beside the code. Unsigned: a suggestion only. */
function appleName(answer: Answer): Claims {
  const text = answer.get('user');
  if (text === null || text.length > 2000) return {};
  try {
    const { name } = JSON.parse(text) as { name?: { firstName?: unknown; lastName?: unknown } };
    const parts = [name?.firstName, name?.lastName].filter((part) => typeof part === 'string');
    return parts.length > 0 ? { name: parts.join(' ') } : {};
  } catch {
    return {};
  }
}

/**
 * OpenID Connect Core 1.0: authorization code flow with discovery, PKCE (RFC 7636), nonce, state, the `iss` of the
 * answer (RFC 9207) and RP-Initiated Logout 1.0.
 * @param callbackUrl where the provider sends its answer: one per provider, so that two cannot be mixed up
 */
export function createOidcProtocol(deps: {
  provider: OidcProvider;
  callbackUrl: string;
  signedOutUrl: string;
  clock: Clock;
}): Protocol {
  const { provider, callbackUrl, signedOutUrl, clock } = deps;
  const outgoing = createOutgoing(provider.timeoutSeconds);
  let known: { at: number; configuration: Promise<client.Configuration> } | null = null;

  const discover = (): Promise<client.Configuration> =>
    client.discovery(
      new URL(provider.issuer),
      provider.clientId,
      { [client.clockTolerance]: provider.clockSkewSeconds, redirect_uris: [callbackUrl] },
      clientAuthentication(provider, clock),
      {
        timeout: provider.timeoutSeconds,
        [client.customFetch]: (url, init) => outgoing(url, init as RequestInit),
        execute: [
          // The ID token's signature is verified although it comes over our own TLS connection, where OpenID Connect Core
          // 3.1.3.7 would do without: whoever stands between (a proxy that opens TLS) is not the provider.
          client.enableNonRepudiationChecks,
          // Plain http is possible for this machine only: settings.ts refuses it elsewhere.
          ...(provider.issuer.startsWith('http:') ? [client.allowInsecureRequests] : []),
        ],
      },
    );
  /** The provider's description; a failure is not kept, so the next sign-in asks again. */
  const configuration = async (): Promise<client.Configuration> => {
    const now = clock.now().getTime();
    if (!known || now - known.at > descriptionSeconds * 1000 || now < known.at) {
      const configuration = discover();
      known = { at: now, configuration };
      configuration.catch(() => (known = null));
    }
    try {
      return await known.configuration;
    } catch (error) {
      const failure = oidcFailure(error);
      throw failureReasonOf(failure) === 'unverified'
        ? signInFailure('away', "the provider's description cannot be read", error)
        : failure;
    }
  };

  return {
    async begin({ state, nonce, codeVerifier, purpose }) {
      const config = await configuration();
      const url = client.buildAuthorizationUrl(config, {
        ...provider.parameters,
        scope: provider.scope,
        redirect_uri: callbackUrl,
        state,
        nonce,
        // OIDC Core 3.1.2.1: whoever is to show that it is still them is asked again.
        ...(purpose?.kind === 'confirm' ? { max_age: '0' } : {}),
        ...(provider.responseMode === 'form_post' ? { response_mode: 'form_post' } : {}),
        ...(provider.pkce
          ? {
              code_challenge: await client.calculatePKCECodeChallenge(codeVerifier),
              code_challenge_method: 'S256',
            }
          : {}),
      });
      return url.href;
    },
    async complete(attempt: Attempt | null, answer): Promise<Vouched> {
      if (!attempt) throw signInFailure('unknown', 'no sign-in was begun in this browser');
      const config = await configuration();
      const current = new URL(callbackUrl);
      current.search = answer.toString();
      try {
        const tokens = await client.authorizationCodeGrant(config, current, {
          expectedState: attempt.state,
          expectedNonce: attempt.nonce,
          idTokenExpected: true,
          ...(provider.pkce ? { pkceCodeVerifier: attempt.codeVerifier } : {}),
        });
        const claims = tokens.claims();
        if (!claims) throw signInFailure('incomplete', 'the provider sent no ID token');
        const authTime = claims['auth_time'];
        if (
          attempt.purpose?.kind === 'confirm' &&
          typeof authTime === 'number' &&
          authTime < attempt.startedAt / 1000 - provider.clockSkewSeconds - 1
        )
          throw signInFailure('unverified', 'the provider has not asked the person again');
        const more: Claims =
          provider.userinfo && config.serverMetadata().userinfo_endpoint !== undefined
            ? await client.fetchUserInfo(config, tokens.access_token, claims.sub)
            : {};
        const unsigned = provider.clientAuthentication.kind === 'apple' ? appleName(answer) : {};
        const { profile, notes } = readProfile(provider, { ...unsigned, ...more, ...claims }, claims.sub);
        // An ID token that names an ID number is not kept, not even sealed.
        const secret = provider.attributes.some(({ from, to }) => to === 'idNumber' && from in claims);
        const idToken = secret ? undefined : tokens.id_token;
        return {
          profile,
          notes,
          logout: { provider: provider.key, ...(idToken === undefined ? {} : { idToken }) },
        };
      } catch (error) {
        throw oidcFailure(error);
      }
    },
    async signOutUrl({ idToken }, state) {
      const config = await configuration();
      if (config.serverMetadata().end_session_endpoint === undefined) return null;
      return client.buildEndSessionUrl(config, {
        post_logout_redirect_uri: signedOutUrl,
        state,
        ...(idToken === undefined ? {} : { id_token_hint: idToken }),
      }).href;
    },
  };
}
