import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import express, { Router } from 'express';
import mime from 'mime';

const require = createRequire(import.meta.url);
const fontFolder = (name: string): string => join(dirname(require.resolve(`${name}/package.json`)), 'files');
const assetsFolder = join(import.meta.dirname, 'assets');

/** The fonts' unicode-range subsets as one style sheet, so that a page loads only the glyphs it shows. */
function fontSheet(): string {
  const weights: [family: string, name: string, weights: number[]][] = [
    ['Noto Sans TC', '@fontsource/noto-sans-tc', [400, 700]],
    ['Noto Serif TC', '@fontsource/noto-serif-tc', [600]],
  ];
  return weights
    .flatMap(([, name, list]) =>
      list.map((weight) =>
        readFileSync(require.resolve(`${name}/${weight}.css`), 'utf8')
          .replaceAll(/, url\([^)]+\.woff\) format\('woff'\)/g, '')
          .replaceAll('url(./files/', 'url(/assets/fonts/'),
      ),
    )
    .join('\n');
}

/**
 * Styles, scripts and fonts of the portal under /assets. Everything small is held in memory with its hash as ETag; fonts never
 * change under their names and are cached for a year.
 */
export function createAssetRoutes(): Router {
  const routes = Router();
  const held = new Map<string, { body: Buffer; type: string; etag: string }>();
  const hold = (name: string, body: Buffer): void => {
    const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
    held.set(name, { body, type: mime.getType(name) ?? 'application/octet-stream', etag });
  };
  for (const name of readdirSync(assetsFolder)) hold(name, readFileSync(join(assetsFolder, name)));
  hold('fonts.css', Buffer.from(fontSheet()));

  for (const name of ['@fontsource/noto-sans-tc', '@fontsource/noto-serif-tc'])
    routes.use(
      '/assets/fonts',
      express.static(fontFolder(name), { immutable: true, maxAge: '1y', index: false }),
    );
  routes.get('/assets/*path', (req, res, next) => {
    const asset = held.get((req.params as unknown as { path: string[] }).path.join('/'));
    if (!asset) return next();
    const charset = asset.type.startsWith('text/') || asset.type.includes('svg') ? '; charset=utf-8' : '';
    res.set({
      'Content-Type': `${asset.type}${charset}`,
      ETag: asset.etag,
      'Cache-Control': 'public, max-age=0, must-revalidate',
    });
    if (req.fresh) return res.status(304).end();
    return res.send(asset.body);
  });
  return routes;
}
