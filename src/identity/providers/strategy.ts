import type { Request } from 'express';
import type { Strategy } from 'passport';
import { signInFailure } from './failures.ts';
import type { Answer, Attempt, Protocol, Vouched } from './protocol.ts';

/** What passport's `authenticate` is given beside the request. */
export type StrategyStep =
  { step: 'begin'; attempt: Attempt } | { step: 'complete'; attempt: Attempt | null; answer: Answer };

/** What passport adds to a strategy for one request. */
interface PassportActions {
  redirect(url: string, status?: number): void;
  success(user: Vouched): void;
  error(error: unknown): void;
}

/** A protocol as a passport strategy: it redirects to the provider, or succeeds with whom the provider vouches for. */
export function createProviderStrategy(name: string, protocol: Protocol): Strategy {
  return {
    name,
    authenticate(this: PassportActions, _req: Request, given: StrategyStep) {
      const act =
        given.step === 'begin'
          ? protocol.begin(given.attempt).then((url) => this.redirect(url, 303))
          : protocol.complete(given.attempt, given.answer).then((vouched) => this.success(vouched));
      act.catch((error: unknown) =>
        this.error(error ?? signInFailure('configuration', 'the strategy failed without a reason')),
      );
    },
  } as unknown as Strategy;
}
