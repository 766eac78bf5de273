import { X509Certificate } from 'node:crypto';
import { signInFailure } from '../failures.ts';
import { isAddress } from '../addresses.ts';
import {
  childrenOf,
  instantOf,
  isElement,
  onlyChild,
  readXml,
  withDescendants,
  type XmlElement,
} from './xml.ts';

/** A SAML identity provider as we use it. */
export interface IdpDescription {
  entityId: string;
  /** SingleSignOnService by HTTP-Redirect. */
  entryPoint: string;
  /** SingleLogoutService by HTTP-Redirect, and where answers to its requests go; null: it has none. */
  logoutUrl: string | null;
  logoutResponseUrl: string | null;
  /** PEM; every one may sign. */
  certificates: string[];
  wantsSignedRequests: boolean;
  /** Milliseconds: afterwards the description is not to be used; null: it does not say. */
  validUntil: number | null;
}

const redirectBinding = 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect';

const unusable = (fact: string, cause?: unknown): Error =>
  signInFailure('configuration', `the provider's metadata ${fact}`, cause);

/** A certificate of ours or of the configuration: base64 of its DER, as metadata writes it. */
export const certificateBody = (pem: string): string => new X509Certificate(pem).raw.toString('base64');

function signingCertificates(role: XmlElement): string[] {
  const found = childrenOf(role, 'metadata', 'KeyDescriptor')
    .filter((key) => key.attributes.get('use') !== 'encryption')
    .flatMap((key) => [...withDescendants(key)])
    .filter((element) => isElement(element, 'signature', 'X509Certificate'))
    .map(({ text }) => {
      try {
        // Metadata's keys hold as they are: the certificate's own dates say nothing (SAML V2.0 Metadata Interoperability).
        return new X509Certificate(Buffer.from(text, 'base64')).toString();
      } catch (error) {
        throw unusable('holds a certificate that is none', error);
      }
    });
  if (found.length === 0) throw unusable('names no signing certificate');
  return [...new Set(found)];
}

function service(role: XmlElement, name: string): XmlElement | null {
  const found = childrenOf(role, 'metadata', name).find(
    ({ attributes }) => attributes.get('Binding') === redirectBinding,
  );
  for (const attribute of ['Location', 'ResponseLocation']) {
    const address = found?.attributes.get(attribute);
    if (address !== undefined && !isAddress(address))
      throw unusable(`has a ${name} that is no https address`);
  }
  return found?.attributes.has('Location') ? found : null;
}

/** The earliest end that the entity or a group around it names. */
function validUntilOf(entity: XmlElement): number | null {
  let earliest: number | null = null;
  for (let at: XmlElement | null = entity; at; at = at.parent) {
    const text = at.attributes.get('validUntil');
    if (text === undefined) continue;
    const end = instantOf(text);
    if (end === null) throw unusable('has a validUntil that is no time');
    earliest = earliest === null ? end : Math.min(earliest, end);
  }
  return earliest;
}

/**
 * Reads an identity provider's metadata (saml-metadata 2.4.3).
 * @param entityId which entity; null: the only identity provider in it
 * @throws DomainError `sign-in-configuration` naming what is wrong
 */
export function readIdpMetadata(text: string, entityId: string | null): IdpDescription {
  let root: XmlElement;
  try {
    root = readXml(text.replace(/^\ufeff/, ''), 'ignored');
  } catch (error) {
    throw unusable('cannot be read', error);
  }
  const candidates = [...withDescendants(root)].filter(
    (element) =>
      isElement(element, 'metadata', 'EntityDescriptor') &&
      childrenOf(element, 'metadata', 'IDPSSODescriptor').length > 0 &&
      (entityId === null || element.attributes.get('entityID') === entityId),
  );
  const [entity, ...more] = candidates;
  if (!entity)
    throw unusable(entityId === null ? 'describes no identity provider' : 'does not describe idpEntityId');
  if (more.length > 0) throw unusable('describes several identity providers: say which by idpEntityId');
  const role = onlyChild(entity, 'metadata', 'IDPSSODescriptor');
  const name = entity.attributes.get('entityID') ?? '';
  if (!role || name === '') throw unusable('has no entityID');
  const signOn = service(role, 'SingleSignOnService');
  if (!signOn) throw unusable('offers no SingleSignOnService by HTTP-Redirect');
  const logout = service(role, 'SingleLogoutService');
  const logoutUrl = logout?.attributes.get('Location') ?? null;
  return {
    entityId: name,
    entryPoint: signOn.attributes.get('Location') ?? '',
    logoutUrl,
    logoutResponseUrl: logout?.attributes.get('ResponseLocation') ?? logoutUrl,
    certificates: signingCertificates(role),
    wantsSignedRequests: /^(true|1)$/.test(role.attributes.get('WantAuthnRequestsSigned') ?? ''),
    validUntil: validUntilOf(entity),
  };
}
