import type { Finding } from '../types.ts';
import type { ArchiveFile } from './archive.ts';
import { readWhole } from './content.ts';
import { finding } from './findings.ts';
import { encodePath, resolveHref } from './resources.ts';
import { attribute, childOf, childrenOf, decodeXml, parseXml, textOf, type XmlElement } from './xml.ts';

export interface Epub {
  title: string;
  /** The documents of the spine, in reading order. */
  pages: { src: string; title: string }[];
}

const xmlLimit = 10 * 1024 * 1024;

async function xmlAt(files: readonly ArchiveFile[], path: string): Promise<XmlElement | Finding> {
  const file = files.find((each) => each.path === path);
  if (!file || file.size > xmlLimit) return finding('epub.missing-file', { file: path }, { path });
  const parsed = parseXml(decodeXml(await readWhole(file)), { doctype: 'ignored' });
  return 'fault' in parsed
    ? finding('epub.malformed', { file: path, line: parsed.line }, { reason: parsed.reason })
    : parsed.root;
}
const isFinding = (value: XmlElement | Finding): value is Finding => 'rule' in value;

/** Chapter titles by document: the navigation document of EPUB 3, or the NCX of EPUB 2. */
function chapterTitles(root: XmlElement, base: string): Map<string, string> {
  const titles = new Map<string, string>();
  const take = (href: string | undefined, title: string): void => {
    const path = href === undefined ? undefined : resolveHref([base], href)?.path;
    if (path !== undefined && title !== '' && !titles.has(path)) titles.set(path, title);
  };
  const wholeText = (element: XmlElement): string =>
    `${element.text}${element.children.map(wholeText).join('')}`.replace(/\s+/g, ' ').trim();
  const walk = (element: XmlElement): void => {
    if (element.name === 'a') take(attribute(element, 'href'), wholeText(element));
    if (element.name === 'navPoint') {
      const content = childOf(element, 'content');
      take(content && attribute(content, 'src'), textOf(childOf(element, 'navLabel'), 'text') ?? '');
    }
    element.children.forEach(walk);
  };
  walk(root);
  return titles;
}

/** Reads container, package document and table of contents of an EPUB (EPUB 3.3 §4–7, OCF §4). */
export async function readEpub(
  files: readonly ArchiveFile[],
): Promise<{ book: Epub | null; findings: Finding[] }> {
  const refuse = (found: Finding) => ({ book: null, findings: [found] });
  const container = await xmlAt(files, 'META-INF/container.xml');
  if (isFinding(container)) return refuse(container);
  if (files.some(({ path }) => path === 'META-INF/rights.xml' || path === 'META-INF/license.lcpl'))
    return refuse(finding('epub.protected', { file: 'META-INF' }));
  const rootFile = childOf(childOf(container, 'rootfiles'), 'rootfile');
  const packagePath = (rootFile && attribute(rootFile, 'full-path')) ?? '';
  const document = await xmlAt(files, packagePath);
  if (isFinding(document)) return refuse(document);

  const manifest = new Map(
    childrenOf(childOf(document, 'manifest'), 'item').flatMap((item) => {
      const path = resolveHref([packagePath], attribute(item, 'href') ?? '')?.path;
      return path === undefined ? [] : [[attribute(item, 'id') ?? '', { item, path }] as const];
    }),
  );
  const spine = childOf(document, 'spine');
  const listed = [...manifest.values()].find(({ item }) =>
    /\bnav\b/.test(attribute(item, 'properties') ?? ''),
  );
  const navigation = listed ?? manifest.get((spine && attribute(spine, 'toc')) ?? '');
  const contents = navigation && (await xmlAt(files, navigation.path));
  const titles =
    navigation && contents && !isFinding(contents)
      ? chapterTitles(contents, navigation.path)
      : new Map<string, string>();

  const findings: Finding[] = [];
  const pages = childrenOf(spine, 'itemref').flatMap((reference) => {
    const found = manifest.get(attribute(reference, 'idref') ?? '');
    if (!found || attribute(reference, 'linear') === 'no') return [];
    if (!files.some(({ path }) => path === found.path)) {
      findings.push(
        finding('epub.missing-file', { file: packagePath, line: reference.line }, { path: found.path }),
      );
      return [];
    }
    return [{ src: encodePath(found.path), title: titles.get(found.path) ?? '' }];
  });
  if (pages.length === 0)
    return { book: null, findings: [...findings, finding('epub.no-pages', { file: packagePath })] };
  return { book: { title: textOf(childOf(document, 'metadata'), 'title') ?? 'EPUB', pages }, findings };
}
