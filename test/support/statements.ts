import { newUuid } from '../../src/base/ids.ts';
import type { Authority } from '../../src/lrs/types.ts';
import type { Statement } from '../../src/xapi/types.ts';

/** A valid Statement; what a test does not care about is made up. */
export const aStatement = (overrides: Partial<Statement> = {}): Statement => ({
  id: newUuid(),
  actor: { objectType: 'Agent', account: { homePage: 'http://localhost:8080', name: 'learner-1' } },
  verb: { id: 'http://adlnet.gov/expapi/verbs/experienced', display: { 'en-US': 'experienced' } },
  object: { objectType: 'Activity', id: 'http://localhost:8080/courses/ZX1' },
  ...overrides,
});

export const agentNamed = (name: string) => ({
  objectType: 'Agent' as const,
  account: { homePage: 'http://localhost:8080', name },
});

export const platform: Authority = {
  id: 'platform',
  agent: { objectType: 'Agent', account: { homePage: 'http://localhost:8080', name: 'platform' } },
};
