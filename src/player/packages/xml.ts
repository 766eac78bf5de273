import iconv from 'iconv-lite';
import { SaxesParser } from 'saxes';

/** An element with its line; names are local names, for authoring tools write prefixes and namespaces as they please. */
export interface XmlElement {
  name: string;
  /** Local name → value, as written. */
  attributes: Record<string, string>;
  children: XmlElement[];
  text: string;
  line: number;
  namespace: string;
}

export type XmlResult =
  | { root: XmlElement; namespaces: string[] }
  | { fault: 'malformed' | 'doctype' | 'too-deep'; line: number; reason: string };

/** UTF-8, UTF-16 with a mark, or what the declaration names (Big5 and the like). */
export function decodeXml(bytes: Buffer): string {
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return iconv.decode(bytes, 'utf-16be');
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return iconv.decode(bytes, 'utf-16le');
  if (bytes[0] === 0x3c && bytes[1] === 0) return iconv.decode(bytes, 'utf-16le');
  if (bytes[0] === 0 && bytes[1] === 0x3c) return iconv.decode(bytes, 'utf-16be');
  const head = bytes.subarray(0, 200).toString('latin1');
  const declared = /^(?:\xef\xbb\xbf)?\s*<\?xml[^>]*encoding\s*=\s*["']([\w.:-]+)["']/.exec(head)?.[1];
  const name =
    declared && !/^utf-?(8|16)/i.test(declared) && iconv.encodingExists(declared) ? declared : 'utf-8';
  return iconv.decode(bytes, name);
}

const local = (name: string): string => name.slice(name.indexOf(':') + 1);
const deepest = 100;

/** Parses without entities, DTDs or anything fetched. White space before the declaration is forgiven: tools write it. */
export function parseXml(
  text: string,
  { doctype = 'refused' }: { doctype?: 'refused' | 'ignored' } = {},
): XmlResult {
  const parser = new SaxesParser({ xmlns: false, position: true });
  const stack: XmlElement[] = [];
  const scopes: Record<string, string>[] = [{}];
  const namespaces = new Set<string>();
  let root: XmlElement | null = null;
  let fault: Extract<XmlResult, { fault: string }> | null = null;
  const fail = (kind: 'malformed' | 'doctype' | 'too-deep', reason: string): void => {
    fault ??= { fault: kind, line: parser.line, reason };
  };
  parser.on('error', (error) => fail('malformed', error.message.replace(/^[^:]*:?\d+:\d+: /, '')));
  parser.on('doctype', (declaration) => {
    // An e-book's pages carry a plain DOCTYPE; one with an internal subset could define entities.
    if (doctype === 'refused' || declaration.includes('[')) fail('doctype', 'DOCTYPE');
  });
  parser.on('opentag', (tag) => {
    if (fault) return;
    if (stack.length >= deepest) return fail('too-deep', String(deepest));
    const scope = { ...scopes.at(-1) };
    const attributes: Record<string, string> = Object.create(null) as Record<string, string>;
    for (const [name, value] of Object.entries(tag.attributes as Record<string, string>)) {
      if (name === 'xmlns') scope[''] = value;
      else if (name.startsWith('xmlns:')) scope[name.slice(6)] = value;
      else attributes[local(name)] = value;
      if (name === 'xmlns' || name.startsWith('xmlns:')) namespaces.add(value);
    }
    scopes.push(scope);
    const prefix = tag.name.includes(':') ? tag.name.slice(0, tag.name.indexOf(':')) : '';
    const element: XmlElement = {
      name: local(tag.name),
      attributes,
      children: [],
      text: '',
      line: parser.line,
      namespace: scope[prefix] ?? '',
    };
    const parent = stack.at(-1);
    if (parent) parent.children.push(element);
    else root ??= element;
    stack.push(element);
  });
  parser.on('closetag', () => {
    stack.pop();
    scopes.pop();
  });
  const addText = (piece: string): void => {
    const open = stack.at(-1);
    if (open) open.text += piece;
  };
  parser.on('text', addText);
  parser.on('cdata', addText);
  try {
    parser.write(text.replace(/^[\ufeff\s]+/, '')).close();
  } catch (error) {
    fail('malformed', (error as Error).message);
  }
  if (fault) return fault;
  return root
    ? { root, namespaces: [...namespaces] }
    : { fault: 'malformed', line: 1, reason: 'no root element' };
}

export const childrenOf = (element: XmlElement | undefined, name: string): XmlElement[] =>
  element?.children.filter((child) => child.name === name) ?? [];
export const childOf = (element: XmlElement | undefined, name: string): XmlElement | undefined =>
  element?.children.find((child) => child.name === name);
/** Trimmed text of the first child of this name; undefined when there is none or it is empty. */
export const textOf = (element: XmlElement | undefined, name: string): string | undefined =>
  childOf(element, name)?.text.trim() || undefined;
/** Trimmed attribute; undefined when absent or empty. */
export const attribute = (element: XmlElement, name: string): string | undefined =>
  element.attributes[name]?.trim() || undefined;
