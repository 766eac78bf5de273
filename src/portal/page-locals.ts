import type { RequestHandler } from 'express';
import { currentPerson, permissionsOf } from '../identity/routes-access.ts';

/** What every page's layout knows: who reads it, what they may do, where it is. Language and CSRF token are http's. */
export const createPageLocals =
  (options: { demo: boolean; publicOrigin: string }): RequestHandler =>
  (req, res, next) => {
    const person = currentPerson(req);
    Object.assign(res.locals, { ...options, person, path: req.path, can: permissionsOf(person) });
    next();
  };
