import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { languages, type Language } from '../base/languages.ts';

const folder = join(import.meta.dirname, 'messages');

type Tree = { [key: string]: string | Tree };

/** `area.nested.key` → text; each file is an area, and the `errors` of all areas meet under `errors.`. */
export function loadMessages(language: Language): Map<string, string> {
  const messages = new Map<string, string>();
  const add = (prefix: string, tree: Tree): void => {
    for (const [key, value] of Object.entries(tree)) {
      const path = `${prefix}.${key}`;
      if (typeof value === 'string') messages.set(path, value);
      else add(path, value);
    }
  };
  for (const file of readdirSync(join(folder, language)).filter((name) => name.endsWith('.json'))) {
    const { errors, ...rest } = JSON.parse(readFileSync(join(folder, language, file), 'utf8')) as Tree;
    add(file.slice(0, -'.json'.length), rest);
    if (typeof errors === 'object') add('errors', errors);
  }
  return messages;
}

const loaded = new Map(languages.map((language) => [language, loadMessages(language)]));

export const hasMessage = (key: string): boolean => loaded.get('zh-TW')?.has(key) ?? false;

/** The message with its `{{placeholders}}` filled; a key that does not exist is a fault of ours and throws. */
export function translate(language: Language, key: string, params: Record<string, unknown> = {}): string {
  const text = loaded.get(language)?.get(key);
  if (text === undefined) throw new Error(`There is no message ${key} in ${language}.`);
  return text.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, name: string) => {
    const value = params[name];
    return value === undefined || value === null ? '' : String(value);
  });
}
