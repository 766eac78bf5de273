import express, { type Request, type Router } from 'express';
import { z } from 'zod';
import { DomainError } from '../../base/errors.ts';
import { parse } from '../../http/validate.ts';
import { beatBody, beatOf, type BeatListener } from './listener.ts';
import type { PlayerLaunch } from './store.ts';
import type { PlayerSessionService } from './player-sessions.ts';

export interface PlayerRouteDeps {
  sessions: PlayerSessionService;
  /** The portal's signed-in person; null when there is none. */
  currentPerson: (req: Request) => { id: string } | null;
  /** Answers the beats that follow (listener.ts). */
  listener?: Pick<BeatListener, 'saw'>;
}

const leave = z.object({
  token: z.string().max(200),
  how: z.enum(['left', 'closed']),
  undo: z.boolean().optional(),
});

/**
 * The portal's side of the player. The body's beat token is the proof (sendBeacon carries no header of ours), so no CSRF
 * token is asked: mount it before the CSRF fence. Whoever is signed in as someone else is refused.
 */
export function createPlayerRoutes({ sessions, currentPerson, listener }: PlayerRouteDeps): Router {
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
    const body = parse(beatBody, req.body);
    const launch = await launchOf(req, body.token);
    const view = await sessions.beat(launch, beatOf(body));
    listener?.saw(launch.id, req.headers.cookie);
    // The time counts whether or not the portal's session still lives; the page tells the reader when it does not.
    res.set('Cache-Control', 'no-store').json({ ...view, signedIn: currentPerson(req) !== null });
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
