import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A providers' file in a folder of its own; `files` are written beside it. */
export function writeProviders(
  content: unknown,
  files: Record<string, string> = {},
): { path: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'zhixing-providers-'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const path = join(folder, 'providers.json');
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return { path, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** The reference on a page that says why a sign-in failed. */
export const referenceOn = (text: string): string | null => /data-reference>([^<]+)</.exec(text)?.[1] ?? null;
