import { Readable } from 'node:stream';
import { ZipFile } from 'yazl';
import type { Language } from '../../base/languages.ts';
import { translate } from '../../views/messages.ts';
import type { DataRow, DataSection, StatementRows } from './sections.ts';

export interface ArchiveSource {
  ids: readonly string[];
  language: Language;
  madeAt: Date;
  sections: readonly DataSection[];
  statements: StatementRows;
  /** Called for each row that was written, of whatever file. */
  onRow: (rows: number) => Promise<void>;
}

const entities: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
const escape = (text: string): string => text.replace(/[&<>"']/g, (one) => entities[one] ?? one);

/** A value as people read it; what has parts becomes a list of them. */
function readable(value: unknown): string {
  if (value === null || value === undefined || value === '') return '--';
  if (Array.isArray(value)) return value.length === 0 ? '--' : value.map(readable).join('、');
  if (value instanceof Date) return value.toISOString();
  if (typeof value === 'object') {
    const parts = Object.entries(value).map(([key, part]) => `${key}: ${readable(part)}`);
    return parts.length === 0 ? '--' : parts.join('；');
  }
  return String(value);
}

const style = `body{font-family:system-ui,"Noto Sans TC",sans-serif;line-height:1.6;max-width:72rem;margin:0 auto;padding:1.5rem;color:#1c2b2a;background:#fff}
h1,h2{line-height:1.3}table{border-collapse:collapse;width:100%;margin:0 0 2rem}th,td{border:1px solid #b8c4c2;padding:.35rem .6rem;text-align:left;vertical-align:top;overflow-wrap:anywhere}
th{background:#eef4f3}dl{display:grid;grid-template-columns:max-content 1fr;gap:.25rem 1rem;margin:0 0 1.5rem;padding:0 0 1rem;border-bottom:1px solid #b8c4c2}dt{color:#51625f}dd{margin:0;overflow-wrap:anywhere;white-space:pre-wrap}
@media(max-width:40rem){dl{grid-template-columns:1fr}dd{margin:0 0 .5rem}}`;

const head = (language: Language, title: string): string =>
  `<!doctype html>\n<html lang="${language === 'en' ? 'en' : 'zh-Hant-TW'}">\n<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${escape(title)}</title><style>${style}</style></head>\n<body>\n`;

/** The name of a field; what has none is shown by its own. */
const labelOf = (language: Language, field: string): string => {
  try {
    return translate(language, `privacy.field.${field}`);
  } catch {
    return field;
  }
};

async function* indexPage(source: ArchiveSource): AsyncIterable<string> {
  const { language, madeAt, sections, ids } = source;
  const t = (key: string, params: Record<string, unknown> = {}): string =>
    escape(translate(language, `privacy.${key}`, params));
  yield head(language, translate(language, 'privacy.archive.title'));
  yield `<h1>${t('archive.title')}</h1>\n<p>${t('archive.intro', { when: madeAt.toISOString() })}</p>\n<ul>`;
  for (const file of ['data.json', 'statements.html', 'statements.json'])
    yield `<li>${file.endsWith('html') ? `<a href="${file}">${file}</a>` : `<code>${file}</code>`}　${t(`archive.file.${file.replace('.', '_')}`)}</li>`;
  yield '</ul>\n';
  for (const section of sections) {
    yield `<h2>${t(`section.${section.name}`)}</h2>\n`;
    let rows = 0;
    for await (const row of section.rows(ids)) {
      rows++;
      yield `<dl>${Object.entries(row)
        .map(
          ([key, value]) => `<dt>${escape(labelOf(language, key))}</dt><dd>${escape(readable(value))}</dd>`,
        )
        .join('')}</dl>\n`;
      await source.onRow(1);
    }
    if (rows === 0) yield `<p>${t('archive.nothing')}</p>\n`;
  }
  yield '</body></html>\n';
}

async function* dataJson(source: ArchiveSource): AsyncIterable<string> {
  yield `{"madeAt":${JSON.stringify(source.madeAt)}`;
  for (const section of source.sections) {
    yield `,\n${JSON.stringify(section.name)}:[`;
    let rows = 0;
    for await (const row of section.rows(source.ids)) {
      yield `${rows++ === 0 ? '\n' : ',\n'}${JSON.stringify(row satisfies DataRow)}`;
      await source.onRow(1);
    }
    yield ']';
  }
  yield '}\n';
}

async function* statementsPage({ language, statements, ids, onRow }: ArchiveSource): AsyncIterable<string> {
  const title = translate(language, 'privacy.section.statements');
  const heading = (key: string): string => escape(translate(language, `privacy.field.${key}`));
  yield head(language, title);
  yield `<h1>${escape(title)}</h1>\n<table><thead><tr><th scope="col">${heading('at')}</th><th scope="col">${heading('sentence')}</th></tr></thead><tbody>\n`;
  for await (const { at, sentence } of statements.rows(ids)) {
    yield `<tr><td>${escape(at)}</td><td>${escape(sentence(language))}</td></tr>\n`;
    await onRow(1);
  }
  yield '</tbody></table>\n</body></html>\n';
}

async function* statementsJson({ statements, ids, onRow }: ArchiveSource): AsyncIterable<string> {
  yield '[';
  let rows = 0;
  for await (const { body } of statements.rows(ids)) {
    yield `${rows++ === 0 ? '\n' : ',\n'}${body}`;
    await onRow(1);
  }
  yield '\n]\n';
}

/**
 * All that is kept about a person as a ZIP: a page to read, the same as JSON, and the Statements as both. Written while it
 * is read: it holds a page of rows at a time, however many there are.
 */
export function archiveOf(source: ArchiveSource): Readable {
  const zip = new ZipFile();
  const output = zip.outputStream as Readable;
  // What goes wrong while a file is written breaks the whole archive off, so that it is not taken for whole.
  zip.on('error', (error: Error) => output.destroy(error));
  const files: [string, () => AsyncIterable<string>][] = [
    ['index.html', () => indexPage(source)],
    ['data.json', () => dataJson(source)],
    ['statements.html', () => statementsPage(source)],
    ['statements.json', () => statementsJson(source)],
  ];
  for (const [name, content] of files)
    zip.addReadStreamLazy(name, { mtime: source.madeAt }, (give) => {
      const file = Readable.from(content(), { objectMode: false });
      file.on('error', (error) => output.destroy(error));
      give(null, file);
    });
  zip.end();
  return output;
}
