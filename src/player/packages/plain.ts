import type { Finding, PackageItem, PackageStandard } from '../types.ts';
import type { ArchiveFile } from './archive.ts';
import { generatedFile, readHead, type CourseContent } from './content.ts';
import { readEpub } from './epub.ts';
import { finding } from './findings.ts';
import { encodePath } from './resources.ts';
import { plainPage, type PlainSource } from './plain-page.ts';

/** What was made of files without a manifest. */
export interface PlainResult {
  content: CourseContent | null;
  /** The pages that play them; they become files of the version. */
  generated: ArchiveFile[];
  findings: Finding[];
}

const nothing = (...findings: Finding[]): PlainResult => ({ content: null, generated: [], findings });
const baseName = (path: string): string => path.replace(/^.*\//, '').replace(/\.[^.]+$/, '');

/** Structures that other platforms run and this one does not; each with the name that vendors know. */
const foreign: [RegExp, string][] = [
  [/^cmi5\.xml$/i, 'cmi5'],
  [/^tincan\.xml$/i, 'xAPI (tincan.xml)'],
  [/^h5p\.json$/i, 'H5P'],
  [/^[^/]+\.(au|crs|cst|des)$/i, 'AICC'],
];

/** Captions of a film: files of its name, `film.vtt` or `film.zh-TW.vtt`. */
function captionsOf(film: string, files: readonly ArchiveFile[]): { src: string; language: string }[] {
  const stem = film.replace(/\.[^.]+$/, '');
  return files.flatMap(({ path }) => {
    if (!path.startsWith(stem)) return [];
    const language = /^(?:\.([A-Za-z]{2,3}(?:-[A-Za-z0-9]+)*))?\.vtt$/.exec(path.slice(stem.length));
    return language ? [{ src: encodePath(path), language: language[1] ?? 'zh-TW' }] : [];
  });
}

/** A film whose index lies at its end cannot start before all of it is here. */
async function startsLate(film: ArchiveFile): Promise<boolean> {
  const head = await readHead(film, 65_536);
  for (let at = 0; at + 8 <= head.length;) {
    const size = head.readUInt32BE(at);
    const type = head.toString('latin1', at + 4, at + 8);
    if (type === 'moov') return false;
    if (type === 'mdat') return true;
    if (size < 8) return false;
    at += size;
  }
  return false;
}

async function filmFindings(film: ArchiveFile, files: readonly ArchiveFile[]): Promise<Finding[]> {
  const findings: Finding[] = [];
  if (captionsOf(film.path, files).length === 0)
    findings.push(finding('video.no-captions', { file: film.path }, { name: `${baseName(film.path)}.vtt` }));
  if (/\.(mp4|m4v)$/i.test(film.path) && (await startsLate(film)))
    findings.push(finding('video.index-at-end', { file: film.path }));
  return findings;
}

/**
 * Makes a tracked course of files without a manifest: a web site with an index page, films with captions, PDFs, or an EPUB.
 * The pages that play them speak SCORM 2004's run-time API, so that position and progress become Statements like any other.
 */
export async function plainContent(files: ArchiveFile[]): Promise<PlainResult> {
  const other = foreign.find(([pattern]) => files.some(({ path }) => pattern.test(path)));
  if (other) return nothing(finding('standard.unsupported', {}, { standard: other[1] }));

  const course = (
    standard: PackageStandard,
    title: string,
    sources: { title: string; source: PlainSource }[],
    findings: Finding[] = [],
  ): PlainResult => {
    let folder = 'zhixing-content';
    while (files.some(({ path }) => path.toLowerCase().startsWith(`${folder}/`))) folder += '-';
    const page = (at: number): string => `${folder}/${at + 1}.html`;
    return {
      content: {
        standard,
        edition: standard,
        title,
        items: sources.map(({ title: name }, at): PackageItem => ({
          identifier: `item-${at + 1}`,
          title: name,
          visible: true,
          href: page(at),
          kind: 'sco',
          children: [],
        })),
        extra: {},
      },
      generated: sources.map(({ title: name, source }, at) =>
        generatedFile(page(at), plainPage(name, source)),
      ),
      findings,
    };
  };

  if (files.some(({ path }) => path === 'META-INF/container.xml')) {
    const { book, findings } = await readEpub(files);
    if (!book) return nothing(...findings);
    const { title, pages } = book;
    return course('epub', title, [{ title, source: { kind: 'epub', pages } }], findings);
  }

  const pages = files.filter(({ path }) => /\.x?html?$/i.test(path));
  const top = pages.filter(({ path }) => !path.includes('/'));
  const start =
    top.find(({ path }) => /^(index|default)\.x?html?$/i.test(path)) ??
    (top.length === 1 ? top[0] : undefined);
  if (start) {
    const head = (await readHead(start, 4096)).toString('utf8');
    const title = /<title[^>]*>([^<]{1,200})<\/title>/i.exec(head)?.[1]?.trim() || baseName(start.path);
    return course('html', title, [{ title, source: { kind: 'html', src: encodePath(start.path) } }]);
  }

  const films = files.filter(({ path }) => /\.(mp4|m4v|webm)$/i.test(path));
  const documents = files.filter(({ path }) => /\.pdf$/i.test(path));
  const media = [...films, ...documents].toSorted((a, b) =>
    a.path.localeCompare(b.path, 'zh-TW', { numeric: true }),
  );
  const first = media[0];
  if (!first) {
    const epub = files.find(({ path }) => /\.epub$/i.test(path));
    return nothing(epub ? finding('epub.in-zip', { file: epub.path }) : finding('manifest.missing'));
  }
  const findings = (await Promise.all(films.map((film) => filmFindings(film, files)))).flat();
  return course(
    films.length > 0 ? 'video' : 'pdf',
    baseName(first.path),
    media.map(({ path }) => ({
      title: baseName(path),
      source: /\.pdf$/i.test(path)
        ? { kind: 'pdf', src: encodePath(path) }
        : { kind: 'video', src: encodePath(path), captions: captionsOf(path, files) },
    })),
    findings,
  );
}
