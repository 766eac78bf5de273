import { randomBytes } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { SignedXml } from 'xml-crypto';
import { encrypt, type EncryptionAlgorithm, type KeyEncryptionAlgorithm } from 'xml-encryption';
import { createPublicKey, sign as signBytes, verify } from 'node:crypto';
import type { KeyPair } from '../../src/identity/providers/types.ts';

/**
 * SAML messages made by hand: right ones, and wrong ones in every way that matters. What it signs is really signed, so a
 * test that changes something afterwards attacks what an attacker would.
 */
export const newId = (): string => `_${randomBytes(16).toString('hex')}`;
const iso = (secondsFromNow: number): string => new Date(Date.now() + secondsFromNow * 1000).toISOString();

export interface AssertionFacts {
  id: string;
  issuer: string;
  nameId: string;
  nameIdFormat: string;
  /** Instead of the NameID, as it is. */
  nameIdXml: string;
  audience: string;
  recipient: string;
  inResponseTo: string | null;
  sessionIndex: string;
  authnContext: string;
  attributes: Record<string, string | string[]>;
  /** Seconds from now. */
  issued: number;
  /** When the person was asked. */
  authenticated: number;
  notBefore: number;
  notOnOrAfter: number;
}

export const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');

export function assertionXml(facts: AssertionFacts): string {
  const { id, issuer, nameId, nameIdFormat, nameIdXml, audience, recipient, inResponseTo, attributes } =
    facts;
  const answers = inResponseTo === null ? '' : ` InResponseTo="${inResponseTo}"`;
  const until = iso(facts.notOnOrAfter);
  return (
    `<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="${id}" Version="2.0" IssueInstant="${iso(facts.issued)}">` +
    `<saml:Issuer>${escaped(issuer)}</saml:Issuer>` +
    `<saml:Subject>${nameIdXml || `<saml:NameID Format="${nameIdFormat}">${escaped(nameId)}</saml:NameID>`}` +
    `<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData NotOnOrAfter="${until}" Recipient="${recipient}"${answers}/></saml:SubjectConfirmation></saml:Subject>` +
    `<saml:Conditions NotBefore="${iso(facts.notBefore)}" NotOnOrAfter="${until}"><saml:AudienceRestriction><saml:Audience>${escaped(audience)}</saml:Audience></saml:AudienceRestriction></saml:Conditions>` +
    `<saml:AuthnStatement AuthnInstant="${iso(facts.authenticated)}" SessionIndex="${facts.sessionIndex}"><saml:AuthnContext><saml:AuthnContextClassRef>${facts.authnContext}</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>` +
    `<saml:AttributeStatement>${Object.entries(attributes)
      .map(
        ([name, values]) =>
          `<saml:Attribute Name="${escaped(name)}">${[values]
            .flat()
            .map((value) => `<saml:AttributeValue>${escaped(value)}</saml:AttributeValue>`)
            .join('')}</saml:Attribute>`,
      )
      .join('')}</saml:AttributeStatement></saml:Assertion>`
  );
}

export interface ResponseFacts {
  id: string;
  issuer: string;
  destination: string | null;
  inResponseTo: string | null;
  status: string;
}

export const responseXml = (facts: ResponseFacts, content: string): string =>
  `<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="${facts.id}" Version="2.0" IssueInstant="${iso(0)}"` +
  `${facts.destination === null ? '' : ` Destination="${facts.destination}"`}${facts.inResponseTo === null ? '' : ` InResponseTo="${facts.inResponseTo}"`}>` +
  `<saml:Issuer xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">${escaped(facts.issuer)}</saml:Issuer>` +
  `<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:${facts.status}"/></samlp:Status>${content}</samlp:Response>`;

export interface Signing {
  key: KeyPair;
  algorithm?: 'sha256' | 'sha1';
}

const names = {
  sha256: ['http://www.w3.org/2001/04/xmldsig-more#rsa-sha256', 'http://www.w3.org/2001/04/xmlenc#sha256'],
  sha1: ['http://www.w3.org/2000/09/xmldsig#rsa-sha1', 'http://www.w3.org/2000/09/xmldsig#sha1'],
} as const;

/** Signs the element of this ID; the signature stands after its Issuer and carries the signer's certificate. */
export function signed(xml: string, id: string, { key, algorithm = 'sha256' }: Signing): string {
  const [signatureAlgorithm, digestAlgorithm] = names[algorithm];
  const signer = new SignedXml({
    privateKey: key.privateKey,
    publicCert: key.certificate,
    signatureAlgorithm,
    canonicalizationAlgorithm: 'http://www.w3.org/2001/10/xml-exc-c14n#',
    getKeyInfoContent: SignedXml.getKeyInfoContent,
  });
  signer.addReference({
    xpath: `//*[@ID='${id}']`,
    transforms: [
      'http://www.w3.org/2000/09/xmldsig#enveloped-signature',
      'http://www.w3.org/2001/10/xml-exc-c14n#',
    ],
    digestAlgorithm,
  });
  signer.computeSignature(xml, {
    location: { reference: `//*[@ID='${id}']/*[local-name()='Issuer']`, action: 'after' },
  });
  return signer.getSignedXml();
}

