import * as client from 'openid-client';
import { failureReasonOf, signInFailure } from './failures.ts';

/** openid-client's errors as reasons; what was wrong with a token stays in the log. */
export function oidcFailure(error: unknown): unknown {
  if (failureReasonOf(error) !== null) return error;
  if (error instanceof client.AuthorizationResponseError)
    return error.error === 'access_denied' || error.error === 'user_cancelled_authorize'
      ? signInFailure('cancelled', `the provider answered ${error.error}`, error)
      : signInFailure('refused', 'the provider answered with an error', error);
  if (error instanceof client.ResponseBodyError)
    return error.error === 'invalid_grant'
      ? signInFailure('used', 'the code was used before or has expired', error)
      : signInFailure('configuration', 'the provider refused our request', error);
  if (error instanceof client.WWWAuthenticateChallengeError)
    return signInFailure('configuration', 'the provider refused our credentials', error);
  const cause = error instanceof Error ? error.cause : undefined;
  if (failureReasonOf(cause) !== null) return cause;
  if (cause instanceof Error && failureReasonOf(cause.cause) !== null) return cause.cause;
  const claimName = claimOf(cause);
  if (claimName === 'exp') return signInFailure('expired', 'the ID token has expired', error);
  if (claimName === 'nbf' || claimName === 'iat')
    return signInFailure('clock', 'the ID token is from the future', error);
  if (claimName === 'aud') return signInFailure('audience', 'the ID token is for another client', error);
  return signInFailure('unverified', "the provider's answer could not be verified", error);
}

/** Which claim openid-client refused. */
function claimOf(cause: unknown): string | null {
  for (let at: unknown = cause, depth = 0; at && depth < 4; depth++) {
    if (typeof at === 'object' && 'claim' in at && typeof at.claim === 'string') return at.claim;
    at = typeof at === 'object' && 'cause' in at ? at.cause : null;
  }
  return null;
}
