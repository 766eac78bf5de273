import { createHmac, timingSafeEqual } from 'node:crypto';
import { isUuid } from '../../base/ids.ts';
import type { PlayerLaunch } from './store.ts';

/**
 * launch: opens the frame; api: speaks for the run-time; files: reads the package's files (stands in their path);
 * beat: counts time. None of them can stand in for another.
 */
export type TokenKind = 'launch' | 'api' | 'files' | 'beat';

/** Tokens are derived from the launch, signed over everything they are bound to; nothing of them is stored. */
export interface LaunchTokens {
  make(kind: TokenKind, launch: PlayerLaunch): string;
  /** The launch a token claims to belong to; nothing is proven yet. */
  launchIdIn(token: string): string | null;
  proves(kind: TokenKind, token: string, launch: PlayerLaunch): boolean;
}

export function createLaunchTokens(secret: string): LaunchTokens {
  const key = createHmac('sha256', secret).update('player launch tokens').digest();
  const sign = (kind: TokenKind, launch: PlayerLaunch): Buffer =>
    createHmac('sha256', key)
      .update(
        JSON.stringify([kind, launch.id, launch.learner.id, launch.registration, launch.packageVersionId]),
      )
      .digest();
  return {
    make: (kind, launch) => `${launch.id}.${sign(kind, launch).toString('base64url')}`,
    launchIdIn(token) {
      const [id] = token.split('.');
      return isUuid(id) ? id : null;
    },
    proves(kind, token, launch) {
      const [id, given = ''] = token.split('.');
      const signature = Buffer.from(given, 'base64url');
      const expected = sign(kind, launch);
      return id === launch.id && signature.length === expected.length && timingSafeEqual(signature, expected);
    },
  };
}
