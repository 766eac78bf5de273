import type { IncomingMessage, ServerResponse } from 'node:http';
import { z } from 'zod';
import type { Clock } from '../../base/clock.ts';
import { DomainError } from '../../base/errors.ts';
import { toPublicError } from '../../http/errors.ts';
import { parse } from '../../http/validate.ts';
import type { Beat, PlayerSessionService } from './player-sessions.ts';

export const beatBody = z.object({
  token: z.string().max(200),
  visible: z.boolean(),
  idleSeconds: z.number().min(0).optional(),
  takeOver: z.boolean().optional(),
  present: z.boolean().optional(),
});

/** Without the fields that were not sent. */
export const beatOf = ({ token: _token, ...said }: z.output<typeof beatBody>): Beat =>
  Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined)) as unknown as Beat;

export interface BeatListenerDeps {
  sessions: Pick<PlayerSessionService, 'authenticate' | 'beat'>;
  clock: Clock;
  publicOrigin: string;
  /** A browser session ends after so long without a request: a learner who only reads must not be signed out. */
  sessionIdleSeconds: number;
}

export interface BeatListener {
  /** True: answered here, ahead of express. */
  answers(req: IncomingMessage, res: ServerResponse): boolean;
  /** A beat went the long way: who is signed in was seen, and the browser session has been prolonged. */
  saw(launchId: string, cookies: string | undefined): void;
}

const beatPath = /^\/api\/player\/sessions\/([0-9a-f-]{36})\/beat$/;
const largestBody = 16 * 1024;
/** So many launches are remembered; one that is forgotten goes the long way once. */
const mostRemembered = 50_000;

/**
 * Nearly all that learners' browsers send are beats, and nearly every beat says the same as the one before: the same browser,
 * signed in as before. Such a beat needs no session, no person and no page around it. Every so often one goes the long way,
 * and so does the first after any change of cookies (signed in as someone else).
 */
export function createBeatListener({
  sessions,
  clock,
  publicOrigin,
  sessionIdleSeconds,
}: BeatListenerDeps): BeatListener {
  const host = new URL(publicOrigin).host.toLowerCase();
  const longWayEvery = Math.min(300, sessionIdleSeconds / 3) * 1000;
  const seen = new Map<string, { cookies: string; until: number }>();

  const known = (launchId: string, cookies: string): boolean => {
    const entry = seen.get(launchId);
    return entry !== undefined && entry.cookies === cookies && clock.now().getTime() < entry.until;
  };

  const answer = async (req: IncomingMessage, launchId: string): Promise<unknown> => {
    const body = parse(beatBody, await jsonOf(req));
    const launch = await sessions.authenticate('beat', body.token);
    if (launch.id !== launchId)
      throw new DomainError('forbidden', 'This session belongs to someone else. Open the course again.', {
        code: 'player.other-learner',
      });
    return sessions.beat(launch, beatOf(body));
  };

  return {
    answers(req, res) {
      if (req.method !== 'POST' || req.headers.host?.toLowerCase() !== host) return false;
      const launchId = beatPath.exec(req.url ?? '')?.[1];
      // What is larger, or does not say how large it is, is no beat of ours: express tells its sender so.
      if (!(Number(req.headers['content-length'] ?? NaN) <= largestBody)) return false;
      if (launchId === undefined || !known(launchId, req.headers.cookie ?? '')) return false;
      answer(req, launchId).then(
        (view) => send(res, 200, view),
        (error: unknown) => {
          const { status, kind, code, message, problems } = toPublicError(error);
          send(res, status, { error: { kind: kind ?? 'internal', code, message, problems } });
        },
      );
      return true;
    },
    saw(launchId, cookies) {
      seen.delete(launchId);
      seen.set(launchId, { cookies: cookies ?? '', until: clock.now().getTime() + longWayEvery });
      for (const oldest of seen.keys()) {
        if (seen.size <= mostRemembered) break;
        seen.delete(oldest);
      }
    },
  };
}

async function jsonOf(req: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of req as AsyncIterable<Buffer>) chunks.push(chunk);
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown;
  } catch {
    throw new DomainError('invalid', 'The beat is not JSON.', { code: 'invalid-json' });
  }
}

function send(res: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body);
  res
    .writeHead(status, {
      'Content-Type': 'application/json; charset=utf-8',
      'Content-Length': Buffer.byteLength(text),
      'Cache-Control': 'no-store',
      'X-Content-Type-Options': 'nosniff',
    })
    .end(text);
}
