// The one statement of the house's order: a folder (or file) under src/ may import only those to its left.
// eslint.config.js turns it into rules.
export const importOrder = [
  'base',
  'xapi',
  'http',
  'views',
  'identity',
  'lrs',
  'player',
  'assessment',
  'courses',
  'completion',
  'credits',
  'certificates',
  'portal',
  'storage',
  'config.ts',
  'context-identity.ts',
  'context.ts',
  'app.ts',
  'main.ts',
];
