import { createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import type { Clock } from '../../base/clock.ts';
import { signInFailure } from './failures.ts';
import { createOutgoing } from './outgoing.ts';
import { readProfile } from './profile.ts';
import type { Protocol } from './protocol.ts';
import type { TicketProvider } from './types.ts';

const exchanged = z.object({
  ticket: z.string(),
  service: z.string(),
  /** ISO 8601: the answer is no good afterwards. */
  expires: z.iso.datetime({ offset: true }),
  attributes: z.record(z.string(), z.unknown()),
});

/**
 * An example of a protocol of one's own, for a provider that speaks neither SAML nor OpenID Connect. Many older portals
 * hand out a ticket and let the site exchange it behind the browser's back; this is the smallest safe form of that:
 *
 * 1. The browser goes to `loginUrl?client=…&service=<our callback>&state=…`.
 * 2. It comes back to the callback with `ticket` and the same `state`; or with `error=denied`.
 * 3. We POST `{"client","ticket","service"}` to `exchangeUrl`, with `Authorization: HMAC-SHA256 <mac>` where mac is
 *    base64url(HMAC-SHA256(secret, body)).
 * 4. The answer is 200 with `{"ticket","service","expires","attributes"}` and the header `Signature`, made the same way
 *    over its body; or 404 when the ticket is unknown, used or expired. A ticket is good once.
 *
 * The attribute map of the configuration reads `attributes`; one of them must be mapped to `subject`. To support a real
 * portal, write a file like this one for it, add its settings to settings.ts, and one line to doors.ts.
 */
export function createTicketProtocol(deps: {
  provider: TicketProvider;
  callbackUrl: string;
  clock: Clock;
}): Protocol {
  const { provider, callbackUrl, clock } = deps;
  const outgoing = createOutgoing(provider.timeoutSeconds);
  const macOf = (text: string): string =>
    createHmac('sha256', provider.secret).update(text).digest('base64url');
  const matches = (text: string, mac: string | null): boolean => {
    const wanted = Buffer.from(macOf(text));
    const given = Buffer.from(mac ?? '');
    return wanted.length === given.length && timingSafeEqual(wanted, given);
  };

  async function exchange(ticket: string) {
    const body = JSON.stringify({ client: provider.clientId, ticket, service: callbackUrl });
    const answer = await outgoing(provider.exchangeUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `HMAC-SHA256 ${macOf(body)}` },
      body,
    });
    if (answer.status === 404) throw signInFailure('used', 'the ticket is unknown, used or expired');
    if (answer.status !== 200)
      throw signInFailure('configuration', `the exchange was refused with status ${answer.status}`);
    const text = await answer.text();
    if (!matches(text, answer.headers.get('signature')))
      throw signInFailure('unverified', 'the signature of the exchange is wrong');
    const parsed = exchanged.safeParse(JSON.parse(text));
    if (!parsed.success) throw signInFailure('malformed', 'the exchange has not the form of the protocol');
    return parsed.data;
  }

  return {
    async begin({ state }) {
      const url = new URL(provider.loginUrl);
      url.searchParams.set('client', provider.clientId);
      url.searchParams.set('service', callbackUrl);
      url.searchParams.set('state', state);
      return url.href;
    },
    async complete(attempt, answer) {
      if (!attempt) throw signInFailure('unknown', 'no sign-in was begun in this browser');
      if (answer.has('error')) throw signInFailure('cancelled', 'the provider answered with an error');
      const [ticket, ...more] = answer.getAll('ticket');
      if (ticket === undefined || ticket === '' || more.length > 0 || ticket.length > 1000)
        throw signInFailure('malformed', 'there is not exactly one ticket');
      const given = await exchange(ticket);
      if (given.ticket !== ticket) throw signInFailure('unverified', 'the exchange is about another ticket');
      if (given.service !== callbackUrl) throw signInFailure('audience', 'the ticket is for another site');
      if (Date.parse(given.expires) + provider.clockSkewSeconds * 1000 <= clock.now().getTime())
        throw signInFailure('expired', 'the exchange has expired');
      const { profile, notes } = readProfile(provider, given.attributes, null);
      return { profile, notes, logout: { provider: provider.key } };
    },
    signOutUrl: async () => null,
  };
}
