import type { Finding, PackageItem } from '../types.ts';
import type { ArchiveFile } from './archive.ts';
import { readWhole } from './content.ts';
import { finding } from './findings.ts';

const loads =
  /<(?:script|img|iframe|link|video|audio|source|track|embed|object)\b[^>]*?\s(?:src|href|data)\s*=\s*["']?((https?:)?\/\/[^"'\s>]+)/gi;
const largest = 2 * 1024 * 1024;
const pagesRead = 1000;
const reported = 50;

/** Navigates the topmost window; reading or comparing it is harmless. */
const breaksOut = /\btop\s*\.\s*location\s*(?:\.\s*href\s*)?(?:=(?!=)|\.\s*(?:replace|assign)\s*\()/;

const lineAt = (text: string, index: number): number => text.slice(0, index).split('\n').length;

/** What pages load from elsewhere: lost without a network, blocked where it is not encrypted. One finding a page and kind. */
export async function scanPages(files: readonly ArchiveFile[]): Promise<Finding[]> {
  const findings: Finding[] = [];
  const pages = files.filter(({ path, size }) => /\.x?html?$/i.test(path) && size <= largest);
  for (const page of pages.slice(0, pagesRead)) {
    if (findings.length >= reported) break;
    // The encoding does not matter: addresses are ASCII.
    const text = (await readWhole(page)).toString('latin1');
    const seen = new Set<string>();
    for (const match of text.matchAll(loads)) {
      const rule = match[2]?.toLowerCase() === 'http:' ? 'content.mixed' : 'content.external';
      if (seen.has(rule)) continue;
      seen.add(rule);
      findings.push(
        finding(
          rule,
          { file: page.path, line: lineAt(text, match.index) },
          { url: (match[1] ?? '').slice(0, 200) },
        ),
      );
    }
  }
  return findings;
}

const pathsOf = (items: readonly PackageItem[]): string[] =>
  items.flatMap(({ href, children }) => [
    ...(href === null ? [] : [href.split(/[?#]/)[0] ?? '']),
    ...pathsOf(children),
  ]);

/** Pages that items launch and that break out of frames: such content gets a window of its own. One finding a page. */
export async function scanForOwnWindow(
  files: readonly ArchiveFile[],
  items: readonly PackageItem[],
): Promise<Finding[]> {
  const launched = new Set(pathsOf(items).map(decodePath));
  const findings: Finding[] = [];
  for (const page of files) {
    if (!launched.has(page.path) || !/\.x?html?$/i.test(page.path) || page.size > largest) continue;
    const text = (await readWhole(page)).toString('latin1');
    const match = breaksOut.exec(text);
    if (match)
      findings.push(finding('content.own-window', { file: page.path, line: lineAt(text, match.index) }));
    if (findings.length >= reported) break;
  }
  return findings;
}

const decodePath = (path: string): string => {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
};
