import type { PlayerLaunch } from '../player/sessions/store.ts';

/** A launch from its JSON text. */
export const decodeLaunch = (body: string): PlayerLaunch => {
  const kept = JSON.parse(body) as Omit<PlayerLaunch, 'createdAt' | 'expiresAt'> & {
    createdAt: string;
    expiresAt: string;
  };
  return { ...kept, createdAt: new Date(kept.createdAt), expiresAt: new Date(kept.expiresAt) };
};
