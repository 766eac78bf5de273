import { readdirSync, readFileSync } from 'node:fs';
import { basename, join, relative, sep } from 'node:path';
import Handlebars, { type HelperOptions } from 'handlebars';
import { toClockTime } from '../base/durations.ts';
import { inLanguage, type Language, type LocalText } from '../base/languages.ts';
import { translate } from './messages.ts';

/** Templates live here; `res.render('pages/home')` names one below it. */
export const viewsFolder = import.meta.dirname;

type Rendered = (error: Error | null, html?: string) => void;

const languageOf = (options: HelperOptions): Language => {
  const { language } = options.data.root as { language?: Language };
  return language ?? 'zh-TW';
};
/** Taiwan's days: an instant is shown on the calendar of Taipei. */
const taipei = new Intl.DateTimeFormat('en-CA', {
  timeZone: 'Asia/Taipei',
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
});
const taipeiTime = new Intl.DateTimeFormat('en-GB', {
  timeZone: 'Asia/Taipei',
  hour: '2-digit',
  minute: '2-digit',
});
const taipeiSeconds = new Intl.DateTimeFormat('en-GB', {
  timeZone: 'Asia/Taipei',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
});
const isoDay = (date: Date): string => taipei.format(date);
const rocDay = (date: Date): string => {
  const [year, month, day] = isoDay(date).split('-');
  return `${Number(year) - 1911}.${month}.${day}`;
};

const helpers: Record<string, (...args: never[]) => unknown> = {
  t: (key: string, options: HelperOptions) => translate(languageOf(options), key, options.hash),
  local: (text: LocalText | null | undefined, options: HelperOptions) =>
    text ? inLanguage(text, languageOf(options)) : '',
  clockTime: (seconds: number) => toClockTime(seconds),
  date: (date: Date | null, options: HelperOptions) =>
    date ? (languageOf(options) === 'en' ? isoDay(date) : `${isoDay(date)}`) : '',
  rocDate: (date: Date | null) => (date ? rocDay(date) : ''),
  dateTime: (date: Date | null) => (date ? `${isoDay(date)} ${taipeiTime.format(date)}` : ''),
  dateTimeSeconds: (date: Date | null) => (date ? `${isoDay(date)} ${taipeiSeconds.format(date)}` : ''),
  isoTime: (date: Date | null) => date?.toISOString() ?? '',
  number: (value: number) => (Number.isInteger(value) ? String(value) : value.toFixed(1)),
  /** A value as part of a query string. */
  encodeURIComponent: (text: string) => encodeURIComponent(text),
  eq: (a: unknown, b: unknown) => a === b,
  not: (a: unknown) => !a,
  or: (...args: unknown[]) => args.slice(0, -1).some(Boolean),
  and: (...args: unknown[]) => args.slice(0, -1).every(Boolean),
  gt: (a: number, b: number) => a > b,
  add: (a: number, b: number) => a + b,
  concat: (...args: unknown[]) => args.slice(0, -1).join(''),
  includes: (list: unknown[] | undefined, one: unknown) => list?.includes(one) ?? false,
};

/** Templates are written with Chinese punctuation; an English page has its own. */
const punctuation: readonly [RegExp, string][] = [
  [/：/g, ': '],
  [/(?<![\s>])（/g, ' ('],
  [/（/g, '('],
  [/）/g, ')'],
  [/、/g, ', '],
  [/／/g, ' / '],
  [/～/g, '–'],
  [/　/g, '&ensp;'],
];
class English extends Handlebars.Visitor {
  // Only the template's own text: what it shows comes as it is.
  override ContentStatement(content: hbs.AST.ContentStatement): void {
    content.value = punctuation.reduce((text, [mark, own]) => text.replace(mark, own), content.value);
  }
}

/** Handlebars of our own for one language, with every helper and partial (`layouts/…`, `partials/…` by path) registered. */
function createTemplates(language: Language): (path: string) => Handlebars.TemplateDelegate {
  const own = Handlebars.create();
  const read = (path: string): Handlebars.TemplateDelegate => {
    const program = own.parse(readFileSync(path, 'utf8'));
    if (language === 'en') new English().accept(program);
    return own.compile(program, { preventIndent: true });
  };
  for (const [name, helper] of Object.entries(helpers))
    own.registerHelper(name, helper as Handlebars.HelperDelegate);
  for (const folder of ['layouts', 'partials'])
    for (const file of readdirSync(join(viewsFolder, folder)).filter((name) => name.endsWith('.hbs')))
      own.registerPartial(`${folder}/${basename(file, '.hbs')}`, read(join(viewsFolder, folder, file)));
  const compiled = new Map<string, Handlebars.TemplateDelegate>();
  return (path) => {
    const template = compiled.get(path) ?? read(path);
    compiled.set(path, template);
    return template;
  };
}

/** The express view engine. Templates are compiled once for each language. */
export function createViewEngine(): (path: string, data: object, done: Rendered) => void {
  const templates = { 'zh-TW': createTemplates('zh-TW'), en: createTemplates('en') };
  return (path, data, done) => {
    try {
      const { language = 'zh-TW' } = data as { language?: Language };
      const template = templates[language](path);
      const page = relative(join(viewsFolder, 'pages'), path)
        .replace(/\.hbs$/, '')
        .split(sep)
        .join('/');
      done(null, template({ ...data, page }, { allowProtoPropertiesByDefault: false }));
    } catch (error) {
      done(error as Error);
    }
  };
}
