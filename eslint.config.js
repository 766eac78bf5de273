import { createTypeScriptImportResolver } from 'eslint-import-resolver-typescript';
import importX from 'eslint-plugin-import-x';
import tseslint from 'typescript-eslint';
import { importOrder } from './import-order.js';

/** A folder's zone: nothing to its right may be imported into it. */
const upward = importOrder.slice(0, -1).map((folder, at) => ({
  target: `./src/${folder}`,
  from: importOrder
    .slice(at + 1)
    // storage implements the ports (*/store.ts) and nothing else of the modules: see the zone below.
    .map((later) => `./src/${later}`),
  message: `src/${folder} may import only: ${importOrder.slice(0, at).join(', ') || 'nothing'} (import-order.js).`,
}));

const storageSeesPortsOnly = importOrder
  .slice(importOrder.indexOf('http'), importOrder.indexOf('storage'))
  .map((folder) => ({
    target: './src/storage',
    from: `./src/${folder}`,
    except: [
      './store.ts',
      './providers/store.ts',
      './packages/store.ts',
      './sessions/store.ts',
      './runtime/store.ts',
      './admin/store.ts',
      './mail/store.ts',
      './audit/store.ts',
      './agencies/store.ts',
      './personas/store.ts',
      './privacy/store.ts',
    ],
    message: 'storage imports only */store.ts, base and xapi.',
  }));

const drivers = ['better-sqlite3', 'mongoose', 'mongodb'];

export default tseslint.config(
  { ignores: ['node_modules', 'build', 'data', 'content/**/*.js', '.tmp', '**/*.cjs'] },
  ...tseslint.configs.recommended,
  {
    plugins: { 'import-x': importX },
    settings: { 'import-x/resolver-next': [createTypeScriptImportResolver()] },
    rules: {
      'no-console': 'error',
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'import-x/no-cycle': ['error', { ignoreExternal: true }],
      'import-x/no-default-export': 'error',
      'import-x/no-restricted-paths': ['error', { zones: [...upward, ...storageSeesPortsOnly] }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
    },
  },
  {
    files: ['src/**/*.ts'],
    ignores: ['src/storage/**'],
    rules: {
      'no-restricted-imports': [
        'error',
        { paths: drivers.map((name) => ({ name, message: 'Only storage/ imports a database driver.' })) },
      ],
    },
  },
  {
    files: ['src/**/*.ts'],
    ignores: [
      'src/storage/**',
      'src/http/**',
      'src/**/*routes*',
      'src/portal/**',
      'src/app.ts',
      'src/identity/**/*strateg*',
    ],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          paths: [
            ...drivers.map((name) => ({ name, message: 'Only storage/ imports a database driver.' })),
            {
              name: 'express',
              message: 'Only http/, */routes* and portal/ import express.',
              allowTypeImports: false,
            },
          ],
        },
      ],
    },
  },
  // A library's own shape, described because it brings no types.
  { files: ['**/*.d.ts'], rules: { 'import-x/no-default-export': 'off', 'no-restricted-imports': 'off' } },
  {
    files: ['*.js', 'scripts/**', 'test/**', 'bench/**', 'content/**', 'bin/**'],
    rules: {
      'no-console': 'off',
      'import-x/no-default-export': 'off',
      '@typescript-eslint/no-unused-expressions': 'off',
    },
  },
);
