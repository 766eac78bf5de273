import { existsSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** An origin that exists nowhere: the owned browser answers it from the installed font packages. */
const origin = 'https://fonts.invalid/';

/** The faces a certificate uses; every further one costs time and size. */
const faces = [
  { package: '@fontsource/noto-serif-tc', short: 'serif', weights: [400, 700] },
  { package: '@fontsource/noto-sans-tc', short: 'sans', weights: [400] },
];

export interface CertificateFonts {
  /**
   * The @font-face rules. Each family comes as some hundred files by unicode-range, so that the browser asks only for
   * those which the text needs.
   */
  css: string;
  /** The bytes behind an address in `css`; null for any other address. */
  asset(url: string): Promise<{ type: string; body: Uint8Array } | null>;
  /** The code points, as U+XXXX, that no embedded font covers: these depend on the system's fonts. */
  uncovered(text: string): string[];
}

/** Reads the rules of the installed packages once. */
export function loadCertificateFonts(): CertificateFonts {
  const resolve = createRequire(import.meta.url).resolve;
  const folders = new Map<string, string>();
  const rules: string[] = [];
  const covered: [number, number][] = [];
  for (const face of faces) {
    const folder = dirname(resolve(`${face.package}/package.json`));
    folders.set(face.short, join(folder, 'files'));
    for (const weight of face.weights) {
      const css = readFileSync(join(folder, `${weight}.css`), 'utf8');
      rules.push(
        css
          .replaceAll(/\/\*.*?\*\//gs, '')
          .replaceAll(
            /src: url\(\.\/files\/([\w.-]+\.woff2)\)[^;]*;/g,
            `src: url(${origin}${face.short}/$1) format('woff2');`,
          )
          .replaceAll('font-display: swap', 'font-display: block')
          .replaceAll(/\s*\n\s*/g, ''),
      );
      for (const [, list] of css.matchAll(/unicode-range:([^;]+);/g))
        for (const [, from, to] of (list ?? '').matchAll(/U\+([0-9A-Fa-f]+)(?:-([0-9A-Fa-f]+))?/g))
          covered.push([parseInt(from ?? '', 16), parseInt(to ?? from ?? '', 16)]);
    }
  }
  const known = new Map<number, boolean>();
  const covers = (point: number): boolean => {
    const answer = known.get(point) ?? covered.some(([from, to]) => from <= point && point <= to);
    known.set(point, answer);
    return answer;
  };
  const cache = new Map<string, Promise<Uint8Array>>();
  return {
    css: rules.join('\n'),
    async asset(url) {
      const match = /^https:\/\/fonts\.invalid\/(\w+)\/([\w-]+\.woff2)$/.exec(url);
      const folder = folders.get(match?.[1] ?? '');
      const name = match?.[2];
      if (!folder || !name || !existsSync(join(folder, name))) return null;
      let bytes = cache.get(url);
      if (!bytes) cache.set(url, (bytes = readFile(join(folder, name))));
      return { type: 'font/woff2', body: await bytes };
    },
    uncovered: (text) =>
      [...new Set(text)]
        .map((character) => character.codePointAt(0) ?? 0)
        .filter((point) => point > 0x20 && !covers(point))
        .map((point) => `U+${point.toString(16).toUpperCase().padStart(4, '0')}`),
  };
}
