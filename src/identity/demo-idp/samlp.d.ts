/** As much of samlp (which brings no types) as the demo's provider uses. */
declare module 'samlp' {
  import type { RequestHandler, Request } from 'express';

  type Callback<T> = (error: Error | null, value?: T) => void;

  export interface SamlpProfileMapper<User> {
    (user: User): {
      getClaims(): Record<string, string>;
      getNameIdentifier(): { nameIdentifier: string; nameIdentifierFormat?: string };
    };
    prototype: { metadata: unknown[] };
  }
  export interface SamlpKeys {
    issuer: string;
    cert: string;
    key: string;
  }
  export interface SamlpParticipant {
    serviceProviderId: string;
    sessionIndex: string;
    nameId: string;
    nameIdFormat: string;
    serviceProviderLogoutURL: string;
  }
  export interface SamlpStateStore {
    save(req: Request, state: unknown, done: Callback<string>): void;
    load(req: Request, id: string, options: unknown, done: Callback<unknown>): void;
    update(req: Request, id: string, state: unknown, done: Callback<void>): void;
  }

  export interface Samlp {
    auth<User>(
      options: SamlpKeys & {
        getPostURL(audience: string, dom: unknown, req: Request, done: Callback<string>): void;
        getUserFromRequest(req: Request): User | null;
        profileMapper: SamlpProfileMapper<User>;
        sessionIndex: string;
        lifetimeInSeconds: number;
        RelayState?: string;
        destination: string;
        recipient: string;
        signResponse: boolean;
      },
    ): RequestHandler;
    metadata<User>(
      options: Pick<SamlpKeys, 'issuer' | 'cert'> & {
        profileMapper: SamlpProfileMapper<User>;
        redirectEndpointPath: string;
        postEndpointPath: string;
        logoutEndpointPaths: { redirect: string };
      },
    ): RequestHandler;
    sendError(
      options: SamlpKeys & {
        getPostURL(req: Request, done: Callback<string>): void;
        error: { code: string; description: string };
        inResponseTo: string;
        destination: string;
        RelayState: string;
        signResponse: boolean;
        signatureAlgorithm: string;
        digestAlgorithm: string;
      },
    ): RequestHandler;
    parseRequest(
      req: Request,
      done: Callback<{
        issuer?: string;
        id?: string;
        assertionConsumerServiceURL?: string;
        forceAuthn?: string;
      }>,
    ): void;
    logout(
      options: SamlpKeys & {
        sessionParticipants: unknown;
        store: SamlpStateStore;
        clearIdPSession(done: (error?: Error) => void): void;
        destination: string;
        deflate: boolean;
        protocolBinding: string;
        signatureAlgorithm: string;
        digestAlgorithm: string;
      },
    ): RequestHandler;
  }
  const samlp: Samlp;
  export default samlp;
}
declare module 'samlp/lib/sessionParticipants/index.js' {
  import type { SamlpParticipant } from 'samlp';
  const SessionParticipants: new (participants: SamlpParticipant[]) => object;
  export default SessionParticipants;
}
