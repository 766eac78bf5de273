import { readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { expect } from 'chai';

const root = join(import.meta.dirname, '../..');

// Switching engines changes no line outside src/storage/: nothing else asks which one it is.
describe('storage engines', () => {
  it('are told apart in src/storage/ only, save where the configuration names the database', () => {
    const asks = /\bmongodbUri\b|\bengine\s*[!=]==?|'mongodb'|'sqlite'|better-sqlite3|from 'mongoose'/;
    const found = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && !file.startsWith('storage'))
      .filter((file) => asks.test(readFileSync(join(root, 'src', file), 'utf8')));
    expect(found).to.deep.equal(['config.ts']);
  });

  it('have every port in the contract suite', () => {
    const suite = readdirSync(join(root, 'test/contract'))
      .filter((file) => readFileSync(join(root, 'test/contract', file), 'utf8').includes('onEveryEngine('))
      .map((file) => readFileSync(join(root, 'test/contract', file), 'utf8'))
      .join('\n');
    const fieldsOf = (file: string, type: string): string[] => {
      const body = new RegExp(`export interface ${type} \\{\n([\\s\\S]*?)\n\\}`).exec(
        readFileSync(join(root, file), 'utf8'),
      );
      return [...(body?.[1] ?? '').matchAll(/^ {2}(\w+): \w*Stores?;$/gm)].map(([, field = '']) => field);
    };
    const ports = [
      ...fieldsOf('src/storage/open.ts', 'Storage').filter((field) => field !== 'lrs'),
      ...fieldsOf('src/lrs/store.ts', 'LrsStores'),
    ];
    expect(ports).to.include.members(['identity', 'blobs', 'courses', 'statements', 'feed']);
    expect(ports.filter((port) => !new RegExp(`\\b${port}\\b`).test(suite))).to.deep.equal([]);
    // Every file of ports is named there or has its port opened by `Storage`: a new one cannot stay out.
    const opened = readFileSync(join(root, 'src/storage/open.ts'), 'utf8');
    const declared = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('store.ts'))
      .flatMap((file) => [
        ...readFileSync(join(root, 'src', file), 'utf8').matchAll(/^export interface (\w+Store) /gm),
      ])
      .map(([, port = '']) => port);
    const within = readFileSync(join(root, 'src/lrs/store.ts'), 'utf8');
    expect(declared.filter((port) => !opened.includes(port) && !within.includes(`: ${port};`))).to.deep.equal(
      [],
    );
  });
});

describe('docs/architecture.md', () => {
  it('names every folder of the house', () => {
    const page = readFileSync(join(root, 'docs/architecture.md'), 'utf8');
    const folders = readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
      .map((entry) =>
        entry.parentPath
          .slice(root.length + 1)
          .split(sep)
          .slice(0, 3)
          .join('/'),
      );
    expect(
      [...new Set(folders)].filter((folder) => folder !== 'src' && !page.includes(`\`${folder}`)),
    ).to.deep.equal([]);
  });
});

describe('docs/decisions', () => {
  it('has each number once, in the name and in the title', () => {
    const folder = join(root, 'docs/decisions');
    const files = readdirSync(folder);
    const numbers = files.map((file) => Number(file.slice(0, 4)));
    expect(numbers).to.deep.equal([...new Set(numbers)]);
    for (const [n, file] of files.entries())
      expect(readFileSync(join(folder, file), 'utf8').split('\n')[0], file).to.match(
        new RegExp(`^# ${numbers[n]}\\. `),
      );
  });

  it('are there, all that the code and the documents name', () => {
    const folders = ['src', 'docs', 'scripts', 'test'];
    const known = new Set(readdirSync(join(root, 'docs/decisions')).map((file) => Number(file.slice(0, 4))));
    const named = folders.flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
        .filter((file) => /\.(ts|md)$/.test(file))
        .flatMap((file) => [
          ...readFileSync(join(root, folder, file), 'utf8').matchAll(
            /decisions\/(\d{4})|\bdecision (\d+)\b/g,
          ),
        ])
        .map(([, inPath, inText]) => Number(inPath ?? inText)),
    );
    expect(named).to.include(4);
    expect(named.filter((number) => !known.has(number))).to.deep.equal([]);
  });
});

describe('README.md', () => {
  it('or the page on operations that it leads to names every command', () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    const pages = ['README.md', 'docs/operations.md'].map((page) => readFileSync(join(root, page), 'utf8'));
    const operations = ['backup', 'restore', 'rotate-id-key', 'audit-verify', 'migrate-store', 'kill-test'];
    expect(Object.keys(scripts)).to.include.members(operations);
    expect(operations.filter((name) => !pages.join().includes(`npm run ${name}`))).to.deep.equal([]);
    expect(pages[0]).to.include('npm run rotate-id-key');
  });
});
