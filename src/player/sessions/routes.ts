import express, { type Request, type Router } from 'express';
import { z } from 'zod';
import { DomainError } from '../../base/errors.ts';
import { parse } from '../../http/validate.ts';
import type { PlayerLaunch } from './store.ts';
import type { PlayerSessionService } from './player-sessions.ts';

export interface PlayerRouteDeps {
  sessions: PlayerSessionService;
  /** The portal's signed-in person; null when there is none. */
  currentPerson: (req: Request) => { id: string } | null;
}

const beat = z.object({
  token: z.string().max(200),
  visible: z.boolean(),
  idleSeconds: z.number().min(0).optional(),
  takeOver: z.boolean().optional(),
  present: z.boolean().optional(),
});
const leave = z.object({
  token: z.string().max(200),
  how: z.enum(['left', 'closed']),
  undo: z.boolean().optional(),
});

/**
 * The portal's side of the player. The body's beat token is the proof (sendBeacon carries no header of ours), so no CSRF
 * token is asked: mount it before the CSRF fence. Whoever is signed in as someone else is refused.
 */
export function createPlayerRoutes({ sessions, currentPerson }: PlayerRouteDeps): Router {
  const router = express.Router();
  // A beacon arrives as text/plain where a browser does not let it say JSON.
  router.use('/api/player', express.json({ limit: '16kb', type: ['application/json', 'text/plain'] }));

  const launchOf = async (req: Request, token: string): Promise<PlayerLaunch> => {
    const launch = await sessions.authenticate('beat', token);
    const person = currentPerson(req);
    if (launch.id !== req.params['id'] || (person && person.id !== launch.learner.id))
      throw new DomainError('forbidden', 'This session belongs to someone else. Open the course again.', {
        code: 'player.other-learner',
      });
    return launch;
  };

  router.post('/api/player/sessions/:id/beat', async (req, res) => {
    const { token, visible, idleSeconds, takeOver, present } = parse(beat, req.body);
    const launch = await launchOf(req, token);
    const reading = await sessions.beat(launch, {
      visible,
      ...(idleSeconds === undefined ? {} : { idleSeconds }),
      ...(takeOver === undefined ? {} : { takeOver }),
      ...(present === undefined ? {} : { present }),
    });
    // The time counts whether or not the portal's session still lives; the page tells the reader when it does not.
    res.set('Cache-Control', 'no-store').json({ ...reading, signedIn: currentPerson(req) !== null });
  });

  router.post('/api/player/sessions/:id/leave', async (req, res) => {
    const { token, how, undo } = parse(leave, req.body);
    const launch = await launchOf(req, token);
    res
      .set('Cache-Control', 'no-store')
      .json(await sessions.leave(launch, how, undo === undefined ? {} : { undo }));
  });

  return router;
}
