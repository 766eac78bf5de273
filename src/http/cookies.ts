import type { Request } from 'express';

/** The value of a plain cookie of ours; null when the browser did not send it. */
export const readCookie = (req: Request, name: string): string | null =>
  req.headers.cookie
    ?.split(';')
    .map((part) => part.trim().split('='))
    .find(([key]) => key === name)?.[1] ?? null;
