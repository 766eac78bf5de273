import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';
import { createOAuth2Protocol } from './oauth2.ts';
import { createOidcProtocol } from './oidc.ts';
import type { Protocol } from './protocol.ts';
import type { Door } from './routes.ts';
import { createSamlProtocol } from './saml.ts';
import { createIdpSource } from './saml/idp-source.ts';
import type { Sealer } from './sealer.ts';
import type { OnceStore } from './store.ts';
import { createProviderStrategy } from './strategy.ts';
import { createTicketProtocol } from './ticket.ts';
import type { Provider } from './types.ts';

export interface DoorsDeps {
  providers: readonly Provider[];
  publicOrigin: string;
  once: OnceStore;
  sealer: Sealer;
  /** Stands in for a name at a provider where the name itself may not be kept. */
  hashName(provider: string, name: string): string;
  clock: Clock;
  logger: Logger;
}

/** Our addresses for a provider: from the configuration, never from a request's Host. */
export const addressesOf = (publicOrigin: string, key: string) => ({
  callbackUrl: `${publicOrigin}/sign-in/${key}/callback`,
  logoutUrl: `${publicOrigin}/sign-in/${key}/logout`,
  metadataUrl: `${publicOrigin}/sign-in/${key}/metadata`,
});

/** Each configured provider with its protocol, ready for use. Nothing is asked of a provider before somebody comes. */
export function createDoors(deps: DoorsDeps): Map<string, Door> {
  const { providers, publicOrigin, once, sealer, hashName, clock, logger } = deps;

  function doorOf(provider: Provider): Omit<Door, 'strategy'> {
    const { callbackUrl, logoutUrl, metadataUrl } = addressesOf(publicOrigin, provider.key);
    const plain = (protocol: Protocol, answersBy: Door['answersBy'] = 'query') => ({
      ...{ provider, protocol, answersBy, metadata: null, logout: null },
    });
    switch (provider.protocol) {
      case 'oidc': {
        const answersBy = provider.responseMode === 'form_post' ? 'post' : 'query';
        return plain(
          createOidcProtocol({ provider, callbackUrl, signedOutUrl: logoutUrl, clock }),
          answersBy,
        );
      }
      case 'oauth2':
        return plain(createOAuth2Protocol({ provider, callbackUrl }));
      case 'ticket':
        return plain(createTicketProtocol({ provider, callbackUrl, clock }));
      case 'saml': {
        const protocol = createSamlProtocol({
          ...{ provider, callbackUrl, logoutUrl, metadataUrl, once, clock },
          source: createIdpSource({ provider, once, sealer, clock, logger }),
          hashName: (name) => hashName(provider.key, name),
        });
        const { metadata, logout } = protocol;
        return { provider, protocol, answersBy: 'post', metadata, logout };
      }
    }
  }

  return new Map(
    providers.map((provider) => {
      const door = doorOf(provider);
      return [provider.key, { ...door, strategy: createProviderStrategy(provider.key, door.protocol) }];
    }),
  );
}
