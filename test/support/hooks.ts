import { stopBrowserForTests } from './browser.ts';
import { stopMongoForTests } from './engines.ts';

/** Everything a run starts, it stops: mocha ends by itself when nothing is left open. */
export const mochaHooks = {
  async afterAll(): Promise<void> {
    await stopBrowserForTests();
    await stopMongoForTests();
  },
};
