import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../base/clock.ts';
import { languages, type Language } from '../base/languages.ts';

/** A part of a text of terms: under an optional heading, paragraphs and lists in their order. */
export interface TermsSection {
  heading: string | null;
  blocks: ({ paragraph: string } | { items: string[] })[];
}

export interface TermsText {
  /** The day from which it holds, e.g. `2026-09-01`; recorded with each consent. */
  version: string;
  title: string;
  sections: TermsSection[];
}

export interface Terms {
  /** The version in force. */
  currentVersion(): string;
  text(language: Language): TermsText;
}

/** `# title`, `## heading`, `- item`, and paragraphs: all that a text of terms needs; nothing in it becomes markup. */
export function parseTerms(version: string, source: string): TermsText {
  const text: TermsText = { version, title: '', sections: [] };
  for (const line of source.split(/\r?\n/).map((each) => each.trim())) {
    if (line === '') continue;
    if (line.startsWith('# ')) {
      text.title = line.slice(2);
      continue;
    }
    if (line.startsWith('## ')) {
      text.sections.push({ heading: line.slice(3), blocks: [] });
      continue;
    }
    if (text.sections.length === 0) text.sections.push({ heading: null, blocks: [] });
    const blocks = text.sections.at(-1)?.blocks ?? [];
    const last = blocks.at(-1);
    if (!line.startsWith('- ')) blocks.push({ paragraph: line });
    else if (last && 'items' in last) last.items.push(line.slice(2));
    else blocks.push({ items: [line.slice(2)] });
  }
  if (text.title === '' || text.sections.length === 0)
    throw new Error(`The terms of ${version} need a title and a text.`);
  return text;
}

const taipeiDay = new Intl.DateTimeFormat('en-CA', {
  timeZone: 'Asia/Taipei',
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
});

/**
 * The texts in a folder of `<version>.<language>.md`. A version is the day (in Taipei) from which it holds, so a new one
 * can be delivered before its day; before the first one's day, the first one holds.
 */
export function createTerms({
  clock,
  folder = join(import.meta.dirname, 'terms'),
}: {
  clock: Clock;
  folder?: string;
}): Terms {
  const versions = [
    ...new Set(readdirSync(folder).flatMap((name) => /^(\d{4}-\d{2}-\d{2})\..+\.md$/.exec(name)?.[1] ?? [])),
  ].toSorted();
  const texts = new Map(
    versions.flatMap((version) =>
      languages.map((language) => [
        `${version}.${language}`,
        parseTerms(version, readFileSync(join(folder, `${version}.${language}.md`), 'utf8')),
      ]),
    ),
  );
  const currentVersion = (): string => {
    const today = taipeiDay.format(clock.now());
    const current = versions.filter((version) => version <= today).at(-1) ?? versions[0];
    if (current === undefined) throw new Error(`There are no terms in ${folder}.`);
    return current;
  };
  return {
    currentVersion,
    text(language) {
      const text = texts.get(`${currentVersion()}.${language}`);
      if (!text) throw new Error(`There are no terms in ${language}.`);
      return text;
    },
  };
}
