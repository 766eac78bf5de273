import type { Clock } from '../../base/clock.ts';
import { DomainError } from '../../base/errors.ts';
import { createOAuth2Protocol } from './oauth2.ts';
import { createOidcProtocol } from './oidc.ts';
import type { Protocol } from './protocol.ts';
import type { Door } from './routes.ts';
import { createProviderStrategy } from './strategy.ts';
import { createTicketProtocol } from './ticket.ts';
import type { Provider } from './types.ts';

export interface DoorsDeps {
  providers: readonly Provider[];
  publicOrigin: string;
  clock: Clock;
}

/** Our addresses for a provider: from the configuration, never from a request's Host. */
export const addressesOf = (publicOrigin: string, key: string) => ({
  callbackUrl: `${publicOrigin}/sign-in/${key}/callback`,
  logoutUrl: `${publicOrigin}/sign-in/${key}/logout`,
  metadataUrl: `${publicOrigin}/sign-in/${key}/metadata`,
});

/** Each configured provider with its protocol, ready for use. Nothing is asked of a provider before somebody comes. */
export function createDoors({ providers, publicOrigin, clock }: DoorsDeps): Map<string, Door> {
  const protocolOf = (provider: Provider): Protocol => {
    const { callbackUrl, logoutUrl } = addressesOf(publicOrigin, provider.key);
    switch (provider.protocol) {
      case 'oidc':
        return createOidcProtocol({ provider, callbackUrl, signedOutUrl: logoutUrl, clock });
      case 'oauth2':
        return createOAuth2Protocol({ provider, callbackUrl });
      case 'ticket':
        return createTicketProtocol({ provider, callbackUrl, clock });
      case 'saml':
        throw new DomainError('invalid', `SAML is not to be had yet: ${provider.key}`);
    }
  };
  return new Map(
    providers.map((provider) => {
      const protocol = protocolOf(provider);
      const posts =
        provider.protocol === 'saml' ||
        (provider.protocol === 'oidc' && provider.responseMode === 'form_post');
      return [
        provider.key,
        {
          provider,
          protocol,
          strategy: createProviderStrategy(provider.key, protocol),
          answersBy: posts ? 'post' : 'query',
          metadata: null,
        } satisfies Door,
      ];
    }),
  );
}
