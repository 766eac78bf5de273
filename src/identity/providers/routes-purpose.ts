import { timingSafeEqual } from 'node:crypto';
import type { Request } from 'express';
import { newToken } from '../../base/ids.ts';

declare module 'express-session' {
  interface SessionData {
    /** Stands in the links that lead to a provider for another purpose than signing in. */
    purposeToken?: string;
  }
}

/** The session's token for such links. */
export const purposeToken = (req: Request): string => (req.session.purposeToken ??= newToken());

export function isPurposeToken(req: Request, given: unknown): boolean {
  const kept = req.session.purposeToken;
  if (kept === undefined || typeof given !== 'string') return false;
  const [a, b] = [Buffer.from(kept), Buffer.from(given)];
  return a.length === b.length && timingSafeEqual(a, b);
}
