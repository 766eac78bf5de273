import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { loadMessages, translate } from '../../src/views/messages.ts';
import { createViewEngine, viewsFolder } from '../../src/views/engine.ts';

const zh = loadMessages('zh-TW');
const en = loadMessages('en');
const placeholders = (text: string): string[] =>
  [...text.matchAll(/\{\{\s*(\w+)\s*\}\}/g)].map(([, name]) => name ?? '').toSorted();
const templates = readdirSync(viewsFolder, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith('.hbs'))
  .map((entry) => join(entry.parentPath, entry.name));
const sources = readdirSync(join(viewsFolder, '..'), { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
  .map((entry) => join(entry.parentPath, entry.name));

describe('templates', () => {
  const render = createViewEngine();
  const page = (language: string): Promise<string> =>
    new Promise((resolve, reject) =>
      render(
        join(viewsFolder, 'pages/error.hbs'),
        {
          language,
          error: {
            status: 400,
            heading: 'invalid',
            text: '（文）',
            problems: [{ path: 'a', message: '值：b' }],
          },
        },
        (error, html) => (error ? reject(error) : resolve(html ?? '')),
      ),
    );

  it('have Chinese punctuation in Chinese and English in English, and leave what they show as it is', async () => {
    expect(await page('zh-TW')).to.include('<code>a</code>：值：b');
    const english = await page('en');
    expect(english).to.include('<code>a</code>: 值：b').and.include('（文）');
    expect(english.replaceAll('值：b', '').replaceAll('（文）', '')).to.not.match(/[：（）／　]/);
  });
});

describe('messages', () => {
  it('exist in both languages, and English fills no placeholder that Chinese does not have', () => {
    expect([...en.keys()].toSorted()).to.deep.equal([...zh.keys()].toSorted());
    for (const [key, text] of zh)
      expect(placeholders(text), key).to.include.members(placeholders(en.get(key) ?? ''));
  });

  it('are not empty, and the Chinese ones are Chinese', () => {
    for (const [key, text] of [...zh, ...en]) expect(text.trim(), key).to.not.equal('');
    const latin = [...zh].filter(([, text]) => !/\p{Script=Han}/u.test(text)).map(([key]) => key);
    // Names and units that are the same in both languages.
    expect(latin.length / zh.size).to.be.below(0.1);
  });

  it('are there for every key that a template or the code names', () => {
    const missing = new Set<string>();
    for (const file of templates)
      for (const [, key = ''] of readFileSync(file, 'utf8').matchAll(/(?:\{\{|\()t "([^"]+)"/g))
        if (!zh.has(key)) missing.add(key);
    for (const file of sources)
      for (const [, key = ''] of readFileSync(file, 'utf8').matchAll(/translate\(\s*[\w.]+,\s*'([^'$]+)'/g))
        if (!zh.has(key)) missing.add(key);
    expect([...missing]).to.deep.equal([]);
  });

  it('fill their placeholders and refuse a key that does not exist', () => {
    expect(translate('zh-TW', 'courses.found', { count: 3 })).to.equal('共 3 門課程');
    expect(() => translate('en', 'no.such.key')).to.throw('no.such.key');
  });
});
