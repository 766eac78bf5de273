import { signInFailure } from './failures.ts';

/** Enough for any metadata, key set or profile. */
const largestAnswer = 1024 * 1024;

/**
 * A fetch towards one provider: it ends after the provider's time whatever happens (a body that drips included),
 * follows no redirect, and reads at most 1 MB.
 * @throws DomainError `sign-in-away`
 */
export const createOutgoing =
  (timeoutSeconds: number) =>
  async (url: string, init: RequestInit = {}): Promise<Response> => {
    try {
      const answer = await fetch(url, {
        ...init,
        redirect: 'manual',
        signal: AbortSignal.timeout(timeoutSeconds * 1000),
      });
      const parts: Uint8Array[] = [];
      let size = 0;
      for await (const part of answer.body ?? []) {
        size += part.byteLength;
        if (size > largestAnswer) throw signInFailure('away', "the provider's answer is too long");
        parts.push(part);
      }
      const { status, statusText, headers } = answer;
      const empty = status === 204 || status === 304;
      return new Response(empty ? null : Buffer.concat(parts), { status, statusText, headers });
    } catch (error) {
      const late = error instanceof Error && error.name === 'TimeoutError';
      throw signInFailure(
        'away',
        late ? 'the provider answered too late' : 'the provider cannot be reached',
        error,
      );
    }
  };
