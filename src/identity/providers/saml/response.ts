import { signInFailure } from '../failures.ts';
import { checkSignatures, type AllowedAlgorithms } from './algorithms.ts';
import { childrenOf, isElement, onlyChild, withDescendants, type XmlElement } from './xml.ts';

/** Somebody pressed "cancel": what identity providers answer then (Keycloak, and the demo's). */
const deniedStatus = 'urn:oasis:names:tc:SAML:2.0:status:RequestDenied';
export const successStatus = 'urn:oasis:names:tc:SAML:2.0:status:Success';

/** What a message of the provider must fit to be meant for us. */
export interface Envelope {
  /** The provider's entity id. */
  issuer: string;
  /** Our address that takes it. */
  destination: string;
}

/** The end of a status URI: `AuthnFailed`. For the log only, so nothing else of it is let through. */
export const shortStatus = (value: string): string => /:([A-Za-z]{1,40})$/.exec(value)?.[1] ?? 'unknown';

/** Version, Issuer and Destination of a request or response (saml-core 3.2). */
export function checkEnvelope(root: XmlElement, { issuer, destination }: Envelope): void {
  const { attributes } = root;
  if (attributes.get('Version') !== '2.0') throw signInFailure('malformed', 'the message is not SAML 2.0');
  if ((attributes.get('ID') ?? '') === '') throw signInFailure('malformed', 'the message has no ID');
  const from = onlyChild(root, 'assertion', 'Issuer');
  if (from && from.text.trim() !== issuer)
    throw signInFailure('unverified', 'the message is from another issuer');
  const to = attributes.get('Destination');
  const signed = childrenOf(root, 'signature', 'Signature').length > 0;
  // saml-bindings 3.5.5.2: what is signed says where it goes.
  if (to === undefined ? signed : to !== destination)
    throw signInFailure('audience', 'the message is for another destination');
}

export interface ReadResponse {
  signed: boolean;
  /** The EncryptedAssertion; null when the assertion is in clear. */
  encrypted: XmlElement | null;
}

/** Where a signature may stand: in the response, or in the assertion directly in it. */
const signable =
  (root: XmlElement) =>
  (element: XmlElement): boolean =>
    element === root || (isElement(element, 'assertion', 'Assertion') && element.parent === root);

/**
 * The outside of a Response, before any cryptography: shape, addressee, request, status.
 * @param requestId the AuthnRequest that this browser has sent; null when it has sent none
 * @throws DomainError
 */
export function readResponse(
  root: XmlElement,
  envelope: Envelope & { requestId: string | null },
  allowed: AllowedAlgorithms,
): ReadResponse {
  if (!isElement(root, 'protocol', 'Response'))
    throw signInFailure('malformed', 'the message is no Response');
  checkSignatures(root, signable(root), allowed);
  checkEnvelope(root, envelope);
  const answers = root.attributes.get('InResponseTo') ?? null;
  if (answers !== envelope.requestId)
    throw envelope.requestId === null
      ? signInFailure('unknown', 'the response answers a request that this browser has not sent')
      : signInFailure('unverified', 'the response answers another request');

  const status = onlyChild(onlyChild(root, 'protocol', 'Status'), 'protocol', 'StatusCode');
  const code = status?.attributes.get('Value') ?? '';
  if (code !== successStatus) {
    const second = onlyChild(status, 'protocol', 'StatusCode')?.attributes.get('Value') ?? '';
    const denied = code === deniedStatus || second === deniedStatus;
    throw signInFailure(
      denied ? 'cancelled' : 'refused',
      `the provider answered ${shortStatus(code)} ${shortStatus(second)}`,
    );
  }

  const assertions = [...withDescendants(root)].filter(
    (element) =>
      isElement(element, 'assertion', 'Assertion') || isElement(element, 'assertion', 'EncryptedAssertion'),
  );
  const [assertion, ...more] = assertions;
  if (!assertion) throw signInFailure('incomplete', 'the response holds no assertion');
  if (more.length > 0 || assertion.parent !== root)
    throw signInFailure('unverified', 'there is not exactly one assertion, directly in the response');
  return {
    signed: childrenOf(root, 'signature', 'Signature').length > 0,
    encrypted: assertion.name === 'EncryptedAssertion' ? assertion : null,
  };
}

/** An assertion that came encrypted, once it is opened: the same rules hold for its signature. */
export function checkDecrypted(root: XmlElement, allowed: AllowedAlgorithms): void {
  if (!isElement(root, 'assertion', 'Assertion'))
    throw signInFailure('unverified', 'what was encrypted is no assertion');
  checkSignatures(root, (element) => element === root, allowed);
}
