import type { SamlProvider } from '../types.ts';
import { offeredEncryption } from './algorithms.ts';
import { certificateBody } from './idp-metadata.ts';
import { escapeXml, ns } from './xml.ts';

const binding = (name: string): string => `urn:oasis:names:tc:SAML:2.0:bindings:${name}`;

/**
 * Our side, for the provider's operators (saml-metadata 2.4.4): every key stands in it, those too that are not used yet, so
 * that a new one is known before it signs.
 */
export function spMetadata(
  provider: SamlProvider,
  { entityId, callbackUrl, logoutUrl }: { entityId: string; callbackUrl: string; logoutUrl: string },
): string {
  const { keys, decryptionKeys, nameIdFormat, allowCbc } = provider;
  const descriptor = (use: 'signing' | 'encryption', certificate: string): string =>
    [
      `    <KeyDescriptor use="${use}">`,
      `      <ds:KeyInfo><ds:X509Data><ds:X509Certificate>${certificateBody(certificate)}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>`,
      ...(use === 'encryption'
        ? offeredEncryption(allowCbc).map((algorithm) => `      <EncryptionMethod Algorithm="${algorithm}"/>`)
        : []),
      '    </KeyDescriptor>',
    ].join('\n');
  const logout = ['HTTP-Redirect', 'HTTP-POST'].map(
    (name) => `    <SingleLogoutService Binding="${binding(name)}" Location="${escapeXml(logoutUrl)}"/>`,
  );
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<EntityDescriptor xmlns="${ns.metadata}" xmlns:ds="${ns.signature}" entityID="${escapeXml(entityId)}" cacheDuration="P1D">`,
    `  <SPSSODescriptor protocolSupportEnumeration="${ns.protocol}" AuthnRequestsSigned="${keys.length > 0}" WantAssertionsSigned="true">`,
    ...keys.map(({ certificate }) => descriptor('signing', certificate)),
    ...decryptionKeys.map(({ certificate }) => descriptor('encryption', certificate)),
    // Logout messages are always signed: without a key there is none.
    ...(keys.length > 0 ? logout : []),
    ...(nameIdFormat === null ? [] : [`    <NameIDFormat>${escapeXml(nameIdFormat)}</NameIDFormat>`]),
    `    <AssertionConsumerService index="0" isDefault="true" Binding="${binding('HTTP-POST')}" Location="${escapeXml(callbackUrl)}"/>`,
    '  </SPSSODescriptor>',
    '</EntityDescriptor>',
    '',
  ].join('\n');
}
