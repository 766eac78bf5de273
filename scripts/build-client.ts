// Bundles the browser's scripts into build/client: the entries keep their names (served with ETags), chunks carry a hash.
import { cp, mkdir, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { build, stop } from 'esbuild';

const root = join(import.meta.dirname, '..');

/** Bundles src/player/client into `outdir`; the folder is emptied first. */
export async function buildClient(outdir = join(root, 'build/client')): Promise<void> {
  await rm(outdir, { recursive: true, force: true });
  await mkdir(outdir, { recursive: true });
  await build({
    entryPoints: ['frame.ts', 'plain.ts', 'player-page.ts'].map((name) =>
      join(root, 'src/player/client', name),
    ),
    outdir,
    bundle: true,
    splitting: true,
    format: 'esm',
    target: 'es2022',
    platform: 'browser',
    minify: true,
    sourcemap: false,
    chunkNames: '[name]-[hash]',
    legalComments: 'none',
    logLevel: 'warning',
  });
  // Its service process would keep whoever asked from ending.
  await stop();
  // What the PDF viewer loads by itself: its worker, and the tables of CJK encodings and standard fonts.
  const pdfjs = dirname(createRequire(import.meta.url).resolve('pdfjs-dist/package.json'));
  for (const name of ['cmaps', 'standard_fonts'])
    await cp(join(pdfjs, name), join(outdir, 'pdf', name), { recursive: true });
  await cp(join(pdfjs, 'build/pdf.worker.min.mjs'), join(outdir, 'pdf/pdf.worker.min.mjs'));
}
