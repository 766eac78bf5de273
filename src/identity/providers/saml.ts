import { createHash } from 'node:crypto';
import { escape as escapeParameter } from 'node:querystring';
import { SAML, ValidateInResponseTo, type Profile, type SamlConfig } from '@node-saml/passport-saml';
import type { Clock } from '../../base/clock.ts';
import { idNumberKind } from '../id-numbers.ts';
import { failureReasonOf, signInFailure } from './failures.ts';
import { readProfile } from './profile.ts';
import type { LogoutFacts, Protocol } from './protocol.ts';
import { readAssertion, nameIdOf, type NameId } from './saml/assertion.ts';
import { decryptElement } from './saml/encryption.ts';
import type { IdpDescription } from './saml/idp-metadata.ts';
import type { IdpSource } from './saml/idp-source.ts';
import {
  checkLogout,
  openLogout,
  readLogoutRequest,
  readLogoutResponse,
  type OpenedLogout,
  type SentLogout,
} from './saml/logout.ts';
import { fromPost } from './saml/messages.ts';
import { checkDecrypted, readResponse } from './saml/response.ts';
import { spMetadata } from './saml/sp-metadata.ts';
import { isElement, readXml } from './saml/xml.ts';
import type { OnceStore } from './store.ts';
import type { KeyPair, SamlProvider } from './types.ts';

const transient = 'urn:oasis:names:tc:SAML:2.0:nameid-format:transient';

/** A logout message of the provider that was verified. */
export type LogoutMessage =
  | { kind: 'request'; id: string; name: string; sessionIndexes: string[]; relayState: string | null }
  /** To our own request; `failure`: the provider's status where it has not ended everything. */
  | { kind: 'response'; state: string; failure: string | null };

/** What SAML has beside signing in. */
export interface SingleLogout {
  /** @throws DomainError `sign-in-…` */
  receive(sent: SentLogout): Promise<LogoutMessage>;
  /** Where the browser takes our answer; null when the provider takes none. */
  answerUrl(requestId: string, relayState: string | null): Promise<string | null>;
}

export interface SamlProtocol extends Protocol {
  logout: SingleLogout;
  metadata(): Promise<string>;
}

export interface SamlDeps {
  provider: SamlProvider;
  source: IdpSource;
  callbackUrl: string;
  logoutUrl: string;
  metadataUrl: string;
  /** Stands in for a name at the provider where the name itself may not be kept. */
  hashName(name: string): string;
  once: OnceStore;
  clock: Clock;
}

/**
 * The library signs the parameters as node:querystring writes them and puts them into the address as URLSearchParams does:
 * a space, say, is `%20` in one and `+` in the other. The signature is over the characters, so the address gets them as signed.
 */
const asSigned = (url: string): string => {
  const { origin, pathname, searchParams } = new URL(url);
  const pairs = [...searchParams].map((pair) => pair.map(escapeParameter).join('='));
  return `${origin}${pathname}?${pairs.join('&')}`;
};

/** The id of the LogoutRequest that is sent with this RelayState: so that the answer can be told without keeping anything. */
const logoutIdOf = (state: string): string =>
  `_${createHash('sha256').update(state).digest('hex').slice(0, 40)}`;

/**
 * SAML 2.0 (saml-core, saml-bindings, saml-profiles): Web Browser SSO, requests by HTTP-Redirect and answers by HTTP-POST,
 * and Single Logout. node-saml writes our messages and verifies signatures and encryption; who is let in is decided on top
 * of it: messages are read strictly (saml/xml.ts), have only one possible shape (saml/algorithms.ts, saml/response.ts), and
 * what is believed comes from the signed bytes alone (saml/assertion.ts).
 */
