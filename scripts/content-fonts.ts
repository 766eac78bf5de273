import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** The faces of the sample courses: text in Sans, headings in Serif (the browser makes its own bold). */
const faces = [
  { package: '@fontsource/noto-sans-tc', weight: 400 },
  { package: '@fontsource/noto-serif-tc', weight: 700 },
];

export interface ContentFonts {
  css: string;
  /** Name beside the CSS → the file of the font package. */
  files: Map<string, string>;
}

/**
 * The web fonts for these texts: of each family's many files (by unicode-range) only those that hold a character of theirs.
 * A package must bring its own: it runs on its own origin, and a machine may have no Traditional Chinese font.
 */
export function fontsFor(texts: readonly string[]): ContentFonts {
  const points = [...new Set(texts.join(''))].map((character) => character.codePointAt(0) ?? 0);
  const resolve = createRequire(import.meta.url).resolve;
  const files = new Map<string, string>();
  const rules: string[] = [];
  for (const face of faces) {
    const folder = dirname(resolve(`${face.package}/package.json`));
    const css = readFileSync(join(folder, `${face.weight}.css`), 'utf8').replaceAll(/\/\*.*?\*\//gs, '');
    for (const [rule] of css.matchAll(/@font-face\s*\{[^}]*\}/g)) {
      const name = /\.\/files\/([\w.-]+\.woff2)/.exec(rule)?.[1];
      const ranges = [
        ...(/unicode-range:([^;]+);/.exec(rule)?.[1] ?? '').matchAll(
          /U\+([0-9A-Fa-f]+)(?:-([0-9A-Fa-f]+))?/g,
        ),
      ].map(([, from = '', to = from]) => [parseInt(from, 16), parseInt(to, 16)] as const);
      if (!name || !points.some((point) => ranges.some(([from, to]) => from <= point && point <= to)))
        continue;
      files.set(name, join(folder, 'files', name));
      rules.push(rule.replace(/src:[^;]*;/, `src: url('${name}') format('woff2');`));
    }
  }
  return { css: `${rules.join('\n')}\n`, files };
}
