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
