import { signInFailure } from '../failures.ts';
import { childrenOf, isElement, onlyChild, withDescendants, type XmlElement } from './xml.ts';

/** What the provider's entry allows beyond the safe ones. */
export interface AllowedAlgorithms {
  allowSha1: boolean;
  allowCbc: boolean;
}

const exclusive = 'http://www.w3.org/2001/10/xml-exc-c14n#';
const canonicalizations = [exclusive, 'http://www.w3.org/TR/2001/REC-xml-c14n-20010315'];
const transforms = [...canonicalizations, 'http://www.w3.org/2000/09/xmldsig#enveloped-signature'];
const digests = ['http://www.w3.org/2001/04/xmlenc#sha256', 'http://www.w3.org/2001/04/xmlenc#sha512'];
const sha1Digest = 'http://www.w3.org/2000/09/xmldsig#sha1';

/** By the name that XML Signature gives it: node:crypto's name of the digest. */
const signatures: Record<string, string> = {
  'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256': 'sha256',
  'http://www.w3.org/2001/04/xmldsig-more#rsa-sha512': 'sha512',
};
const sha1Signature = 'http://www.w3.org/2000/09/xmldsig#rsa-sha1';

/** The digest of a signature algorithm; null when it is unknown or not allowed. */
export const signatureDigest = (algorithm: string, { allowSha1 }: AllowedAlgorithms): string | null =>
  allowSha1 && algorithm === sha1Signature
    ? 'sha1'
    : Object.hasOwn(signatures, algorithm)
      ? (signatures[algorithm] ?? null)
      : null;

const contentEncryption = [
  'http://www.w3.org/2009/xmlenc11#aes128-gcm',
  'http://www.w3.org/2009/xmlenc11#aes256-gcm',
];
const cbcEncryption = [
  'http://www.w3.org/2001/04/xmlenc#aes128-cbc',
  'http://www.w3.org/2001/04/xmlenc#aes256-cbc',
];
/** Never `rsa-1_5`: Bleichenbacher's attack. */
const keyEncryption = ['http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p'];

/** What our metadata says we can read, best first. */
export const offeredEncryption = (allowCbc: boolean): string[] => [
  ...contentEncryption.toReversed(),
  ...(allowCbc ? cbcEncryption.toReversed() : []),
  ...keyEncryption,
];

const algorithmOf = (element: XmlElement | null): string => element?.attributes.get('Algorithm') ?? '';

const refuse = (fact: string): never => {
  throw signInFailure('unverified', fact);
};

/** One signature: enveloped, over the element in which it stands, by algorithms that are allowed. */
function checkSignature(signature: XmlElement, allowed: AllowedAlgorithms): void {
  const info = onlyChild(signature, 'signature', 'SignedInfo');
  const reference = onlyChild(info, 'signature', 'Reference');
  if (!info || !reference) return refuse('a signature refers to nothing');
  if (childrenOf(signature, 'signature', 'Object').length > 0) refuse('a signature carries an object');
  if (!canonicalizations.includes(algorithmOf(onlyChild(info, 'signature', 'CanonicalizationMethod'))))
    refuse('a signature has a canonicalization that is not allowed');
  if (signatureDigest(algorithmOf(onlyChild(info, 'signature', 'SignatureMethod')), allowed) === null)
    refuse('a signature has an algorithm that is not allowed');
  const digest = algorithmOf(onlyChild(reference, 'signature', 'DigestMethod'));
  if (!digests.includes(digest) && !(allowed.allowSha1 && digest === sha1Digest))
    refuse('a signature has a digest that is not allowed');
  const steps = childrenOf(onlyChild(reference, 'signature', 'Transforms'), 'signature', 'Transform');
  if (steps.length > 2 || steps.some((step) => !transforms.includes(algorithmOf(step))))
    refuse('a signature has a transform that is not allowed');
  const id = signature.parent?.attributes.get('ID') ?? '';
  if (id === '' || reference.attributes.get('URI') !== `#${id}`)
    refuse('a signature is about something other than where it stands');
}

/**
 * The shape that leaves no room for signature wrapping: identifiers are unique, and a signature stands as a direct child,
 * once, in one of `signable`, about exactly that element. Whether it is right is for the cryptography to say.
 * @throws DomainError `sign-in-unverified`
 */
export function checkSignatures(
  root: XmlElement,
  signable: (element: XmlElement) => boolean,
  allowed: AllowedAlgorithms,
): void {
  const ids = new Set<string>();
  for (const element of withDescendants(root)) {
    for (const name of ['ID', 'Id', 'id']) {
      const id = element.attributes.get(name);
      if (id === undefined) continue;
      if (ids.has(id)) refuse('an identifier is there twice');
      ids.add(id);
    }
    if (!isElement(element, 'signature', 'Signature')) continue;
    const { parent } = element;
    if (!parent || !signable(parent)) return refuse('a signature stands where none belongs');
    if (childrenOf(parent, 'signature', 'Signature').length > 1) refuse('an element is signed twice');
    checkSignature(element, allowed);
  }
}

/** @throws DomainError `sign-in-unverified` for an encryption that is not allowed */
export function checkEncryption(encrypted: XmlElement, { allowCbc }: AllowedAlgorithms): void {
  const content = [...contentEncryption, ...(allowCbc ? cbcEncryption : [])];
  for (const element of withDescendants(encrypted)) {
    if (!isElement(element, 'encryption', 'EncryptionMethod')) continue;
    const { parent } = element;
    const wanted = parent && isElement(parent, 'encryption', 'EncryptedKey') ? keyEncryption : content;
    if (!wanted.includes(algorithmOf(element))) refuse('the encryption is not one that is allowed');
  }
}
