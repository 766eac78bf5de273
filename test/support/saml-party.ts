import type { KeyPair } from '../../src/identity/providers/types.ts';
import {
  assertionXml,
  newId,
  posted,
  responseXml,
  signed,
  type AssertionFacts,
  type ResponseFacts,
  type Signing,
} from './saml-forge.ts';

/** What a response shall be; what is not said is right. */
export interface Wish {
  assertion?: Partial<AssertionFacts>;
  response?: Partial<ResponseFacts>;
  /** Who signs the assertion; null: nobody. By default the provider. */
  assertionBy?: Signing | null;
  /** Who signs the response; by default nobody. */
  responseBy?: Signing | null;
  /** The signed assertion as it goes into the response: encrypted, doubled, changed. */
  wrap?(assertion: string): string | Promise<string>;
  /** The whole document, at the end. */
  finish?(xml: string): string;
}

/** An identity provider's side of one sign-in, with a right answer to start from. */
export function createParty(party: {
  entityId: string;
  key: KeyPair;
  audience: string;
  recipient: string;
  attributes: Record<string, string | string[]>;
}) {
  const { entityId, key, audience, recipient, attributes } = party;
  async function xml(requestId: string | null, wish: Wish = {}): Promise<string> {
    const facts: AssertionFacts = {
      id: newId(),
      issuer: entityId,
      nameId: 'wu',
      nameIdFormat: 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent',
      nameIdXml: '',
      audience,
      recipient,
      inResponseTo: requestId,
      sessionIndex: newId(),
      authnContext: 'urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport',
      attributes,
      issued: 0,
      authenticated: 0,
      notBefore: -5,
      notOnOrAfter: 300,
      ...wish.assertion,
    };
    const response: ResponseFacts = {
      id: newId(),
      issuer: entityId,
      destination: recipient,
      inResponseTo: requestId,
      status: 'Success',
      ...wish.response,
    };
    const assertionBy = wish.assertionBy === undefined ? { key } : wish.assertionBy;
    const plain = assertionXml(facts);
    const assertion = assertionBy ? signed(plain, facts.id, assertionBy) : plain;
    const whole = responseXml(response, wish.wrap ? await wish.wrap(assertion) : assertion);
    const document = wish.responseBy ? signed(whole, response.id, wish.responseBy) : whole;
    return wish.finish ? wish.finish(document) : document;
  }
  return {
    ...party,
    xml,
    /** The value of the form field SAMLResponse. */
    response: async (requestId: string | null, wish?: Wish): Promise<string> =>
      posted(await xml(requestId, wish)),
  };
}
export type Party = ReturnType<typeof createParty>;