export function createSamlProtocol(deps: SamlDeps): SamlProtocol {
  const { provider, source, callbackUrl, logoutUrl, metadataUrl, once, clock } = deps;
  const { key, clockSkewSeconds } = provider;
  const entityId = provider.entityId ?? metadataUrl;
  const signingKey = (): KeyPair | null => provider.keys[0] ?? null;

  const described = async (): Promise<IdpDescription> => {
    const idp = await source.current();
    if (idp.wantsSignedRequests && !signingKey())
      throw signInFailure('configuration', 'the provider wants signed requests, and we have no key');
    return idp;
  };
  const library = (idp: IdpDescription, more: Partial<SamlConfig> = {}): SAML => {
    const own = signingKey();
    return new SAML({
      issuer: entityId,
      callbackUrl,
      entryPoint: idp.entryPoint,
      idpCert: idp.certificates,
      ...(own ? { privateKey: own.privateKey, signatureAlgorithm: 'sha256', digestAlgorithm: 'sha256' } : {}),
      identifierFormat: provider.nameIdFormat,
      disableRequestedAuthnContext: provider.authnContext.length === 0,
      authnContext: provider.authnContext,
      forceAuthn: provider.forceAuthn,
      wantAssertionsSigned: true,
      // Audience, times and InResponseTo are checked on the signed assertion, by our clock and this browser's attempt.
      audience: false,
      acceptedClockSkewMs: -1,
      validateInResponseTo: ValidateInResponseTo.never,
      ...more,
    });
  };

  /** The assertion from the bytes that are signed, once every signature that is there was verified. */
  async function verified(
    message: string,
    idp: IdpDescription,
    { signed, privateKey }: { signed: boolean; privateKey: string | null },
  ): Promise<string> {
    const saml = library(idp, {
      // A signature that is there must be right, also where it was not asked for.
      wantAuthnResponseSigned: signed,
      ...(privateKey === null ? {} : { decryptionPvk: privateKey }),
    });
    try {
      const { profile } = await saml.validatePostResponseAsync({ SAMLResponse: message });
      const assertion = profile?.getAssertionXml?.();
      if (assertion !== undefined) return assertion;
    } catch (error) {
      throw signInFailure('unverified', 'the response could not be verified', error);
    }
    throw signInFailure('unverified', 'nothing in the response is signed');
  }

  /** Once more with the provider's newest keys, if a signature did not fit and there are newer ones. */
  async function withNewestKeys<T>(
    idp: IdpDescription,
    act: (idp: IdpDescription) => Promise<T>,
  ): Promise<T> {
    try {
      return await act(idp);
    } catch (error) {
      if (failureReasonOf(error) !== 'unverified') throw error;
      const newer = await source.renewed();
      if (!newer || newer.certificates.every((one) => idp.certificates.includes(one))) throw error;
      return act(newer);
    }
  }

  const logoutFacts = (name: NameId, sessionIndex: string | null): LogoutFacts => ({
    provider: key,
    nameHash: deps.hashName(name.value),
    // An ID number is not kept, not even sealed: then there is no logout at the provider.
    ...(idNumberKind(name.value) === null
      ? {
          nameId: name.value,
          ...(name.format === null ? {} : { nameIdFormat: name.format }),
          ...(name.nameQualifier === null ? {} : { nameQualifier: name.nameQualifier }),
          ...(name.spNameQualifier === null ? {} : { spNameQualifier: name.spNameQualifier }),
        }
      : {}),
    ...(sessionIndex === null ? {} : { sessionIndex }),
  });

  /** The name, and the key that opened it where it came encrypted. */
  async function nameInRequest(
    request: ReturnType<typeof readLogoutRequest>,
  ): Promise<{ name: string; privateKey: string | null }> {
    if (!request.encrypted) return { name: request.name?.value ?? '', privateKey: null };
    const { xml, privateKey } = await decryptElement(request.encrypted, provider.decryptionKeys, provider);
    const root = readXml(xml);
    if (!isElement(root, 'assertion', 'NameID'))
      throw signInFailure('malformed', 'what was encrypted is no name');
    return { name: nameIdOf(root).value, privateKey };
  }

  /** The library verifies the signature of a posted message; that of a query was verified when it was opened. */
  async function verifyPosted(
    opened: OpenedLogout,
    idp: IdpDescription,
    privateKey: string | null,
  ): Promise<void> {
    const saml = library(idp, {
      wantAuthnResponseSigned: true,
      ...(privateKey === null ? {} : { decryptionPvk: privateKey }),
    });
    try {
      await (opened.kind === 'request'
        ? saml.validatePostRequestAsync({ SAMLRequest: opened.message })
        : saml.validatePostResponseAsync({ SAMLResponse: opened.message }));
    } catch (error) {
      throw signInFailure('unverified', 'the logout message could not be verified', error);
    }
  }

  async function receive(sent: SentLogout, idp: IdpDescription): Promise<LogoutMessage> {
    const opened = openLogout(sent, idp.certificates, provider);
    checkLogout(opened, { issuer: idp.entityId, destination: logoutUrl }, provider);
    if (opened.kind === 'response') {
      if (sent.binding === 'post') await verifyPosted(opened, idp, null);
      const { inResponseTo, failure } = readLogoutResponse(opened.root);
      const state = opened.relayState ?? '';
      if (inResponseTo !== logoutIdOf(state))
        throw signInFailure('unknown', 'the logout response answers no request of this RelayState');
      return { kind: 'response', state, failure };
    }
    const request = readLogoutRequest(opened.root, clock.now(), clockSkewSeconds);
    const { name, privateKey } = await nameInRequest(request);
    if (sent.binding === 'post') await verifyPosted(opened, idp, privateKey);
    const seen = createHash('sha256').update(request.id).digest('base64url');
    const until = new Date(request.expiresAt + clockSkewSeconds * 1000);
    if (!(await once.remember(`saml-logout:${key}:${seen}`, until)))
      throw signInFailure('used', 'this logout request was taken before');
    const { id, sessionIndexes } = request;
    return { kind: 'request', id, name, sessionIndexes, relayState: opened.relayState };
  }

  return {
    async begin({ state, requestId, purpose }) {
      const idp = await described();
      const saml = library(idp, {
        generateUniqueId: () => requestId,
        // Whoever is to show that it is still them is asked again (saml-core 3.4.1).
        forceAuthn: provider.forceAuthn || purpose?.kind === 'confirm',
      });
      return asSigned(await saml.getAuthorizeUrlAsync(state, undefined, {}));
    },

    async complete(attempt, answer) {
      if (!attempt && !provider.allowIdpInitiated)
        throw signInFailure('unknown', 'no sign-in was begun in this browser');
      const [message, ...more] = answer.getAll('SAMLResponse');
      if (message === undefined || more.length > 0)
        throw signInFailure('malformed', 'there is not exactly one SAMLResponse');
      const root = readXml(fromPost(message));
      const requestId = attempt?.requestId ?? null;

      const assertion = await withNewestKeys(await described(), async (idp) => {
        const envelope = { issuer: idp.entityId, destination: callbackUrl, requestId };
        const { signed, encrypted } = readResponse(root, envelope, provider);
        if (provider.wantResponseSigned && !signed)
          throw signInFailure('unverified', 'the response is not signed');
        if (provider.wantEncrypted && !encrypted)
          throw signInFailure('unverified', 'the assertion is not encrypted');
        const opened = encrypted && (await decryptElement(encrypted, provider.decryptionKeys, provider));
        if (opened) checkDecrypted(readXml(opened.xml), provider);
        const xml = await verified(message, idp, { signed, privateKey: opened?.privateKey ?? null });
        return readAssertion(readXml(xml), {
          issuer: idp.entityId,
          audience: provider.audience ?? entityId,
          recipient: callbackUrl,
          requestId,
          authnContext: provider.authnContext,
          authenticatedSince: attempt?.purpose?.kind === 'confirm' ? attempt.startedAt : null,
          now: clock.now(),
          clockSkewSeconds,
        });
      });

      const seen = createHash('sha256').update(assertion.id).digest('base64url');
      const until = new Date(assertion.expiresAt + clockSkewSeconds * 1000);
      if (!(await once.remember(`saml-assertion:${key}:${seen}`, until)))
        throw signInFailure('used', 'this assertion was taken before');

      // A transient name is another one each time: it cannot say who somebody is.
      const { name, attributes, sessionIndex } = assertion;
      const subject = name.format === transient ? null : name.value;
      const { profile, notes } = readProfile(provider, attributes, subject);
      return { profile, notes, logout: logoutFacts(name, sessionIndex) };
    },

    async signOutUrl(facts, state) {
      const idp = await described();
      if (idp.logoutUrl === null || facts.nameId === undefined || !signingKey()) return null;
      const saml = library(idp, { logoutUrl: idp.logoutUrl, generateUniqueId: () => logoutIdOf(state) });
      const { nameId: nameID, nameIdFormat, nameQualifier, spNameQualifier, sessionIndex } = facts;
      // Where a field is not given the library leaves it out.
      const whom = { nameID, nameIDFormat: nameIdFormat, nameQualifier, spNameQualifier, sessionIndex };
      return asSigned(await saml.getLogoutUrlAsync(whom as Profile, state, {}));
    },

    logout: {
      receive: async (sent) => withNewestKeys(await described(), (idp) => receive(sent, idp)),
      async answerUrl(requestId, relayState) {
        const idp = await described();
        if (idp.logoutResponseUrl === null || !signingKey()) return null;
        const saml = library(idp, { logoutUrl: idp.logoutResponseUrl });
        const request = { ID: requestId } as Profile;
        return asSigned(await saml.getLogoutResponseUrlAsync(request, relayState ?? '', {}, true));
      },
    },

    metadata: async () => spMetadata(provider, { entityId, callbackUrl, logoutUrl }),
  };
}
