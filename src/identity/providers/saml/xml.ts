import { SaxesParser } from 'saxes';
import { signInFailure } from '../failures.ts';

/** The namespaces of SAML 2.0, XML Signature and XML Encryption. */
export const ns = {
  protocol: 'urn:oasis:names:tc:SAML:2.0:protocol',
  assertion: 'urn:oasis:names:tc:SAML:2.0:assertion',
  metadata: 'urn:oasis:names:tc:SAML:2.0:metadata',
  signature: 'http://www.w3.org/2000/09/xmldsig#',
  encryption: 'http://www.w3.org/2001/04/xmlenc#',
} as const;
export type Namespace = keyof typeof ns;

export interface XmlElement {
  namespace: string;
  /** The local name. */
  name: string;
  /** By local name; those of a namespace of their own (xsi:type) are left out. */
  attributes: ReadonlyMap<string, string>;
  children: XmlElement[];
  parent: XmlElement | null;
  /** The character data that stands directly in it. */
  text: string;
}

const deepest = 40;
const mostElements = 10_000;

const malformed = (fact: string, cause?: unknown): Error => signInFailure('malformed', fact, cause);

/**
 * Reads a document strictly: no DTD (so no entities, no bombs, nothing fetched), no processing instructions, well-formed
 * to the letter, of bounded depth and size.
 * @param comments a message with a comment is refused: canonicalization drops comments, so one that is put into a signed
 *   name leaves the signature whole and makes careless readers see half of the name. Metadata may hold them.
 * @throws DomainError `sign-in-malformed`, `sign-in-too-large`
 */
export function readXml(text: string, comments: 'refused' | 'ignored' = 'refused'): XmlElement {
  const parser = new SaxesParser({ xmlns: true, position: false });
  let root: XmlElement | null = null;
  let open: XmlElement | null = null;
  let depth = 0;
  let elements = 0;
  parser.on('doctype', () => {
    throw malformed('the document holds a DTD');
  });
  parser.on('processinginstruction', () => {
    throw malformed('the document holds a processing instruction');
  });
  parser.on('comment', () => {
    if (comments === 'refused') throw malformed('the document holds a comment');
  });
  parser.on('xmldecl', ({ version, encoding }) => {
    if (version !== '1.0' || !/^(utf-8|us-ascii)?$/i.test(encoding ?? ''))
      throw malformed('the document is not XML 1.0 in UTF-8');
  });
  parser.on('opentag', (tag) => {
    if (++depth > deepest) throw malformed('the document is nested too deeply');
    if (++elements > mostElements) throw signInFailure('too-large', 'the document has too many elements');
    const attributes = new Map<string, string>();
    for (const { uri, local, value } of Object.values(tag.attributes))
      if (uri === '') attributes.set(local, value);
    const element: XmlElement = {
      namespace: tag.uri,
      name: tag.local,
      attributes,
      children: [],
      parent: open,
      text: '',
    };
    if (open) open.children.push(element);
    else root = element;
    open = element;
  });
  parser.on('closetag', () => {
    depth--;
    open = open?.parent ?? null;
  });
  const add = (piece: string): void => {
    if (open) open.text += piece;
  };
  parser.on('text', add);
  parser.on('cdata', add);
  parser.on('error', (error) => {
    throw malformed('the document is not well-formed', error);
  });
  parser.write(text).close();
  if (root === null) throw malformed('the document is empty');
  return root;
}

export const isElement = (element: XmlElement, space: Namespace, name: string): boolean =>
  element.name === name && element.namespace === ns[space];

export const childrenOf = (element: XmlElement | null, space: Namespace, name: string): XmlElement[] =>
  element?.children.filter((child) => isElement(child, space, name)) ?? [];

/** The only child of this name; null when there is none. More than one is refused. */
export function onlyChild(element: XmlElement | null, space: Namespace, name: string): XmlElement | null {
  const [first, ...more] = childrenOf(element, space, name);
  if (more.length > 0) throw malformed(`there is more than one ${name}`);
  return first ?? null;
}

/** The element and everything in it. */
export function* withDescendants(element: XmlElement): Generator<XmlElement> {
  yield element;
  for (const child of element.children) yield* withDescendants(child);
}

export const deepText = (element: XmlElement): string =>
  [element.text, ...element.children.map(deepText)].join('');

const escapes: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\r': '&#13;',
};
export const escapeXml = (text: string): string =>
  text.replace(/[&<>"\r]/g, (character) => escapes[character] ?? character);

/** An element as a document of its own. Text that stands between children comes before them: no mixed content. */
export const writeXml = ({ namespace, name, attributes, children, text }: XmlElement): string =>
  `<${name} xmlns="${escapeXml(namespace)}"${[...attributes]
    .map(([attribute, value]) => ` ${attribute}="${escapeXml(value)}"`)
    .join('')}>${escapeXml(text)}${children.map(writeXml).join('')}</${name}>`;

/** An xs:dateTime in milliseconds; SAML's are in UTC (saml-core 1.3.3). Null when it is none. */
export function instantOf(text: string | undefined): number | null {
  const match = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(Z|[+-]\d\d:\d\d)?$/.exec(text?.trim() ?? '');
  if (!match) return null;
  const instant = Date.parse(match[1] === undefined ? `${match[0]}Z` : match[0]);
  return Number.isNaN(instant) ? null : instant;
}
