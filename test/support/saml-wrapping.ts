import {
  assertionXml,
  newId,
  responseXml,
  signed,
  splitSignature,
  type AssertionFacts,
  type ResponseFacts,
} from './saml-forge.ts';
import type { KeyPair } from '../../src/identity/providers/types.ts';

/**
 * XML signature wrapping (Somorovsky et al., "On Breaking SAML: Be Whoever You Want to Be", USENIX Security 2012), in the
 * eight forms that are commonly counted. In each the provider's signature over what it has really said stays whole, while
 * the place where a careless reader looks says something else.
 */
export interface Wrapping {
  /** What the provider has said, of the attacker. */
  genuine: AssertionFacts;
  /** What the attacker wants it to have said. */
  forged: AssertionFacts;
  response: ResponseFacts;
  key: KeyPair;
}

const inAssertion = (assertion: string, more: string): string =>
  assertion.replace('</saml:Assertion>', `${more}</saml:Assertion>`);
const afterIssuer = (xml: string, more: string): string =>
  xml.replace('</saml:Issuer>', `</saml:Issuer>${more}`);
const inSignature = (signature: string, more: string): string =>
  signature.replace(/<\/Signature>$/, `${more}</Signature>`);

export function wrappedResponses({ genuine, forged, response, key }: Wrapping): Record<string, string> {
  const right = signed(assertionXml(genuine), genuine.id, { key });
  const wrong = assertionXml(forged);
  const assertion = splitSignature(right);
  const around = (content: string): string => responseXml(response, content);
  // 1 and 2 are about a signed response.
  const whole = splitSignature(signed(around(right), response.id, { key }));
  const outer = responseXml({ ...response, id: newId() }, wrong);
  return {
    'XSW1: the signed response inside its own signature': afterIssuer(
      outer,
      inSignature(whole.signature, whole.rest),
    ),
    'XSW2: the signed response beside its signature': afterIssuer(outer, whole.rest + whole.signature),
    'XSW3: the forged assertion before the signed one': around(wrong + right),
    'XSW4: the forged assertion around the signed one': around(inAssertion(wrong, right)),
    'XSW5: the signature in the forged assertion, the signed one at the end': around(
      afterIssuer(wrong, assertion.signature) + assertion.rest,
    ),
    'XSW6: the signed assertion inside the signature of the forged one': around(
      afterIssuer(wrong, inSignature(assertion.signature, assertion.rest)),
    ),
    'XSW7: the forged assertion in Extensions': around(
      `<samlp:Extensions>${wrong}</samlp:Extensions>${right}`,
    ),
    'XSW8: the signed assertion in an Object of the signature': around(
      afterIssuer(wrong, inSignature(assertion.signature, `<Object>${assertion.rest}</Object>`)),
    ),
  };
}