/** The first signature of a document, with whatever stands in it, and the document without it. */
export function splitSignature(xml: string): { signature: string; rest: string } {
  const from = xml.indexOf('<Signature ');
  let depth = 0;
  for (const { 0: tag, index } of xml.matchAll(/<(\/?)Signature[ >]/g)) {
    depth += tag.startsWith('</') ? -1 : 1;
    if (depth > 0) continue;
    const to = index + tag.length;
    return { signature: xml.slice(from, to), rest: xml.slice(0, from) + xml.slice(to) };
  }
  throw new Error('nothing is signed');
}

/** What a careless service would check: is there a signature in it that is right about something? */
export function somethingIsSigned(xml: string, certificate: string): boolean {
  const verifier = new SignedXml({ publicCert: certificate });
  verifier.loadSignature(splitSignature(xml).signature);
  try {
    return verifier.checkSignature(xml);
  } catch {
    return false;
  }
}

export async function encrypted(
  assertion: string,
  certificate: string,
  algorithm: EncryptionAlgorithm = 'http://www.w3.org/2009/xmlenc11#aes256-gcm',
  keyAlgorithm: KeyEncryptionAlgorithm = 'http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p',
  wrapper = 'EncryptedAssertion',
): Promise<string> {
  const data = await new Promise<string>((resolve, reject) =>
    encrypt(
      assertion,
      {
        rsa_pub: createPublicKey(certificate).export({ type: 'spki', format: 'pem' }).toString(),
        pem: certificate,
        encryptionAlgorithm: algorithm,
        keyEncryptionAlgorithm: keyAlgorithm,
        warnInsecureAlgorithm: false,
      },
      (error, result) => (error ? reject(error) : resolve(result)),
    ),
  );
  return `<saml:${wrapper} xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">${data}</saml:${wrapper}>`;
}

export const posted = (xml: string): string => Buffer.from(xml, 'utf8').toString('base64');

/** A message for the HTTP-Redirect binding with its signature. */
export function redirected(
  to: string,
  name: 'SAMLRequest' | 'SAMLResponse',
  xml: string,
  { key, algorithm = 'sha256' }: Signing,
  relayState?: string,
): string {
  const query = [
    `${name}=${encodeURIComponent(deflateRawSync(Buffer.from(xml)).toString('base64'))}`,
    ...(relayState === undefined ? [] : [`RelayState=${encodeURIComponent(relayState)}`]),
    `SigAlg=${encodeURIComponent(names[algorithm][0])}`,
  ].join('&');
  const signature = signBytes(algorithm, Buffer.from(query), key.privateKey).toString('base64');
  return `${to}?${query}&Signature=${encodeURIComponent(signature)}`;
}

/** What came by the HTTP-Redirect binding, and whether its signature is this certificate's. */
export function readRedirect(
  url: string,
  certificate: string,
): { name: string; xml: string; relayState: string | null; genuine: boolean } {
  const { search, searchParams } = new URL(url);
  const name = searchParams.has('SAMLRequest') ? 'SAMLRequest' : 'SAMLResponse';
  const [content = '', signature] = search.slice(1).split('&Signature=');
  const genuine =
    signature !== undefined &&
    searchParams.get('SigAlg') === names.sha256[0] &&
    verify('sha256', Buffer.from(content), certificate, Buffer.from(decodeURIComponent(signature), 'base64'));
  return {
    name,
    xml: inflateRawSync(Buffer.from(searchParams.get(name) ?? '', 'base64')).toString('utf8'),
    relayState: searchParams.get('RelayState'),
    genuine,
  };
}

export const logoutRequestXml = (facts: {
  id?: string;
  issuer: string;
  destination: string;
  nameXml: string;
  sessionIndex?: string;
  issued?: number;
}): string =>
  `<samlp:LogoutRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="${facts.id ?? newId()}" Version="2.0" IssueInstant="${iso(facts.issued ?? 0)}" Destination="${facts.destination}">` +
  `<saml:Issuer xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">${facts.issuer}</saml:Issuer>${facts.nameXml}` +
  `${facts.sessionIndex === undefined ? '' : `<samlp:SessionIndex>${facts.sessionIndex}</samlp:SessionIndex>`}</samlp:LogoutRequest>`;

export const logoutResponseXml = (facts: {
  issuer: string;
  destination: string;
  inResponseTo: string;
  status?: string;
}): string =>
  `<samlp:LogoutResponse xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="${newId()}" Version="2.0" IssueInstant="${iso(0)}" Destination="${facts.destination}" InResponseTo="${facts.inResponseTo}">` +
  `<saml:Issuer xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">${facts.issuer}</saml:Issuer>` +
  `<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:${facts.status ?? 'Success'}"/></samlp:Status></samlp:LogoutResponse>`;

/** An identity provider's metadata with these certificates. */
export const idpMetadataXml = (facts: {
  entityId: string;
  entryPoint: string;
  logoutUrl?: string;
  certificates: string[];
  validUntil?: string;
}): string =>
  `<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="${facts.entityId}"${facts.validUntil === undefined ? '' : ` validUntil="${facts.validUntil}"`}>` +
  `<IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">${facts.certificates
    .map(
      (pem) =>
        `<KeyDescriptor use="signing"><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>${pem.replace(/-----[^-]+-----/g, '')}</X509Certificate></X509Data></KeyInfo></KeyDescriptor>`,
    )
    .join('')}` +
  `${facts.logoutUrl === undefined ? '' : `<SingleLogoutService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="${facts.logoutUrl}"/>`}` +
  `<SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="${facts.entryPoint}"/></IDPSSODescriptor></EntityDescriptor>`;
