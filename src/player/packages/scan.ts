import type { Finding } from '../types.ts';
import type { ArchiveFile } from './archive.ts';
import { readWhole } from './content.ts';
import { finding } from './findings.ts';

const loads =
  /<(?:script|img|iframe|link|video|audio|source|track|embed|object)\b[^>]*?\s(?:src|href|data)\s*=\s*["']?((https?:)?\/\/[^"'\s>]+)/gi;
const largest = 2 * 1024 * 1024;
const pagesRead = 1000;
const reported = 50;

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
